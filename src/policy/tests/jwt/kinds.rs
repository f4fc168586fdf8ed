//! What tells an access token from other tokens of its issuer: its type, and what its claims say.

use brama_kit::library::set;
use brama_kit::signer::{Signer, merged};
use brama_policy::authoring::Lint;
use brama_policy::deciding::{Policy, PolicyDocument};
use brama_policy::identity::JwtRejection;
use serde_json::{Value, json};

use super::{JWT, NOW, claims, document, judge, policy_of};

fn with(types: &str, expect: &str) -> String {
    let expect = if expect.is_empty() { String::new() } else { format!("\n          expect: {expect}") };
    JWT.replace("types: [at+jwt]", &format!("types: [{types}]{expect}"))
}

#[test]
fn token_without_a_type_is_taken_where_the_policy_says_so() {
    let signer = Signer::new("ES256", "k");
    let keys = set(std::slice::from_ref(&signer));
    let untyped = |typ: Value| {
        let header = json!({ "alg": signer.algorithm(), "kid": signer.kid() });
        signer.token(&merged(header, json!({ "typ": typ })), &claims())
    };
    let absent = signer.token(&json!({ "alg": signer.algorithm(), "kid": signer.kid() }), &claims());
    for (types, token, outcome) in [
        ("absent", &absent, None),
        ("absent", &untyped(json!(null)), None),
        ("at+jwt, absent", &absent, None),
        ("at+jwt, absent", &untyped(json!("at+jwt")), None),
        ("absent", &untyped(json!("absent")), Some(JwtRejection::Type)),
        ("absent", &untyped(json!("")), Some(JwtRejection::Type)),
        ("absent", &untyped(json!("JWT")), Some(JwtRejection::Type)),
        ("absent", &untyped(json!(7)), Some(JwtRejection::Type)),
        ("JWT", &absent, Some(JwtRejection::NoType)),
    ] {
        let policy = policy_of(&document(&with(types, "")));
        assert_eq!(judge(&policy, &keys, token, NOW).err(), outcome, "{types} {token}");
    }
}

#[test]
fn claims_must_say_what_is_expected() {
    let signer = Signer::new("ES256", "k");
    let keys = set(std::slice::from_ref(&signer));
    let header = json!({ "alg": signer.algorithm(), "typ": "at+jwt", "kid": signer.kid() });
    for (expect, stated, is_taken) in [
        ("{ /token_use: access }", json!({ "token_use": "access" }), true),
        ("{ /token_use: access }", json!({ "token_use": "id" }), false),
        ("{ /token_use: access }", json!({ "token_use": ["access"] }), false),
        ("{ /token_use: access }", json!({}), false),
        ("{ /token_use: [access, refresh] }", json!({ "token_use": "refresh" }), true),
        ("{ /verified: true }", json!({ "verified": true }), true),
        ("{ /verified: true }", json!({ "verified": "true" }), false),
        ("{ /level: 2 }", json!({ "level": 2 }), true),
        ("{ /level: 2 }", json!({ "level": 3 }), false),
        ("{ /amr: { has: [mfa, hwk] } }", json!({ "amr": ["pwd", "mfa"] }), true),
        ("{ /amr: { has: [mfa, hwk] } }", json!({ "amr": ["pwd"] }), false),
        ("{ /token_use: access, /level: 2 }", json!({ "token_use": "access", "level": 1 }), false),
        ("{ none: { because: audiences tell them apart } }", json!({}), true),
    ] {
        let policy = policy_of(&document(&with("at+jwt", expect)));
        let judged = judge(&policy, &keys, &signer.token(&header, &merged(claims(), stated.clone())), NOW);
        match judged {
            Ok(_facts) => assert!(is_taken, "{expect} {stated}"),
            Err(rejected) => {
                assert!(!is_taken, "{expect} {stated}");
                assert_eq!(rejected.code(), "expected");
                assert!(rejected.to_string().ends_with("is not what the policy expects"), "{rejected}");
            }
        }
    }
}

fn read(yaml: &str) -> PolicyDocument {
    let yaml: Value = serde_saphyr::from_str(yaml).unwrap();
    PolicyDocument::read(&yaml.to_string()).unwrap()
}

#[test]
fn types_that_an_id_token_has_too_are_told() {
    for (types, expect, place) in [
        ("at+jwt", "", None),
        ("JWT", "", Some("types[0]")),
        ("at+jwt, application/jwt", "", Some("types[1]")),
        ("absent", "", Some("types[0]")),
        ("absent", "{ /token_use: access }", None),
        ("JWT", "{ none: { because: an ID token is for the client } }", None),
    ] {
        let document = read(&document(&with(types, expect)));
        let lints = Policy::compile(&document).unwrap().lints(&document);
        let told: Vec<_> = lints.into_iter().filter(|Lint { code, .. }| *code == "id_token_accepted").collect();
        let places: Vec<_> = told.iter().map(|lint| lint.path.as_str()).collect();
        let place = place.map(|place| format!("credentials.token.verify[0].jwt.{place}"));
        assert_eq!(places, place.iter().map(String::as_str).collect::<Vec<_>>(), "{types} {expect}");
    }
    let document = read(&document(&with("at+jwt", "{ none: { because: x } }")));
    let lints = Policy::compile(&document).unwrap().lints(&document);
    let told = lints.iter().any(|lint| lint.code == "without_effect" && lint.path.ends_with("jwt.expect"));
    assert!(told, "{lints:?}");
}

#[test]
fn claim_that_says_for_whom_a_token_is_answers_the_lint_of_audiences() {
    let codes = |expect: &str| {
        let document = read(&document(&with("at+jwt", expect).replace("[api, other]", "any")));
        let lints = Policy::compile(&document).unwrap().lints(&document);
        lints.into_iter().map(|lint| lint.code).collect::<Vec<_>>()
    };
    assert!(codes("").contains(&"audience_missing"));
    assert!(!codes("{ /client_id: [c1, c2] }").contains(&"audience_missing"));
}

#[test]
fn faults_name_their_place() {
    for (types, expect, fault) in [
        ("absent, absent", "", "jwt.types[1]: `absent` is written twice"),
        ("Absent", "", "jwt.types[0]: `Absent` is no media type"),
        ("at+jwt", "{}", "jwt.expect: write what the claims must state"),
        ("at+jwt", "{ token_use: access }", "jwt.expect.token_use: `token_use` is no JSON pointer"),
        ("at+jwt", "{ /a: [] }", "expect./a: write at least one value"),
        ("at+jwt", "{ /a: [x, x] }", "expect./a[1]: this value is written twice"),
        ("at+jwt", "{ /a: { has: [] } }", "expect./a.has: write at least one value"),
        ("at+jwt", "{ /a: { is: x } }", "unknown key `is`"),
        ("at+jwt", "{ /a: 1.5 }", "not the number `1.5`"),
    ] {
        let yaml: Value = serde_saphyr::from_str(&document(&with(types, expect))).unwrap();
        let told = match PolicyDocument::read(&yaml.to_string()).and_then(|document| Policy::compile(&document)) {
            Ok(_policy) => String::new(),
            Err(faults) => faults.to_string(),
        };
        assert!(told.contains(fault), "{types} {expect}: {told}");
    }
}
