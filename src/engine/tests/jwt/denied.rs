//! JWTs, and an authority that takes them back: its deny list is known whole, or none
//! passes.

use brama_engine::host::{Counter, RootId, StreamId};
use brama_engine::limits::MAX_WAITERS;
use brama_engine::worker::Flow;
use brama_fake::{Done, Proxy, ROOT};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::jwt::GONE_ON;
use crate::jwt::proxy::{self, Gateway as _, NOW, POLICY, set, token, token_with};
use crate::jwt::signer::Signer;

const START: &str = "asked/revocations?from=start";
const LATER: &str = "asked/revocations?after=f:1&wait=1000";

/// Worked out by another's clock, long after all tokens have ended.
const LATE: u64 = NOW + 100_000;

fn policy(following: &str) -> String {
    let (auth, types) = ("auth: { bearer_env: S }", "types: [at+jwt]");
    POLICY
        .replace(auth, &format!("{auth}, revocations: {{ path: /revocations, every: 1s, max_lag: 3s{following} }}"))
        .replace(types, &format!("{types}\n          revocations: asked"))
}

fn page(entries: &Value) -> String {
    json!({ "entries": entries, "more": false, "reset": false, "next": "f:1" }).to_string()
}

/// A worker that has asked for the deny list, as its first question, and has the keys.
fn started(signer: &Signer, following: &str) -> Proxy {
    let mut proxy = proxy::under(&policy(following));
    let _rest = proxy.tick();
    assert_eq!(proxy.places(), [START, "login/jwks.json"]);
    proxy.reply_to_last(Some((200, &set(&[signer]))));
    proxy
}

/// A worker that knows the deny list as well.
fn listing(signer: &Signer, entries: &Value) -> Proxy {
    let mut proxy = started(signer, "");
    proxy.reply_to(1, Some((200, &page(entries))));
    proxy
}

/// The next answer of the feed.
fn news(proxy: &mut Proxy, status: u16, body: &str) {
    proxy.later(1);
    let _rest = proxy.tick();
    assert!([LATER, START].contains(&&*proxy.last().place()), "{:?}", proxy.asked);
    proxy.reply_to_last(Some((status, body)));
}

fn sha256(token: &str) -> String {
    hex::encode(Sha256::digest(token))
}

/// Every way to name the token.
fn entries(token: &str) -> [Value; 6] {
    let issued = NOW + 1;
    [
        json!({ "kind": "credential", "sha256": sha256(token), "until": LATE }),
        json!({ "kind": "jti", "jti": "j1", "until": LATE }),
        json!({ "kind": "client", "client_id": "c1", "issued_before": issued, "until": LATE }),
        json!({ "kind": "user", "user_id": "u1", "issued_before": issued, "until": LATE }),
        json!({ "kind": "all", "issued_before": issued, "until": LATE }),
        json!({ "kind": "of a kind to come", "until": LATE }),
    ]
}

fn named(signer: &Signer) -> String {
    token_with(signer, json!({}), json!({ "jti": "j1", "client_id": "c1", "iat": NOW }))
}

#[test]
fn jwt_on_the_deny_list_stays_refused_in_a_fresh_vm() {
    let signer = Signer::new("ES256", "a");
    let token = named(&signer);
    for entry in entries(&token) {
        let mut proxy = listing(&signer, &json!([entry]));
        assert_eq!(proxy.outcome(&token), Done::Refused(401), "{entry}");
    }
    let others = json!([
        { "kind": "jti", "jti": "j2", "until": LATE },
        { "kind": "client", "client_id": "c1", "issued_before": NOW, "until": LATE },
        { "kind": "user", "user_id": "u1" },
    ]);
    assert_eq!(listing(&signer, &others).outcome(&token), Done::Forwarded);
}

#[test]
fn request_before_the_deny_list_is_whole_waits_for_it() {
    let signer = Signer::new("ES256", "a");
    let (listed, other) = (named(&signer), token_with(&signer, json!({}), json!({ "jti": "j2" })));
    let mut proxy = started(&signer, "");
    let [first, second] = [&listed, &other].map(|token| proxy.request(token));
    assert_eq!([first.1, second.1], [Flow::Pause; 2]);
    let entries = json!([{ "kind": "jti", "jti": "j3", "until": LATE }]);
    let first_page = json!({ "entries": entries, "more": true, "reset": false, "next": "f:1" });
    proxy.reply_to(1, Some((200, &first_page.to_string())));
    assert_eq!((proxy.done(first.0), proxy.done(second.0)), (&[][..], &[][..]));
    assert_eq!(proxy.last().place(), LATER, "at once, not at the next tick");
    proxy.reply_to_last(Some((200, &page(&json!([{ "kind": "jti", "jti": "j1", "until": LATE }])))));
    assert_eq!((proxy.done(first.0), proxy.done(second.0)), (&[Done::Refused(401)][..], &GONE_ON[..]));
}

#[test]
fn remembered_jwt_dies_with_the_news() {
    let signer = Signer::new("ES256", "a");
    let token = named(&signer);
    for entry in entries(&token) {
        let mut proxy = listing(&signer, &json!([]));
        assert_eq!([proxy.outcome(&token), proxy.outcome(&token)], [Done::Forwarded, Done::Forwarded]);
        news(&mut proxy, 200, &page(&json!([entry])));
        assert_eq!(proxy.outcome(&token), Done::Refused(401), "{entry}");
        assert!(proxy.counted.contains(&Counter::Revoked));
    }
    // What concerns what an authority is asked about leaves it remembered.
    let mut proxy = listing(&signer, &json!([]));
    assert_eq!(proxy.outcome(&token), Done::Forwarded);
    news(&mut proxy, 200, &page(&json!([{ "kind": "all" }, { "kind": "jti", "jti": "j1" }])));
    let (stream, _flow) = proxy.request(&token);
    assert_eq!((proxy.done(stream), proxy[stream].signatures), (&[Done::Forwarded][..], 0));
}

#[test]
fn jwt_that_cannot_be_told_from_a_listed_one_is_refused() {
    let signer = Signer::new("ES256", "a");
    let nobody = token_with(&signer, json!({}), json!({ "iat": NOW }));
    let of_client = json!({ "kind": "client", "client_id": "c1", "issued_before": NOW + 1, "until": LATE });
    assert_eq!(listing(&signer, &json!([of_client])).outcome(&nobody), Done::Refused(401));
    let undated = token(&signer);
    let of_user = json!({ "kind": "user", "user_id": "u1", "issued_before": 1, "until": LATE });
    assert_eq!(listing(&signer, &json!([of_user])).outcome(&undated), Done::Refused(401));
    for jti in [json!(1), json!(true), json!(["j1"])] {
        let odd = token_with(&signer, json!({}), json!({ "jti": jti }));
        assert_eq!(listing(&signer, &json!([])).outcome(&odd), Done::Refused(401), "{jti}");
    }
}

#[test]
fn stale_feed_refuses_until_it_answers_again() {
    let signer = Signer::new("ES256", "a");
    let token = token(&signer);
    let mut proxy = listing(&signer, &json!([]));
    assert_eq!(proxy.outcome(&token), Done::Forwarded);
    news(&mut proxy, 503, "");
    proxy.later(2);
    assert_eq!(proxy.outcome(&token), Done::Refused(503));
    // What is wrong with a token is told all the same.
    assert_eq!(proxy.outcome(&token_with(&signer, json!({}), json!({ "exp": NOW }))), Done::Refused(401));
    news(&mut proxy, 200, &page(&json!([])));
    assert_eq!(proxy.outcome(&token), Done::Forwarded);
}

#[test]
fn reader_that_is_told_to_begin_anew_takes_no_jwt_before_it_has() {
    let signer = Signer::new("ES256", "a");
    let token = named(&signer);
    let reset = json!({ "entries": [], "more": false, "reset": true, "next": "g:1" }).to_string();
    let refused = &[Done::Refused(503)][..];
    for (status, body, meanwhile) in [(200, reset.as_str(), &[][..]), (410, "", refused), (200, "{}", refused)] {
        let mut proxy = listing(&signer, &json!([]));
        assert_eq!(proxy.outcome(&token), Done::Forwarded);
        news(&mut proxy, status, body);
        let (stream, _flow) = proxy.request(&token);
        assert_eq!(proxy.done(stream), meanwhile, "{status} {body}");
        news(&mut proxy, 200, &page(&json!([{ "kind": "jti", "jti": "j1", "until": LATE }])));
        assert_eq!(proxy.last().place(), START);
        assert_eq!(proxy.outcome(&token), Done::Refused(401), "{status} {body}");
    }
}

#[test]
fn feed_that_never_answers_lets_nobody_wait_for_long() {
    let signer = Signer::new("ES256", "a");
    let mut proxy = started(&signer, "");
    let (stream, _flow) = proxy.request(&token(&signer));
    // The feed's `timeout` is a second.
    proxy.later(2);
    let _rest = proxy.tick();
    assert_eq!(proxy.done(stream), [Done::Refused(503)]);
    let (stream, _flow) = proxy.request(&token(&signer));
    proxy.reply_to(1, None);
    assert_eq!(proxy.done(stream), [Done::Refused(503)]);
    assert_eq!(proxy.outcome(&token(&signer)), Done::Refused(503), "nobody waits for what has just failed");
}

#[test]
fn no_more_wait_than_may() {
    let signer = Signer::new("ES256", "a");
    let mut proxy = started(&signer, "");
    let token = token(&signer);
    let streams: Vec<StreamId> = (0..=MAX_WAITERS).map(|_| proxy.request(&token).0).collect();
    let shed: Vec<_> = streams.iter().filter(|stream| proxy.done(**stream) == [Done::Refused(503)]).collect();
    assert_eq!(shed, [&streams[MAX_WAITERS]]);
    proxy.reset(streams[0]);
    assert_eq!(proxy.request(&token).1, Flow::Pause, "a place is free again");
}

#[test]
fn deny_list_is_followed_while_a_policy_says_so() {
    let signer = Signer::new("ES256", "a");
    let mut proxy = listing(&signer, &json!([]));
    for _ in 0..3 {
        news(&mut proxy, 200, &page(&json!([])));
    }
    // A reload goes on where the old root stood.
    proxy.follow(RootId(2));
    proxy.end(ROOT);
    assert_eq!(proxy.outcome(&token(&signer)), Done::Forwarded);
    proxy.end(RootId(2));
    let asked = proxy.asked.len();
    proxy.later(100);
    let _rest = proxy.tick();
    assert_eq!(proxy.asked.len(), asked);
}

#[test]
fn jwts_are_taken_for_longer_where_that_is_written() {
    let signer = Signer::new("ES256", "a");
    let mut proxy = started(&signer, ", when_stale: { serve_for: 5s, because: the network is bad }");
    let (stream, flow) = proxy.request(&token(&signer));
    assert_eq!((flow, proxy.done(stream)), (Flow::Pause, &[][..]), "never before the list is there");
    proxy.reply_to(1, Some((200, &page(&json!([])))));
    proxy.later(7);
    assert_eq!(proxy.outcome(&token(&signer)), Done::Forwarded);
    proxy.later(1);
    assert_eq!(proxy.request(&token(&signer)).1, Flow::Pause);
}

#[test]
fn deny_list_longer_than_a_worker_holds_is_none() {
    let signer = Signer::new("ES256", "a");
    let mut proxy = started(&signer, "");
    let (stream, _flow) = proxy.request(&token(&signer));
    for page in 0..3 {
        let entries: Vec<_> =
            (0..70_000).map(|number| json!({ "kind": "jti", "jti": format!("{page}-{number}"), "until": 1 })).collect();
        let page = json!({ "entries": entries, "more": true, "reset": false, "next": "f:1" }).to_string();
        let question = proxy.call("/revocations");
        proxy.reply_to(question, Some((200, &page)));
        let _rest = proxy.tick();
    }
    assert_eq!(proxy.done(stream), [Done::Refused(503)]);
    assert!(proxy.counted.contains(&Counter::FeedFailure));
    assert_eq!(proxy.outcome(&token(&signer)), Done::Refused(503));
}
