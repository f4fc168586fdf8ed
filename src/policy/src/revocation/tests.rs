use serde_json::json;

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::facts::Facts;

const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn page(entries: &Value) -> Result<Page, &'static str> {
    read(json!({ "entries": entries, "more": false, "reset": false, "next": "f:1" }).to_string().as_bytes())
}

fn facts(client: &str, user: &str) -> Facts {
    Facts { client_id: Some(client.parse().unwrap()), subject: Some(user.parse().unwrap()), ..Facts::none() }
}

#[test]
fn entry_concerns_what_it_names_and_what_does_not_tell() {
    let (ours, others) = (facts("c", "u"), facts("d", "v"));
    let with_jti = Facts { further: vec![("jti".into(), "other".parse().unwrap())], ..facts("d", "v") };
    let digest = Digest::of("k");
    for (entry, concerned) in [
        (json!({ "kind": "client", "client_id": "c" }), [true, false, true, false]),
        (json!({ "kind": "user", "user_id": "u" }), [true, false, true, false]),
        (json!({ "kind": "jti", "jti": "j" }), [true, true, true, false]),
        (json!({ "kind": "all" }), [true; 4]),
        (json!({ "kind": "tenant", "tenant": "x" }), [true; 4]),
        (json!({ "kind": "credential", "sha256": EMPTY_SHA256 }), [false; 4]),
    ] {
        let revoked = page(&json!([entry])).unwrap().revoked;
        let found = [&ours, &others, &Facts::none(), &with_jti].map(|facts| revoked.concerns(&digest, facts));
        assert_eq!(found, concerned, "{entry}");
    }
}

#[test]
fn credential_is_known_by_its_sha256() {
    let entry = json!({ "kind": "credential", "sha256": EMPTY_SHA256.to_uppercase(), "number": 4, "at": 5 });
    let revoked = page(&json!([entry])).unwrap().revoked;
    assert!(revoked.concerns(&Digest::of(""), &facts("c", "u")));
    assert!(!revoked.concerns(&Digest::of("x"), &facts("c", "u")));
}

#[test]
fn reset_revokes_everything_and_nothing_is_nothing() {
    assert!(page(&json!([])).unwrap().revoked.is_none());
    let reset = read(br#"{"entries":[],"more":true,"reset":true,"next":"f:1"}"#).unwrap();
    assert!(reset.more && reset.revoked.concerns(&Digest::of("x"), &facts("c", "u")));
}

#[test]
fn whatever_is_not_plainly_a_page_is_none() {
    for entry in [
        json!(null),
        json!({}),
        json!({ "kind": "client" }),
        json!({ "kind": "client", "client_id": 1 }),
        json!({ "kind": "credential", "sha256": "e3" }),
        json!({ "kind": "credential", "sha256": "g".repeat(64) }),
        json!({ "kind": "credential", "sha256": "é".repeat(32) }),
        json!({ "kind": 1 }),
    ] {
        assert!(page(&json!([entry])).is_err(), "{entry}");
    }
    for body in [
        "",
        "[]",
        r#"{"entries":[],"more":false,"reset":false}"#,
        r#"{"entries":[],"more":false,"reset":false,"next":""}"#,
        r#"{"entries":[],"more":false,"reset":false,"next":"a&from=start"}"#,
        r#"{"entries":[],"more":false,"next":"f:1"}"#,
        r#"{"entries":[],"reset":false,"next":"f:1"}"#,
        r#"{"entries":{},"more":false,"reset":false,"next":"f:1"}"#,
        r#"{"entries":[],"more":false,"reset":true,"reset":false,"next":"f:1"}"#,
    ] {
        assert!(read(body.as_bytes()).is_err(), "{body}");
    }
    let long =
        format!(r#"{{"entries":[],"more":false,"reset":false,"next":"f:1","x":"{}"}}"#, "x".repeat(LONGEST_PAGE));
    assert!(read(long.as_bytes()).is_err());
}
