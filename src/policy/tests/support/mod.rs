//! Requests and identities as the tests write them.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use brama_policy::deciding::{Decision, Moment, Monotonic, Policy, PolicyDocument, Request, Step, UnixTime};

/// The policy that ships.
pub(crate) fn ehealth() -> Arc<Policy> {
    static SHIPPED: OnceLock<Arc<Policy>> = OnceLock::new();
    Arc::clone(SHIPPED.get_or_init(|| policy(include_str!("../../../../policies/ehealth.yaml"))))
}

#[track_caller]
pub(crate) fn policy(yaml: &str) -> Arc<Policy> {
    let document: serde_json::Value = serde_saphyr::from_str(yaml).unwrap();
    let document = PolicyDocument::read(&document.to_string()).unwrap();
    Arc::new(Policy::compile(&document).unwrap())
}

/// A request's headers, pseudo-headers first.
pub(crate) fn headers(method: &str, path: &str, further: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
    [(":method", method), (":scheme", "http"), (":authority", "api.example"), (":path", path)]
        .iter()
        .chain(further)
        .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
        .collect()
}

/// Judges a request; `authority` answers each lookup.
pub(crate) fn judge(
    policy: &Arc<Policy>,
    headers: &[(String, Vec<u8>)],
    mut authority: impl FnMut(&brama_policy::identity::Lookup) -> brama_policy::identity::Answer,
) -> Decision {
    let mut step = policy.begin(&Request::new(headers), now());
    loop {
        match step {
            Step::Done(decision) => return decision,
            Step::Ask(lookup, awaiting) => step = awaiting.resume(authority(&lookup), now()),
        }
    }
}

pub(crate) fn now() -> Moment {
    Moment { wall: UnixTime::from_seconds(1_700_000_000), monotonic: Monotonic::from_origin(Duration::from_secs(5)) }
}

/// The faults of a document; nothing of a sound one.
pub(crate) fn faults(yaml: &str) -> Vec<String> {
    let document: serde_json::Value = serde_saphyr::from_str(yaml).unwrap();
    match PolicyDocument::read(&document.to_string()).and_then(|document| Policy::compile(&document)) {
        Ok(_policy) => Vec::new(),
        Err(faults) => faults.iter().map(ToString::to_string).collect(),
    }
}
