//! Owns the wording of an explanation: comparisons, and the meaning of denials.

use brama_policy::authoring::{Difference, NearMiss};
use brama_policy::deciding::{Denial, FactReference, Grant, Policy, UnixTime};
use brama_policy::identity::{CredentialKind, Fact, Facts, GrantedScopes, Scope, Scopes, Stated, WantedScopes};
use brama_replay::Statement;
use serde_json::{Map, Value, json};

/// A denial in words: its reason as in the log, else the meaning of its code.
pub(crate) fn lack(denial: &Denial, policy: &Policy) -> String {
    policy.reason(denial).unwrap_or_else(|| {
        let meaning = match denial {
            Denial::RouteUnknown => "no route is for this method, host and path",
            Denial::CredentialRefused(_, _) => "nobody vouches for it",
            Denial::CredentialExpired(_) => "it has ended",
            Denial::CredentialNotYetValid(_) => "it has not begun",
            // These denials occur in a gateway only, or have a reason.
            other => other.code(),
        };
        meaning.to_owned()
    })
}

/// A denial in words, with the kind of the credential that it is about.
pub(crate) fn lack_with_kind(denial: &Denial, policy: &Policy) -> String {
    match denial.credential() {
        Some(kind) => format!("{}: {}", kind.as_str(), lack(denial, policy)),
        None => lack(denial, policy),
    }
}

/// A sentence of the core as part of a longer one: without its final period, and with `the` in lower case.
pub(crate) fn quoted(sentence: &str) -> String {
    let sentence = sentence.strip_suffix('.').unwrap_or(sentence);
    sentence.strip_prefix("The ").map_or_else(|| sentence.to_owned(), |rest| format!("the {rest}"))
}

/// The reason why a credential is not verified, by what is stated about it.
pub(crate) fn not_verified(denial: &Denial, statement: &Statement, policy: &Policy, now: UnixTime) -> String {
    match (denial, statement) {
        (Denial::CredentialExpired(_), Statement::Active(facts)) => {
            let end = facts.expires.map_or(0, seconds);
            format!("it has ended, at {end}; now is {}", seconds(now))
        }
        (Denial::CredentialNotYetValid(_), Statement::Active(facts)) => {
            let begin = facts.not_before.map_or(0, seconds);
            format!("it has not begun, and will at {begin}; now is {}", seconds(now))
        }
        (Denial::CredentialRefused(_, _), Statement::Nothing) => {
            "nothing is stated about it, so nobody vouches for it".to_owned()
        }
        (Denial::CredentialRefused(_, _), Statement::Unwritable(fact)) => fact.to_string(),
        (
            _,
            Statement::Nothing
            | Statement::Refused
            | Statement::Unavailable
            | Statement::Active(_)
            | Statement::Unwritable(_),
        ) => lack(denial, policy),
    }
}

/// Seconds since 1970, with the fraction that was stated.
pub(crate) fn instant(time: UnixTime) -> String {
    UnixTime::from_seconds(0).until(time).as_secs_f64().to_string()
}

pub(crate) fn seconds(time: UnixTime) -> u64 {
    UnixTime::from_seconds(0).until(time).as_secs()
}

/// The facts that are stated: `client_id 7a1f…, scope "a b"`.
pub(crate) fn facts(facts: &Facts) -> String {
    let standard = [("subject", &facts.subject), ("client_id", &facts.client_id), ("client_type", &facts.client_type)];
    let standard = standard.into_iter().filter_map(|(name, fact)| Some((name, Stated::Text(fact.as_ref()?.as_str()))));
    let further = facts.further.iter().map(|(name, fact)| (&**name, fact.stated()));
    let scope = format!("scope \"{}\"", facts.scope);
    let not_before = facts.not_before.map(|begin| format!("not_before {}", instant(begin)));
    let expires = facts.expires.map(|end| format!("expires {}", instant(end)));
    let words = standard.chain(further).map(|(name, fact)| format!("{name} {fact}"));
    words.chain([scope]).chain(not_before).chain(expires).collect::<Vec<_>>().join(", ")
}

pub(crate) fn facts_json(facts: &Facts) -> Value {
    let text = |fact: &Option<Fact>| json!(fact.as_ref().map(Fact::as_str));
    let mut object: Map<_, _> = [
        ("subject", text(&facts.subject)),
        ("client_id", text(&facts.client_id)),
        ("client_type", text(&facts.client_type)),
        ("scope", json!(facts.scope.to_string())),
        ("expires", json!(facts.expires.map(seconds))),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into_iter()
    .collect();
    object.extend(facts.not_before.map(|begin| ("not_before".to_owned(), json!(seconds(begin)))));
    object.extend(facts.further.iter().map(|(name, fact)| (name.to_string(), fact.stated().json())));
    Value::Object(object)
}

/// A fact and what it is: `token.client_id is 7a1f…`.
pub(crate) fn stated(reference: &FactReference, value: Option<Stated<'_>>) -> String {
    match value {
        Some(value) => format!("{reference} is {value}"),
        None => format!("{reference} is not stated"),
    }
}

pub(crate) fn scopes(of: &CredentialKind, wanted: &WantedScopes, granted: &GrantedScopes) -> String {
    let has =
        if granted.iter().next().is_none() { "none".to_owned() } else { granted.iter().collect::<Vec<_>>().join(", ") };
    let verdict = match wanted.missing(granted) {
        None => "enough".to_owned(),
        Some(missing) => format!("missing {}", list(&missing)),
    };
    format!("{} needs {}; it has {has}: {verdict}", of.as_str(), named(wanted))
}

/// The scopes that are wanted: `all of a, b`.
pub(crate) fn named(wanted: &WantedScopes) -> String {
    let how = match (wanted, wanted.named().iter().count()) {
        (WantedScopes::All(_) | WantedScopes::Any(_), 1) => "",
        (WantedScopes::All(_), _) => "all of ",
        (WantedScopes::Any(_), _) => "any of ",
    };
    format!("{how}{}", list(wanted.named()))
}

/// Scopes with commas between them, for people. A header has spaces there.
fn list(scopes: &Scopes) -> String {
    scopes.iter().map(Scope::as_str).collect::<Vec<_>>().join(", ")
}

pub(crate) fn scopes_json(wanted: &WantedScopes, granted: &GrantedScopes) -> Value {
    let named: Vec<_> = wanted.named().iter().map(Scope::as_str).collect();
    let how = match wanted {
        WantedScopes::All(_) => "all",
        WantedScopes::Any(_) => "any",
    };
    let missing = wanted.missing(granted);
    let missing: Vec<_> = missing.iter().flat_map(|missing| missing.iter()).map(Scope::as_str).collect();
    let granted: Vec<_> = granted.iter().collect();
    json!({ "wanted": { how: named }, "granted": granted, "missing": missing })
}

/// The headers that are removed and set before the request goes on to the service, and what a credential is taken out
/// of.
pub(crate) fn forwarded(grant: &Grant) -> Vec<String> {
    let removed = match grant.remove() {
        [] => "nothing is removed".to_owned(),
        names => format!("removed: {}", names.join(", ")),
    };
    let set = grant.set().iter().map(|(name, value)| format!("set {name}: {value}"));
    let set: Vec<_> = if grant.set().is_empty() { vec!["nothing is set".to_owned()] } else { set.collect() };
    let places = [("the query", grant.target()), ("`cookie`", grant.cookies())];
    let taken = places.into_iter().filter(|(_place, left)| left.is_some());
    let taken = taken.map(|(place, _left)| format!("a credential is taken out of {place}"));
    [removed].into_iter().chain(taken).chain(set).collect()
}

/// `true` if the route could have taken the request that another one took.
pub(crate) const fn is_rival(apart: &Difference<'_>) -> bool {
    match apart {
        Difference::Nothing | Difference::Capture { .. } => true,
        Difference::Method | Difference::Host | Difference::Slash | Difference::Literal { .. } => false,
    }
}

/// A near route, and the reason why it was not taken.
pub(crate) fn near(near: &NearMiss<'_>, is_routed: bool) -> String {
    format!("not {}  {}: {}", near.route.rule().as_str(), near.route.path(), why_not(near, is_routed))
}

/// The reason why a near route was not taken.
pub(crate) fn why_not(near: &NearMiss<'_>, is_routed: bool) -> String {
    let route = &near.route;
    match &near.apart {
        Difference::Nothing if is_routed => "it matches too, and is less specific".to_owned(),
        Difference::Nothing => "it matches, and so would others for another reader of the path".to_owned(),
        Difference::Method => format!("it is for {}", route.methods().join(", ")),
        Difference::Host => {
            let hosts: Vec<_> = route.hosts().map(|host| host.to_string()).collect();
            format!("it is for {}", hosts.join(", "))
        }
        Difference::Slash => "its path has no slash at the end".to_owned(),
        Difference::Literal { wanted, sent } => format!("its path has `{wanted}` for `{sent}`"),
        Difference::Capture { name, takes, sent } => format!("{name} takes {takes}, and `{sent}` is none"),
    }
}

pub(crate) const fn apart_code(apart: &Difference<'_>) -> &'static str {
    match apart {
        Difference::Nothing => "less_specific",
        Difference::Method => "method",
        Difference::Host => "host",
        Difference::Slash => "trailing_slash",
        Difference::Literal { .. } => "literal",
        Difference::Capture { .. } => "capture",
    }
}
