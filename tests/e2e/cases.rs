//! The shipped policy's cases through Envoy; `src/replay/tests/cases.rs` judges the same ones natively.

use std::collections::BTreeMap;
use std::fs;

use serde::Deserialize;
use serde_json::json;

use crate::client::Call;
use crate::stack::{Gateway, Plan, project};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Corpus {
    #[serde(rename = "policy")]
    _policy: String,
    api_keys: BTreeMap<String, Identity>,
    tokens: BTreeMap<String, Identity>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Identity {
    subject: Option<String>,
    client_id: String,
    client_type: String,
    scope: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    request: Request,
    expect: Expected,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    method: String,
    path: String,
    host: Option<String>,
    api_key: Option<String>,
    token: Option<String>,
    #[serde(default)]
    headers: Vec<(String, String)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    allow: Option<String>,
    forward: Option<BTreeMap<String, String>>,
    refuse: Option<String>,
    rule: Option<String>,
    status: Option<u16>,
}

impl Corpus {
    /// Data in which exactly the corpus's identities are known, under values made of their names.
    fn fixture(&self) -> serde_json::Value {
        let mut clients = BTreeMap::new();
        // The scope of an API key is its client's, so those come last and stay.
        for identity in self.tokens.values().chain(self.api_keys.values()) {
            let client = json!({"id": identity.client_id, "name": "a case's", "client_type": identity.client_type, "scope": identity.scope, "is_blocked": false});
            clients.insert(&identity.client_id, client);
        }
        let tokens = self.tokens.iter().map(|(name, identity)| {
            json!({"value": format!("token-{name}"), "name": "access_token", "user_id": identity.subject, "client_id": identity.client_id, "scope": identity.scope, "expires_in": 3600})
        });
        let connections = self.api_keys.iter().enumerate().map(|(number, (name, identity))| {
            json!({"id": format!("c0000000-0000-4000-8000-{number:012}"), "client_id": identity.client_id, "consumer_id": identity.client_id, "secret": format!("key-{name}"), "redirect_uri": "https://a.example"})
        });
        json!({
            "clients": clients.into_values().collect::<Vec<_>>(),
            "tokens": tokens.collect::<Vec<_>>(),
            "connections": connections.collect::<Vec<_>>(),
            "contracts": [],
            "contract_divisions": [],
        })
    }
}

impl Case {
    fn call(&self, id: &str) -> Call {
        let request = &self.request;
        let mut call = Call::new(&request.method, &request.path).header("x-request-id", id);
        if let Some(host) = &request.host {
            call = call.header("Host", host);
        }
        if let Some(token) = &request.token {
            call = call.token(&format!("token-{token}"));
        }
        if let Some(key) = &request.api_key {
            call = call.api_key(&format!("key-{key}"));
        }
        request.headers.iter().fold(call, |call, (name, value)| call.header(name, value))
    }

    /// What Envoy, the plugin and the upstream made of the case otherwise than it says.
    fn difference(&self, number: usize, gateway: &Gateway) -> Option<String> {
        let id = format!("case-{number}");
        let reply = self.call(&id).send(gateway.address());
        reply.envelope();
        let entry = gateway.logged(&id);
        let sent = gateway.tap.take();
        let text = |name: &str| entry[name].as_str().map(str::to_owned);
        if let Some(rule) = &self.expect.allow {
            let header = |(name, value): (&String, &String)| sent.contains(&format!("\r\n{name}: {value}\r\n"));
            let forwarded = match &self.expect.forward {
                None => true,
                // Nobody's request carries nobody's identity.
                Some(none) if none.is_empty() => !sent.contains("x-consumer") && !sent.contains("x-person"),
                Some(identity) => identity.iter().all(header),
            };
            let passed =
                text("decision").as_deref() == Some("allow") && text("rule").as_ref() == Some(rule) && !sent.is_empty();
            return (!passed || !forwarded).then(|| format!("{}: {entry} {sent}", self.name));
        }
        let refused = text("denial") == self.expect.refuse
            && text("rule").filter(|rule| rule != "-") == self.expect.rule
            && Some(reply.status) == self.expect.status
            && sent.is_empty();
        (!refused).then(|| format!("{}: {entry} {sent}", self.name))
    }
}

#[test]
fn every_case_is_decided_as_written() {
    let corpus: Corpus =
        serde_saphyr::from_str(&fs::read_to_string(project().join("policies/ehealth.cases.yaml")).unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let fixtures = folder.path().join("fixtures.json");
    fs::write(&fixtures, corpus.fixture().to_string()).unwrap();
    let gateway = Plan::with_data(fixtures).start();
    let differences: Vec<_> =
        corpus.cases.iter().enumerate().filter_map(|(number, case)| case.difference(number, &gateway)).collect();
    assert!(differences.is_empty(), "{differences:#?}");
}
