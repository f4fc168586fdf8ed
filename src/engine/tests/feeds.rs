//! Facts that an authority revokes: dropped when its feed says so, not trusted when it says nothing.

use crate::support::feed::{
    FOLLOWING, HEAD, KEY, KEY_SHA256, LATER, TOKEN, answer, ask_feed, asks, news, page, policy, proxy, warm,
};
use crate::support::proxy::Gateway as _;
use brama_engine::host::{Counter, RootId, StreamId};
use brama_engine::worker::NextTick;
use brama_fake::{Done, ROOT, settings};
use serde_json::json;

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
    proxy.at(2);
    assert_eq!(asks(&mut proxy), [""; 0]);
    let call = proxy.last().id;
    proxy.reply(call, None);
    proxy.at(3);
    assert_eq!(asks(&mut proxy), [KEY]);
    let call = proxy.last().id;
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
        proxy.later(1);
        let _rest = proxy.tick();
        assert_eq!(proxy.last().text(), HEAD);
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
    proxy.later(2);
    let _rest = proxy.tick();
    assert_eq!(proxy.forms(), [LATER]);
    proxy.later(1);
    let _rest = proxy.tick();
    assert_eq!(proxy.forms(), [LATER, LATER]);
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
    proxy.at(3);
    assert_eq!(asks(&mut proxy), [KEY]);
}

#[test]
fn page_with_more_to_come_makes_nothing_fresh() {
    let mut proxy = warm(FOLLOWING);
    proxy.at(2);
    let _rest = proxy.tick();
    let call = proxy.last().id;
    page(&mut proxy, call, &json!([]), true, false);
    proxy.at(3);
    assert_eq!(asks(&mut proxy), [KEY]);
    // It goes on at once.
    assert_eq!(proxy.last().text(), LATER);
    let call = proxy.last().id;
    news(&mut proxy, call, &json!([]));
    assert_eq!(asks(&mut proxy), [""; 0]);
}

#[test]
fn age_counts_from_when_the_question_was_sent() {
    let mut proxy = warm(FOLLOWING);
    let call = ask_feed(&mut proxy);
    proxy.at(3);
    assert_eq!(asks(&mut proxy), [KEY]);
    news(&mut proxy, call, &json!([]));
    assert_eq!(asks(&mut proxy), [""; 0]);
    proxy.at(4);
    assert_eq!(asks(&mut proxy), [KEY]);
}

#[test]
fn stepped_wall_clock_changes_nothing() {
    for wall in [20, -10_000_000] {
        let mut proxy = warm(FOLLOWING);
        proxy.step(wall);
        assert_eq!(asks(&mut proxy), [""; 0]);
        proxy.at(3);
        assert_eq!(asks(&mut proxy), [KEY]);
    }
}

#[test]
fn facts_are_served_for_longer_where_that_is_written() {
    let mut proxy = warm(
        "{ path: /revocations, every: 1s, max_lag: 3s, when_stale: { serve_for: 5s, because: the network is bad } }",
    );
    proxy.at(7);
    assert_eq!(asks(&mut proxy), [""; 0]);
    proxy.at(8);
    assert_eq!(asks(&mut proxy), [KEY]);
}

#[test]
fn feed_is_followed_while_there_are_facts_and_no_longer() {
    let mut proxy = warm(FOLLOWING);
    // The policy keeps facts for 60 seconds.
    proxy.at(61);
    assert_eq!(proxy.tick(), NextTick::Sleep);
    assert_eq!(proxy.forms(), [""; 0]);
    // Who comes then begins anew.
    assert_eq!(asks(&mut proxy), [KEY]);
    assert_eq!(proxy.forms(), [KEY, HEAD]);
}

#[test]
fn feed_goes_on_under_the_next_root() {
    let mut proxy = warm(FOLLOWING);
    let _call = ask_feed(&mut proxy);
    proxy.end(ROOT);
    assert_eq!(proxy.tick_of(RootId(2)), NextTick::Watch);
    assert_eq!(proxy.forms(), [LATER, LATER]);
}

#[test]
fn gateway_without_facts_asks_no_feed() {
    let mut proxy = proxy(FOLLOWING);
    assert_eq!(proxy.tick(), NextTick::Sleep);
    let stream: StreamId = proxy.request("", "");
    assert_eq!(proxy.done(stream), [Done::Refused(401)]);
    assert_eq!((proxy.tick(), proxy.asked.len()), (NextTick::Sleep, 0));
}
