//! The law of conditions that say nothing: what the check takes can hold and can be false, of requests that are really
//! sent, or it is linted; and what is linted has one outcome.
//!
//! Places that depend on one another are not read in one condition: `request.path` and captures, a list and its length,
//! the names of headers and a header by its name. A condition that is constant for that reason alone is not told.

mod condition;
mod request;

use std::collections::BTreeMap;
use std::sync::Arc;

use self::condition::Tree;
use self::request::{Place, Value, outcome};
use brama_policy::deciding::{Policy, PolicyDocument};
use proptest::prelude::*;

fn document(condition: &str) -> String {
    serde_json::json!({
        "version": 1, "name": "x",
        "authorities": { "a": { "cluster": "a", "host": "a", "timeout": "1s", "auth": { "bearer_env": "S" } } },
        "credentials": { "token": { "header": "authorization", "scheme": "Bearer",
            "cache": { "ttl": "1s", "refused_ttl": "1s", "entries": 1 },
            "verify": [{ "introspect": { "authority": "a", "path": "/i", "hint": "t", "expect": { "/u": "t" } } }] } },
        "forward": { "headers": {} },
        "refusals": { "format": "bare" },
        "routes": [{ "id": "r", "methods": ["GET", "PUT"], "hosts": ["api.example", "*.b.example"],
            "path": "/c/{id}/{uuid:uuid}/{n:int}",
            "require": { "credentials": ["token"], "scopes": "none", "conditions": [condition] } }],
    })
    .to_string()
}

/// Requests that differ in what the condition can tell apart; `None` where they are too many.
fn requests(tree: &Tree) -> Option<Vec<BTreeMap<Place, Value>>> {
    let mut requests = vec![BTreeMap::new()];
    for place in tree.places() {
        // Of values for which all its tests come to the same, one is as good as another.
        let values: BTreeMap<_, _> =
            place.values(tree)?.into_iter().map(|value| (tree.row(place, &value), value)).collect();
        if requests.len() * values.len() > 2000 {
            return None;
        }
        let with = |request: &BTreeMap<Place, Value>, value: &Value| {
            let mut request = request.clone();
            request.insert(place, value.clone());
            request
        };
        requests = requests.iter().flat_map(|request| values.values().map(move |value| with(request, value))).collect();
    }
    Some(requests)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn condition_can_hold_and_can_be_false_or_is_linted(tree in condition::tree()) {
        let condition = tree.written();
        let document = PolicyDocument::read(&document(&condition)).unwrap();
        let Ok(policy) = Policy::compile(&document) else { return Ok(()) };
        let Some(requests) = requests(&tree) else { return Ok(()) };
        let is_linted = policy.lints(&document).iter().any(|lint| lint.code == "condition_constant");
        let policy = Arc::new(policy);
        let outcomes: Vec<_> = requests.iter().map(|request| outcome(&policy, request)).collect();
        let (held, was_false) = (outcomes.contains(&Some(true)), outcomes.contains(&Some(false)));
        prop_assert_ne!(held && was_false, is_linted, "{}: held: {}, was false: {}", condition, held, was_false);
    }
}
