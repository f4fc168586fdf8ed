//! Facts that are older than the policy's `ttl`, while nobody can be asked: they serve where that is written, and no
//! longer.

use std::mem::take;

use crate::support::feed::{FOLLOWING, KEY, KEY_SHA256, LATER, TOKEN, ask_feed, news, policy, warm_under};
use crate::support::proxy::{self, GOOD_KEY, GOOD_TOKEN, Gateway as _, PASSED, WITHOUT_FEED};
use brama_engine::host::{Counter, StreamId};
use brama_fake::{Done, Proxy};
use serde_json::json;

/// Facts are kept for ten seconds, and those of API keys serve for twenty more.
fn serving(policy: &str) -> String {
    assert!(policy.contains("ttl: 60s"));
    let serving = "ttl: 10s, stale_if_unavailable: { serve_for: 20s, because: a test }";
    policy.replace("ttl: 60s", "ttl: 10s").replacen("ttl: 10s", serving, 1)
}

/// A proxy that knows the API key `k`.
fn knowing(policy: &str) -> Proxy {
    let mut proxy = proxy::under(policy);
    let stream = proxy.request("k", "t");
    answer(&mut proxy, Some(GOOD_KEY));
    answer(&mut proxy, Some(GOOD_TOKEN));
    assert_eq!(proxy.done(stream), PASSED);
    proxy
}

/// The reply to the lookup that is sent next.
fn answer(proxy: &mut Proxy, body: Option<&str>) {
    let _rest = proxy.tick();
    let call = proxy.last().id;
    proxy.reply(call, body);
}

/// A request whose API key is asked about in vain, and whose token is good.
fn in_outage(proxy: &mut Proxy) -> StreamId {
    let stream = proxy.request("k", "t");
    answer(proxy, None);
    if proxy.done(stream).is_empty() {
        answer(proxy, Some(GOOD_TOKEN));
    }
    stream
}

#[test]
fn facts_serve_for_as_long_as_is_written() {
    for (seconds, serves) in [(10, true), (29, true), (30, false), (1_000, false)] {
        let mut proxy = knowing(&serving(&WITHOUT_FEED));
        proxy.at(seconds);
        let stream = in_outage(&mut proxy);
        let done: &[Done] = if serves { &PASSED } else { &[Done::Refused(503)] };
        assert_eq!(proxy.done(stream), done, "{seconds}");
        assert_eq!(proxy[stream].counted.contains(&Counter::StaleServed), serves);
    }
}

#[test]
fn nothing_serves_where_nothing_is_written() {
    let mut proxy = knowing(&serving(&WITHOUT_FEED));
    proxy.at(10);
    let stream = proxy.request("k", "t");
    answer(&mut proxy, Some(GOOD_KEY));
    answer(&mut proxy, None);
    assert_eq!(proxy.done(stream), [Done::Refused(503)]);
}

#[test]
fn authority_that_answers_is_believed() {
    let mut proxy = knowing(&serving(&WITHOUT_FEED));
    proxy.at(10);
    let stream = proxy.request("k", "t");
    answer(&mut proxy, Some(r#"{"active":false}"#));
    assert_eq!(proxy.done(stream), [Done::Refused(401)]);
    proxy.at(20);
    let stream = in_outage(&mut proxy);
    assert_eq!(proxy.done(stream), [Done::Refused(503)]);
}

#[test]
fn facts_end_with_their_credential() {
    let mut proxy = proxy::under(&serving(&WITHOUT_FEED));
    let _stream = proxy.request("k", "t");
    let short = GOOD_KEY.replace("\"scope\"", "\"exp\":1700000015,\"scope\"");
    answer(&mut proxy, Some(&short));
    answer(&mut proxy, Some(GOOD_TOKEN));
    for (seconds, status) in [(14, None), (15, Some(401))] {
        proxy.at(seconds);
        let stream = in_outage(&mut proxy);
        let done: Vec<_> = status.map_or(PASSED.to_vec(), |status| vec![Done::Refused(status)]);
        assert_eq!(proxy.done(stream), done, "{seconds}");
    }
}

/// Under a feed: the question about the API key fails, those what was revoked are answered.
fn key_fails(proxy: &mut Proxy) -> StreamId {
    let stream = proxy.request("k", "t");
    let _rest = proxy.tick();
    for call in take(&mut proxy.asked) {
        match call.text() {
            KEY => proxy.reply(call.id, None),
            TOKEN => proxy.reply(call.id, Some(GOOD_TOKEN)),
            _feed => news(proxy, call.id, &json!([])),
        }
    }
    let _rest = proxy.tick();
    if let Some(call) = proxy.asked.iter().find(|call| call.text() == TOKEN).map(|call| call.id) {
        proxy.reply(call, Some(GOOD_TOKEN));
    }
    stream
}

#[test]
fn facts_serve_under_a_feed_while_it_is_fresh() {
    let mut proxy = warm_under(&serving(&policy(FOLLOWING)));
    for _ in 0..12 {
        let call = ask_feed(&mut proxy);
        news(&mut proxy, call, &json!([]));
    }
    let stream = key_fails(&mut proxy);
    assert_eq!(proxy.done(stream), PASSED);
}

#[test]
fn feed_is_followed_for_as_long_as_facts_may_serve() {
    let mut proxy = warm_under(&serving(&policy(FOLLOWING)));
    // Beyond `ttl`, and nobody has come meanwhile.
    proxy.at(12);
    let call = ask_feed(&mut proxy);
    assert_eq!(proxy.last().text(), LATER, "what was revoked since would be missed");
    news(&mut proxy, call, &json!([{ "kind": "credential", "sha256": KEY_SHA256 }]));
    let stream = key_fails(&mut proxy);
    assert_eq!(proxy.done(stream), [Done::Refused(503)]);
}

#[test]
fn stale_feed_lets_nothing_serve() {
    let mut proxy = warm_under(&serving(&policy(FOLLOWING)));
    proxy.at(10);
    let stream = proxy.request("k", "t");
    let _rest = proxy.tick();
    let call = proxy.call(KEY);
    proxy.reply(call, None);
    assert_eq!(proxy.done(stream), [Done::Refused(503)]);
}
