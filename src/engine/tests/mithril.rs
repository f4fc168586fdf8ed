//! A request whose token is verified together with its API key.

#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::restriction,
    reason = "a test ends where something is amiss"
)]

mod support;

use brama_engine::host::{CallId, Counter};
use brama_engine::worker::Flow;
use brama_policy::identity::Reply;
use support::{Done, FakeHost, Worker, settings};

const KEY: &str = r#"{"data":{"details":{"client_id":"m","broker_scope":"connection:delete","scope":"x"}},"urgent":{"mis_client_id":"m"}}"#;
const TOKEN: &str = r#"{"data":{"name":"access_token","user_id":"u","expires_at":1800000000,"details":{"client_id":"c","scope":"connection:delete"}},"urgent":{"mis_client_id":null}}"#;

fn worker() -> Worker {
    let settings = settings(include_str!("../../policy/tests/support/mithril.yaml"));
    let mut worker = Worker::new();
    worker.settings = settings;
    worker
}

fn reply(status: u16, body: &str) -> Option<Reply<'_>> {
    Some(Reply { status, body: body.as_bytes() })
}

/// A request with these credentials, whose lookups are answered with these replies.
fn sent(worker: &Worker, path: &str, api_key: &str, token: &str, replies: &[Option<Reply<'_>>]) -> FakeHost {
    let bearer = format!("Bearer {token}");
    let mut host = FakeHost::new("DELETE", path, &[("api-key", api_key), ("authorization", &bearer)]);
    let mut session = worker.session();
    let _flow: Flow = session.on_headers(&mut host);
    for reply in replies {
        let call = CallId(host.calls);
        session.on_reply(&mut host, call, *reply);
    }
    host
}

/// The path of each question, and the API key beside it.
fn asked(host: &FakeHost) -> Vec<(&str, Option<&str>)> {
    host.asked.iter().map(|headers| (value(headers, ":path").unwrap(), value(headers, "api-key"))).collect()
}

fn value<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(known, _value)| known == name).map(|(_name, value)| value.as_str())
}

#[test]
fn api_key_travels_along_with_the_token() {
    let worker = worker();
    let host = sent(&worker, "/brokered", "k1", "t", &[reply(200, KEY), reply(200, TOKEN)]);
    assert_eq!(host.done.last(), Some(&Done::Resumed));
    assert_eq!(asked(&host), [("/admin/api_key/k1/verify", None), ("/admin/tokens/t/verify", Some("k1"))]);
    assert!(host.asked.iter().flatten().all(|(name, _value)| name != "authorization"));
    assert_eq!(host.header("x-consumer-id"), ["u"]);
}

#[test]
fn what_is_known_of_a_token_beside_one_api_key_is_not_known_beside_another() {
    let worker = worker();
    let good = [reply(200, KEY), reply(200, TOKEN)];
    let _first = sent(&worker, "/brokered", "k1", "t", &good);
    assert_eq!(asked(&sent(&worker, "/brokered", "k1", "t", &[])), []);
    // Another key is asked about, and then the same token again, beside it.
    let other = sent(&worker, "/brokered", "k2", "t", &[reply(200, KEY), reply(422, "{}")]);
    assert_eq!(asked(&other), [("/admin/api_key/k2/verify", None), ("/admin/tokens/t/verify", Some("k2"))]);
    assert_eq!(other.done.last(), Some(&Done::Refused(401)));
    // Neither answer is taken for the other's.
    assert_eq!(sent(&worker, "/brokered", "k1", "t", &[]).done, [Done::Forwarded]);
    assert_eq!(sent(&worker, "/brokered", "k2", "t", &[]).done, [Done::Refused(401)]);
    // Nor for what is known of the token alone.
    let alone = sent(&worker, "/direct", "k1", "t", &[]);
    assert_eq!(asked(&alone), [("/admin/tokens/t/verify", None)]);
}

#[test]
fn outage_of_an_authority_that_speaks_by_status_is_503() {
    for status in [400, 403, 429, 500, 503] {
        let host = sent(&worker(), "/brokered", "k", "t", &[reply(status, "{}")]);
        assert_eq!(host.done.last(), Some(&Done::Refused(503)), "{status}");
    }
}

#[test]
fn credential_that_no_path_can_hold_is_refused_unasked_and_takes_no_place() {
    let worker = worker();
    for _ in 0..300 {
        for api_key in ["..", "../../clients", "%2e%2e"] {
            let host = sent(&worker, "/brokered", api_key, "t", &[]);
            assert_eq!(host.done, [Done::Refused(401)], "{api_key}");
            assert_eq!(host.counted, [Counter::Refused("api_key_refused")], "{api_key}");
        }
    }
    assert_eq!(asked(&sent(&worker, "/brokered", "k", "t", &[])), [("/admin/api_key/k/verify", None)]);
}
