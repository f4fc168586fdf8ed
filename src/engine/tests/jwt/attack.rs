//! Facts of an API key that are revoked while the token waits, and facts that old keys have verified.

use brama_engine::host::StreamId;
use brama_fake::{Done, Proxy, ROOT, headers};
use brama_kit::dice::Dice;
use serde_json::{Value, json};

use crate::jwt::GONE_ON;
use crate::jwt::proxy::{self, Gateway as _, NOW, POLICY, set, token, token_with};
use crate::jwt::signer::Signer;

const LATE: u64 = NOW + 100_000;
const FOLLOWED: &str = "auth: { bearer_env: S }, revocations: { path: /revocations, every: 1s, max_lag: 3s }";
const JWT: &str = "jwt:
          issuer: https://id.example
          audiences: [api]
          types: [at+jwt]
          algorithms: [RS256, ES256]
          keys: { authority: login, path: /jwks.json, every: 5m, max_stale: 60m }
          revocations: asked";

/// A policy that wants both credentials, each verified so.
fn both(api_key: &str, token: &str) -> String {
    let (head, _) = POLICY.split_once("credentials:\n").unwrap();
    let head = head.replace("auth: { bearer_env: S }", FOLLOWED);
    format!(
        "{head}credentials:
  api_key:
    header: api-key
    cache: {{ ttl: 60s, refused_ttl: 2s, entries: 10 }}
    verify:
      - {api_key}
  token:
    header: authorization
    scheme: Bearer
    cache: {{ ttl: 60s, refused_ttl: 2s, entries: 10 }}
    verify:
      - {token}
forward: {{ headers: {{ x-user: token.subject }} }}
refusals: {{ format: ehealth }}
routes: [{{ id: r, methods: [GET], path: /r, require: {{ credentials: [api_key, token], scopes: none }} }}]
"
    )
}

const ASKED: &str = "introspect: { authority: asked, path: /introspect, hint: token, expect: { /u: t } }";
const VOUCHED: &str = r#"{"active":true,"u":"t","sub":"u9","client_id":"m","scope":""}"#;

fn request(proxy: &mut Proxy, api_key: &str, token: &str) -> StreamId {
    proxy.send(headers("GET", "/r", &[("authorization", &format!("Bearer {token}")), ("api-key", api_key)]))
}

fn page(entries: &Value, more: bool) -> String {
    json!({ "entries": entries, "more": more, "reset": false, "next": "f:1" }).to_string()
}

#[test]
fn api_key_that_is_a_jwt_and_denied_while_the_token_is_asked_for_is_refused() {
    let signer = Signer::new("ES256", "a");
    let key = token_with(&signer, json!({}), json!({ "jti": "j1", "client_id": "c1", "iat": NOW }));
    for entry in [
        json!({ "kind": "client", "client_id": "c1", "issued_before": NOW + 1, "until": LATE }),
        json!({ "kind": "jti", "jti": "j1", "until": LATE }),
        json!({ "kind": "user", "user_id": "u1", "issued_before": NOW + 1, "until": LATE }),
    ] {
        let mut proxy = proxy::under(&both(JWT, ASKED));
        let _rest = proxy.tick();
        assert_eq!(proxy.places(), ["asked/revocations?from=start", "login/jwks.json"]);
        proxy.reply_to(1, Some((200, &page(&json!([]), false))));
        proxy.reply_to(2, Some((200, &set(&[&signer]))));
        let stream = request(&mut proxy, &key, "t");
        let _rest = proxy.tick();
        assert_eq!(proxy.places()[2..], ["asked/introspect"]);
        proxy.later(1);
        let _rest = proxy.tick();
        proxy.reply_to(4, Some((200, &page(&json!([entry]), false))));
        proxy.reply_to(3, Some((200, VOUCHED)));
        assert_eq!(proxy.done(stream), [Done::Refused(401)], "{entry}");
    }
}

#[test]
fn api_key_that_is_revoked_while_the_token_waits_a_second_time_is_asked_for_again() {
    let signer = Signer::new("ES256", "a");
    let mut proxy = proxy::under(&both(ASKED, JWT));
    let _rest = proxy.tick();
    assert_eq!(proxy.places(), ["asked/revocations?from=start", "login/jwks.json"]);
    let stream = request(&mut proxy, "k", &token(&signer));
    let _rest = proxy.tick();
    assert_eq!(proxy.places()[2..], ["asked/introspect"]);
    // The deny list begins, so that it is known where the feed stands; the key is good.
    proxy.reply_to(1, Some((200, &page(&json!([{ "kind": "jti", "jti": "x", "until": LATE }]), true))));
    proxy.reply_to(3, Some((200, VOUCHED)));
    assert_eq!(proxy.places()[3..], ["asked/revocations?after=f:1&wait=1000"]);
    // The list is whole, and the token waits for the issuer's keys now.
    proxy.reply_to(4, Some((200, &page(&json!([]), false))));
    assert_eq!(proxy.done(stream), []);
    proxy.later(1);
    let _rest = proxy.tick();
    assert_eq!(proxy.asked.len(), 5);
    proxy.reply_to(5, Some((200, &page(&json!([{ "kind": "client", "client_id": "m" }]), false))));
    proxy.reply_to(2, Some((200, &set(&[&signer]))));
    assert_ne!(proxy.done(stream), GONE_ON, "the API key was revoked, and the worker knows it");
    let _rest = proxy.tick();
    assert_eq!(proxy.last().place(), "asked/introspect");
}

#[test]
fn what_keys_have_verified_that_are_too_old_serves_nobody() {
    let signer = Signer::new("ES256", "a");
    let policy = POLICY.replace("every: 5m, max_stale: 60m", "every: 10s, max_stale: 20s");
    let mut proxy = proxy::publishing(&policy, &set(&[&signer]));
    proxy.later(19);
    let token = token(&signer);
    assert_eq!(proxy.outcome(&token), Done::Forwarded);
    proxy.later(1);
    // The issuer does not answer any more.
    let (stream, _flow) = proxy.request(&token);
    let _rest = proxy.tick();
    proxy.reply_to_last(None);
    assert_eq!(proxy.done(stream), [Done::Refused(503)], "{:?}", proxy[stream].counted);
}

#[test]
fn reader_at_the_start_that_is_told_to_begin_anew_knows_no_deny_list() {
    let signer = Signer::new("ES256", "a");
    let policy = POLICY.replace("auth: { bearer_env: S }", FOLLOWED);
    let mut proxy = proxy::under(&policy.replace("types: [at+jwt]", "types: [at+jwt]\n          revocations: asked"));
    let _rest = proxy.tick();
    proxy.reply_to(2, Some((200, &set(&[&signer]))));
    let reset = json!({ "entries": [], "more": false, "reset": true, "next": "f:1" }).to_string();
    proxy.reply_to(1, Some((200, &reset)));
    assert_ne!(proxy.outcome(&token(&signer)), Done::Forwarded);
}

#[test]
fn authority_that_always_says_reset_is_not_asked_without_a_pause() {
    let signer = Signer::new("ES256", "a");
    let policy = POLICY.replace("auth: { bearer_env: S }", FOLLOWED);
    let mut proxy = proxy::under(&policy.replace("types: [at+jwt]", "types: [at+jwt]\n          revocations: asked"));
    let _rest = proxy.tick();
    proxy.reply_to(2, Some((200, &set(&[&signer]))));
    let start = json!({ "entries": [], "more": true, "reset": false, "next": "f:1" }).to_string();
    let reset = json!({ "entries": [], "more": false, "reset": true, "next": "f:1" }).to_string();
    proxy.reply_to(1, Some((200, &start)));
    let before = proxy.asked.len();
    // In no time at all.
    for round in 0..100 {
        let asked = proxy.asked.len();
        let _rest = proxy.tick();
        if proxy.asked.len() == asked {
            break;
        }
        proxy.reply_to_last(Some((200, if round % 2 == 0 { &reset } else { &start })));
    }
    assert!(proxy.asked.len() - before < 10, "{}", proxy.asked.len() - before);
}

#[test]
fn deny_list_that_is_too_long_is_told_of() {
    let signer = Signer::new("ES256", "a");
    let policy = POLICY.replace("auth: { bearer_env: S }", FOLLOWED);
    let mut proxy = proxy::under(&policy.replace("types: [at+jwt]", "types: [at+jwt]\n          revocations: asked"));
    let _rest = proxy.tick();
    proxy.reply_to(2, Some((200, &set(&[&signer]))));
    let mut question = 1;
    for number in 0..21 {
        let entries: Vec<_> = (0..10_000)
            .map(|entry| json!({ "kind": "jti", "jti": format!("{number}-{entry}"), "until": LATE }))
            .collect();
        proxy.reply_to(question, Some((200, &page(&json!(entries), true))));
        let _rest = proxy.tick();
        question = proxy.last().id;
    }
    assert_eq!(proxy.outcome(&token(&signer)), Done::Refused(503));
    assert!(proxy.counted.contains(&brama_engine::host::Counter::FeedFailure), "an operator has to see it");
}

#[test]
fn rest_over_api_keys_is_none_over_tokens_that_are_verified_alike() {
    let mut proxy = proxy::under(&both(ASKED, ASKED).replace(FOLLOWED, "auth: { bearer_env: S }"));
    let _known = request(&mut proxy, "good", "t");
    let _rest = proxy.tick();
    proxy.reply_to_last(Some((200, VOUCHED)));
    for number in 0..5 {
        let _stream = request(&mut proxy, &format!("bad{number}"), "t");
        let asked = proxy.asked.len();
        let _rest = proxy.tick();
        // The token of the first is asked for as well, once.
        for question in asked..proxy.asked.len() {
            if (asked, question) != (1, 1) {
                proxy.reply_to(proxy.asked[question].id, Some((500, "")));
            }
        }
    }
    let before = proxy.asked.len();
    let _stream = request(&mut proxy, "good", "t2");
    let _rest = proxy.tick();
    assert_eq!(proxy.asked.len(), before + 1);
}

/// An authority as its contract has it, in every order of events: no JWT passes that was denied longer ago than
/// `max_lag`.
#[test]
fn no_order_of_events_lets_a_denied_jwt_in() {
    let signer = Signer::new("ES256", "a");
    let tokens: Vec<String> = (0..4)
        .map(|n| {
            token_with(
                &signer,
                json!({}),
                json!({ "jti": format!("j{n}"), "sub": format!("u{n}"), "client_id": format!("c{n}"), "iat": NOW }),
            )
        })
        .collect();
    let policy = POLICY.replace("auth: { bearer_env: S }", FOLLOWED);
    let policy = policy.replace("types: [at+jwt]", "types: [at+jwt]\n          revocations: asked");
    let (mut passed, mut late_pass) = (0, 0);
    for seed in 1..500_u64 {
        let mut dice = Dice::of(seed);
        let mut proxy = proxy::under(&policy);
        let mut feed: Vec<Value> = Vec::new();
        let (mut name, mut pruned) = ("f".to_owned(), 0_usize);
        let mut denied: Vec<Option<u64>> = vec![None; 4];
        // Question, when it was sent, what it will be told.
        let mut out: Vec<(u32, u64, String)> = Vec::new();
        let mut open: Vec<(StreamId, usize)> = Vec::new();
        let mut known = 0;
        for _event in 0..120 {
            let now = proxy.seconds();
            match dice.roll(12) {
                0 | 1 => proxy.later(1),
                2 => {
                    let n = dice.pick(4);
                    denied[n].get_or_insert(now);
                    feed.push(match dice.roll(3) {
                        0 => json!({ "kind": "jti", "jti": format!("j{n}"), "until": LATE }),
                        1 => json!({ "kind": "user", "user_id": format!("u{n}"), "issued_before": NOW + 1, "until": LATE }),
                        _ => json!({ "kind": "credential", "sha256": sha256(&tokens[n]), "until": LATE }),
                    });
                }
                3 => feed.push(json!({ "kind": "jti", "jti": "of a stranger" })),
                4 if dice.roll(6) == 0 => name.push('f'),
                4 if dice.roll(4) == 0 => pruned = feed.len(),
                4 if dice.roll(4) == 0 => {
                    // A reload: the next root, under the same policy.
                    proxy.end(ROOT);
                    proxy.follow(ROOT);
                    out.clear();
                }
                5..=7 if !out.is_empty() => {
                    let index = dice.pick(out.len());
                    let (question, _sent, body) = out.remove(index);
                    match dice.roll(10) {
                        0 => proxy.reply_to(question, None),
                        1 => proxy.reply_to(question, Some((503, ""))),
                        2 if dice.roll(4) == 0 => proxy.reply_to(question, Some((200, "{}"))),
                        2 if dice.roll(4) == 0 => proxy.reply_to(question, Some((410, ""))),
                        _ => proxy.reply_to(question, Some((200, &body))),
                    }
                }
                8 | 9 => {
                    let n = dice.pick(4);
                    let (stream, _flow) = proxy.request(&tokens[n]);
                    open.push((stream, n));
                }
                _ => {
                    let _rest = proxy.tick();
                }
            }
            // What is asked is answered as of now, and comes later.
            for question in known..proxy.asked.len() {
                let asked = proxy.asked[question].place();
                let body = if asked.contains("jwks") { set(&[&signer]) } else { told(&asked, &name, &feed, pruned) };
                out.push((proxy.asked[question].id, proxy.seconds(), body));
            }
            known = proxy.asked.len();
            out.retain(|(_question, sent, _body)| proxy.seconds() <= sent + 2);
            open.retain(|&(stream, n)| {
                let done = proxy.done(stream);
                if done.contains(&Done::Forwarded) {
                    passed += 1;
                    late_pass += usize::from(denied[n].is_some());
                    // A request may be judged before this event only.
                    let now = proxy.seconds();
                    assert!(denied[n].is_none_or(|at| now < at + 3), "seed {seed} token {n} {denied:?} at {now}");
                }
                done.is_empty()
            });
        }
    }
    assert!(passed > 500 && late_pass > 10, "{passed} {late_pass}");
}

/// What the feed says, two entries a page.
fn told(asked: &str, name: &str, feed: &[Value], pruned: usize) -> String {
    let page = |entries: &[Value], more: bool, reset: bool, next: String| {
        json!({ "entries": entries, "more": more, "reset": reset, "next": next }).to_string()
    };
    let head = feed.len();
    let load = |from: usize, goal: usize| {
        let listed: Vec<(usize, Value)> = feed
            .iter()
            .enumerate()
            .skip(from)
            .filter(|(number, entry)| *number < goal && entry.get("until").is_some())
            .map(|(number, entry)| (number, entry.clone()))
            .collect();
        let entries: Vec<Value> = listed.iter().take(2).map(|(_, entry)| entry.clone()).collect();
        if listed.len() > 2 {
            page(&entries, true, false, format!("{name}:{goal}:{}", listed[1].0 + 1))
        } else {
            page(&entries, goal < head, false, format!("{name}:{goal}"))
        }
    };
    if asked.contains("from=start") {
        return load(0, head);
    }
    let cursor = asked.split("after=").nth(1).unwrap().split('&').next().unwrap();
    let parts: Vec<&str> = cursor.split(':').collect();
    let number: usize = parts[1].parse().unwrap();
    if parts[0] != name || number > head || number < pruned {
        return page(&[], false, true, format!("{name}:{head}"));
    }
    if let Some(loaded) = parts.get(2) {
        return load(loaded.parse().unwrap(), number);
    }
    let end = head.min(number + 2);
    page(&feed[number..end], end < head, false, format!("{name}:{end}"))
}

fn sha256(token: &str) -> String {
    use sha2::Digest;
    hex::encode(sha2::Sha256::digest(token))
}
