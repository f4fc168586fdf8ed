//! Facts that are older than the policy's `ttl`, while nobody can be asked: they serve where that is written, and no
//! longer.

#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::restriction,
    reason = "a test ends where something is amiss"
)]

mod support;

use brama_engine::host::{Counter, StreamId};
use serde_json::json;
use support::feed::{FOLLOWING, KEY, KEY_SHA256, LATER, PASSED, TOKEN, ask_feed, news, policy, warm_under};
use support::proxy::{GOOD_KEY, GOOD_TOKEN, Proxy};
use support::{Done, WITHOUT_FEED};

/// Facts are kept for ten seconds, and those of API keys serve for twenty more.
fn serving(policy: &str) -> String {
    assert!(policy.contains("ttl: 60s"));
    let serving = "ttl: 10s, stale_if_unavailable: { serve_for: 20s, because: a test }";
    policy.replace("ttl: 60s", "ttl: 10s").replacen("ttl: 10s", serving, 1)
}

/// A proxy that knows the API key `k`.
fn knowing(policy: &str) -> Proxy {
    let mut proxy = Proxy::new(policy);
    let stream = proxy.request("k", "t");
    answer(&mut proxy, Some(GOOD_KEY));
    answer(&mut proxy, Some(GOOD_TOKEN));
    assert_eq!(proxy.done(stream), [Done::Forwarded, Done::Resumed]);
    proxy
}

/// The reply to the lookup that is sent next.
fn answer(proxy: &mut Proxy, body: Option<&str>) {
    let _rest = proxy.tick(1);
    let call = proxy.asked.last().unwrap().0.0;
    proxy.reply(1, call, body);
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
        proxy.seconds = seconds;
        let stream = in_outage(&mut proxy);
        let done: &[Done] = if serves { &[Done::Forwarded, Done::Resumed] } else { &[Done::Refused(503)] };
        assert_eq!(proxy.done(stream), done, "{seconds}");
        assert_eq!(proxy.hosts[&stream].counted.contains(&Counter::StaleServed), serves);
    }
}

#[test]
fn nothing_serves_where_nothing_is_written() {
    let mut proxy = knowing(&serving(&WITHOUT_FEED));
    proxy.seconds = 10;
    let stream = proxy.request("k", "t");
    answer(&mut proxy, Some(GOOD_KEY));
    answer(&mut proxy, None);
    assert_eq!(proxy.done(stream), [Done::Refused(503)]);
}

#[test]
fn authority_that_answers_is_believed() {
    let mut proxy = knowing(&serving(&WITHOUT_FEED));
    proxy.seconds = 10;
    let stream = proxy.request("k", "t");
    answer(&mut proxy, Some(r#"{"active":false}"#));
    assert_eq!(proxy.done(stream), [Done::Refused(401)]);
    proxy.seconds = 20;
    let stream = in_outage(&mut proxy);
    assert_eq!(proxy.done(stream), [Done::Refused(503)]);
}

#[test]
fn facts_end_with_their_credential() {
    let mut proxy = Proxy::new(&serving(&WITHOUT_FEED));
    let _stream = proxy.request("k", "t");
    // The policy's clock shows 1,700,000,000 and the seconds of the test.
    let short = GOOD_KEY.replace("\"scope\"", "\"exp\":1700000015,\"scope\"");
    answer(&mut proxy, Some(&short));
    answer(&mut proxy, Some(GOOD_TOKEN));
    for (seconds, status) in [(14, None), (15, Some(401))] {
        proxy.seconds = seconds;
        proxy.wall = i64::try_from(seconds).unwrap();
        let stream = in_outage(&mut proxy);
        let done: Vec<_> = status.map_or(PASSED.to_vec(), |status| vec![Done::Refused(status)]);
        assert_eq!(proxy.done(stream), done, "{seconds}");
    }
}

/// Under a feed: the question about the API key fails, those what was revoked are answered.
fn key_fails(proxy: &mut Proxy) -> StreamId {
    let stream = proxy.request("k", "t");
    let _rest = proxy.tick(1);
    let asked = proxy.asked.split_off(0);
    for (call, form) in &asked {
        match form.as_str() {
            KEY => proxy.reply(1, call.0, None),
            TOKEN => proxy.reply(1, call.0, Some(GOOD_TOKEN)),
            _feed => news(proxy, call.0, &json!([])),
        }
    }
    let _rest = proxy.tick(1);
    if let Some((call, _form)) = proxy.asked.iter().find(|(_call, form)| form == TOKEN).cloned() {
        proxy.reply(1, call.0, Some(GOOD_TOKEN));
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
    proxy.seconds = 12;
    let call = ask_feed(&mut proxy);
    assert_eq!(proxy.asked.last().unwrap().1, LATER, "what was revoked since would be missed");
    news(&mut proxy, call, &json!([{ "kind": "credential", "sha256": KEY_SHA256 }]));
    let stream = key_fails(&mut proxy);
    assert_eq!(proxy.done(stream), [Done::Refused(503)]);
}

#[test]
fn stale_feed_lets_nothing_serve() {
    let mut proxy = warm_under(&serving(&policy(FOLLOWING)));
    proxy.seconds = 10;
    let stream = proxy.request("k", "t");
    let _rest = proxy.tick(1);
    let (call, _form) = proxy.asked.iter().find(|(_call, form)| form == KEY).unwrap().clone();
    proxy.reply(1, call.0, None);
    assert_eq!(proxy.done(stream), [Done::Refused(503)]);
}
