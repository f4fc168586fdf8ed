//! Facts that an authority revokes: dropped when its feed says so, not trusted when it says nothing.

#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "test support"
)]

mod support;

use brama_filter::host::{CallId, Counter, RootId, StreamId};
use brama_filter::worker::Rest;
use brama_policy::Reply;
use serde_json::{Value, json};
use support::proxy::{GOOD_KEY, GOOD_TOKEN, Proxy};
use support::{Done, WITHOUT_FEED, settings};

const KEY: &str = "token=k&token_type_hint=api_key";
const TOKEN: &str = "token=t&token_type_hint=access_token";
const HEAD: &str = "/revocations";
const LATER: &str = "/revocations?after=f:1&wait=1000";

/// SHA-256 of the API key `k`.
const KEY_SHA256: &str = "8254c329a92850f6d539dd376f4816ee2764517da5e0235514af433164480d7a";

fn policy(following: &str) -> String {
    let auth = "auth: { bearer_env: BRAMA_AUTHORITY_SECRET }";
    assert!(WITHOUT_FEED.contains(auth));
    WITHOUT_FEED.replace(auth, &format!("{auth}\n    revocations: {following}"))
}

fn proxy(following: &str) -> Proxy {
    Proxy::new(&policy(following))
}

fn answer(proxy: &mut Proxy, call: u32, status: u16, body: &str) {
    let worker = std::rc::Rc::clone(&proxy.worker);
    worker.on_reply(RootId(1), proxy, CallId(call), Some(Reply { status, body: body.as_bytes() }));
}

const FOLLOWING: &str = "{ path: /revocations, every: 1s, max_lag: 3s }";

/// A proxy that has remembered the facts of both credentials, under a feed that is fresh.
fn warm(following: &str) -> Proxy {
    let mut proxy = proxy(following);
    let first = proxy.request("k", "t");
    let _rest = proxy.tick(1);
    assert_eq!(proxy.forms(), [KEY, HEAD]);
    news(&mut proxy, 2, &json!([]));
    proxy.reply(1, 1, Some(GOOD_KEY));
    let _rest = proxy.tick(1);
    proxy.reply(1, 3, Some(GOOD_TOKEN));
    assert_eq!(proxy.done(first), PASSED);
    // The key was asked for before it was known where the feed stands, so it was not remembered.
    let second = proxy.request("k", "t");
    let _rest = proxy.tick(1);
    assert_eq!(proxy.forms(), [KEY, HEAD, TOKEN, KEY]);
    proxy.reply(1, 4, Some(GOOD_KEY));
    assert_eq!(proxy.done(second), PASSED);
    proxy.asked.clear();
    proxy
}

const PASSED: [Done; 2] = [Done::Forwarded, Done::Resumed];

fn news(proxy: &mut Proxy, call: u32, entries: &Value) {
    page(proxy, call, entries, false, false);
}

fn page(proxy: &mut Proxy, call: u32, entries: &Value, more: bool, reset: bool) {
    let page = json!({ "entries": entries, "more": more, "reset": reset, "next": "f:1" });
    proxy.reply(1, call, Some(&page.to_string()));
}

/// What a request asks for; nothing where all is known, and it has passed.
fn asks(proxy: &mut Proxy) -> Vec<String> {
    let before = proxy.asked.len();
    let stream = proxy.request("k", "t");
    let _rest = proxy.tick(1);
    let asked: Vec<_> = proxy.asked[before..].iter().map(|(_call, text)| text.clone()).collect();
    let lookups: Vec<_> = asked.into_iter().filter(|text| !text.starts_with('/')).collect();
    if lookups.is_empty() {
        assert_eq!(proxy.done(stream), [Done::Forwarded]);
    }
    proxy.reset(stream);
    lookups
}

/// The feed is asked at the next tick, a second later.
fn ask_feed(proxy: &mut Proxy) -> u32 {
    proxy.seconds += 1;
    let _rest = proxy.tick(1);
    let (call, text) = proxy.asked.last().unwrap();
    assert_eq!(text, LATER);
    call.0
}

#[test]
fn known_facts_are_trusted_while_the_feed_is_fresh() {
    let mut proxy = warm(FOLLOWING);
    assert_eq!(asks(&mut proxy), [""; 0]);
    for _ in 0..10 {
        let call = ask_feed(&mut proxy);
        news(&mut proxy, call, &json!([]));
        assert_eq!(asks(&mut proxy), [""; 0]);
    }
}

#[test]
fn revoked_credential_is_asked_for_again() {
    for (entry, asked) in [
        (json!({ "kind": "credential", "sha256": KEY_SHA256 }), &[KEY][..]),
        (json!({ "kind": "client", "client_id": "m" }), &[KEY]),
        (json!({ "kind": "user", "user_id": "u" }), &[TOKEN]),
        (json!({ "kind": "client", "client_id": "1380df72-275a-11e7-93ae-92361f002671" }), &[TOKEN]),
        (json!({ "kind": "all" }), &[KEY]),
        (json!({ "kind": "of a kind to come" }), &[KEY]),
        // Strangers' ends disturb nobody.
        (json!({ "kind": "user", "user_id": "stranger" }), &[]),
        (json!({ "kind": "jti", "jti": "of a stranger" }), &[]),
        (json!({ "kind": "client", "client_id": "stranger" }), &[]),
    ] {
        let mut proxy = warm(FOLLOWING);
        let call = ask_feed(&mut proxy);
        news(&mut proxy, call, &json!([entry]));
        assert_eq!(asks(&mut proxy), asked, "{entry}");
        assert_eq!(proxy.counted.contains(&Counter::Revoked), !asked.is_empty());
    }
}

#[test]
fn feed_that_is_reset_drops_everything() {
    let mut proxy = warm(FOLLOWING);
    let call = ask_feed(&mut proxy);
    page(&mut proxy, call, &json!([]), false, true);
    assert_eq!(asks(&mut proxy), [KEY]);
}

#[test]
fn stale_feed_leaves_nothing_trusted_until_it_answers_again() {
    let mut proxy = warm(FOLLOWING);
    proxy.seconds = 2;
    assert_eq!(asks(&mut proxy), [""; 0]);
    let call = proxy.asked.last().unwrap().0.0;
    proxy.reply(1, call, None);
    proxy.seconds = 3;
    assert_eq!(asks(&mut proxy), [KEY]);
    let call = proxy.asked.last().unwrap().0.0;
    news(&mut proxy, call, &json!([]));
    assert_eq!(asks(&mut proxy), [""; 0]);
}

#[test]
fn page_that_cannot_be_used_drops_everything_and_the_feed_is_begun_anew() {
    let entry = r#"{"entries":[{}],"more":false,"reset":false,"next":"f:2"}"#;
    for (status, body) in [(200, ""), (200, "{}"), (200, entry), (400, "{}"), (404, ""), (410, "")] {
        let mut proxy = warm(FOLLOWING);
        let call = ask_feed(&mut proxy);
        answer(&mut proxy, call, status, body);
        assert_eq!(asks(&mut proxy), [KEY], "{status} {body}");
        proxy.seconds += 1;
        let _rest = proxy.tick(1);
        assert_eq!(proxy.asked.last().unwrap().1, HEAD);
        assert!(proxy.counted.contains(&Counter::FeedFailure));
    }
}

#[test]
fn feed_that_is_out_of_order_keeps_its_place() {
    for status in [500, 503, 401, 403, 429, 302] {
        let mut proxy = warm(FOLLOWING);
        for _ in 0..2 {
            let call = ask_feed(&mut proxy);
            answer(&mut proxy, call, status, "{}");
        }
        assert_eq!(asks(&mut proxy), [""; 0], "{status}");
        let _call = ask_feed(&mut proxy);
        assert_eq!(asks(&mut proxy), [KEY], "{status}");
    }
}

#[test]
fn longest_page_of_an_authority_is_read() {
    let mut proxy = warm(FOLLOWING);
    let entries = vec![json!({ "kind": "jti", "jti": "\u{1}".repeat(512), "number": 1, "at": 1, "until": 1 }); 1000];
    let call = ask_feed(&mut proxy);
    news(&mut proxy, call, &json!(entries));
    assert!(!proxy.counted.contains(&Counter::FeedFailure));
}

#[test]
fn question_whose_reply_is_lost_is_asked_again() {
    let mut proxy = warm(FOLLOWING);
    let _call = ask_feed(&mut proxy);
    proxy.seconds += 2;
    let _rest = proxy.tick(1);
    assert_eq!(proxy.forms(), [LATER]);
    proxy.seconds += 1;
    let _rest = proxy.tick(1);
    assert_eq!(proxy.forms(), [LATER, LATER]);
}

#[test]
fn key_that_is_revoked_while_the_token_is_asked_for_is_asked_for_again() {
    let mut proxy = warm(FOLLOWING);
    let call = ask_feed(&mut proxy);
    let stream = proxy.request("k", "t2");
    let _rest = proxy.tick(1);
    let (lookup, form) = proxy.asked.last().unwrap().clone();
    assert_eq!(form, "token=t2&token_type_hint=access_token");
    news(&mut proxy, call, &json!([{ "kind": "credential", "sha256": KEY_SHA256 }]));
    proxy.reply(1, lookup.0, Some(GOOD_TOKEN));
    assert_eq!(proxy.done(stream), []);
    let _rest = proxy.tick(1);
    let (again, form) = proxy.asked.last().unwrap().clone();
    assert_eq!(form, KEY);
    proxy.reply(1, again.0, Some(r#"{"active":false}"#));
    assert_eq!(proxy.done(stream), [Done::Refused(401)]);
}

#[test]
fn key_that_is_revoked_twice_meanwhile_is_not_asked_for_a_third_time() {
    let mut proxy = warm(FOLLOWING);
    let (head, tail) = policy(FOLLOWING).rsplit_once("ttl: 60s").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    proxy.settings = settings(&format!("{head}ttl: 0s{tail}"));
    let stream = proxy.request("k", "t2");
    for round in 0..2 {
        let feed = ask_feed(&mut proxy);
        let token = proxy.asked.iter().rev().find(|(_call, form)| form.starts_with("token=t2")).unwrap().0;
        news(&mut proxy, feed, &json!([{ "kind": "credential", "sha256": KEY_SHA256 }]));
        // With `ttl: 0s` the token is asked for again as well.
        proxy.reply(1, token.0, Some(GOOD_TOKEN));
        if round == 0 {
            let _rest = proxy.tick(1);
            let (key, form) = proxy.asked.last().unwrap().clone();
            assert_eq!(form, KEY);
            proxy.reply(1, key.0, Some(GOOD_KEY));
        }
    }
    assert_eq!(proxy.done(stream), [Done::Refused(503)]);
}

#[test]
fn facts_of_a_feed_that_falls_silent_meanwhile_are_asked_for_again() {
    let mut proxy = warm(FOLLOWING);
    proxy.seconds = 2;
    let stream = proxy.request("k", "t2");
    let _rest = proxy.tick(1);
    let token = proxy.asked.iter().find(|(_call, form)| form.starts_with("token=t2")).unwrap().0;
    proxy.seconds = 3;
    for host in proxy.hosts.values_mut() {
        host.seconds = 103;
    }
    proxy.reply(1, token.0, Some(GOOD_TOKEN));
    let _rest = proxy.tick(1);
    let (key, form) = proxy.asked.last().unwrap().clone();
    assert_eq!((proxy.done(stream), form.as_str()), (&[][..], KEY));
    proxy.reply(1, key.0, Some(GOOD_KEY));
    let _rest = proxy.tick(1);
    let (token, form) = proxy.asked.last().unwrap().clone();
    assert_eq!(form, "token=t2&token_type_hint=access_token");
    proxy.reply(1, token.0, Some(GOOD_TOKEN));
    assert_eq!(proxy.done(stream), PASSED);
}

#[test]
fn key_that_ends_while_the_token_is_asked_for_is_refused() {
    let mut proxy = warm(FOLLOWING);
    let stream = proxy.request("short", "t2");
    let _rest = proxy.tick(1);
    let key = GOOD_KEY.replace(r#""scope":"""#, r#""scope":"","exp":1700000010"#);
    let call = proxy.asked.last().unwrap().0;
    proxy.reply(1, call.0, Some(&key));
    let _rest = proxy.tick(1);
    let call = proxy.asked.last().unwrap().0;
    proxy.hosts.get_mut(&stream).unwrap().wall += 10;
    proxy.reply(1, call.0, Some(GOOD_TOKEN));
    assert_eq!(proxy.done(stream), [Done::Refused(401)]);
}

#[test]
fn shorter_ttl_is_in_force_at_once() {
    let mut proxy = warm(FOLLOWING);
    assert_eq!(asks(&mut proxy), [""; 0]);
    proxy.settings = settings(&policy(FOLLOWING).replace("ttl: 60s", "ttl: 0s"));
    assert_eq!(asks(&mut proxy), [KEY]);
}

#[test]
fn refused_gateway_trusts_nothing() {
    let mut proxy = warm(FOLLOWING);
    let call = ask_feed(&mut proxy);
    answer(&mut proxy, call, 401, "{}");
    proxy.seconds = 3;
    assert_eq!(asks(&mut proxy), [KEY]);
}

#[test]
fn page_with_more_to_come_makes_nothing_fresh() {
    let mut proxy = warm(FOLLOWING);
    proxy.seconds = 2;
    let _rest = proxy.tick(1);
    let call = proxy.asked.last().unwrap().0.0;
    page(&mut proxy, call, &json!([]), true, false);
    proxy.seconds = 3;
    assert_eq!(asks(&mut proxy), [KEY]);
    // It goes on at once.
    let (call, text) = proxy.asked.last().unwrap().clone();
    assert_eq!(text, LATER);
    news(&mut proxy, call.0, &json!([]));
    assert_eq!(asks(&mut proxy), [""; 0]);
}

#[test]
fn age_counts_from_when_the_question_was_sent() {
    let mut proxy = warm(FOLLOWING);
    let call = ask_feed(&mut proxy);
    proxy.seconds = 3;
    assert_eq!(asks(&mut proxy), [KEY]);
    news(&mut proxy, call, &json!([]));
    assert_eq!(asks(&mut proxy), [""; 0]);
    proxy.seconds = 4;
    assert_eq!(asks(&mut proxy), [KEY]);
}

#[test]
fn stepped_wall_clock_changes_nothing() {
    for wall in [20, -10_000_000] {
        let mut proxy = warm(FOLLOWING);
        proxy.wall = wall;
        assert_eq!(asks(&mut proxy), [""; 0]);
        proxy.seconds = 3;
        assert_eq!(asks(&mut proxy), [KEY]);
    }
}

#[test]
fn facts_are_served_for_longer_where_that_is_written() {
    let mut proxy = warm(
        "{ path: /revocations, every: 1s, max_lag: 3s, when_stale: { serve_for: 5s, because: the network is bad } }",
    );
    proxy.seconds = 7;
    assert_eq!(asks(&mut proxy), [""; 0]);
    proxy.seconds = 8;
    assert_eq!(asks(&mut proxy), [KEY]);
}

#[test]
fn answer_on_its_way_when_its_credential_is_revoked_is_discarded() {
    let mut proxy = warm(FOLLOWING);
    let call = ask_feed(&mut proxy);
    // Another key, of which the authority says that it is good, a moment before it is revoked.
    let stream = proxy.request("other", "t");
    let _rest = proxy.tick(1);
    let lookup = proxy.asked.last().unwrap().clone();
    assert_eq!(lookup.1, "token=other&token_type_hint=api_key");
    news(&mut proxy, call, &json!([{ "kind": "client", "client_id": "m" }]));
    proxy.reply(1, lookup.0.0, Some(GOOD_KEY));
    assert_eq!(proxy.done(stream), []);
    assert!(proxy.counted.contains(&Counter::Overtaken));
    let _rest = proxy.tick(1);
    let again = proxy.asked.last().unwrap().clone();
    assert_eq!((&again.1, again.0 != lookup.0), (&lookup.1, true));
    proxy.reply(1, again.0.0, Some(r#"{"active":false}"#));
    assert_eq!(proxy.done(stream), [Done::Refused(401)]);
}

#[test]
fn answer_is_discarded_where_too_much_came_meanwhile_to_tell() {
    let lookups = |proxy: &Proxy| proxy.forms().iter().filter(|form| form.starts_with("token=other")).count();
    let mut proxy = warm(FOLLOWING);
    let mut call = ask_feed(&mut proxy);
    let stream = proxy.request("other", "t");
    let _rest = proxy.tick(1);
    let lookup = proxy.asked.last().unwrap().0;
    for _ in 0..17 {
        page(&mut proxy, call, &json!([{ "kind": "credential", "sha256": KEY_SHA256 }]), true, false);
        let _rest = proxy.tick(1);
        call = proxy.asked.last().unwrap().0.0;
    }
    assert_eq!(lookups(&proxy), 1);
    proxy.reply(1, lookup.0, Some(GOOD_KEY));
    let _rest = proxy.tick(1);
    assert_eq!((proxy.done(stream), lookups(&proxy)), (&[][..], 2));
}

#[test]
fn feed_is_followed_while_there_are_facts_and_no_longer() {
    let mut proxy = warm(FOLLOWING);
    // The policy keeps facts for 60 seconds.
    proxy.seconds = 61;
    assert_eq!(proxy.tick(1), Rest::Sleep);
    assert_eq!(proxy.forms(), [""; 0]);
    // Who comes then begins anew.
    assert_eq!(asks(&mut proxy), [KEY]);
    assert_eq!(proxy.forms(), [KEY, HEAD]);
}

#[test]
fn feed_goes_on_under_the_next_root() {
    let mut proxy = warm(FOLLOWING);
    let _call = ask_feed(&mut proxy);
    proxy.worker.abandoned_by(RootId(1));
    assert_eq!(proxy.tick(2), Rest::Watch);
    assert_eq!(proxy.forms(), [LATER, LATER]);
}

#[test]
fn gateway_without_facts_asks_no_feed() {
    let mut proxy = proxy(FOLLOWING);
    assert_eq!(proxy.tick(1), Rest::Sleep);
    let stream: StreamId = proxy.request("", "");
    assert_eq!(proxy.done(stream), [Done::Refused(401)]);
    assert_eq!((proxy.tick(1), proxy.asked.len()), (Rest::Sleep, 0));
}
