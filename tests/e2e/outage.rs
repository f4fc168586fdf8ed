//! An authority that cannot answer: 503 in time, and nobody is taken for a stranger.

use std::path::Path;
use std::time::{Duration, Instant};

use brama_e2e::authority::Mode;
use brama_e2e::client::Call;
use brama_e2e::stack::{Gateway, Plan};
use serde_json::{Value, json};

const PATH: &str = "/api/clients/1380df72-275a-11e7-93ae-92361f002671/connections/c0220000-0000-4000-8000-000000000020";
const API_KEY: &str = "uXhEczJ56adsfh3Ri9SUkc4en";
const TOKEN: &str = "c2778f3064753ea70de870a53795f5c9";
const ADMIN_TOKEN: &str = "0d7b3a5e9c1f4826b4d0a6e2f8c3957e";

fn delete(api_key: &str, token: &str) -> Call {
    Call::delete(PATH).api_key(api_key).token(token)
}

/// Facts are kept for a second, and serve for a minute more where nobody can be asked.
fn serve_stale(config: &mut Value, _folder: &Path) {
    let configuration = &mut config["configuration"]["value"];
    let mut policy: Value = serde_json::from_str(configuration.as_str().unwrap()).unwrap();
    assert!(policy["authorities"]["mithril"].as_object_mut().unwrap().remove("revocations").is_some());
    for kind in ["api_key", "token"] {
        let cache = &mut policy["credentials"][kind]["cache"];
        cache["ttl"] = json!("1s");
        cache["stale_if_unavailable"] = json!({ "serve_for": "60s", "because": "a test" });
    }
    *configuration = policy.to_string().into();
}

/// No more than four outages in a row: after five the authority is not asked.
fn outages() -> Vec<Mode> {
    let answer = |status, body: &str| Mode::Answer(status, body.to_owned());
    vec![
        Mode::Stopped,
        Mode::Hang,
        answer(500, "{}"),
        answer(503, ""),
        answer(401, r#"{"active":false}"#),
        answer(404, ""),
        answer(302, ""),
        answer(204, ""),
        answer(200, ""),
        answer(200, "<html>"),
        answer(200, r#"{"active":"true"}"#),
        answer(200, r#"{"active":true}"#),
        answer(200, r#"{"active":false,"active":true,"token_use":"api_key"}"#),
        answer(200, &format!(r#"{{"active":true,"token_use":"api_key","x":"{}"}}"#, "x".repeat(100_000))),
    ]
}

#[test]
fn credential_not_seen_before_is_503_in_time() {
    let gateway = Gateway::start();
    for (number, mode) in outages().into_iter().enumerate() {
        println!("{:.60}", format!("{mode:?}"));
        gateway.authority.set(mode);
        let id = format!("outage-{number}");
        let reply = delete(API_KEY, TOKEN).header("x-request-id", &id).send(gateway.address());
        reply.is_unavailable();
        // In time: it is the plugin that refused, before the stream's own timeout did.
        assert_eq!(gateway.logged(&id)["refusal"], "own");
        assert_eq!(gateway.tap.take(), "");
    }
    // Nothing of it was remembered.
    gateway.authority.set(Mode::Pass);
    assert_eq!(delete(API_KEY, TOKEN).send(gateway.address()).status, 200);
}

#[test]
fn token_not_seen_before_is_503_behind_a_known_api_key() {
    let gateway = Plan::shipped().without_feed().one_worker().start();
    let nowhere = Call::delete("/api/admin/contract_divisions/x");
    nowhere.api_key(API_KEY).token("unknown").send(gateway.address()).is_unauthenticated();
    for mode in outages() {
        println!("{:.60}", format!("{mode:?}"));
        gateway.authority.set(mode);
        let reply = delete(API_KEY, TOKEN).send(gateway.address());
        reply.is_unavailable();
        let lookups = gateway.authority.take();
        assert!(lookups.last().unwrap().contains("token_type_hint=access_token"), "{lookups:?}");
        assert_eq!(gateway.tap.take(), "");
    }
}

#[test]
fn known_credentials_are_served_through_an_outage() {
    // For long enough that no machine is too slow for ten requests.
    let gateway = Plan::shipped().patient().one_worker().start();
    let division = || Call::delete("/api/admin/contract_divisions/x").api_key(API_KEY).token(ADMIN_TOKEN);
    crate::revocation::knows(&gateway, &division());
    gateway.authority.set(Mode::Stopped);
    for _ in 0..10 {
        division().send(gateway.address()).is_error(404, "not_found", "Contract division with such id is not found");
    }
}

#[test]
fn dead_authority_is_given_a_rest_and_found_again() {
    let gateway = Plan::shipped().without_feed().one_worker().start();
    gateway.authority.set(Mode::Stopped);
    let begin = Instant::now();
    for number in 0..100 {
        delete(&format!("unknown-{number}"), TOKEN).send(gateway.address()).is_unavailable();
    }
    // Five until it is taken for dead, and one after each rest, of half a second at least.
    let lookups = gateway.authority.take().len() as u128;
    assert!((5..=6 + begin.elapsed().as_millis() / 500).contains(&lookups), "{lookups}");
    gateway.authority.set(Mode::Pass);
    let until = Instant::now() + Duration::from_secs(60);
    while delete(API_KEY, TOKEN).send(gateway.address()).status != 200 {
        assert!(Instant::now() < until, "it is not asked again");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn facts_older_than_they_should_be_serve_where_that_is_written() {
    let gateway = Plan::shipped().one_worker().plugin(serve_stale).start();
    let known = || Call::delete("/api/admin/contract_divisions/x").api_key(API_KEY).token(ADMIN_TOKEN);
    assert_eq!(known().send(gateway.address()).status, 404);
    std::thread::sleep(Duration::from_millis(1100));
    gateway.authority.set(Mode::Stopped);
    gateway.authority.take();
    for _ in 0..10 {
        assert_eq!(known().send(gateway.address()).status, 404);
    }
    assert!(!gateway.authority.take().is_empty(), "it was asked");
    assert!(gateway.counter("wasmcustom.brama_stale_served") >= 20);
    delete(API_KEY, "not-seen-before").send(gateway.address()).is_unavailable();
    // An authority that answers is believed.
    gateway.authority.set(Mode::Answer(200, r#"{"active":false}"#.to_owned()));
    let until = Instant::now() + Duration::from_secs(60);
    while known().send(gateway.address()).status != 401 {
        assert!(Instant::now() < until, "it is not asked again");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn cache_spares_the_authority() {
    // A worker whose feed is late asks again, and so does one that has not met a credential yet.
    let gateway = Plan::shipped().without_feed().one_worker().start();
    let division = || Call::delete("/api/admin/contract_divisions/x").api_key(API_KEY).token(ADMIN_TOKEN);
    crate::revocation::knows(&gateway, &division());
    let before = gateway.counter("wasmcustom.brama_allowed");
    for _ in 0..50 {
        assert_eq!(division().send(gateway.address()).status, 404);
    }
    assert_eq!(gateway.authority.take(), [""; 0]);
    assert_eq!(gateway.counter("wasmcustom.brama_allowed"), before + 50);
}
