//! JWTs: their keys are fetched ahead, kept through outages, and changed without a gap.

mod attack;
mod denied;
mod proxy;
#[cfg(feature = "ps-eddsa")]
mod ps_eddsa;
mod several;
mod told;

use std::time::Duration;

use brama_engine::host::{Counter, RootId};
use brama_engine::worker::Flow;
use brama_engine::worker::NextTick;
use brama_fake::{Done, Failing, ROOT, headers};
use brama_kit::signer::{self, Signer, merged};
use proxy::{Gateway as _, NOW, set, token, token_with};
use serde_json::{Value, json};

const GONE_ON: [Done; 2] = [Done::Forwarded, Done::Resumed];

#[test]
fn good_token_passes_without_a_question_once_the_keys_are_there() {
    for algorithm in ["RS256", "ES256"] {
        let signer = Signer::new(algorithm, "a");
        let mut proxy = proxy::with(&[&signer]);
        assert_eq!(proxy.places(), ["login/jwks.json"]);
        let token = token(&signer);
        let (stream, flow) = proxy.request(&token);
        assert_eq!((flow, proxy[stream].header("x-user")), (Flow::Continue, vec!["u1".to_owned()]));
        assert_eq!(proxy[stream].signatures, 1);
        let (stream, flow) = proxy.request(&token);
        assert_eq!((flow, proxy[stream].signatures), (Flow::Continue, 0), "remembered");
        assert!(proxy[stream].counted.contains(&Counter::CacheHit));
        assert_eq!(proxy.asked.len(), 1);
    }
}

/// Facts of a token are remembered for every route; a route holds them against its own audience.
#[test]
fn remembered_token_is_for_the_routes_of_its_audiences() {
    let signer = Signer::new("ES256", "a");
    let guarded = "routes: [{ id: w, methods: [POST], path: /r, require: { credentials: [token], audience: reviews, scopes: none } }, ";
    let policy = proxy::POLICY.replace("routes: [", guarded);
    let mut proxy = proxy::publishing(&policy, &set(&[&signer]));
    let mut outcome = |method: &str, audiences: Value| {
        let token = token_with(&signer, json!({}), json!({ "aud": audiences }));
        let stream = proxy.send(headers(method, "/r", &[("authorization", &format!("Bearer {token}"))]));
        *proxy.done(stream).last().unwrap()
    };
    for method in ["POST", "GET", "POST"] {
        let other_route = if method == "GET" { Done::Forwarded } else { Done::Refused(401) };
        assert_eq!(outcome(method, json!("api")), other_route, "{method}");
        assert_eq!(outcome(method, json!(["api"])), other_route, "{method}");
        assert_eq!(outcome(method, json!(["reviews", "api"])), Done::Forwarded, "{method}");
        // One that no fact can hold is refused there, and there only.
        assert_eq!(outcome(method, json!(["reviews", "api", "a".repeat(300)])), other_route, "{method}");
        // The verifier's own audience is wanted as well.
        assert_eq!(outcome(method, json!("reviews")), Done::Refused(401), "{method}");
    }
}

#[test]
fn requests_before_the_keys_wait_for_one_fetch() {
    let signer = Signer::new("ES256", "a");
    let mut proxy = proxy::new();
    let streams = [(); 3].map(|()| proxy.request(&token(&signer)));
    assert!(streams.iter().all(|(_, flow)| *flow == Flow::Pause));
    assert_eq!((proxy.tick(), proxy.tick()), (NextTick::Watch, NextTick::Watch));
    let (late, _flow) = proxy.request(&token(&signer));
    assert_eq!((proxy.tick(), proxy.asked.len()), (NextTick::Watch, 1));
    // Who is reset leaves the others.
    proxy.reset(streams[0].0);
    proxy.reply_to_last(Some((200, &set(&[&signer]))));
    for stream in [streams[1].0, streams[2].0, late] {
        assert_eq!(proxy.done(stream), GONE_ON);
    }
}

#[test]
fn what_no_key_could_mend_is_refused_at_once() {
    let (signer, other) = (Signer::new("ES256", "a"), Signer::new("ES256", "a"));
    let signed_by_other = token(&other);
    let alg_none = token_with(&signer, json!({ "alg": "none" }), json!({}));
    let tokens = [
        alg_none,
        token_with(&signer, json!({ "typ": "JWT" }), json!({})),
        token_with(&signer, json!({}), json!({ "aud": "other" })),
        token_with(&signer, json!({}), json!({ "iss": "https://evil.example" })),
        token_with(&signer, json!({}), json!({ "exp": NOW })),
        token_with(&signer, json!({}), json!({ "nbf": NOW + 1 })),
    ];
    for has_keys in [false, true] {
        let mut proxy = if has_keys { proxy::with(&[&signer]) } else { proxy::new() };
        for token in &tokens {
            assert_eq!(proxy.outcome(token), Done::Refused(401));
        }
    }
    let mut proxy = proxy::with(&[&signer]);
    assert_eq!(proxy.outcome(&signed_by_other), Done::Refused(401));
    assert_eq!(proxy.outcome(&token(&signer)), Done::Forwarded, "the other's refusal is not remembered for it");
    assert_eq!(proxy.asked.len(), 1);
}

#[test]
fn each_reason_of_a_refusal_is_counted_by_its_name() {
    let signer = Signer::new("ES256", "a");
    let mut proxy = proxy::with(&[&signer]);
    for (header, claims, reason) in [
        (json!({ "alg": "none" }), json!({}), "algorithm"),
        (json!({ "typ": "JWT" }), json!({}), "type"),
        (json!({ "typ": null }), json!({}), "type_missing"),
        (json!({ "kid": "b" }), json!({}), "key_unknown"),
        (json!({}), json!({ "aud": "other" }), "audience"),
        (json!({}), json!({ "iss": "https://evil.example" }), "issuer"),
        (json!({}), json!({ "exp": NOW }), "expired"),
        (json!({}), json!({ "sub": [42] }), "fact"),
    ] {
        let (stream, _flow) = proxy.request(&token_with(&signer, header, claims));
        let counted = &proxy[stream].counted;
        assert_eq!(counted, &[Counter::Refused("token_refused".to_owned()), Counter::Rejected(reason)], "{reason}");
        assert_eq!(proxy.done(stream), [Done::Refused(401)]);
    }
    let unused = token_with(&signer, json!({}), json!({ "client_id": [7], "client_type": {}, "scope": 5 }));
    assert_eq!(proxy.outcome(&unused), Done::Forwarded, "nothing looks at them");
}

#[test]
fn answer_with_a_fact_that_cannot_be_read_is_remembered_as_what_it_is() {
    let mut proxy = proxy::with(&[]);
    let (first, _flow) = proxy.request("opaque");
    let _rest = proxy.tick();
    let asked = proxy.asked.len();
    proxy.reply_to_last(Some((200, r#"{"active":true,"u":"t","sub":[42]}"#)));
    assert_eq!(proxy.done(first), [Done::Refused(401)]);
    let (second, _flow) = proxy.request("opaque");
    assert_eq!(proxy.done(second), [Done::Refused(401)]);
    let counted = &proxy[second].counted;
    assert_eq!(counted, &[Counter::CacheHit, Counter::Refused("token_refused".to_owned()), Counter::Rejected("fact")]);
    proxy.later(2);
    let (third, flow) = proxy.request("opaque");
    let _rest = proxy.tick();
    assert_eq!((flow, proxy.asked.len()), (Flow::Pause, asked + 1), "for `refused_ttl`, and no longer");
    proxy.reply_to_last(Some((200, r#"{"active":true,"u":"t","sub":"u2","client_id":7,"exp":1700007200.5}"#)));
    assert_eq!(proxy.done(third), GONE_ON);
}

#[test]
fn key_that_is_left_out_is_told_once_for_each_set() {
    let (signer, other) = (Signer::new("ES256", "a"), Signer::new("RS256", "enc"));
    let encrypts = merged(other.jwk(), json!({ "use": "enc" }));
    let with = |keys: &[&Value]| json!({ "keys": keys }).to_string();
    let own = signer.jwk();
    let mut proxy = proxy::new();
    let mut told = Vec::new();
    for set in [
        with(&[&own, &encrypts]),
        with(&[&own, &encrypts]),
        with(&[&own]),
        with(&[&own, &encrypts, &json!({ "kty": "AKP" })]),
        "<html>".to_owned(),
        with(&[&own, &encrypts, &json!({ "kty": "AKP" })]),
    ] {
        let _rest = proxy.tick();
        proxy.counted.clear();
        proxy.reply_to_last(Some((200, &set)));
        told.push(proxy.counted.iter().filter(|counter| **counter == Counter::KeyLeftOut).count());
        proxy.later(300);
    }
    assert_eq!(told, [1, 0, 0, 2, 0, 0]);
    assert_eq!(proxy.outcome(&token(&signer)), Done::Forwarded);
}

#[test]
fn token_is_good_in_the_millisecond_in_which_it_was_issued() {
    let signer = Signer::new("ES256", "a");
    let mut proxy = proxy::with(&[&signer]);
    proxy.set_clock(|clock| clock.millis = 250);
    let issued = |rest: f64| f64::from(u32::try_from(NOW).unwrap()) + rest;
    for (claims, done) in [
        (json!({ "iat": issued(0.25), "nbf": issued(0.25) }), Done::Forwarded),
        (json!({ "iat": issued(0.250_9) }), Done::Forwarded),
        (json!({ "iat": issued(0.251) }), Done::Refused(401)),
        (json!({ "nbf": issued(0.251) }), Done::Refused(401)),
        (json!({ "exp": issued(0.251) }), Done::Forwarded),
        (json!({ "exp": issued(0.25) }), Done::Refused(401)),
    ] {
        assert_eq!(proxy.outcome(&token_with(&signer, json!({}), claims.clone())), done, "{claims}");
    }
}

#[test]
fn host_that_cannot_verify_refuses() {
    let signer = Signer::new("ES256", "a");
    let mut proxy = proxy::with(&[&signer]);
    proxy.fail(Failing { verify: true, ..Failing::default() });
    assert_eq!(proxy.outcome(&token(&signer)), Done::Refused(401));
}

#[test]
fn unknown_key_is_fetched_once_in_a_while() {
    let (old, new, made_up) = (Signer::new("ES256", "a"), Signer::new("ES256", "b"), Signer::new("ES256", "c"));
    let mut proxy = proxy::with(&[&old]);
    // The set is as new as can be.
    assert_eq!(proxy.outcome(&token(&made_up)), Done::Refused(401));
    proxy.later(5);
    let (first, flow) = proxy.request(&token(&new));
    let (second, _flow) = proxy.request(&token(&made_up));
    assert_eq!((flow, proxy.tick(), proxy.asked.len()), (Flow::Pause, NextTick::Watch, 2));
    proxy.reply_to_last(Some((200, &set(&[&old, &new]))));
    assert_eq!((proxy.done(first), proxy.done(second)), (&GONE_ON[..], &[Done::Refused(401)][..]));
    for _ in 0..10 {
        assert_eq!(proxy.outcome(&token(&made_up)), Done::Refused(401));
        let _rest = proxy.tick();
    }
    assert_eq!(proxy.asked.len(), 2);
}

#[test]
fn rotation_with_overlap_lets_nobody_wait_and_the_old_key_go() {
    let (old, new) = (Signer::new("RS256", "a"), Signer::new("ES256", "b"));
    let mut proxy = proxy::with(&[&old]);
    assert_eq!(proxy.outcome(&token(&old)), Done::Forwarded);
    assert_eq!(proxy.tick(), NextTick::Until(Duration::from_secs(300)));
    proxy.later(300);
    let _rest = proxy.tick();
    assert_eq!(proxy.outcome(&token(&old)), Done::Forwarded, "while they are fetched again, the old ones hold");
    proxy.reply_to_last(Some((200, &set(&[&old, &new]))));
    for signer in [&old, &new] {
        assert_eq!(proxy.outcome(&token(signer)), Done::Forwarded);
    }
    proxy.later(300);
    let _rest = proxy.tick();
    proxy.reply_to_last(Some((200, &set(&[&new]))));
    assert_eq!(proxy.outcome(&token(&new)), Done::Forwarded);
    assert_eq!(proxy.outcome(&token(&old)), Done::Refused(401), "what its key vouched for is forgotten with it");
}

#[test]
fn last_good_keys_outlive_an_outage_until_they_are_too_old() {
    let (signer, unknown) = (Signer::new("ES256", "a"), Signer::new("ES256", "b"));
    let mut proxy = proxy::with(&[&signer]);
    for reply in [None, Some((500, "")), Some((200, "{}")), Some((200, r#"{"keys":{}}"#)), Some((302, ""))] {
        proxy.later(300);
        let _rest = proxy.tick();
        proxy.reply_to_last(reply);
        assert_eq!(proxy.counted.last(), Some(&Counter::KeyFetchFailed));
        assert_eq!(proxy.outcome(&token(&signer)), Done::Forwarded, "{reply:?}");
        assert_eq!(proxy.outcome(&token(&unknown)), Done::Refused(503), "nobody can say: {reply:?}");
    }
    proxy.later(3599 - 1500);
    assert_eq!(proxy.outcome(&token(&signer)), Done::Forwarded);
    proxy.later(1);
    let (stream, flow) = proxy.request(&token(&signer));
    assert_eq!(flow, Flow::Pause);
    let _rest = proxy.tick();
    proxy.reply_to_last(None);
    assert_eq!(proxy.done(stream), [Done::Refused(503)]);
    assert_eq!(proxy.outcome(&token(&signer)), Done::Refused(503), "asked a moment ago");
    proxy.later(1);
    let (stream, _flow) = proxy.request(&token(&signer));
    let _rest = proxy.tick();
    proxy.reply_to_last(Some((200, &set(&[&signer]))));
    assert_eq!(proxy.done(stream), GONE_ON);
}

#[test]
fn who_waits_for_keys_that_do_not_come_is_told() {
    let signer = Signer::new("ES256", "a");
    let mut proxy = proxy::new();
    let (stream, _flow) = proxy.request(&token(&signer));
    let _rest = proxy.tick();
    proxy.later(2);
    let _rest = proxy.tick();
    assert_eq!(proxy.done(stream), [Done::Refused(503)]);
    let mut proxy = proxy::new();
    proxy.fail(Failing { dispatch: true, ..Failing::default() });
    let (stream, _flow) = proxy.request(&token(&signer));
    let _rest = proxy.tick();
    assert_eq!(proxy.done(stream), [Done::Refused(503)]);
}

#[test]
fn root_that_goes_leaves_its_fetch_to_another() {
    let signer = Signer::new("ES256", "a");
    let mut proxy = proxy::new();
    let (stream, _flow) = proxy.request(&token(&signer));
    let _rest = proxy.tick_of(RootId(2));
    proxy.end(RootId(2));
    let _rest = proxy.tick();
    assert_eq!(proxy.asked.len(), 2);
    proxy.reply_to_last(Some((200, &set(&[&signer]))));
    assert_eq!(proxy.done(stream), GONE_ON);
    // A reload keeps what both policies need, and forgets what none does.
    proxy.follow(RootId(3));
    proxy.end(ROOT);
    assert_eq!(proxy.outcome(&token(&signer)), Done::Forwarded);
    proxy.end(RootId(3));
    assert_eq!(proxy.request(&token(&signer)).1, Flow::Pause);
}

#[test]
fn opaque_token_is_asked_about() {
    let signer = Signer::new("ES256", "a");
    let mut proxy = proxy::with(&[&signer]);
    let (stream, flow) = proxy.request("opaque");
    let _rest = proxy.tick();
    assert_eq!((flow, &*proxy.last().place()), (Flow::Pause, "asked/introspect"));
    proxy.reply_to_last(Some((200, r#"{"active":true,"u":"t","sub":"u2"}"#)));
    assert_eq!(proxy.done(stream), GONE_ON);
    assert_eq!(proxy[stream].header("x-user"), ["u2"]);
}

#[test]
fn facts_end_with_their_token() {
    let signer = Signer::new("ES256", "a");
    let mut proxy = proxy::with(&[&signer]);
    let short = token_with(&signer, json!({}), json!({ "exp": NOW + 30 }));
    assert_eq!(proxy.outcome(&short), Done::Forwarded);
    proxy.later(29);
    assert_eq!(proxy.outcome(&short), Done::Forwarded);
    proxy.later(1);
    assert_eq!(proxy.outcome(&short), Done::Refused(401));
}

#[test]
fn issuer_that_takes_back_its_last_key_is_believed() {
    let signer = Signer::new("ES256", "a");
    let mut proxy = proxy::with(&[&signer]);
    let known = token(&signer);
    assert_eq!(proxy.outcome(&known), Done::Forwarded);
    proxy.later(300);
    let _rest = proxy.tick();
    assert_eq!(proxy.asked.len(), 2);
    proxy.reply_to_last(Some((200, r#"{"keys":[]}"#)));
    let fresh = token_with(&signer, json!({}), json!({ "jti": "made with the stolen key" }));
    assert_eq!(proxy.outcome(&known), Done::Refused(401));
    assert_eq!(proxy.outcome(&fresh), Done::Refused(401));
}

#[test]
fn fetch_whose_reply_is_lost_is_sent_again() {
    let signer = Signer::new("ES256", "a");
    let mut proxy = proxy::with(&[&signer]);
    proxy.later(300);
    let _rest = proxy.tick();
    assert_eq!(proxy.asked.len(), 2);
    proxy.later(60);
    let _rest = proxy.tick();
    assert_eq!(proxy.asked.len(), 3);
}

/// Stream id that a proxy uses again before it has told that its first request is gone.
#[test]
fn keys_for_another_token_are_nobodys() {
    let signer = Signer::new("ES256", "a");
    for (other, done) in [("opaque", &[][..]), ("", &[Done::Refused(401)])] {
        let mut proxy = proxy::new();
        let (stream, _flow) = proxy.request(&token(&signer));
        proxy.send_as(stream, headers("GET", "/r", &[("authorization", &format!("Bearer {other}"))]));
        let _rest = proxy.tick();
        proxy.reply_to(proxy.call("/jwks.json"), Some((200, &set(&[&signer]))));
        assert_eq!((proxy[stream].counted.last(), proxy.done(stream)), (Some(&Counter::StrayReply), done));
    }
}
