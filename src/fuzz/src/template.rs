//! Law of a route's path in a policy: where it matches a request's path, its literals stand where they are written.

use brama_policy::deciding::{CanonicalPath, Decision, Request, Step};
use serde_json::json;

use crate::gateway;
use crate::path::decoded;

/// Input, in two lines: the path in a policy, and the path of a request.
///
/// # Panics
/// A path was allowed that the template does not describe.
pub fn holds_for(lines: &[u8]) {
    let Ok(text) = std::str::from_utf8(lines) else { return };
    let Some((template, sent)) = text.split_once('\n') else { return };
    let route = json!([{ "id": "r", "methods": ["GET"], "path": template, "public": { "because": "tried" } }]);
    let Some(policy) = gateway::compile(&gateway::with("/routes", route)) else { return };
    let headers = [(":method", "GET"), (":authority", "h"), (":path", sent)];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
    let Step::Done(decision) = policy.begin(&Request::new(&headers), gateway::now()) else {
        panic!("a public route asks nobody")
    };
    let Decision::Allow(_grant) = decision else { return };
    let path = CanonicalPath::parse(sent.as_bytes()).expect("what is allowed has one reading");
    assert!(describes(template, path.segments()), "{template:?} does not describe {sent:?}");
    assert!(template.split('/').skip(1).all(is_plain), "{template:?} reads like another router's");
}

/// Plainness of a segment: other routers have no wildcard like it.
fn is_plain(segment: &str) -> bool {
    let is_capture = segment.starts_with('{') && segment.ends_with('}') && !segment.contains(['*', '?', '+', '=', '$']);
    let is_wild = segment.contains(['*', '?', '<', '>', '[', ']', '{', '}', '^', '|', '\\'])
        || segment.starts_with([':', '(', '#'])
        || ["...", "$", "+", ".+"].contains(&segment)
        || segment.ends_with('$');
    is_capture || !is_wild
}

fn describes<T: AsRef<str>>(template: &str, sent: &[T]) -> bool {
    let wanted: Vec<&str> = template.split('/').skip(1).collect();
    let takes_rest = wanted.last().is_some_and(|last| last.ends_with("...}"));
    let lengths = if takes_rest { sent.len() >= wanted.len() } else { sent.len() == wanted.len() };
    lengths
        && wanted.iter().zip(sent).all(|(wanted, sent)| {
            let sent = sent.as_ref();
            match wanted.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                None => decoded(wanted) == sent,
                Some(name) if name.ends_with(":int") => {
                    sent.parse::<i64>().is_ok_and(|number| number.to_string() == sent)
                }
                Some(name) if name.ends_with(":uuid") => {
                    sent.len() == 36 && sent.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'))
                }
                Some(name) if name.ends_with("...") => true,
                Some(_name) => !sent.is_empty(),
            }
        })
}
