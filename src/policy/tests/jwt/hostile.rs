//! Tokens by those who mean no good. All are signed with the right key, so that each is refused for what it is.

use std::sync::Arc;

use brama_kit::library::set;
use brama_kit::signer::{Signer, base64url, merged};
use brama_policy::identity::{JwtRejection, KeySet, NoKey, UnusableFact};
use serde_json::{Value, json};

use super::{JWT, NOW, claims, document, header, judge, policy, policy_of};

fn signer() -> (Signer, KeySet) {
    let signer = Signer::new("ES256", "k");
    let keys = set(std::slice::from_ref(&signer));
    (signer, keys)
}

#[expect(clippy::unnecessary_wraps, reason = "as the tables have it")]
fn unusable(name: &str, pointer: &str, fault: &'static str) -> Option<JwtRejection> {
    Some(Arc::new(UnusableFact { name: name.to_owned(), pointer: pointer.to_owned(), fault }).into())
}

#[test]
fn header_says_no_more_than_the_policy_allows() {
    let (signer, keys) = signer();
    let own = signer.jwk();
    for (changes, outcome) in [
        (json!({ "alg": "none" }), Some(JwtRejection::Algorithm)),
        (json!({ "alg": "NONE" }), Some(JwtRejection::Algorithm)),
        (json!({ "alg": "es256" }), Some(JwtRejection::Algorithm)),
        (json!({ "alg": "HS256" }), Some(JwtRejection::Algorithm)),
        (json!({ "alg": "PS256" }), Some(JwtRejection::Algorithm)),
        (json!({ "alg": "EdDSA" }), Some(JwtRejection::Algorithm)),
        (json!({ "alg": ["ES256"] }), Some(JwtRejection::Algorithm)),
        (json!({ "alg": "" }), Some(JwtRejection::Algorithm)),
        (json!({ "alg": null }), Some(JwtRejection::NoAlgorithm)),
        // Another algorithm of the policy's: the key is not for it, whatever was signed.
        (json!({ "alg": "RS256" }), Some(NoKey::Unfit.into())),
        (json!({ "alg": "ES384" }), Some(JwtRejection::SignatureLength)),
        (json!({ "typ": null }), Some(JwtRejection::NoType)),
        (json!({ "typ": "JWT" }), Some(JwtRejection::Type)),
        (json!({ "typ": "id+jwt" }), Some(JwtRejection::Type)),
        (json!({ "typ": "at+jwt;x" }), Some(JwtRejection::Type)),
        (json!({ "typ": ["at+jwt"] }), Some(JwtRejection::Type)),
        (json!({ "typ": "Application/AT+JWT" }), None),
        (json!({ "crit": ["exp"], "exp": 1 }), Some(JwtRejection::Critical)),
        (json!({ "crit": [] }), Some(JwtRejection::Critical)),
        (json!({ "crit": ["b64"], "b64": false }), Some(JwtRejection::Critical)),
        (json!({ "b64": false }), Some(JwtRejection::Unencoded)),
        (json!({ "b64": true }), Some(JwtRejection::Unencoded)),
        (json!({ "kid": null }), None),
        (json!({ "kid": 7 }), Some(JwtRejection::KeyId)),
        (json!({ "kid": ["k"] }), Some(JwtRejection::KeyId)),
        (json!({ "kid": "" }), Some(NoKey::UnknownKid.into())),
        (json!({ "kid": "../../etc/passwd" }), Some(NoKey::UnknownKid.into())),
        (json!({ "kid": "k' OR '1'='1" }), Some(NoKey::UnknownKid.into())),
        // What a token says of keys is not heard.
        (
            json!({ "jwk": own, "jku": "https://evil.example", "x5u": "https://evil.example", "x5c": ["MII"], "cty": "JWT", "zip": "DEF" }),
            None,
        ),
        (json!({ "kid": "other", "jwk": own }), Some(NoKey::UnknownKid.into())),
        (json!({ "pad": "a".repeat(1024) }), Some(JwtRejection::HeaderTooLong)),
    ] {
        let token = signer.token(&merged(header(&signer), changes.clone()), &claims());
        assert_eq!(judge(&policy(), &keys, &token, NOW).err(), outcome, "{changes}");
    }
}

#[test]
fn claims_say_what_the_policy_asks() {
    let (signer, keys) = signer();
    for (changes, outcome) in [
        (json!({ "iss": null }), Some(JwtRejection::ClaimMissing("iss"))),
        (json!({ "iss": "https://id.example/" }), Some(JwtRejection::Issuer)),
        (json!({ "iss": ["https://id.example"] }), Some(JwtRejection::ClaimShape("iss"))),
        (json!({ "aud": null }), Some(JwtRejection::ClaimMissing("aud"))),
        (json!({ "aud": "ap" }), Some(JwtRejection::Audience)),
        (json!({ "aud": ["apis", "API"] }), Some(JwtRejection::Audience)),
        (json!({ "aud": ["x", "api"] }), None),
        (json!({ "aud": [] }), Some(JwtRejection::Audience)),
        (json!({ "aud": ["api", {}] }), Some(JwtRejection::ClaimShape("aud"))),
        (json!({ "aud": { "api": true } }), Some(JwtRejection::ClaimShape("aud"))),
        (json!({ "exp": null }), Some(JwtRejection::ClaimMissing("exp"))),
        (json!({ "exp": "1800000000" }), Some(JwtRejection::ClaimShape("exp"))),
        (json!({ "exp": -1 }), Some(JwtRejection::ClaimShape("exp"))),
        (json!({ "exp": 1e300 }), Some(JwtRejection::ClaimShape("exp"))),
        (json!({ "exp": u64::MAX }), None),
        (json!({ "nbf": "0" }), Some(JwtRejection::ClaimShape("nbf"))),
        (json!({ "iat": {} }), Some(JwtRejection::ClaimShape("iat"))),
        (json!({ "iat": null }), None),
        (json!({ "ext": { "tenant": {} } }), unusable("tenant", "/ext/tenant", NO_TEXT)),
        (json!({ "ext": { "tenant": 1.5 } }), unusable("tenant", "/ext/tenant", NO_TEXT)),
        (json!({ "ext": { "tenant": true } }), None),
        (json!({ "ext": { "tenant": 42 } }), None),
        (json!({ "ext": [] }), None),
        (json!({ "pad": "a".repeat(4900) }), None),
        (json!({ "pad": "a".repeat(5000) }), Some(JwtRejection::PayloadTooLong)),
    ] {
        let token = signer.token(&header(&signer), &merged(claims(), changes.clone()));
        assert_eq!(judge(&policy(), &keys, &token, NOW).err(), outcome, "{changes}");
    }
}

#[test]
fn claim_that_cannot_be_a_fact_refuses_where_something_looks_at_it() {
    const NO_FACT: &str = "is longer than 256 bytes, or has a control character or a space at an end";
    const NOT_PLAIN: &str = "is no visible ASCII; name an encoding, or forward it as JSON";
    let (signer, keys) = signer();
    let needs = |changes: &[(&str, &str)]| {
        let yaml = changes.iter().fold(document(JWT), |yaml, (from, to)| {
            assert!(yaml.contains(from), "{from}");
            yaml.replace(from, to)
        });
        policy_of(&yaml)
    };
    let forward = "x-tenant: token.tenant";
    let rule = "credentials: [token], scopes: none";
    for (looks_at_it, changes, fact) in [
        (vec![(forward, "x-user: token.subject")], json!({ "sub": [5] }), ("subject", "/sub", NO_TEXT)),
        (vec![(forward, "x-user: token.subject")], json!({ "sub": "a\r\nx-admin: 1" }), ("subject", "/sub", NO_FACT)),
        (vec![(forward, "x-user: token.subject")], json!({ "sub": "\u{41e}\u{43b}" }), ("subject", "/sub", NOT_PLAIN)),
        (vec![(forward, "x-user: token.subject")], json!({ "sub": "a".repeat(257) }), ("subject", "/sub", NO_FACT)),
        (
            vec![("headers: { x-tenant: token.tenant }", "headers: {}, json: { x-caller: { c: token.client_id } }")],
            json!({ "client_id": 7.5 }),
            ("client_id", "/client_id", NO_TEXT),
        ),
        (vec![(rule, "credentials: [token], scopes: { all: [read] }")], json!({ "scope": 5 }), SCOPE),
        (vec![(forward, "x-scope: token.scope")], json!({ "scope": { "read": true } }), SCOPE),
        #[cfg(feature = "cel")]
        (
            vec![(rule, "credentials: [token], scopes: none, conditions: ['\"read\" in token.scopes']")],
            json!({ "scope": 5 }),
            SCOPE,
        ),
        #[cfg(feature = "cel")]
        (
            vec![(rule, "credentials: [token], scopes: none, conditions: ['!has(token.client_type)']")],
            json!({ "client_type": ["x"] }),
            ("client_type", "/client_type", NO_TEXT),
        ),
        (
            vec![
                ("path: /r,", "path: '/r/{user}',"),
                (
                    rule,
                    "credentials: [token], scopes: none, owner: { param: user, equals: token.subject, except_client_types: [x] }",
                ),
            ],
            json!({ "client_type": {} }),
            ("client_type", "/client_type", NO_TEXT),
        ),
        // A deny list names clients and users.
        (
            vec![(
                "auth: { none: { because: public } }",
                "auth: { none: { because: public } }, revocations: { path: /f, every: 1s, max_lag: 5s }",
            )],
            json!({ "client_id": 7.5 }),
            ("client_id", "/client_id", NO_TEXT),
        ),
    ] {
        let token = signer.token(&header(&signer), &merged(claims(), changes.clone()));
        let (name, pointer, fault) = fact;
        assert_eq!(judge(&needs(&looks_at_it), &keys, &token, NOW).err(), unusable(name, pointer, fault), "{changes}");
        let facts = judge(&policy(), &keys, &token, NOW).unwrap();
        let stated = [facts.subject.as_ref(), facts.client_id.as_ref(), facts.client_type.as_ref()];
        let names = ["subject", "client_id", "client_type"];
        let is_there = names.into_iter().zip(stated).any(|(known, fact)| known == name && fact.is_some());
        assert_eq!(is_there, fault == NOT_PLAIN, "nothing looks at it: {changes}");
        assert!(name != "scope" || facts.scope.as_str().is_empty(), "nothing looks at it: {changes}");
    }
}

const NO_TEXT: &str = "is no text, whole number or boolean";

const SCOPE: (&str, &str, &str) = ("scope", "/scope", "is neither a text nor a list");

#[test]
fn nothing_is_stated_by_null_and_by_an_empty_text() {
    let (signer, keys) = signer();
    for nothing in [json!(null), json!("")] {
        let mut claims = claims();
        for (pointer, member) in [("", "sub"), ("", "client_id"), ("", "scope"), ("/ext", "tenant")] {
            claims.pointer_mut(pointer).unwrap()[member] = nothing.clone();
        }
        let facts = judge(&policy(), &keys, &signer.token(&header(&signer), &claims), NOW).unwrap();
        assert_eq!((facts.subject, facts.client_id, facts.scope.as_str(), facts.further), (None, None, "", vec![]));
    }
    let mut undated = claims();
    for claim in ["iat", "nbf", "jti"] {
        undated[claim] = json!(null);
    }
    assert_eq!(judge(&policy(), &keys, &signer.token(&header(&signer), &undated), NOW).unwrap().not_before, None);
}

#[test]
fn texts_have_one_reading() {
    let (signer, keys) = signer();
    let (header, claims) = (header(&signer).to_string(), claims().to_string());
    let deep =
        |levels: usize| format!("{},\"x\":{}{}}}", &claims[..claims.len() - 1], "[".repeat(levels), "]".repeat(levels));
    for (header, claims, outcome) in [
        (&*header, &*claims, None),
        (&header.replacen('{', r#"{"alg":"none","#, 1), &claims, Some(JwtRejection::Header)),
        (&header.replacen('{', r#"{"\u0061lg":"none","#, 1), &claims, Some(JwtRejection::Header)),
        (&header.replacen('{', r#"{"kid":"a","#, 1), &claims, Some(JwtRejection::Header)),
        (&format!("{header} "), &claims, None),
        (&format!("{header}{{}}"), &claims, Some(JwtRejection::Header)),
        (&format!("\u{feff}{header}"), &claims, Some(JwtRejection::Header)),
        (&format!("[{header}]"), &claims, Some(JwtRejection::Header)),
        ("\"ES256\"", &claims, Some(JwtRejection::Header)),
        ("", &claims, Some(JwtRejection::Header)),
        (&header, &claims.replacen('{', r#"{"exp":99999999999,"#, 1), Some(JwtRejection::Payload)),
        (&header, &claims.replacen(r#""tenant""#, r#""tenant":"t2","tenant""#, 1), Some(JwtRejection::Payload)),
        (&header, &format!("[{claims}]"), Some(JwtRejection::Payload)),
        (&header, "null", Some(JwtRejection::Payload)),
        (&header, "", Some(JwtRejection::Payload)),
        (&header, &claims.replace("u1", "\u{0}"), Some(JwtRejection::Payload)),
        // A token in a token.
        (&header, &signer.token_of(&header, &claims), Some(JwtRejection::Payload)),
        (&header, &deep(100), None),
        (&header, &deep(200), Some(JwtRejection::Payload)),
        (&header, &deep(2000), Some(JwtRejection::Payload)),
    ] {
        let token = signer.token_of(header, claims);
        assert_eq!(judge(&policy(), &keys, &token, NOW).err(), outcome, "{header} {claims}");
    }
    let not_utf8 = signer.signed(&format!("{}.{}", base64url(header.as_bytes()), base64url(b"{\"iss\":\"\xff\"}")));
    assert_eq!(judge(&policy(), &keys, &not_utf8, NOW), Err(JwtRejection::Payload));
}

#[test]
fn compact_form_has_one_spelling() {
    let (signer, keys) = signer();
    let token = signer.token(&header(&signer), &claims());
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("{parts:?}") };
    // The same bytes, but for bits that no byte takes: 64 bytes leave four of them.
    let left_over = |text: &str| {
        let (rest, last) = text.split_at(text.len() - 1);
        format!("{rest}{}", char::from(last.as_bytes()[0] + 1))
    };
    let object = super::header(&signer).to_string();
    let spaced =
        (0..3).map(|spaces| format!("{object}{}", " ".repeat(spaces))).find(|text| text.len() % 3 == 1).unwrap();
    let spaced = base64url(spaced.as_bytes());
    for (token, outcome) in [
        (token.clone(), None),
        (format!("{token}."), Some(JwtRejection::Shape)),
        (format!("{token}.."), Some(JwtRejection::Shape)),
        (format!(".{token}"), Some(JwtRejection::Shape)),
        (format!("{token}="), Some(JwtRejection::Shape)),
        (format!("{token}=="), Some(JwtRejection::Shape)),
        (format!("{header}=.{payload}.{signature}"), Some(JwtRejection::Shape)),
        (format!("{header}.{payload}.{}", left_over(signature)), Some(JwtRejection::Shape)),
        (format!("{}.{payload}.{signature}", left_over(&spaced)), Some(JwtRejection::Shape)),
        (format!("{header}.{payload}.{}", signature.replace(['-', '_'], "+") + "+"), Some(JwtRejection::Shape)),
        (format!("{header}.{payload}"), Some(JwtRejection::Shape)),
        (format!("{header}..{payload}.{signature}"), Some(JwtRejection::Shape)),
        (format!("{header}.{payload}."), Some(JwtRejection::SignatureLength)),
        (format!("{header}.{payload}.{signature}{signature}"), Some(JwtRejection::SignatureLength)),
        (format!("{header}.{payload}.{}", base64url(&[1; 63])), Some(JwtRejection::SignatureLength)),
        (format!("{header}.{payload}.{}", base64url(&[1; 65])), Some(JwtRejection::SignatureLength)),
        (format!("{header}.{payload}.{}", base64url(&[1; 96])), Some(JwtRejection::SignatureLength)),
        (format!("{header}..{signature}"), Some(JwtRejection::Payload)),
        (format!(".{payload}.{signature}"), Some(JwtRejection::Header)),
        ("..".to_owned(), Some(JwtRejection::Header)),
        (".".to_owned(), Some(JwtRejection::Shape)),
        ("opaque".to_owned(), Some(JwtRejection::Shape)),
        ("a.b.c.d.e".to_owned(), Some(JwtRejection::Shape)),
        (format!("{header}.{}.{signature}", "A".repeat(6900)), Some(JwtRejection::PayloadTooLong)),
    ] {
        assert_eq!(judge(&policy(), &keys, &token, NOW).err(), outcome, "{token}");
    }
    let text = |value: Value| base64url(value.to_string().as_bytes());
    let unsigned = format!("{}.{payload}.", text(json!({ "alg": "none", "typ": "at+jwt" })));
    assert_eq!(judge(&policy(), &keys, &unsigned, NOW), Err(JwtRejection::Algorithm));
}

/// RFC 8725, 2.1: the public key of one algorithm as the secret of another.
#[test]
fn public_key_is_no_secret() {
    let signer = Signer::new("RS256", "k");
    let keys = set(std::slice::from_ref(&signer));
    let header = json!({ "alg": "HS256", "typ": "at+jwt", "kid": "k" });
    let text = format!("{}.{}", base64url(header.to_string().as_bytes()), base64url(claims().to_string().as_bytes()));
    let secret = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, signer.jwk().to_string().as_bytes());
    let token = format!("{text}.{}", base64url(aws_lc_rs::hmac::sign(&secret, text.as_bytes()).as_ref()));
    assert_eq!(judge(&policy(), &keys, &token, NOW), Err(JwtRejection::Algorithm));
}
