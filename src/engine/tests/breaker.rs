//! An authority that is dead: it is given a rest, and one request finds out whether it is back.

use crate::support::proxy::{self, GOOD_KEY, GOOD_TOKEN, Gateway as _, PASSED};
use brama_engine::host::{Counter, StreamId};
use brama_engine::limits::MAX_FAILURES;
use brama_fake::{Done, Failing, Proxy};

/// How an authority can fail.
#[derive(Clone, Copy, Debug)]
enum Failure {
    Silent,
    Says(u16),
}

/// The next request of a caller that nobody has seen before; whether its lookup was sent.
fn ask(proxy: &mut Proxy, api_key: &str) -> (StreamId, bool) {
    let before = proxy.asked.len();
    let stream = proxy.request(api_key, "t");
    let _rest = proxy.tick();
    (stream, proxy.asked.len() > before)
}

fn fail(proxy: &mut Proxy, failure: Failure) {
    let call = proxy.last().id;
    let reply = match failure {
        Failure::Silent => None,
        Failure::Says(status) => Some((status, "")),
    };
    proxy.reply_to(call, reply);
}

fn answer(proxy: &mut Proxy, body: &str) {
    let call = proxy.last().id;
    proxy.reply(call, Some(body));
}

/// A proxy whose authority has failed as often as it may.
fn broken(failure: Failure) -> Proxy {
    let mut proxy = proxy::shipped();
    for number in 0..MAX_FAILURES {
        let (stream, was_sent) = ask(&mut proxy, &format!("k{number}"));
        assert!(was_sent, "{failure:?} {number}");
        fail(&mut proxy, failure);
        assert_eq!(proxy.done(stream), [Done::Refused(503)]);
    }
    proxy
}

#[test]
fn dead_authority_is_not_asked_for_a_moment() {
    for failure in [Failure::Silent, Failure::Says(500), Failure::Says(503), Failure::Says(429)] {
        let mut proxy = broken(failure);
        for number in 0..100 {
            let (stream, was_sent) = ask(&mut proxy, &format!("l{number}"));
            assert_eq!((was_sent, proxy.done(stream)), (false, &[Done::Refused(503)][..]), "{failure:?}");
        }
        assert_eq!(proxy.counted.iter().filter(|counter| **counter == Counter::CircuitOpen).count(), 100);
    }
}

#[test]
fn lookups_that_cannot_be_sent_count_as_well() {
    let mut proxy = proxy::shipped();
    proxy.fail(Failing { dispatch: true, ..Failing::default() });
    for number in 0..MAX_FAILURES {
        let (stream, _was_sent) = ask(&mut proxy, &format!("k{number}"));
        assert_eq!(proxy.done(stream), [Done::Refused(503)]);
    }
    proxy.fail(Failing::default());
    assert!(!ask(&mut proxy, "other").1);
}

#[test]
fn one_request_finds_out_whether_it_is_back() {
    let mut proxy = broken(Failure::Silent);
    proxy.later(2);
    let (probe, was_sent) = ask(&mut proxy, "probe");
    assert!(was_sent);
    let (other, was_sent) = ask(&mut proxy, "other");
    assert_eq!((was_sent, proxy.done(other)), (false, &[Done::Refused(503)][..]));
    answer(&mut proxy, GOOD_KEY);
    assert!(ask(&mut proxy, "late").1);
    let token = proxy.call("token=t&");
    proxy.reply(token, Some(GOOD_TOKEN));
    assert_eq!(proxy.done(probe), PASSED);
}

#[test]
fn probe_that_fails_begins_another_rest_and_one_that_is_lost_does_not_last() {
    let mut proxy = broken(Failure::Silent);
    proxy.later(2);
    assert!(ask(&mut proxy, "probe").1);
    fail(&mut proxy, Failure::Silent);
    assert!(!ask(&mut proxy, "other").1);
    proxy.later(2);
    let (lost, was_sent) = ask(&mut proxy, "lost");
    assert!(was_sent);
    proxy.reset(lost);
    // The policy's timeout is a second.
    proxy.later(1);
    assert!(ask(&mut proxy, "next").1);
}

#[test]
fn answer_in_between_counts_from_the_beginning() {
    let mut proxy = proxy::shipped();
    for number in 0..MAX_FAILURES * 3 {
        let (_stream, was_sent) = ask(&mut proxy, &format!("k{number}"));
        assert!(was_sent);
        if number % 3 == 0 {
            answer(&mut proxy, r#"{"active":false}"#);
        } else {
            fail(&mut proxy, Failure::Silent);
        }
    }
}

#[test]
fn answer_about_one_credential_that_nobody_can_read_is_no_outage() {
    let mut proxy = proxy::shipped();
    for number in 0..MAX_FAILURES * 3 {
        let (stream, was_sent) = ask(&mut proxy, &format!("k{number}"));
        assert!(was_sent);
        answer(&mut proxy, r#"{"active":true,"client_id":7}"#);
        assert_eq!(proxy.done(stream), [Done::Refused(503)]);
    }
}

#[test]
fn rest_over_api_keys_is_none_over_tokens() {
    let mut proxy = proxy::shipped();
    let _known = ask(&mut proxy, "k");
    answer(&mut proxy, GOOD_KEY);
    let _rest = proxy.tick();
    answer(&mut proxy, GOOD_TOKEN);
    for number in 0..MAX_FAILURES {
        let _stream = ask(&mut proxy, &format!("k{number}"));
        fail(&mut proxy, Failure::Silent);
    }
    let before = proxy.asked.len();
    let _stream = proxy.request("k", "another");
    let _rest = proxy.tick();
    assert_eq!(proxy.asked.len(), before + 1);
}
