//! JWTs, through Envoy: their signatures are verified by Envoy's own library, with keys that
//! their issuer publishes.

use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use brama_e2e::authority::KEYS;
use brama_e2e::client::{Call, Reply};
use brama_e2e::stack::{Gateway, Plan, project};
use brama_kit::signer::{Signer, base64url, merged};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::reasons::log_of_envoy;
use crate::reload::wait_until;

const API_KEY: &str = "uXhEczJ56adsfh3Ri9SUkc4en";
const NHS_ADMIN: &str = "0d7b3a5e9c1f4826b4d0a6e2f8c3957e";
const SUBJECT: &str = "5c0b1e8e-0f3a-4c6e-9d52-7f1f6f1f2a11";

/// The shipped policy, with JWTs taken beside opaque tokens, and keys fetched this often. `revocations`: a line that
/// says whose deny list they are held against, or nothing.
pub fn policy(every: &str, revocations: &str) -> (TempDir, PathBuf) {
    let text = std::fs::read_to_string(project().join("policies/ehealth.yaml")).unwrap();
    let (head, tail) = text.rsplit_once("      - introspect:").unwrap();
    let (before, after) = head.split_once("\ncredentials:").unwrap();
    let policy = format!(
        "{before}
  login:
    cluster: authority
    host: id.example
    timeout: 1s
    auth: {{ none: {{ because: its keys are public }} }}

credentials:{after}      - jwt:
          issuer: https://id.example
          audiences: [ehealth]
          types: [at+jwt]
          algorithms: [RS256, RS384, RS512, ES256, ES384, ES512]
          keys: {{ authority: login, path: {KEYS}, every: {every}, max_stale: 60m }}
{revocations}      - introspect:{tail}"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwt.yaml");
    std::fs::write(&path, policy).unwrap();
    (folder, path)
}

fn start(every: &str, keys: String) -> (TempDir, Gateway) {
    let (folder, policy) = policy(every, "");
    // What is asked is counted here, and without a feed each credential is asked for once.
    (folder, Plan::with_policy(policy).without_feed().one_worker().publish(keys).log_all().start())
}

pub fn set(signers: &[&Signer]) -> String {
    set_of(signers.iter().map(|signer| signer.jwk()).collect())
}

fn set_of(keys: Vec<Value>) -> String {
    json!({ "keys": keys }).to_string()
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

pub fn token_with(signer: &Signer, header: Value, claims: Value) -> String {
    let known = json!({ "alg": signer.algorithm(), "typ": "at+jwt", "kid": signer.kid() });
    let stated = json!({
        "iss": "https://id.example", "aud": "ehealth", "sub": SUBJECT, "client_id": "c1", "client_type": "NHS ADMIN",
        "scope": "private_contracts:write", "exp": now() + 600,
    });
    signer.token(&merged(known, header), &merged(stated, claims))
}

fn token(signer: &Signer) -> String {
    token_with(signer, json!({}), json!({}))
}

pub fn send(gateway: &Gateway, token: &str) -> Reply {
    Call::delete("/api/admin/contract_divisions/x").api_key(API_KEY).token(token).send(gateway.address())
}

/// A request that passes is told by the service that there is no such division.
#[track_caller]
pub fn passes(gateway: &Gateway, token: &str) {
    let reply = send(gateway, token);
    assert_eq!(reply.status, 404, "{}", reply.text());
}

/// Sends tokens until one gets this status, which must be soon.
#[track_caller]
fn comes_to(gateway: &Gateway, signer: &Signer, status: u16) {
    let until = Instant::now() + Duration::from_secs(60);
    while send(gateway, &token(signer)).status != status {
        assert!(Instant::now() < until, "no {status} in time");
        sleep(Duration::from_millis(100));
    }
}

#[test]
fn token_passes_by_its_own_signature_and_its_facts_go_on() {
    let signers: Vec<_> = brama_kit::signer::all();
    let (_folder, gateway) = start("5m", set(&signers.iter().collect::<Vec<_>>()));
    for signer in &signers {
        let token = token(signer);
        passes(&gateway, &token);
        let sent = gateway.tap.take();
        for header in [&format!("x-consumer-id: {SUBJECT}"), "x-consumer-client-id: c1"] {
            assert!(sent.contains(header), "{header}: {sent}");
        }
        assert!(!sent.contains(&token));
        passes(&gateway, &token);
    }
    assert_eq!(gateway.authority.take(), [format!("token={API_KEY}&token_type_hint=api_key")]);
    passes(&gateway, NHS_ADMIN);
    assert_eq!(gateway.authority.take(), [format!("token={NHS_ADMIN}&token_type_hint=access_token")]);
}

#[test]
fn token_that_is_not_good_is_401_and_disturbs_nobody() {
    let (rsa, curve) = (Signer::new("RS256", "r"), Signer::new("ES256", "c"));
    let (forger, other_forger) = (Signer::new("RS256", "r"), Signer::new("ES256", "c"));
    let (no_point, no_key) = (Signer::new("ES256", "no-point"), Signer::new("RS256", "no-key"));
    // What no curve has, and no pair of primes.
    let coordinate = base64url(&[7; 32]);
    let off_curve = merged(no_point.jwk(), json!({ "x": coordinate, "y": coordinate }));
    let no_modulus = merged(no_key.jwk(), json!({ "n": base64url(&[0xff; 256]) }));
    let (_folder, gateway) = start("5m", set_of(vec![rsa.jwk(), curve.jwk(), off_curve, no_modulus]));
    passes(&gateway, &token(&rsa));
    gateway.authority.take();
    gateway.tap.take();
    let whole = token(&rsa);
    let (signed, _signature) = whole.rsplit_once('.').unwrap();
    let (_header, rest) = whole.split_once('.').unwrap();
    let unsigned = base64url(br#"{"alg":"none","typ":"at+jwt"}"#);
    for (name, token) in [
        ("forged", token(&forger)),
        ("forged on a curve", token(&other_forger)),
        ("a signature of zeros", format!("{signed}.{}", base64url(&[0; 256]))),
        ("a short signature", format!("{signed}.AAAA")),
        ("a long signature", format!("{signed}.{}", base64url(&[1; 1024]))),
        ("no signature", format!("{signed}.")),
        ("alg none", format!("{unsigned}.{rest}")),
        ("alg none, no signature", format!("{unsigned}.{}.", rest.split_once('.').unwrap().0)),
        ("another's audience", token_with(&rsa, json!({}), json!({ "aud": "other" }))),
        ("another issuer", token_with(&rsa, json!({}), json!({ "iss": "https://evil.example" }))),
        ("expired", token_with(&rsa, json!({}), json!({ "exp": now() - 1 }))),
        ("an ID token", token_with(&rsa, json!({ "typ": "JWT" }), json!({}))),
        ("another key's name", token_with(&rsa, json!({ "kid": "c" }), json!({}))),
        ("a key that nobody has", token_with(&rsa, json!({ "kid": "x" }), json!({}))),
        ("a key that is no point", token(&no_point)),
        ("a key that is no key", token(&no_key)),
    ] {
        let reply = send(&gateway, &token);
        assert_eq!(reply.status, 401, "{name}: {}", reply.text());
        reply.is_unauthenticated();
        passes(&gateway, &whole);
    }
    // The worker still knows the API key: nothing made its VM start anew.
    assert_eq!(gateway.authority.take(), [""; 0]);
    assert!(gateway.tap.take().matches("DELETE ").count() == 16);
}

#[test]
fn token_without_a_type_passes_where_its_claims_tell_it_from_an_id_token() {
    let (folder, policy) = policy("5m", "");
    let text = std::fs::read_to_string(&policy).unwrap();
    assert!(text.contains("types: [at+jwt]"));
    let changed = text
        .replace("types: [at+jwt]", "types: [absent]\n          expect: { /token_use: access, /amr: { has: [mfa] } }")
        .replace(
            "keys: { authority: login",
            "facts: { scope: [/scope, { members: /granted }] }\n          keys: { authority: login",
        );
    std::fs::write(&policy, changed).unwrap();
    let signer = Signer::new("RS256", "k");
    let gateway = Plan::with_policy(policy).without_feed().one_worker().publish(set(&[&signer])).start();
    let untyped = |claims: Value| token_with(&signer, json!({ "typ": null }), claims);
    let good = json!({
        "token_use": "access", "amr": ["pwd", "mfa"], "scope": null, "granted": { "private_contracts:write": {} },
    });
    passes(&gateway, &untyped(good.clone()));
    for (header, claims) in [
        (json!({ "typ": null }), json!({ "token_use": "id" })),
        (json!({ "typ": null }), json!({ "token_use": null })),
        (json!({ "typ": null }), json!({ "amr": ["pwd"] })),
        (json!({ "typ": "at+jwt" }), json!({})),
        (json!({ "typ": "JWT" }), json!({})),
    ] {
        let token = token_with(&signer, header, merged(good.clone(), claims.clone()));
        assert_eq!(send(&gateway, &token).status, 401, "{claims}");
    }
    assert_eq!(send(&gateway, &untyped(merged(good, json!({ "granted": {} })))).status, 403);
    drop(folder);
}

#[test]
fn unknown_key_is_fetched_once_for_all_who_wait() {
    let (old, new, made_up) = (Signer::new("RS256", "a"), Signer::new("ES256", "b"), Signer::new("ES256", "c"));
    let (_folder, gateway) = start("5m", set(&[&old]));
    passes(&gateway, &token(&old));
    // As often as a client may cause a fetch.
    sleep(Duration::from_secs(5));
    gateway.authority.publish(Some(set(&[&old, &new])));
    gateway.authority.take_fetches();
    let begin = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| passes(&gateway, &token(&new)));
        }
    });
    assert_eq!(gateway.authority.take_fetches(), 1);
    for _ in 0..8 {
        assert_eq!(send(&gateway, &token(&made_up)).status, 401);
    }
    // None, unless the eight took so long that it was time for another: one in five seconds, the first of them after
    // `begin`.
    let fetches = gateway.authority.take_fetches() as u64;
    assert!(fetches <= begin.elapsed().as_secs() / 5, "{fetches}");
}

/// As a client uses it that has just got it, from an issuer whose clock is the gateway's and counts in milliseconds.
#[test]
fn token_passes_in_the_millisecond_in_which_it_was_issued() {
    let signer = Signer::new("ES256", "b");
    let (_folder, gateway) = start("5m", set(&[&signer]));
    for _ in 0..30 {
        // No later than it is, cut to the millisecond.
        let issued = (SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64() * 1000.0).floor() / 1000.0;
        passes(&gateway, &token_with(&signer, json!({}), json!({ "iat": issued, "nbf": issued })));
    }
}

#[test]
fn keys_that_do_not_come_and_a_key_that_cannot_be_used_are_told() {
    let signer = Signer::new("ES256", "b");
    let (_folder, gateway) = start("1s", set(&[&signer]));
    passes(&gateway, &token(&signer));
    gateway.authority.publish(None);
    let is_told = |line: String| log_of_envoy(&gateway).contains(&line);
    let keys = format!("the keys of `login` at `{KEYS}`");
    wait_until("it is told that they do not come", || {
        is_told(format!("{keys} did not come: cluster `authority` broke the connection before it answered"))
    });
    gateway.authority.publish(Some(set_of(vec![signer.jwk(), json!({ "kty": "oct", "kid": "odd" })])));
    wait_until("it is told that they came again", || is_told(format!("{keys} came again, after ")));
    wait_until("it is told which is left out", || is_told(format!("of {keys}, one is left out: the key `odd`: ")));
    passes(&gateway, &token(&signer));
}

#[test]
fn rotation_lets_nobody_out_and_an_outage_in_its_midst_keeps_the_last_good_keys() {
    let (old, new) = (Signer::new("RS256", "a"), Signer::new("ES256", "b"));
    let (_folder, gateway) = start("1s", set(&[&old]));
    let remembered = token(&old);
    passes(&gateway, &remembered);
    gateway.authority.publish(Some(set(&[&old, &new])));
    comes_to(&gateway, &new, 404);
    passes(&gateway, &token(&old));
    gateway.authority.publish(None);
    gateway.authority.take_fetches();
    // The one that was on its way, and one that finds nobody.
    let mut fetches = 0;
    wait_until("keys are fetched in vain", || {
        fetches += gateway.authority.take_fetches();
        fetches >= 2
    });
    for signer in [&old, &new] {
        passes(&gateway, &token(signer));
    }
    // Nobody can say.
    assert_eq!(send(&gateway, &token(&Signer::new("ES256", "c"))).status, 503);
    gateway.authority.publish(Some(set(&[&new])));
    comes_to(&gateway, &old, 401);
    assert_eq!(send(&gateway, &remembered).status, 401);
    passes(&gateway, &token(&new));
}

#[test]
fn request_before_there_are_keys_is_503_and_passes_once_they_come() {
    let signer = Signer::new("ES256", "a");
    let (_folder, policy) = policy("5m", "");
    let gateway = Plan::with_policy(policy).one_worker().start();
    send(&gateway, &token(&signer)).is_unavailable();
    passes(&gateway, NHS_ADMIN);
    gateway.authority.publish(Some(set(&[&signer])));
    comes_to(&gateway, &signer, 404);
}
