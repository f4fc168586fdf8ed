//! What is revoked, or ends, while a request waits: an answer on its way, an API key whose token is asked for.

use crate::support::feed::{FOLLOWING, KEY, KEY_SHA256, ask_feed, news, page, policy, warm, warm_under};
use crate::support::proxy::{GOOD_KEY, GOOD_TOKEN, Gateway as _, PASSED};
use brama_engine::host::Counter;
use brama_fake::{Done, Proxy, settings};
use serde_json::json;

#[test]
fn key_that_is_revoked_while_the_token_is_asked_for_is_asked_for_again() {
    let mut proxy = warm(FOLLOWING);
    let call = ask_feed(&mut proxy);
    let stream = proxy.request("k", "t2");
    let _rest = proxy.tick();
    let lookup = proxy.last().id;
    assert_eq!(proxy.last().text(), "token=t2&token_type_hint=access_token");
    news(&mut proxy, call, &json!([{ "kind": "credential", "sha256": KEY_SHA256 }]));
    proxy.reply(lookup, Some(GOOD_TOKEN));
    assert_eq!(proxy.done(stream), []);
    let _rest = proxy.tick();
    let again = proxy.last().id;
    assert_eq!(proxy.last().text(), KEY);
    proxy.reply(again, Some(r#"{"active":false}"#));
    assert_eq!(proxy.done(stream), [Done::Refused(401)]);
}

#[test]
fn key_that_is_revoked_twice_meanwhile_is_not_asked_for_a_third_time() {
    let broker = "x-consumer-id: token.subject\n    x-broker: api_key.client_id";
    let policy = policy(FOLLOWING).replace("x-consumer-id: token.subject", broker);
    let shadow = policy.replace("  - id: delete_client", "  - mode: shadow\n    id: delete_client");
    for (policy, end) in [(policy, &[Done::Refused(503)][..]), (shadow, &PASSED)] {
        let mut proxy = warm_under(&policy);
        // With `ttl: 0s` the token is asked for again as well.
        let (head, tail) = policy.rsplit_once("ttl: 60s").unwrap();
        proxy.settings = settings(&format!("{head}ttl: 0s{tail}"));
        let stream = proxy.request("k", "t2");
        for round in 0..2 {
            let feed = ask_feed(&mut proxy);
            let token = proxy.call("token=t2");
            news(&mut proxy, feed, &json!([{ "kind": "credential", "sha256": KEY_SHA256 }]));
            proxy.reply(token, Some(GOOD_TOKEN));
            if round == 0 {
                let _rest = proxy.tick();
                let key = proxy.last().id;
                assert_eq!(proxy.last().text(), KEY);
                proxy.reply(key, Some(GOOD_KEY));
            }
        }
        assert_eq!(proxy.done(stream), end);
        let overtaken = proxy[stream].counted.iter().filter(|counter| **counter == Counter::RevokedInFlight).count();
        assert_eq!(overtaken, 2);
        // Nobody vouches for the key, so nobody is told of it, in shadow mode either.
        assert_eq!(proxy[stream].header("x-broker"), [""; 0]);
    }
}

#[test]
fn facts_of_a_feed_that_falls_silent_meanwhile_are_asked_for_again() {
    let mut proxy = warm(FOLLOWING);
    proxy.at(2);
    let stream = proxy.request("k", "t2");
    let _rest = proxy.tick();
    let token = proxy.call("token=t2");
    proxy.at(3);
    proxy.reply(token, Some(GOOD_TOKEN));
    let _rest = proxy.tick();
    let key = proxy.last().id;
    assert_eq!((proxy.done(stream), proxy.last().text()), (&[][..], KEY));
    proxy.reply(key, Some(GOOD_KEY));
    let _rest = proxy.tick();
    let token = proxy.last().id;
    assert_eq!(proxy.last().text(), "token=t2&token_type_hint=access_token");
    proxy.reply(token, Some(GOOD_TOKEN));
    assert_eq!(proxy.done(stream), PASSED);
}

#[test]
fn key_that_ends_while_the_token_is_asked_for_is_refused() {
    let mut proxy = warm(FOLLOWING);
    let stream = proxy.request("short", "t2");
    let _rest = proxy.tick();
    let key = GOOD_KEY.replace(r#""scope":"""#, r#""scope":"","exp":1700000010"#);
    let call = proxy.last().id;
    proxy.reply(call, Some(&key));
    let _rest = proxy.tick();
    let call = proxy.last().id;
    proxy.step(10);
    proxy.reply(call, Some(GOOD_TOKEN));
    assert_eq!(proxy.done(stream), [Done::Refused(401)]);
}

#[test]
fn answer_on_its_way_when_its_credential_is_revoked_is_discarded() {
    let mut proxy = warm(FOLLOWING);
    let call = ask_feed(&mut proxy);
    // Another key, of which the authority says that it is good, a moment before it is revoked.
    let stream = proxy.request("other", "t");
    let _rest = proxy.tick();
    let lookup = proxy.last().clone();
    assert_eq!(lookup.text(), "token=other&token_type_hint=api_key");
    news(&mut proxy, call, &json!([{ "kind": "client", "client_id": "m" }]));
    proxy.reply(lookup.id, Some(GOOD_KEY));
    assert_eq!(proxy.done(stream), []);
    assert!(proxy.counted.contains(&Counter::RevokedInFlight));
    let _rest = proxy.tick();
    let again = proxy.last().clone();
    assert_eq!((again.text(), again.id != lookup.id), (lookup.text(), true));
    proxy.reply(again.id, Some(r#"{"active":false}"#));
    assert_eq!(proxy.done(stream), [Done::Refused(401)]);
}

#[test]
fn answer_is_discarded_where_too_much_came_meanwhile_to_tell() {
    let lookups = |proxy: &Proxy| proxy.forms().iter().filter(|form| form.starts_with("token=other")).count();
    let mut proxy = warm(FOLLOWING);
    let mut call = ask_feed(&mut proxy);
    let stream = proxy.request("other", "t");
    let _rest = proxy.tick();
    let lookup = proxy.last().id;
    for _ in 0..17 {
        page(&mut proxy, call, &json!([{ "kind": "credential", "sha256": KEY_SHA256 }]), true, false);
        let _rest = proxy.tick();
        call = proxy.last().id;
    }
    assert_eq!(lookups(&proxy), 1);
    proxy.reply(lookup, Some(GOOD_KEY));
    let _rest = proxy.tick();
    assert_eq!((proxy.done(stream), lookups(&proxy)), (&[][..], 2));
}
