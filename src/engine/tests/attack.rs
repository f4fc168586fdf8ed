//! Facts that are older than they should be, and lookups whose requests have gone.

use crate::support::feed::{FOLLOWING, HEAD, KEY, KEY_SHA256, news, policy, warm_under};
use crate::support::proxy::{self, GOOD_KEY, GOOD_TOKEN, Gateway as _, PASSED, WITHOUT_FEED};
use brama_engine::host::StreamId;
use brama_engine::limits::{MAX_FAILURES, MAX_LOOKUPS};
use brama_fake::{Done, Proxy, ROOT};
use brama_kit::dice::Dice;
use serde_json::json;

/// Facts are kept for ten seconds, and those of API keys serve for twenty more.
fn serving(policy: &str) -> String {
    let serving = "ttl: 10s, stale_if_unavailable: { serve_for: 20s, because: a test }";
    policy.replace("ttl: 60s", "ttl: 10s").replacen("ttl: 10s", serving, 1)
}

fn answer(proxy: &mut Proxy, status: u16, body: &str) {
    let _rest = proxy.tick();
    let call = proxy.last().id;
    proxy.reply_to(call, Some((status, body)));
}

fn knowing() -> Proxy {
    let mut proxy = proxy::under(&serving(&WITHOUT_FEED));
    let stream = proxy.request("k", "t");
    answer(&mut proxy, 200, GOOD_KEY);
    answer(&mut proxy, 200, GOOD_TOKEN);
    assert_eq!(proxy.done(stream), PASSED);
    proxy
}

#[test]
fn facts_that_were_revoked_while_their_feed_was_not_followed_do_not_serve() {
    let mut proxy = warm_under(&serving(&policy(FOLLOWING)));
    // Nobody comes for as long as facts are kept, so the feed is followed no more.
    proxy.at(10);
    let _rest = proxy.tick();
    // The key `k` is revoked here. Where no question is out, nobody is told.
    proxy.at(11);
    if let Some(call) = proxy.asked.pop() {
        news(&mut proxy, call.id, &json!([{ "kind": "credential", "sha256": KEY_SHA256 }]));
    }
    proxy.at(12);
    let stream = proxy.request("k", "t");
    let _rest = proxy.tick();
    let (lookup, feed) = (proxy.call(KEY), proxy.call(HEAD));
    news(&mut proxy, feed, &json!([]));
    proxy.reply(lookup, None);
    if proxy.done(stream).is_empty() {
        answer(&mut proxy, 200, GOOD_TOKEN);
    }
    assert_eq!(proxy.done(stream), [Done::Refused(503)]);
}

#[test]
fn old_facts_do_not_serve_where_nobody_was_asked() {
    let mut proxy = knowing();
    proxy.at(10);
    for number in 0..MAX_LOOKUPS {
        let _stream = proxy.request(&format!("made up {number}").replace(' ', "-"), "t");
    }
    let stream = proxy.request("k", "t");
    let _rest = proxy.tick();
    assert!(!proxy.forms()[2..].contains(&KEY), "nobody was asked");
    // The token is asked for where its API key passes.
    let token = proxy.call("token=t&");
    proxy.reply(token, Some(GOOD_TOKEN));
    assert_eq!(proxy.done(stream), [Done::Refused(503)]);
}

#[test]
fn old_facts_do_not_serve_where_the_authority_has_answered() {
    for (status, body) in [(401, ""), (403, ""), (404, ""), (200, "{}"), (200, r#"{"active":true,"client_id":7}"#)] {
        let mut proxy = knowing();
        proxy.at(10);
        let stream = proxy.request("k", "t");
        answer(&mut proxy, status, body);
        if proxy.done(stream).is_empty() {
            answer(&mut proxy, 200, GOOD_TOKEN);
        }
        assert_eq!(proxy.done(stream), [Done::Refused(503)], "{status} {body}");
    }
}

fn ask(proxy: &mut Proxy, api_key: &str) -> (StreamId, bool) {
    let before = proxy.asked.len();
    let stream = proxy.request(api_key, "t");
    let _rest = proxy.tick();
    (stream, proxy.asked.len() > before)
}

#[test]
fn probe_whose_request_has_gone_finds_out_all_the_same() {
    let mut proxy = proxy::shipped();
    for number in 0..MAX_FAILURES {
        let (_stream, was_sent) = ask(&mut proxy, &format!("k{number}"));
        assert!(was_sent);
        let call = proxy.last().id;
        proxy.reply(call, None);
    }
    proxy.later(2);
    for round in 0..20 {
        // Whoever is first when the rest is over, and leaves at once.
        let (gone, was_sent) = ask(&mut proxy, &format!("gone{round}"));
        assert!(was_sent);
        proxy.reset(gone);
        // The authority is back, and says so.
        let call = proxy.last().id;
        proxy.reply(call, Some(r#"{"active":false}"#));
        let (honest, was_sent) = ask(&mut proxy, &format!("honest{round}"));
        assert_eq!((was_sent, proxy.done(honest)), (true, &[][..]), "{round}");
        proxy.later(1);
    }
}

#[test]
fn failures_count_though_the_requests_have_gone() {
    let mut proxy = proxy::shipped();
    for number in 0..MAX_FAILURES * 10 {
        let (stream, _was_sent) = ask(&mut proxy, &format!("k{number}"));
        // A client that waits for less long than the gateway.
        proxy.reset(stream);
        let call = proxy.last().id;
        proxy.reply(call, None);
    }
    assert!(!ask(&mut proxy, "other").1, "{}", proxy.asked.len());
}

#[test]
fn no_more_lookups_are_out_than_may_though_their_requests_go() {
    let mut proxy = proxy::shipped();
    for number in 0..MAX_LOOKUPS * 10 {
        let stream = proxy.request(&format!("made-up-{number}"), "t");
        let _rest = proxy.tick();
        proxy.reset(stream);
    }
    // None of them was answered.
    assert!(proxy.asked.len() <= MAX_LOOKUPS, "{}", proxy.asked.len());
}

fn hex(text: &str) -> String {
    use sha2::Digest;
    hex::encode(sha2::Sha256::digest(text))
}

/// In every order of events no API key passes that was revoked longer ago than `max_lag`.
#[test]
fn no_order_of_events_lets_a_revoked_key_in() {
    for policy in [policy(FOLLOWING), serving(&policy(FOLLOWING))] {
        let (mut passed, mut late) = (0, 0);
        for seed in 1..500_u64 {
            let mut dice = Dice::of(seed);
            let mut proxy = proxy::under(&policy);
            let (mut feed, mut name): (Vec<String>, _) = (Vec::new(), "f".to_owned());
            let mut revoked: [Option<u64>; 3] = [None; 3];
            let mut out: Vec<(u32, u64, String)> = Vec::new();
            let mut open: Vec<(StreamId, usize)> = Vec::new();
            let mut known = 0;
            for _event in 0..150 {
                let mut step = 0;
                match dice.roll(14) {
                    0 | 1 => {
                        let _rest = proxy.tick();
                        step = 1;
                    }
                    2 if dice.roll(8) == 0 => {
                        let _rest = proxy.tick();
                        step = dice.roll(25);
                    }
                    2 if dice.roll(2) == 0 => {
                        let n = dice.pick(3);
                        if revoked[n].is_none() {
                            revoked[n] = Some(proxy.seconds());
                            feed.push(hex(&format!("k{n}")));
                        }
                    }
                    3 if dice.roll(10) == 0 => name.push('f'),
                    3 if dice.roll(10) == 0 => {
                        proxy.end(ROOT);
                        out.clear();
                    }
                    4..=8 if !out.is_empty() => {
                        let index = dice.pick(out.len());
                        let (call, _sent, body) = out.remove(index);
                        let lost = dice.roll(5) == 0;
                        proxy.reply(call, (!lost).then_some(body.as_str()));
                    }
                    9 | 10 => {
                        let n = dice.pick(3);
                        let token = format!("t{}", dice.roll(3));
                        let stream = proxy.request(&format!("k{n}"), &token);
                        open.push((stream, n));
                    }
                    _ => {
                        let _rest = proxy.tick();
                    }
                }
                for call in &proxy.asked[known..] {
                    let form = call.text();
                    let body = if form.starts_with("/") {
                        let (from, reset) =
                            match form.split("after=").nth(1).map(|rest| rest.split('&').next().unwrap()) {
                                None => (feed.len(), false),
                                Some(cursor) => {
                                    let (of, number) = cursor.split_once(':').unwrap();
                                    let is_lost = of != name;
                                    (if is_lost { feed.len() } else { number.parse().unwrap() }, is_lost)
                                }
                            };
                        let end = feed.len().min(from + 1);
                        let entries: Vec<_> = feed[from..end]
                            .iter()
                            .map(|hash| json!({ "kind": "credential", "sha256": hash }))
                            .collect();
                        json!({ "entries": entries, "more": end < feed.len(), "reset": reset, "next": format!("{name}:{end}") })
                            .to_string()
                    } else if form.contains("api_key") {
                        let n: usize =
                            form.strip_prefix("token=k").unwrap().split('&').next().unwrap().parse().unwrap();
                        if revoked[n].is_some() { r#"{"active":false}"#.to_owned() } else { GOOD_KEY.to_owned() }
                    } else {
                        GOOD_TOKEN.replace("1700000030", "1800000000")
                    };
                    out.push((call.id, proxy.seconds(), body));
                }
                known = proxy.asked.len();
                proxy.later(step);
                let seconds = proxy.seconds();
                out.retain(|(_call, sent, _body)| seconds <= sent + 1);
                open.retain(|(stream, n)| {
                    let done = proxy.done(*stream);
                    if done.contains(&Done::Forwarded) {
                        passed += 1;
                        late += usize::from(revoked[*n].is_some());
                        assert!(
                            revoked[*n].is_none_or(|at| seconds - step < at + 3),
                            "seed {seed} key {n} {revoked:?} at {seconds}"
                        );
                    }
                    done.is_empty()
                });
            }
        }
        assert!(passed > 1000, "{passed} {late}");
    }
}
