//! Two issuers and two authorities for one credential: each token has its own keys, feed and place in the cache.

use brama_engine::host::Counter;
use brama_engine::limits::MAX_LOOKUPS;
use brama_engine::worker::Flow;
use brama_fake::{Done, Proxy};
use brama_kit::signer::{Signer, merged};
use serde_json::{Value, json};

use crate::jwt::GONE_ON;
use crate::jwt::proxy::{self, Gateway as _, NOW, set};

const POLICY: &str = "
version: 1
name: x
authorities:
  a: { cluster: a, host: a.example, timeout: 1s, auth: { none: { because: public } }, revocations: { path: /feed, every: 1s, max_lag: 30s } }
  b: { cluster: b, host: b.example, timeout: 1s, auth: { none: { because: public } }, revocations: { path: /feed, every: 1s, max_lag: 30s } }
  asked: { cluster: asked, host: h, timeout: 1s, auth: { bearer_env: S } }
credentials:
  token:
    header: authorization
    scheme: Bearer
    cache: { ttl: 600s, refused_ttl: 2s, entries: 10 }
    verify:
      - jwt:
          issuer: https://a.example
          audiences: [api]
          types: [at+jwt]
          algorithms: [ES256]
          keys: { authority: a, path: /jwks.json, every: 5m, max_stale: 60m }
      - introspect: { when: { prefix: ghp_ }, authority: asked, path: /github, hint: token, expect: { /u: t } }
      - jwt:
          issuer: 'https://b.example/{tenant}'
          tenant: { claim: /tid, allow: [t1] }
          audiences: [api]
          types: [at+jwt]
          algorithms: [ES256]
          keys: { authority: b, path: /jwks.json, every: 5m, max_stale: 60m }
          revocations: b
          facts: { subject: /oid }
      - introspect: { authority: asked, path: /rest, hint: token, expect: { /u: t } }
forward: { headers: { x-user: token.subject } }
refusals: { format: ehealth }
routes: [{ id: r, methods: [GET], path: /r, require: { credentials: [token], scopes: none } }]
";

/// A worker that has the keys of both, and their feeds with these entries.
fn knowing(a: &Signer, b: &Signer, revoked_by_a: &Value) -> Proxy {
    let mut proxy = proxy::under(POLICY);
    let _rest = proxy.tick();
    let page =
        |entries: &Value| json!({ "entries": entries, "more": false, "reset": false, "next": "f:1" }).to_string();
    let mut places = proxy.places();
    places.sort();
    assert_eq!(places, ["a/feed?from=start", "a/jwks.json", "b/feed?from=start", "b/jwks.json"]);
    for (number, place) in proxy.places().into_iter().enumerate() {
        let body = match place.as_str() {
            "a/jwks.json" => set(&[a]),
            "b/jwks.json" => set(&[b]),
            "a/feed?from=start" => page(revoked_by_a),
            _ => page(&json!([])),
        };
        proxy.reply_to(u32::try_from(number).unwrap() + 1, Some((200, &body)));
    }
    proxy
}

fn token(signer: &Signer, iss: &str, changes: Value) -> String {
    let header = json!({ "alg": "ES256", "typ": "at+jwt", "kid": signer.kid() });
    let claims = json!({
        "iss": iss, "aud": "api", "sub": "u1", "oid": "o1", "tid": "t1", "jti": "j1", "iat": NOW, "exp": NOW + 7200,
    });
    signer.token(&header, &merged(claims, changes))
}

fn signers() -> [Signer; 2] {
    // Of one name: the issuer tells whose it is.
    [Signer::new("ES256", "k"), Signer::new("ES256", "k")]
}

const OF_A: &str = "https://a.example";
const OF_B: &str = "https://b.example/t1";

#[test]
fn token_is_verified_once_by_its_issuers_keys_and_remembered_with_its_facts() {
    let [a, b] = signers();
    let mut proxy = knowing(&a, &b, &json!([]));
    let asked = proxy.asked.len();
    for (token, user) in [(token(&a, OF_A, json!({})), "u1"), (token(&b, OF_B, json!({})), "o1")] {
        for signatures in [1, 0, 0] {
            let (stream, flow) = proxy.request(&token);
            assert_eq!((flow, proxy[stream].header("x-user")), (Flow::Continue, vec![user.to_owned()]));
            assert_eq!(proxy[stream].signatures, signatures);
            assert_eq!(proxy[stream].counted.contains(&Counter::CacheHit), signatures == 0);
        }
    }
    assert_eq!(proxy.asked.len(), asked, "nobody was asked");
}

#[test]
fn refused_token_is_told_with_its_verifier_and_nobody_is_asked() {
    let [a, b] = signers();
    let mut proxy = knowing(&a, &b, &json!([]));
    let asked = proxy.asked.len();
    for (token, code, reason) in [
        (
            token(&b, OF_A, json!({})),
            "signature",
            "signature: its signature is not that of the key, as a token of `https://a.example`",
        ),
        (
            token(&a, OF_B, json!({})),
            "signature",
            "signature: its signature is not that of the key, as a token of `https://b.example/{tenant}`",
        ),
        (
            token(&a, OF_A, json!({ "exp": NOW })),
            "expired",
            "expired: `exp` is not in the future, as a token of `https://a.example`",
        ),
        (
            token(&b, OF_B, json!({ "tid": "t2" })),
            "tenant_claim",
            "tenant_claim: `/tid` is not the tenant that `iss` names, as a token of `https://b.example/{tenant}`",
        ),
        (
            token(&b, "https://b.example/t2", json!({ "tid": "t2" })),
            "tenant",
            "tenant: the tenant in `iss` is none of the policy's, as a token of `https://b.example/{tenant}`",
        ),
        (token(&a, "https://c.example", json!({})), "issuer", "issuer: `iss` is none of the policy's issuers"),
        (token(&a, OF_A, json!({ "iss": null })), "claim_missing", "claim_missing: `iss` is not stated"),
    ] {
        // The same the second time: no refusal of a JWT is remembered, nor its verifier.
        for _time in 0..2 {
            let (stream, _flow) = proxy.request(&token);
            assert_eq!(proxy.done(stream), [Done::Refused(401)]);
            assert_eq!(proxy[stream].reason.as_deref(), Some(reason));
            assert_eq!(proxy[stream].counted, [Counter::Refused("token_refused".to_owned()), Counter::Rejected(code)]);
        }
    }
    assert_eq!(proxy.asked.len(), asked, "nobody was asked");
}

#[test]
fn beginning_of_a_token_tells_who_is_asked() {
    let [a, b] = signers();
    let mut proxy = knowing(&a, &b, &json!([]));
    for (token, place) in [("ghp_1", "asked/github"), ("opaque", "asked/rest")] {
        let (stream, flow) = proxy.request(token);
        assert_eq!(flow, Flow::Pause);
        let _rest = proxy.tick();
        assert_eq!(proxy.last().place(), place);
        proxy.reply_to_last(Some((200, r#"{"active":true,"u":"t","sub":"u2"}"#)));
        assert_eq!(proxy.done(stream), GONE_ON);
        assert_eq!(proxy.outcome(token), Done::Forwarded, "remembered");
    }
}

#[test]
fn issuer_whose_keys_do_not_come_holds_up_no_other() {
    let [a, b] = signers();
    let policy = POLICY.replace(", revocations: { path: /feed, every: 1s, max_lag: 30s }", "");
    let mut proxy = proxy::under(&policy.replace("          revocations: b\n", ""));
    let _rest = proxy.tick();
    // In whichever order they are asked for.
    let place = |place: &str| proxy.places().iter().position(|asked| asked == place).unwrap();
    let calls = [place("a/jwks.json"), place("b/jwks.json")].map(|at| u32::try_from(at).unwrap() + 1);
    proxy.reply_to(calls[0], Some((200, &set(&[&a]))));
    proxy.reply_to(calls[1], Some((500, "")));
    assert_eq!(proxy.outcome(&token(&a, OF_A, json!({}))), Done::Forwarded);
    let (stream, _flow) = proxy.request(&token(&b, OF_B, json!({})));
    assert_eq!(proxy.done(stream), [Done::Refused(503)]);
    assert!(proxy[stream].reason.as_deref().unwrap().contains("`b`"), "{:?}", proxy[stream].reason);
    proxy.later(2);
    let (waiting, flow) = proxy.request(&token(&b, OF_B, json!({})));
    let _rest = proxy.tick();
    assert_eq!((flow, proxy.last().place().as_str()), (Flow::Pause, "b/jwks.json"));
    proxy.reply_to_last(Some((200, &set(&[&b]))));
    assert_eq!(proxy.done(waiting), GONE_ON);
}

#[test]
fn what_one_issuers_feed_revokes_is_good_at_the_other() {
    let [a, b] = signers();
    for entry in [
        json!({ "kind": "jti", "jti": "j1", "until": NOW + 9000 }),
        json!({ "kind": "user", "user_id": "u1", "issued_before": NOW + 1, "until": NOW + 9000 }),
        json!({ "kind": "all", "issued_before": NOW + 1, "until": NOW + 9000 }),
    ] {
        // The user of B is one of A's ids, and the tokens have one `jti`.
        let (of_a, of_b) = (token(&a, OF_A, json!({})), token(&b, OF_B, json!({ "oid": "u1" })));
        let mut proxy = knowing(&a, &b, &json!([entry]));
        assert_eq!(proxy.outcome(&of_a), Done::Refused(401), "{entry}");
        assert_eq!(proxy.outcome(&of_b), Done::Forwarded, "{entry}");
        // And so where the facts of both are remembered when the entry comes.
        let mut proxy = knowing(&a, &b, &json!([]));
        assert_eq!([proxy.outcome(&of_a), proxy.outcome(&of_b)], [Done::Forwarded; 2]);
        proxy.later(1);
        let _rest = proxy.tick();
        let page = json!({ "entries": [entry], "more": false, "reset": false, "next": "f:2" }).to_string();
        let polled = proxy.asked.iter().rfind(|call| call.place().starts_with("a/feed?after")).unwrap().id;
        proxy.reply_to(polled, Some((200, &page)));
        assert_eq!(proxy.outcome(&of_a), Done::Refused(401), "{entry}");
        assert_eq!(proxy.outcome(&of_b), Done::Forwarded, "{entry}");
        let stream = *proxy.requests.keys().last().unwrap();
        assert_eq!(proxy[stream].signatures, 0, "remembered all along");
    }
}

#[test]
fn key_that_an_issuer_takes_back_is_not_good_by_anothers_set() {
    let [a, b] = signers();
    let mut proxy = knowing(&a, &b, &json!([]));
    let of_a = token(&a, OF_A, json!({}));
    assert_eq!(proxy.outcome(&of_a), Done::Forwarded);
    proxy.later(20);
    proxy.later(280);
    let _rest = proxy.tick();
    // A has withdrawn its key, and B publishes that very key now.
    for (place, keys) in [("a/jwks.json", set(&[])), ("b/jwks.json", set(&[&b, &a]))] {
        let fetch = proxy.asked.iter().rfind(|call| call.place() == place).unwrap().id;
        proxy.reply_to(fetch, Some((200, &keys)));
    }
    for place in ["a/feed", "b/feed"] {
        let poll = proxy.asked.iter().rfind(|call| call.place().starts_with(place)).unwrap().id;
        proxy.reply_to(poll, Some((200, r#"{"entries":[],"more":false,"reset":false,"next":"f:3"}"#)));
    }
    assert_eq!(proxy.outcome(&of_a), Done::Refused(401));
}

/// A flood of tokens for one authority, which is slow, leaves the other one its lookups.
#[test]
fn slow_authority_takes_no_lookups_from_another() {
    let [a, b] = signers();
    let mut proxy = knowing(&a, &b, &json!([]));
    for number in 0..MAX_LOOKUPS {
        assert_eq!(proxy.request(&format!("ghp_{number}")).1, Flow::Pause, "{number}");
    }
    assert_eq!(proxy.outcome("ghp_more"), Done::Refused(503));
    let (stream, flow) = proxy.request("an-opaque-token");
    assert_eq!(flow, Flow::Pause);
    let _rest = proxy.tick();
    let call = proxy.places().iter().position(|place| place == "asked/rest").unwrap();
    proxy.reply_to(u32::try_from(call).unwrap() + 1, Some((200, r#"{"active":true,"u":"t","sub":"u9"}"#)));
    assert_eq!((proxy.done(stream), proxy[stream].header("x-user")), (&GONE_ON[..], vec!["u9".to_owned()]));
}
