use serde_json::json;
use sha2::{Digest as _, Sha256};

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::identity::credential::CredentialKind;
use crate::identity::facts::Facts;
use crate::time::UnixTime;

const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn page(entries: &Value) -> Result<Page, &'static str> {
    read(json!({ "entries": entries, "more": false, "reset": false, "next": "f:1" }).to_string().as_bytes())
}

fn facts(client: &str, user: &str) -> Facts {
    Facts { client_id: Some(client.parse().unwrap()), subject: Some(user.parse().unwrap()), ..Facts::none() }
}

fn revocable(kind: &str, secret: &str) -> RevocationKeys {
    RevocationKeys::new(&CredentialKind::new(kind), secret)
}

#[test]
fn entry_concerns_what_it_names_and_what_does_not_tell() {
    let (ours, others) = (facts("c", "u"), facts("d", "v"));
    let with_jti = Facts { further: vec![("jti".into(), "other".parse().unwrap())], ..facts("d", "v") };
    // `{"alg":"none"}`, as nobody signs it.
    let jwt = revocable("token", "eyJhbGciOiJub25lIn0.e30.");
    let (token, key) = (revocable("token", "k"), revocable("api_key", "k"));
    for (entry, of_jwts, of_tokens, of_keys) in [
        (json!({ "kind": "client", "client_id": "c" }), [1, 0, 1, 0], [1, 0, 1, 0], [1, 0, 1, 0]),
        (json!({ "kind": "user", "user_id": "u" }), [1, 0, 1, 0], [1, 0, 1, 0], [0; 4]),
        (json!({ "kind": "jti", "jti": "j" }), [1, 1, 1, 0], [0; 4], [0; 4]),
        (json!({ "kind": "jti", "jti": "other" }), [1, 1, 1, 1], [0, 0, 0, 1], [0, 0, 0, 1]),
        (json!({ "kind": "all" }), [1; 4], [1; 4], [1; 4]),
        (json!({ "kind": "tenant", "tenant": "x" }), [1; 4], [1; 4], [1; 4]),
        (json!({ "kind": "credential", "sha256": EMPTY_SHA256 }), [0; 4], [0; 4], [0; 4]),
    ] {
        let revoked = page(&json!([entry])).unwrap().revoked;
        let found = [jwt, token, key].map(|credential| {
            [&ours, &others, &Facts::none(), &with_jti].map(|facts| u8::from(revoked.concerns(&credential, facts)))
        });
        assert_eq!(found, [of_jwts, of_tokens, of_keys], "{entry}");
    }
}

#[test]
fn credential_is_known_by_its_sha256() {
    let entry = json!({ "kind": "credential", "sha256": EMPTY_SHA256.to_uppercase(), "number": 4, "at": 5 });
    let revoked = page(&json!([entry])).unwrap().revoked;
    assert!(revoked.concerns(&revocable("api_key", ""), &facts("c", "u")));
    assert!(!revoked.concerns(&revocable("api_key", "x"), &facts("c", "u")));
}

fn jwt(jti: &str, issued: Option<u64>) -> DenyListKeys {
    let (digest, issued) = (Digest::of("a.b.c"), issued.map(UnixTime::from_seconds));
    DenyListKeys { digest, jti: Some(jti.into()), issued }
}

#[test]
fn only_an_entry_with_an_end_denies_and_only_what_it_names() {
    let digest = hex::encode(Sha256::digest(b"a.b.c"));
    let (early, late, undated) = (jwt("j", Some(99)), jwt("k", Some(100)), jwt("k", None));
    for (entry, early_one, late_one, undated_one) in [
        (json!({ "kind": "credential", "sha256": digest }), [1, 1, 1], [1, 1, 1], [1, 1, 1]),
        (json!({ "kind": "credential", "sha256": EMPTY_SHA256 }), [0; 3], [0; 3], [0; 3]),
        (json!({ "kind": "jti", "jti": "j" }), [1, 1, 1], [0; 3], [0; 3]),
        // Of two clients, and of one that is not stated.
        (json!({ "kind": "client", "client_id": "c", "issued_before": 100 }), [1, 0, 1], [0; 3], [1, 0, 1]),
        (json!({ "kind": "client", "client_id": "c" }), [1, 0, 1], [1, 0, 1], [1, 0, 1]),
        (json!({ "kind": "user", "user_id": "u", "issued_before": 100 }), [1, 0, 1], [0; 3], [1, 0, 1]),
        (json!({ "kind": "all", "issued_before": 100 }), [1; 3], [0; 3], [1; 3]),
        (json!({ "kind": "all" }), [1; 3], [1; 3], [1; 3]),
        (json!({ "kind": "tenant", "tenant": "x", "issued_before": 1 }), [1; 3], [1; 3], [1; 3]),
    ] {
        assert!(page(&json!([entry])).unwrap().denied.is_empty(), "{entry}");
        let mut with_end = entry.clone();
        with_end["until"] = json!(200);
        let denied = page(&json!([with_end])).unwrap().denied;
        let found = [&early, &late, &undated].map(|jwt| {
            [&facts("c", "u"), &facts("d", "v"), &Facts::none()].map(|facts| u8::from(denied.denies(jwt, facts)))
        });
        assert_eq!(found, [early_one, late_one, undated_one], "{entry}");
    }
}

#[test]
fn later_entry_about_the_same_takes_nothing_back() {
    let mut denied =
        page(&json!([{ "kind": "client", "client_id": "c", "issued_before": 100, "until": 500 }])).unwrap().denied;
    for (issued_before, until) in [(50, 600), (70, 400)] {
        let entry = json!({ "kind": "client", "client_id": "c", "issued_before": issued_before, "until": until });
        denied.extend(page(&json!([entry])).unwrap().denied, UnixTime::END);
    }
    assert!(denied.denies(&jwt("j", Some(99)), &facts("c", "u")));
    denied.extend(page(&json!([{ "kind": "jti", "jti": "x", "at": 600 }])).unwrap().denied, UnixTime::END);
    assert!(denied.denies(&jwt("j", Some(99)), &facts("c", "u")));
}

#[test]
fn deny_list_forgets_what_is_over_by_both_clocks() {
    let mut denied = DenyList::none();
    for (kind, name, value) in [("jti", "jti", "j"), ("client", "client_id", "c"), ("user", "user_id", "u")] {
        let entry = json!({ "kind": kind, name: value, "issued_before": 100, "until": 200, "at": 100 });
        denied.extend(page(&json!([entry])).unwrap().denied, UnixTime::END);
    }
    denied.extend(page(&json!([{ "kind": "all", "issued_before": 100, "until": 200 }])).unwrap().denied, UnixTime::END);
    denied.extend(
        page(&json!([{ "kind": "credential", "sha256": EMPTY_SHA256, "until": 200, "at": 200 }])).unwrap().denied,
        UnixTime::END,
    );
    assert_eq!(denied.len(), 5);
    // One of the two clocks is ahead.
    denied
        .extend(page(&json!([{ "kind": "jti", "jti": "x", "at": 300 }])).unwrap().denied, UnixTime::from_seconds(200));
    assert_eq!(denied.len(), 5);
    denied
        .extend(page(&json!([{ "kind": "jti", "jti": "x", "at": 301 }])).unwrap().denied, UnixTime::from_seconds(201));
    assert!(denied.is_empty());
}

#[test]
fn reset_revokes_everything_and_nothing_is_nothing() {
    assert!(page(&json!([])).unwrap().revoked.is_none());
    let reset = read(br#"{"entries":[],"more":true,"reset":true,"next":"f:1"}"#).unwrap();
    assert!(reset.more && reset.revoked.concerns(&revocable("api_key", "x"), &facts("c", "u")));
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
        json!({ "kind": "all", "until": "later" }),
        json!({ "kind": "all", "until": -1 }),
        json!({ "kind": "all", "until": 1, "issued_before": 0.5 }),
        json!({ "kind": "all", "at": null }),
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
    let long = format!(r#"{{"entries":[],"more":false,"reset":false,"next":"f:1","x":"{}"}}"#, "x".repeat(MAX_PAGE));
    assert!(read(long.as_bytes()).is_err());
}

/// Whoever writes an authority goes by the document, so its pages are read here.
#[test]
fn pages_in_the_document_are_pages_and_its_table_has_every_kind() {
    let document = include_str!("../../../../../docs/revocations.md");
    let blocks = document.split("```json\n").skip(1).map(|rest| rest.split_once("```").unwrap().0);
    let pages: Vec<Page> = blocks.map(|block| read(block.as_bytes()).unwrap()).collect();
    let [empty, news, deny_list] = &pages[..] else { panic!("{}", pages.len()) };
    assert!(empty.revoked.is_none() && !empty.more && !empty.reset);
    assert!(news.revoked.concerns(&revocable("api_key", ""), &facts("c", "u")), "by its SHA-256");
    assert!(news.denied.denies(&jwt("j", Some(1_699_999_999)), &facts("c", "4261eacf")));
    assert!(!news.denied.denies(&jwt("j", Some(1_700_000_000)), &facts("c", "4261eacf")));
    assert!(
        deny_list.more
            && deny_list.denied.denies(&jwt("a-token-that-was-stolen", Some(1_800_000_000)), &facts("c", "u"))
    );
    assert!(!deny_list.denied.denies(&jwt("j", Some(1_800_000_000)), &facts("c11e0000", "u")), "it has no end");
    for member in ["entries", "next", "more", "reset"] {
        let mut page = json!({ "entries": [], "more": false, "reset": false, "next": "f:1" });
        assert!(read(page.to_string().as_bytes()).is_ok());
        page.as_object_mut().unwrap().remove(member);
        assert!(read(page.to_string().as_bytes()).is_err(), "{member}");
        assert!(document.contains(&format!("| `{member}` | required |")), "{member}");
    }
}
