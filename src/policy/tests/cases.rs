//! The shipped policy's cases, judged by the core alone; `tests/e2e/cases.rs` sends the same ones through Envoy.

#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test support"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use brama_policy::{Answer, CredentialKind, Decision, Facts, Lookup};
use serde::Deserialize;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

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
struct Case {
    name: String,
    request: CaseRequest,
    expect: Expected,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseRequest {
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

/// What an identity's authority states, as a case writes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Identity {
    subject: Option<String>,
    client_id: Option<String>,
    client_type: Option<String>,
    #[serde(default)]
    scope: String,
}

impl Identity {
    fn facts(&self) -> Facts {
        let fact = |text: &Option<String>| text.as_ref().map(|text| text.parse().unwrap());
        Facts {
            subject: fact(&self.subject),
            client_id: fact(&self.client_id),
            client_type: fact(&self.client_type),
            scope: self.scope.parse().unwrap(),
            expires: None,
            further: Vec::new(),
        }
    }
}

fn corpus() -> Corpus {
    serde_saphyr::from_str(include_str!("../../../policies/ehealth.cases.yaml")).unwrap()
}

impl Case {
    fn headers(&self) -> Vec<(String, Vec<u8>)> {
        let request = &self.request;
        let mut headers = support::headers(&request.method, &request.path, &[]);
        if let Some(host) = &request.host {
            headers[2].1 = host.clone().into_bytes();
        }
        let token = request.token.as_ref().map(|token| ("authorization".to_owned(), format!("Bearer {token}")));
        let api_key = request.api_key.as_ref().map(|api_key| ("api-key".to_owned(), api_key.clone()));
        let further = token.into_iter().chain(api_key).chain(request.headers.iter().cloned());
        headers.extend(further.map(|(name, value)| (name, value.into_bytes())));
        headers
    }

    fn judge(&self, corpus: &Corpus) -> Decision {
        support::judge(&support::ehealth(), &self.headers(), |lookup: &Lookup| {
            let identities = match lookup.kind() {
                CredentialKind::ApiKey => &corpus.api_keys,
                CredentialKind::Token => &corpus.tokens,
            };
            let known = identities.get(lookup.credential().expose_secret());
            known.map_or(Answer::Inactive, |identity| Answer::Active(Arc::new(identity.facts())))
        })
    }

    /// What is wrong with a decision, if anything.
    fn difference(&self, decision: &Decision) -> Option<String> {
        let expect = &self.expect;
        let (found, wanted) = match decision {
            Decision::Allow(grant) => {
                let forward: BTreeMap<_, _> = grant.set().iter().cloned().collect();
                if expect.forward.iter().flatten().any(|(name, value)| forward.get(name) != Some(value))
                    || expect.forward.as_ref().is_some_and(|wanted| wanted.is_empty() != forward.is_empty())
                {
                    return Some(format!("forwards {forward:?}"));
                }
                (format!("allow {}", grant.rule().unwrap().as_str()), format!("allow {}", expect.allow.as_deref()?))
            }
            Decision::Refuse(refused) => {
                let rule = refused.rule().map(|rule| rule.as_str().to_owned());
                let denial = refused.denial();
                (
                    format!("refuse {} {rule:?} {}", denial.code(), denial.status()),
                    format!(
                        "refuse {} {:?} {}",
                        expect.refuse.as_deref().unwrap_or("nothing"),
                        expect.rule,
                        expect.status.unwrap_or(0)
                    ),
                )
            }
        };
        (found != wanted).then(|| format!("{found}, expected {wanted}"))
    }
}

#[test]
fn every_case_is_decided_as_written() {
    let corpus = corpus();
    let differences: Vec<_> = corpus
        .cases
        .iter()
        .filter_map(|case| {
            let decision = case.judge(&corpus);
            let allowed_but_refusal_expected = matches!(decision, Decision::Allow(_)) && case.expect.allow.is_none();
            let difference = case.difference(&decision).or(allowed_but_refusal_expected.then(|| "allowed".to_owned()));
            difference.map(|difference| format!("{}: {difference}", case.name))
        })
        .collect();
    assert!(differences.is_empty(), "{differences:#?}");
    assert!(corpus.cases.len() > 30);
}

#[test]
fn every_rule_is_seen_to_allow_and_to_refuse() {
    let corpus = corpus();
    let (mut allowing, mut refusing) = (BTreeSet::new(), BTreeSet::new());
    for case in &corpus.cases {
        match case.judge(&corpus) {
            Decision::Allow(grant) => allowing.insert(grant.rule().unwrap().as_str().to_owned()),
            Decision::Refuse(refused) => refused.rule().is_some_and(|rule| refusing.insert(rule.as_str().to_owned())),
        };
    }
    let rules: BTreeSet<_> = support::ehealth().rules().map(|rule| rule.as_str().to_owned()).collect();
    assert_eq!(allowing, rules);
    // A public route refuses nobody.
    let guarded = rules.into_iter().filter(|rule| rule != "readyz").collect();
    assert_eq!(refusing, guarded);
}

#[test]
fn names_of_cases_are_their_own() {
    let corpus = corpus();
    let names: BTreeSet<_> = corpus.cases.iter().map(|case| &case.name).collect();
    assert_eq!(names.len(), corpus.cases.len());
}
