//! Law of a policy document: it is compiled, or refused with its faults, and only what is written to be open is open.

use brama_policy::deciding::{Decision, Policy, PolicyDocument, Request, Step};
use serde_json::Value;

/// Input: the text of a document.
///
/// # Panics
/// A refused document has no fault, or one that opens a route lacks the words for that.
pub fn holds_for(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let read = PolicyDocument::read(text);
    let compiled = read.and_then(|document| Policy::compile(&document).map(|policy| (document, policy)));
    let (document, policy) = match compiled {
        Ok(compiled) => compiled,
        Err(faults) => return assert!(faults.iter().next().is_some(), "refused without a fault"),
    };
    for lint in policy.lints(&document) {
        assert!(!lint.message.is_empty() && !lint.hint.is_empty(), "{lint:?}");
    }
    let policy = std::sync::Arc::new(policy);
    let opens = document.routes.iter().any(|route| {
        let method = route.methods.first().map_or("GET", String::as_str);
        let headers = [(":method", method), (":authority", "h"), (":path", &*route.path)];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
        matches!(policy.begin(&Request::new(&headers), crate::gateway::now()), Step::Done(Decision::Allow(_)))
    });
    assert!(!opens || is_written(text), "it opens, and does not say so");
}

/// Presence of a word for openness: `public` as a member of an object, or `shadow` as a value.
fn is_written(text: &str) -> bool {
    fn says(value: &Value) -> bool {
        match value {
            Value::Object(members) => members.iter().any(|(name, value)| name == "public" || says(value)),
            Value::Array(values) => values.iter().any(says),
            Value::String(text) => text == "shadow",
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
    serde_json::from_str(text).is_ok_and(|value| says(&value))
}
