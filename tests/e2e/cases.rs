//! Every policy's cases through Envoy; `src/replay/tests/cases.rs` judges the same ones natively. There are no
//! exceptions: a case is decided here and there alike, or it fails.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use brama_e2e::authority::Mode;
use brama_e2e::client::Reply;
use brama_e2e::corpus::{Case, Corpus, Identity};
use brama_e2e::policy::Policy;
use brama_e2e::stack::{Gateway, Plan, project};
use brama_e2e::table::Table;
use serde_json::{Value, json};

/// What became of a case.
struct Outcome<'c> {
    case: &'c Case,
    policy: &'c Policy,
    reply: Reply,
    /// The headers as the service saw them; `None` where nothing got through.
    arrived: Option<Vec<(String, String)>>,
    /// The access log's entry.
    entry: Value,
}

impl Outcome<'_> {
    /// What is otherwise than the case says.
    fn differences(&self) -> Vec<String> {
        let (expect, logged) = (&self.case.expect, |name: &str| self.entry[name].as_str().filter(|text| *text != "-"));
        let decision = if expect.refuse.is_some() { "refuse" } else { "allow" };
        let rule = expect.allow.as_deref().or(expect.rule.as_deref());
        let mut differences = Differences(Vec::new());
        differences.add("decision", Some(decision), logged("decision"));
        differences.add("rule", rule, logged("rule"));
        differences.add("denial", expect.refuse.as_deref(), logged("denial"));
        differences.add("would_refuse", expect.would_refuse.as_deref(), logged("would_refuse"));
        match (&self.arrived, decision) {
            (Some(headers), "allow") => self.compare_headers(headers, &mut differences),
            (None, "refuse") => self.compare_refusal(&mut differences),
            (arrived, _) => differences.add("arrived", None, Some(format!("{arrived:?}"))),
        }
        differences.0
    }

    fn compare_headers(&self, arrived: &[(String, String)], differences: &mut Differences) {
        let values = |wanted: &str| {
            let values = arrived.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
            values.map(|(_, value)| value.as_str()).collect::<Vec<_>>()
        };
        let expect = &self.case.expect;
        for (name, value) in expect.forward.iter().flatten() {
            differences.add(&format!("forward.{name}"), Some(vec![value.as_str()]), Some(values(name)));
        }
        // Nobody's request carries nobody's identity.
        let nothing = expect.forward.as_ref().is_some_and(BTreeMap::is_empty);
        let set = self.policy.sets();
        for name in set.iter().filter(|name| nothing && !values(name).is_empty()) {
            differences.add(&format!("forward.{name}"), None, Some(values(name)));
        }
        for name in expect.remove.iter().flatten().filter(|name| !set.contains(&name.to_lowercase())) {
            differences.add(&format!("remove.{name}"), Some(Vec::new()), Some(values(name)));
        }
        // Whatever a case says: what only the gateway may tell is its own word, said once.
        let sent = |value: &String| self.case.request.headers.iter().any(|(_, sent)| sent == value);
        let passed: BTreeSet<_> = expect.allow.iter().flat_map(|rule| self.policy.passes(rule)).collect();
        let reserved = arrived.iter().filter(|(name, _)| self.policy.reserves(name) && !passed.contains(name));
        for (name, value) in reserved {
            let expected = expect.forward.as_ref().and_then(|forward| forward.get(name));
            if !set.contains(name) || values(name).len() > 1 || (sent(value) && expected != Some(value)) {
                differences.add(&format!("reserved.{name}"), None, Some(value));
            }
        }
    }

    fn compare_refusal(&self, differences: &mut Differences) {
        let Self { case: Case { expect, request, .. }, policy, reply, .. } = self;
        if let Some(status) = expect.status {
            differences.add("status", Some(status), Some(reply.status));
        }
        let body = || serde_json::from_str::<Value>(&reply.text()).unwrap_or_default();
        let (kind, message) = match policy.format() {
            // RFC 9110, 9.3.2: there is no body to read.
            _ if request.method == "HEAD" => return,
            "ehealth" => (Some("application/json"), reply.envelope()["error"]["message"].clone()),
            "problem" => (Some("application/problem+json"), body()["detail"].clone()),
            "bare" => {
                differences.add("body", Some(""), Some(reply.text().as_str()));
                (None, Value::Null)
            }
            other => panic!("nobody knows where `{other}` has the message"),
        };
        differences.add("content-type", kind, reply.header("content-type"));
        match &expect.message {
            Some(wanted) => differences.add("message", Some(wanted.as_str()), message.as_str()),
            // Words there are, whichever.
            None => differences.add("message", Some(kind.is_some()), Some(message.is_string())),
        }
    }
}

struct Differences(Vec<String>);

impl Differences {
    fn add<T: PartialEq + std::fmt::Debug>(&mut self, key: &str, expected: Option<T>, found: Option<T>) {
        if expected != found {
            self.0.push(format!("{key}: {expected:?} expected, {found:?} found"));
        }
    }
}

/// Sends every case, and tells what was otherwise than written.
fn differences(corpus: &Corpus, gateway: &Gateway) -> Vec<String> {
    let id = |number: usize| format!("case-{number}");
    let send = |(number, case): (usize, &Case)| {
        println!("{}: {}", corpus.policy.path().display(), case.name);
        let reply = case.call(&corpus.policy, &id(number)).send(gateway.address());
        (reply, headers(&gateway.tap.take()))
    };
    // The log is read when all is sent, since its entries are written a moment after the answers.
    let sent: Vec<_> = corpus.cases.iter().enumerate().map(send).collect();
    let mut found = Vec::new();
    for (number, (case, (reply, arrived))) in corpus.cases.iter().zip(sent).enumerate() {
        let entry = gateway.logged(&id(number));
        let outcome = Outcome { case, policy: &corpus.policy, reply, arrived, entry };
        let differences = outcome.differences();
        if !differences.is_empty() {
            let place = corpus.policy.path().file_name().unwrap().display();
            found.push(format!("{place}: {}: {}; {}", case.name, differences.join("; "), outcome.entry));
        }
    }
    found
}

/// The headers of the one request that the service was sent.
fn headers(sent: &str) -> Option<Vec<(String, String)>> {
    if sent.is_empty() {
        return None;
    }
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    let length = request.parse(sent.as_bytes()).unwrap().unwrap();
    assert_eq!(length, sent.len(), "one request without a body: {sent}");
    let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
    let path = (":path".to_owned(), request.path.unwrap().to_owned());
    let headers = request.headers.iter().map(|header| (header.name.to_lowercase(), text(header.value)));
    Some([path].into_iter().chain(headers).collect())
}

/// The service's own data, in which exactly the identities are known.
fn fixture(corpus: &Corpus) -> Value {
    assert_eq!(corpus.clocks().len(), 1, "the service's authority goes by its own clock");
    let facts = |kind| {
        corpus.identities(kind).map(|(name, identity)| match identity {
            Identity::Facts(facts) => {
                let known = ["subject", "client_id", "client_type", "scope"];
                assert!(facts.keys().all(|fact| known.contains(&fact.as_str())), "{name}: the service knows {known:?}");
                (name, facts)
            }
            Identity::Word(_) => panic!("{name}: the service's authority vouches for whom it knows"),
        })
    };
    let mut clients = BTreeMap::new();
    // The scope of an API key is its client's, so those come last and stay.
    for (_, facts) in facts("token").chain(facts("api_key")) {
        let client = json!({"id": facts["client_id"], "name": "a case's", "client_type": facts["client_type"], "scope": facts["scope"], "is_blocked": false});
        clients.insert(facts["client_id"].to_string(), client);
    }
    let tokens = facts("token").map(|(name, facts)| {
        json!({"value": name, "name": "access_token", "user_id": facts["subject"], "client_id": facts["client_id"], "scope": facts["scope"], "expires_in": 3600})
    });
    let connections = facts("api_key").enumerate().map(|(number, (name, facts))| {
        json!({"id": format!("c0000000-0000-4000-8000-{number:012}"), "client_id": facts["client_id"], "consumer_id": facts["client_id"], "secret": name, "redirect_uri": "https://a.example"})
    });
    json!({
        "clients": clients.values().collect::<Vec<_>>(),
        "tokens": tokens.collect::<Vec<_>>(),
        "connections": connections.collect::<Vec<_>>(),
        "contracts": [],
        "contract_divisions": [],
    })
}

#[test]
fn every_case_of_every_policy_is_decided_as_written() {
    let corpora = Corpus::all();
    assert!(corpora.len() >= 4, "policies/ and the examples in it");
    let mut found = Vec::new();
    for corpus in &corpora {
        let gateway = Plan::with_policy(corpus.policy.path().to_owned()).start();
        gateway.authority.set(Mode::Table(Table::of(corpus).into()));
        found.extend(differences(corpus, &gateway));
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_case_of_the_shipped_policy_is_decided_as_written_by_the_services_own_authority() {
    let corpus = Corpus::read(&project().join("policies/ehealth.cases.yaml"));
    let folder = tempfile::tempdir().unwrap();
    let fixtures = folder.path().join("fixtures.json");
    fs::write(&fixtures, fixture(&corpus).to_string()).unwrap();
    let found = differences(&corpus, &Plan::with_data(fixtures).start());
    assert!(found.is_empty(), "{found:#?}");
}
