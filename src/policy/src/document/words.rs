//! Owns the words of faults of shape: serde's messages, as an author of documents reads them, and what was meant.

use crate::fault::nearest;

/// A message of serde in the words of documents: keys and words for its fields and variants, values for its types.
pub(super) fn in_our_words(message: &str) -> String {
    let of_type = message.strip_prefix("invalid type: ").and_then(|rest| rest.split_once(", expected "));
    if let Some((found, wanted)) = of_type {
        return format!("{wanted} belongs here, not {}", value_in_our_words(found));
    }
    [("unknown field ", "unknown key "), ("missing field ", "missing key "), ("unknown variant ", "unknown word ")]
        .into_iter()
        .find_map(|(theirs, ours)| message.strip_prefix(theirs).map(|rest| format!("{ours}{rest}")))
        .unwrap_or_else(|| message.to_owned())
}

fn value_in_our_words(found: &str) -> String {
    match found.split_once(' ') {
        Some(("integer", number)) => format!("the number {number}"),
        Some(("floating", rest)) => format!("the number {}", rest.trim_start_matches("point ")),
        Some(("boolean", value)) => format!("{value}, which is yes or no"),
        Some(("string", _text)) => "a text".to_owned(),
        Some(_) => found.to_owned(),
        None => match found {
            "sequence" => "a list".to_owned(),
            "map" => "an object".to_owned(),
            found => found.to_owned(),
        },
    }
}

/// The hint at the name that was probably meant, from serde's message about an unknown field or variant.
pub(super) fn meant(message: &str) -> Option<String> {
    let (unknown, expected) = message.strip_prefix("unknown ")?.split_once(", expected ")?;
    let text = unknown.split('`').nth(1)?;
    nearest(text, expected.split('`').skip(1).step_by(2)).or_else(|| elsewhere(text))
}

/// The hint for a value that should be a text: its unit, or quotes.
pub(super) fn unquoted(message: &str, pointer: &str) -> Option<String> {
    let found = message.strip_prefix("a text belongs here, not ")?;
    let key = pointer.rsplit('/').next().unwrap_or_default();
    match found.strip_prefix("the number `").and_then(|number| number.strip_suffix('`')) {
        Some(number) if SPANS.contains(&key) && number.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(format!("did you mean `{number}s`?"))
        }
        Some(number) => Some(format!("put it in quotes: `\"{number}\"`")),
        None if found.ends_with("yes or no") => {
            Some("YAML takes `yes`, `no`, `on`, `off`, `y` and `n` for that, too: put the text in quotes".to_owned())
        }
        None => None,
    }
}

/// The keys of durations.
const SPANS: [&str; 8] = ["every", "leeway", "max_lag", "max_stale", "refused_ttl", "serve_for", "timeout", "ttl"];

/// The hint for a key that authors look for, and that another key or filter of Envoy stands for.
fn elsewhere(key: &str) -> Option<String> {
    let plain: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
    let hint = match plain.to_ascii_lowercase().as_str() {
        "ratelimit" | "ratelimits" | "limit" | "limits" | "throttle" | "quota" => {
            "how often a client may ask is Envoy's to bound: `envoy.filters.http.local_ratelimit`, or `ratelimit`"
        }
        "cors" => "CORS is Envoy's: `envoy.filters.http.cors`, before this filter",
        "readonly" => "a route lets pass what its `methods` name: for reading alone, `[GET, HEAD]`",
        "ip" | "ips" | "cidr" | "cidrs" | "allowips" | "iprange" => {
            "addresses are Envoy's to judge: `envoy.filters.http.rbac`, by `remote_ip`"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}
