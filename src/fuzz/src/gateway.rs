//! Owns the policy under which inputs are tried, and the keys, secrets and facts of its parties.

use std::rc::Rc;
use std::sync::{Arc, LazyLock};

use brama_engine::config::Settings;
use brama_fake::Clock;
use brama_policy::deciding::{Moment, Policy, PolicyDocument};
use brama_policy::identity::{Credential, CredentialKind, Fact, Facts, KeySet, Lookup};
use serde_json::Value;

/// A policy with every kind of verifier, forwarded header, requirement and mode once.
pub(crate) const DOCUMENT: &str = include_str!("gateway.json");

/// The policy of [`DOCUMENT`].
pub(crate) fn policy() -> &'static Arc<Policy> {
    static POLICY: LazyLock<Arc<Policy>> = LazyLock::new(|| compile(DOCUMENT).unwrap());
    &POLICY
}

/// The plugin's configuration with that policy.
pub(crate) fn settings() -> Rc<Settings> {
    thread_local! {
        static SETTINGS: Rc<Settings> =
            Rc::new(Settings::load(DOCUMENT.as_bytes(), |_name| Some("s3cret".to_owned())).unwrap());
    }
    SETTINGS.with(Rc::clone)
}

/// The policy of a text; `None`: it is refused.
pub(crate) fn compile(text: &str) -> Option<Arc<Policy>> {
    let document = PolicyDocument::read(text).ok()?;
    Policy::compile(&document).ok().map(Arc::new)
}

/// [`DOCUMENT`] with one value changed.
pub(crate) fn with(pointer: &str, value: Value) -> String {
    let mut document: Value = serde_json::from_str(DOCUMENT).unwrap();
    *document.pointer_mut(pointer).unwrap() = value;
    document.to_string()
}

pub(crate) fn lookup(kind: CredentialKind, credential: &str) -> Option<Lookup> {
    policy().lookup(kind, credential.parse::<Credential>().ok()?)
}

/// The issuer's keys: those of RFC 7515, A.2 and A.3.
pub(crate) const KEYS: &str = r#"{"keys":[
{"kty":"RSA","kid":"r","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"},
{"kty":"EC","kid":"e","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;

pub(crate) fn keys() -> &'static KeySet {
    static SET: LazyLock<KeySet> = LazyLock::new(|| KeySet::parse(KEYS.as_bytes()).unwrap());
    &SET
}

/// Wall clock at the start, in Unix seconds.
pub(crate) const WALL: u64 = Clock::START;

/// The clocks at the start.
pub(crate) fn now() -> Moment {
    Clock::default().moment()
}

/// Facts of a caller that every route of the policy allows, on its own paths.
pub(crate) fn facts() -> Arc<Facts> {
    let fact = |text: &str| Some(text.parse::<Fact>().unwrap());
    let mut facts = Facts::none();
    facts.subject = fact("u1");
    facts.client_id = fact(CLIENT);
    facts.client_type = fact("MSP");
    facts.scope = "thing:delete thing:read".parse().unwrap();
    facts.further = vec![("tenant".into(), "t".parse().unwrap())];
    Arc::new(facts)
}

pub(crate) const CLIENT: &str = "1380df72-275a-11e7-93ae-92361f002671";

/// Asserts that a fact is the text that was stated, or absent.
///
/// # Panics
/// The fact differs from what is stated.
pub(crate) fn assert_stated(stated: &Value, fact: Option<&Fact>) {
    match fact {
        Some(fact) => assert_eq!(stated.as_str(), Some(fact.as_str())),
        // Only text that can be read is a fact.
        None => assert!(stated.as_str().is_none_or(|text| text.parse::<Fact>().is_err()), "{stated}"),
    }
}

/// Asserts that facts are fit for a header.
pub(crate) fn assert_sound(facts: &Facts) {
    let single = [&facts.subject, &facts.client_id, &facts.client_type];
    let further = facts.further.iter().map(|(_name, fact)| fact);
    for fact in single.into_iter().flatten().chain(further) {
        let text = fact.as_str();
        assert!((1..=256).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{text:?}");
    }
    for scope in facts.scope.iter() {
        assert!(!scope.is_empty() && scope.bytes().all(|byte| byte.is_ascii_graphic()), "{scope:?}");
    }
}
