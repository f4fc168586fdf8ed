//! Requests that wait for the same answer: one lookup, whoever comes, goes, or is reset.

use crate::support::proxy::{self, CREDENTIALS, GOOD_KEY, GOOD_TOKEN, Gateway as _, INACTIVE, PASSED, PATH};
use brama_engine::host::{Counter, RootId};
use brama_engine::limits::{MAX_LOOKUPS, MAX_LOOKUPS_OF_A_KEY, MAX_WAITERS};
use brama_engine::worker::{Flow, NextTick};
use brama_fake::{Done, Proxy, ROOT, headers, lines};

const KEY: &str = "token=k&token_type_hint=api_key";
const TOKEN: &str = "token=t&token_type_hint=access_token";

#[test]
fn many_requests_with_one_credential_cause_one_lookup() {
    let mut proxy = proxy::shipped();
    let streams: Vec<_> = (0..200).map(|_| proxy.request("k", "t")).collect();
    assert_eq!(proxy.tick(), NextTick::Watch);
    proxy.reply(1, Some(GOOD_KEY));
    assert_eq!(proxy.tick(), NextTick::Watch);
    proxy.reply(2, Some(GOOD_TOKEN));
    assert_eq!(proxy.forms(), [KEY, TOKEN]);
    for stream in streams {
        assert_eq!(proxy.done(stream), PASSED);
    }
    assert_eq!(proxy.tick(), NextTick::Sleep);
}

#[test]
fn reset_of_the_first_takes_nothing_from_the_others() {
    let mut proxy = proxy::shipped();
    let streams: Vec<_> = (0..5).map(|_| proxy.request("k", "t")).collect();
    proxy.reset(streams[0]);
    let _rest = proxy.tick();
    proxy.reset(streams[1]);
    proxy.reply(1, Some(GOOD_KEY));
    let _rest = proxy.tick();
    proxy.reset(streams[2]);
    proxy.reply(2, Some(GOOD_TOKEN));
    assert_eq!(proxy.forms(), [KEY, TOKEN]);
    for stream in &streams[3..] {
        assert_eq!(proxy.done(*stream), PASSED);
    }
}

#[test]
fn lookup_nobody_waits_for_is_not_sent() {
    let mut proxy = proxy::shipped();
    let stream = proxy.request("k", "t");
    proxy.reset(stream);
    assert_eq!((proxy.tick(), proxy.asked.len()), (NextTick::Sleep, 0));
}

#[test]
fn answer_nobody_waits_for_any_more_is_remembered() {
    let mut proxy = proxy::shipped();
    let stream = proxy.request("k", "t");
    let _rest = proxy.tick();
    proxy.reset(stream);
    // Who comes meanwhile joins it.
    let late = proxy.request("k", "t");
    proxy.reset(late);
    proxy.reply(1, Some(GOOD_KEY));
    let _stream = proxy.request("k", "t");
    let _rest = proxy.tick();
    assert_eq!(proxy.forms(), [KEY, TOKEN]);
    proxy.reply(1, Some(GOOD_KEY));
    assert_eq!(proxy.counted.last(), Some(&Counter::StrayReply));
}

#[test]
fn who_resets_requests_makes_no_more_lookups_than_others() {
    let mut proxy = proxy::shipped();
    for number in 0..MAX_LOOKUPS + 10 {
        let stream = proxy.request(&format!("k{number}"), "t");
        let _rest = proxy.tick();
        proxy.reset(stream);
    }
    assert_eq!(proxy.asked.len(), MAX_LOOKUPS);
    let stream = proxy.request("good", "t");
    assert_eq!(proxy.done(stream), [Done::Refused(503)]);
    proxy.reply(1, Some(r#"{"active":false}"#));
    let stream = proxy.request("good", "t");
    assert_eq!(proxy.done(stream), [], "what has completed leaves its place");
}

#[test]
fn lookup_whose_reply_is_lost_is_sent_again_for_those_who_wait() {
    let mut proxy = proxy::shipped();
    let _lost = proxy.request("k", "t");
    let _rest = proxy.tick();
    // The policy's timeout is a second, and the proxy tells of every call how it ends.
    proxy.at(3);
    let stream = proxy.request("k", "t");
    let _rest = proxy.tick();
    assert_eq!(proxy.forms(), [KEY, KEY]);
    proxy.reply(2, Some(r#"{"active":false}"#));
    assert_eq!(proxy.done(stream), [Done::Refused(401)]);
}

#[test]
fn lookups_of_a_root_that_goes_are_sent_again() {
    let mut proxy = proxy::shipped();
    let stream = proxy.request("k", "t");
    let _rest = proxy.tick();
    proxy.end(ROOT);
    let _rest = proxy.tick_of(RootId(2));
    assert_eq!(proxy.forms(), [KEY, KEY]);
    // Numbers of calls are a root's own.
    proxy.reply(1, Some(r#"{"active":false}"#));
    proxy.reply_by(RootId(2), 1, Some((200, br#"{"active":false}"#)));
    assert_eq!(proxy.done(stream), []);
    proxy.reply_by(RootId(2), 2, Some((200, GOOD_KEY.as_bytes())));
    let _rest = proxy.tick_of(RootId(2));
    assert_eq!(proxy.forms(), [KEY, KEY, TOKEN]);
}

#[test]
fn whoever_waits_too_long_is_told() {
    let mut proxy = proxy::shipped();
    let early = proxy.request("k", "t");
    let _rest = proxy.tick();
    proxy.at(1);
    let late = proxy.request("k", "t");
    assert_eq!(proxy.tick(), NextTick::Watch);
    assert_eq!((proxy.done(early), proxy.done(late)), (&[][..], &[][..]));
    // The policy's timeout is a second.
    proxy.at(2);
    assert_eq!(proxy.tick(), NextTick::Watch);
    assert_eq!((proxy.done(early), proxy.done(late)), (&[Done::Refused(503)][..], &[][..]));
    proxy.reply(1, Some(GOOD_KEY));
    let _rest = proxy.tick();
    proxy.reply(2, Some(GOOD_TOKEN));
    assert_eq!(proxy.done(early), [Done::Refused(503)]);
    assert_eq!(proxy.done(late), PASSED);
    assert_eq!(proxy.asked.len(), 2);
}

#[test]
fn outage_is_told_to_all_and_asked_anew() {
    let mut proxy = proxy::shipped();
    let streams: Vec<_> = (0..3).map(|_| proxy.request("k", "t")).collect();
    let _rest = proxy.tick();
    proxy.reply(1, None);
    for stream in streams {
        assert_eq!(proxy.done(stream), [Done::Refused(503)]);
    }
    let _stream = proxy.request("k", "t");
    let _rest = proxy.tick();
    assert_eq!(proxy.forms(), [KEY, KEY]);
}

#[test]
fn flood_of_tokens_behind_one_key_leaves_room_for_others() {
    let mut proxy = proxy::shipped();
    for key in ["k", "l"] {
        let _stream = proxy.request(key, "t");
        let _rest = proxy.tick();
        let call = proxy.call(&format!("token={key}&token_type_hint=api_key"));
        proxy.reply(call, Some(GOOD_KEY));
    }
    let flood: Vec<_> = (0..MAX_LOOKUPS).map(|number| proxy.request("k", &format!("t{number}"))).collect();
    let shed = flood.iter().filter(|stream| proxy.done(**stream) == [Done::Refused(503)]).count();
    // One place is the first request's own.
    assert_eq!(shed, MAX_LOOKUPS - MAX_LOOKUPS_OF_A_KEY + 1);
    // Whose lookup is out already joins it, and another caller has room.
    let joins = proxy.request("k", "t0");
    let other = proxy.request("l", "other");
    assert_eq!((proxy.done(joins), proxy.done(other)), (&[][..], &[][..]));
    assert!(proxy[joins].counted.contains(&Counter::LookupJoined));
}

/// So many new tokens behind a key, one after the other, each answered before the next; how many were asked about.
fn asked_about(proxy: &mut Proxy, key: &str, tokens: std::ops::Range<usize>) -> usize {
    tokens
        .filter(|number| {
            let stream = proxy.request(key, &format!("{key}{number}"));
            let _rest = proxy.tick();
            let last = proxy.asked.last().filter(|call| call.text().starts_with(&format!("token={key}{number}&")));
            match last.map(|call| call.id) {
                Some(call) => {
                    proxy.reply(call, Some(r#"{"active":false}"#));
                    assert_eq!(proxy.done(stream), [Done::Refused(401)]);
                    true
                }
                None => {
                    assert_eq!(proxy.done(stream), [Done::Refused(503)]);
                    assert!(proxy[stream].counted.contains(&Counter::LookupShed));
                    false
                }
            }
        })
        .count()
}

#[test]
fn authority_is_asked_no_more_often_than_the_policy_says() {
    let mut proxy = proxy::shipped();
    for key in ["k", "l"] {
        let stream = proxy.request(key, "t");
        let _rest = proxy.tick();
        let call = proxy.last().id;
        proxy.reply(call, Some(GOOD_KEY));
        proxy.reset(stream);
        let _rest = proxy.tick();
    }
    // What the policy says where it says nothing. The tokens of the requests above have begun no lookup, or one.
    let first = asked_about(&mut proxy, "k", 0..1_000);
    assert!((199..=200).contains(&first), "{first}");
    assert_eq!(asked_about(&mut proxy, "k", 1_000..1_010), 0);
    let known = proxy.request("k", "k0");
    assert_eq!(proxy.done(known), [Done::Refused(401)], "what is remembered is no lookup");
    assert!(asked_about(&mut proxy, "l", 0..10) == 10, "another caller has a rate of its own");
    proxy.later(1);
    assert_eq!(asked_about(&mut proxy, "k", 2_000..3_000), 200);
}

#[test]
fn callers_together_are_asked_about_no_more_often_than_the_policy_says() {
    let mut proxy = proxy::shipped();
    let asked = (0..10).map(|caller| {
        let key = format!("key{caller}x");
        let stream = proxy.request(&key, "t");
        let _rest = proxy.tick();
        let call = proxy.last().id;
        proxy.reply(call, Some(GOOD_KEY));
        proxy.reset(stream);
        let _rest = proxy.tick();
        asked_about(&mut proxy, &key, 0..300)
    });
    let all: usize = asked.sum();
    assert!((990..=1_000).contains(&all), "{all}");
}

#[test]
fn no_more_wait_for_one_answer_than_may() {
    let mut proxy = proxy::shipped();
    let streams: Vec<_> = (0..=MAX_WAITERS).map(|_| proxy.request("k", "t")).collect();
    let shed: Vec<_> = streams.iter().filter(|stream| proxy.done(**stream) == [Done::Refused(503)]).collect();
    assert_eq!(shed, [&streams[MAX_WAITERS]]);
    proxy.reset(streams[0]);
    let late = proxy.request("k", "t");
    assert_eq!(proxy.done(late), [], "a place is free again");
    let other = proxy.request("another", "t");
    assert_eq!(proxy.done(other), [], "others have seats of their own");
}

#[test]
fn answer_leaves_a_decided_request_as_it_is() {
    let mut proxy = proxy::shipped();
    let stream = proxy.request("k", "t");
    let _rest = proxy.tick();
    proxy.reply(1, Some(r#"{"active":false}"#));
    let before = proxy.done(stream).to_vec();
    proxy.reply(1, Some(GOOD_KEY));
    assert_eq!((proxy.done(stream), proxy.flow(stream)), (&before[..], Flow::Pause));
}

#[test]
fn lookup_has_the_id_of_its_first_request_and_tells_how_many_joined() {
    lines::listen();
    let mut proxy = proxy::shipped();
    for id in ["id-1", "id-2", "id-3"] {
        let _stream = proxy.send(headers("DELETE", PATH, &[CREDENTIALS[0], CREDENTIALS[1], ("x-request-id", id)]));
    }
    let _rest = proxy.tick();
    proxy.reply(1, Some(GOOD_KEY));
    assert_eq!(proxy.last().header("x-request-id"), Some("id-1"));
    assert_eq!(lines::take(), ["lookup=api_key request.id=id-1 joined=2"]);
}

/// Stream id that a proxy uses again before it has told that its first request is gone.
#[test]
fn answer_about_another_credential_is_nobodys() {
    for answer in [GOOD_KEY, INACTIVE] {
        for (path, done) in [(PATH, &[][..]), ("/nowhere", &[Done::Refused(403)])] {
            let mut proxy = proxy::shipped();
            let stream = proxy.request("k", "t");
            let _rest = proxy.tick();
            proxy.send_as(stream, headers("DELETE", path, &[("api-key", "another"), CREDENTIALS[1]]));
            proxy.reply(1, Some(answer));
            assert_eq!((proxy[stream].counted.last(), proxy.done(stream)), (Some(&Counter::StrayReply), done));
        }
    }
}
