//! Law of a route's condition: it allows, refuses or fails, and never allows together with its opposite.

use brama_policy::deciding::{Decision, Request, Step};
use brama_policy::identity::Answer;
use serde_json::json;

use crate::gateway;

/// Input, between zero bytes: the condition, the value of the header that it may read, the number of a thing.
///
/// # Panics
/// A condition and its opposite both allow, or a conjunction with a false condition allows.
pub fn holds_for(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut parts = text.split('\0');
    let (Some(condition), purpose, thing) = (parts.next(), parts.next(), parts.next()) else { return };
    let allows = |condition: &str| allows(condition, purpose.unwrap_or("care"), thing.unwrap_or("7"));
    // Only a condition by itself: other text may become another condition in parentheses.
    let Some(holds) = allows(condition) else { return };
    let opposite = allows(&format!("!({condition}\n)"));
    assert!(!(holds && opposite == Some(true)), "both {condition:?} and its opposite hold");
    assert_ne!(allows(&format!("({condition}\n) && request.host == \"other.example\"")), Some(true), "{condition:?}");
}

/// Outcome of a request under this condition, `true` if it passes; `None`: the policy is refused.
fn allows(condition: &str, purpose: &str, thing: &str) -> Option<bool> {
    let policy = gateway::compile(&gateway::with("/routes/1/require/conditions", json!([condition])))?;
    let path = format!("/things/{thing}");
    let headers = [
        (":method", "GET"),
        (":authority", "api.example:8080"),
        (":path", &*path),
        ("authorization", "Bearer opaque"),
        ("x-purpose", purpose),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
    Some(match policy.begin(&Request::new(&headers), gateway::now()) {
        Step::Done(decision) => matches!(decision, Decision::Allow(_)),
        Step::Ask(_lookup, awaiting) => {
            let step = awaiting.resume(Answer::Active(gateway::facts()), gateway::now());
            matches!(step, Step::Done(Decision::Allow(_)))
        }
    })
}
