//! A request whose token is verified together with its API key.

use crate::support::proxy::{self, PASSED, looked_up, ok};
use brama_engine::host::{Counter, StreamId};
use brama_fake::{Done, Proxy, headers};

const KEY: &str = r#"{"data":{"details":{"client_id":"m","broker_scope":"connection:delete","scope":"x"}},"urgent":{"mis_client_id":"m"}}"#;
const TOKEN: &str = r#"{"data":{"name":"access_token","user_id":"u","expires_at":1800000000,"details":{"client_id":"c","scope":"connection:delete"}},"urgent":{"mis_client_id":null}}"#;

fn worker() -> Proxy {
    proxy::under(include_str!("../../policy/tests/support/mithril.yaml"))
}

/// A request with these credentials, whose lookups are answered with these replies; nothing was asked before.
fn sent(proxy: &mut Proxy, path: &str, api_key: &str, token: &str, replies: &[Option<(u16, &str)>]) -> StreamId {
    let bearer = format!("Bearer {token}");
    proxy.asked.clear();
    looked_up(proxy, headers("DELETE", path, &[("api-key", api_key), ("authorization", &bearer)]), replies)
}

/// The path of each question of the last request, and the API key beside it.
fn asked(proxy: &Proxy) -> Vec<(&str, Option<&str>)> {
    proxy.asked.iter().map(|call| (call.path(), call.header("api-key"))).collect()
}

#[test]
fn api_key_travels_along_with_the_token() {
    let mut proxy = worker();
    let stream = sent(&mut proxy, "/brokered", "k1", "t", &[ok(KEY), ok(TOKEN)]);
    assert_eq!(proxy.done(stream), PASSED);
    assert_eq!(asked(&proxy), [("/admin/api_key/k1/verify", None), ("/admin/tokens/t/verify", Some("k1"))]);
    assert!(proxy.asked.iter().all(|call| call.header("authorization").is_none()));
    assert_eq!(proxy[stream].header("x-consumer-id"), ["u"]);
}

#[test]
fn what_is_known_of_a_token_beside_one_api_key_is_not_known_beside_another() {
    let mut proxy = worker();
    let _first = sent(&mut proxy, "/brokered", "k1", "t", &[ok(KEY), ok(TOKEN)]);
    // Another key is asked about, and then the same token again, beside it.
    let other = sent(&mut proxy, "/brokered", "k2", "t", &[ok(KEY), Some((422, "{}"))]);
    assert_eq!(asked(&proxy), [("/admin/api_key/k2/verify", None), ("/admin/tokens/t/verify", Some("k2"))]);
    assert_eq!(proxy.done(other), [Done::Refused(401)]);
    // Neither answer is taken for the other's.
    for (api_key, done) in [("k1", Done::Forwarded), ("k2", Done::Refused(401))] {
        let stream = sent(&mut proxy, "/brokered", api_key, "t", &[]);
        assert_eq!((proxy.done(stream), asked(&proxy)), (&[done][..], vec![]));
    }
    // Nor for what is known of the token alone.
    let _alone = sent(&mut proxy, "/direct", "k1", "t", &[]);
    assert_eq!(asked(&proxy), [("/admin/tokens/t/verify", None)]);
}

#[test]
fn outage_of_an_authority_that_speaks_by_status_is_503() {
    for status in [400, 403, 429, 500, 503] {
        let mut proxy = worker();
        let stream = sent(&mut proxy, "/brokered", "k", "t", &[Some((status, "{}"))]);
        assert_eq!(proxy.done(stream), [Done::Refused(503)], "{status}");
    }
}

#[test]
fn credential_that_no_path_can_hold_is_refused_unasked_and_takes_no_place() {
    let mut proxy = worker();
    for _ in 0..300 {
        for api_key in ["..", "../../clients", "%2e%2e"] {
            let stream = sent(&mut proxy, "/brokered", api_key, "t", &[]);
            assert_eq!(proxy.done(stream), [Done::Refused(401)], "{api_key}");
            assert_eq!(proxy[stream].counted, [Counter::Refused("api_key_refused".to_owned())], "{api_key}");
        }
    }
    let _stream = sent(&mut proxy, "/brokered", "k", "t", &[]);
    assert_eq!(asked(&proxy), [("/admin/api_key/k/verify", None)]);
}
