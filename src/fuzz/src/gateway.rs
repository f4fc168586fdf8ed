//! Owns the policy under which inputs are tried, and the keys, secrets and facts of its parties.

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::{Arc, LazyLock};

use brama_engine::config::Settings;
use brama_fake::Clock;
use brama_policy::deciding::{Moment, Policy, PolicyDocument};
use brama_policy::identity::{Credential, Fact, FactList, FactValue, Facts, KeySet, Lookup};
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

pub(crate) fn lookup(kind: &str, credential: &str) -> Option<Lookup> {
    policy().lookup(policy().credential(kind)?, credential.parse::<Credential>().ok()?)
}

/// The lookup of a token where there are three issuers, one of them with tenants, and two authorities.
pub(crate) fn lookup_among_several(token: &str) -> Option<Lookup> {
    static POLICY: LazyLock<Arc<Policy>> = LazyLock::new(|| {
        let document: Value = serde_json::from_str(DOCUMENT).unwrap();
        let [own, asked] =
            ["0", "1"].map(|number| document.pointer(&format!("/credentials/token/verify/{number}")).unwrap());
        let [mut other, mut tenants, mut prefixed] = [own.clone(), own.clone(), asked.clone()];
        other["jwt"]["issuer"] = "https://other.example".into();
        tenants["jwt"]["issuer"] = "https://login.example/{tenant}/v2.0".into();
        tenants["jwt"]["tenant"] = serde_json::json!({ "claim": "/tid", "allow": ["t1"] });
        prefixed["introspect"]["when"] = serde_json::json!({ "prefix": "pat_" });
        let verify = Value::Array(vec![own.clone(), prefixed, other, tenants, asked.clone()]);
        compile(&with("/credentials/token/verify", verify)).unwrap()
    });
    POLICY.lookup(POLICY.credential("token")?, token.parse::<Credential>().ok()?)
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
    let list = |entries: &[&str]| FactValue::List(FactList::new(entries.iter().copied()).unwrap());
    facts.further = vec![
        ("tenant".into(), "t".parse().unwrap()),
        ("level".into(), FactValue::Int(3)),
        ("verified".into(), FactValue::Bool(true)),
        ("groups".into(), list(&["a", "b c"])),
        ("orgs".into(), list(&["acme", "Їжак"])),
    ];
    Arc::new(facts)
}

pub(crate) const CLIENT: &str = "1380df72-275a-11e7-93ae-92361f002671";

/// Asserts that a fact is the text that was stated, or that of a whole number or a boolean; or absent.
///
/// # Panics
/// The fact differs from what is stated.
pub(crate) fn assert_stated(stated: &Value, fact: Option<&Fact>) {
    let text = match stated {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        Value::Bool(is_true) => Some(is_true.to_string()),
        Value::Number(_) | Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    match fact {
        Some(fact) => assert_eq!(text.as_deref(), Some(fact.as_str())),
        // Only what can be read is a fact.
        None => assert!(text.is_none_or(|text| text.parse::<Fact>().is_err()), "{stated}"),
    }
}

/// Asserts that further facts are what is stated, of the types that the policy gives them.
///
/// # Panics
/// A fact is not what is stated.
pub(crate) fn assert_typed(stated: &Value, facts: &Facts) {
    for (name, fact) in &facts.further {
        match (&**name, fact) {
            ("tenant", FactValue::Text(text)) => assert_stated(&stated["ext"]["tenant"], Some(text)),
            ("level", FactValue::Int(number)) => assert_eq!(stated["level"].as_i64(), Some(*number)),
            ("verified", FactValue::Bool(is_true)) => assert_eq!(stated["verified"].as_bool(), Some(*is_true)),
            ("groups", FactValue::List(list)) => {
                let alone = std::slice::from_ref(&stated["groups"]);
                let mut entries = stated["groups"].as_array().map_or(alone, Vec::as_slice).iter();
                // Each in its turn; what states nothing is passed over.
                for entry in list.iter() {
                    let is_it = |stated: &Value| match stated {
                        Value::String(text) => text == entry,
                        Value::Number(number) => number.to_string() == entry,
                        Value::Bool(is_true) => is_true.to_string() == entry,
                        Value::Null | Value::Array(_) | Value::Object(_) => false,
                    };
                    assert!(entries.any(is_it), "{stated} has no `{entry}`");
                    assert!(!entry.contains(','), "a header could not tell it apart: {entry}");
                }
            }
            ("orgs", FactValue::List(list)) => {
                let members = stated["orgs"].as_object().unwrap();
                assert!(list.iter().all(|entry| members.contains_key(entry)), "{stated}");
                assert_eq!(list.iter().count(), members.keys().filter(|name| !name.is_empty()).count());
            }
            (name, fact) => panic!("`{name}` is {fact:?}"),
        }
    }
}

/// Asserts that facts are texts without control characters.
pub(crate) fn assert_sound(facts: &Facts) {
    let single = [&facts.subject, &facts.client_id, &facts.client_type];
    let further = facts.further.iter().filter_map(|(_name, fact)| fact.stated().text());
    for text in single.into_iter().flatten().map(|fact| Cow::Borrowed(fact.as_str())).chain(further) {
        assert!((1..=256).contains(&text.len()) && !text.contains(char::is_control), "{text:?}");
    }
    for scope in facts.scope.iter() {
        assert!(!scope.is_empty() && scope.bytes().all(|byte| byte.is_ascii_graphic()), "{scope:?}");
    }
}
