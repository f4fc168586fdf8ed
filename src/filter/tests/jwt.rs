//! Tokens that speak for themselves: their keys are fetched ahead, kept through outages, and changed without a gap.

#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "test support"
)]

#[path = "../../policy/tests/jwt/library.rs"]
mod library;
#[path = "../../policy/tests/jwt/signer.rs"]
mod signer;
mod support;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use brama_filter::config::Settings;
use brama_filter::host::{CallId, Counter, Host, HostFailed, RootHost, RootId, StreamId};
use brama_filter::session::{Flow, Session};
use brama_filter::worker::{Rest, Worker};
use brama_policy::{Moment, Question, Reply};
use serde_json::{Value, json};
use signer::{Signer, merged};
use support::{Done, FakeHost, settings};

const POLICY: &str = "
version: 1
name: x
authorities:
  login: { cluster: login, host: id.example, timeout: 1s, auth: { none: { because: public } } }
  asked: { cluster: asked, host: h, timeout: 1s, auth: { bearer_env: S } }
credentials:
  token:
    header: authorization
    scheme: Bearer
    cache: { ttl: 60s, refused_ttl: 2s, entries: 10 }
    verify:
      - jwt:
          issuer: https://id.example
          audiences: [api]
          types: [at+jwt]
          algorithms: [RS256, ES256]
          keys: { authority: login, path: /jwks.json, every: 5m, max_stale: 60m }
      - introspect: { authority: asked, path: /introspect, hint: token, expect: { /u: t } }
forward: { headers: { x-user: token.subject } }
refusals: { format: ehealth }
routes: [{ id: r, methods: [GET], path: /r, require: { credentials: [token], scopes: none } }]
";

const NOW: u64 = 1_700_000_000;
const ROOT: RootId = RootId(1);

/// A worker with all its requests, and what was asked of whom.
struct Proxy {
    worker: Worker,
    settings: Rc<Settings>,
    hosts: BTreeMap<StreamId, FakeHost>,
    sessions: BTreeMap<StreamId, Rc<RefCell<Session>>>,
    asked: Vec<String>,
    counted: Vec<Counter>,
    seconds: u64,
    cannot_ask: bool,
}

impl RootHost for Proxy {
    type Stream<'s> = &'s mut FakeHost;

    fn now(&mut self) -> Moment {
        Host::now(&mut self.host(""))
    }

    fn ask(&mut self, question: &Question<'_>) -> Result<CallId, HostFailed> {
        if self.cannot_ask {
            return Err(HostFailed);
        }
        let path = question.headers.iter().find(|(name, _)| *name == ":path").unwrap();
        self.asked.push(format!("{}{}", question.cluster, path.1));
        Ok(CallId(u32::try_from(self.asked.len()).unwrap()))
    }

    fn stream(&mut self, stream: StreamId) -> Option<&mut FakeHost> {
        self.hosts.get_mut(&stream)
    }

    fn count(&mut self, counter: Counter) {
        self.counted.push(counter);
    }
}

impl Proxy {
    /// A worker that was just configured.
    fn new() -> Self {
        let (worker, settings) = (Worker::default(), settings(POLICY));
        worker.follow(ROOT, &settings);
        Self {
            worker,
            settings,
            hosts: BTreeMap::new(),
            sessions: BTreeMap::new(),
            asked: Vec::new(),
            counted: Vec::new(),
            seconds: 0,
            cannot_ask: false,
        }
    }

    /// A worker that has these keys.
    fn with(signers: &[&Signer]) -> Self {
        let mut proxy = Self::new();
        let _rest = proxy.tick();
        proxy.reply(Some((200, &set(signers))));
        proxy
    }

    fn host(&self, token: &str) -> FakeHost {
        let mut host = FakeHost::new("GET", "/r", &[("authorization", &format!("Bearer {token}"))]);
        (host.seconds, host.verifies) = (100 + self.seconds, library::is_the_keys);
        host.wall = NOW + self.seconds;
        host
    }

    fn request(&mut self, token: &str) -> (StreamId, Flow) {
        let stream = StreamId(u32::try_from(self.hosts.len()).unwrap() + 10);
        let mut host = self.host(token);
        let session = self.worker.open(stream, Rc::clone(&self.settings));
        let flow = session.borrow_mut().on_headers(&mut host);
        self.hosts.insert(stream, host);
        self.sessions.insert(stream, session);
        (stream, flow)
    }

    /// What becomes of a request at once.
    fn outcome(&mut self, token: &str) -> Done {
        let (stream, _flow) = self.request(token);
        self.hosts[&stream].done.last().cloned().unwrap_or(Done::Asked("waits".to_owned()))
    }

    fn done(&self, stream: StreamId) -> &[Done] {
        &self.hosts[&stream].done
    }

    fn later(&mut self, seconds: u64) {
        self.seconds += seconds;
        for host in self.hosts.values_mut() {
            host.seconds += seconds;
            host.wall += seconds;
        }
    }

    fn tick(&mut self) -> Rest {
        self.with_worker(|worker, proxy| worker.on_tick(ROOT, proxy))
    }

    /// The reply to the last question.
    fn reply(&mut self, reply: Option<(u16, &str)>) {
        let call = CallId(u32::try_from(self.asked.len()).unwrap());
        let reply = reply.map(|(status, body)| Reply { status, body: body.as_bytes() });
        self.with_worker(|worker, proxy| worker.on_reply(ROOT, proxy, call, reply));
    }

    fn with_worker<T>(&mut self, visit: impl FnOnce(&Worker, &mut Self) -> T) -> T {
        let worker = std::mem::take(&mut self.worker);
        let outcome = visit(&worker, self);
        self.worker = worker;
        outcome
    }
}

fn set(signers: &[&Signer]) -> String {
    json!({ "keys": signers.iter().map(|signer| signer.jwk()).collect::<Vec<_>>() }).to_string()
}

fn token_with(signer: &Signer, header: Value, claims: Value) -> String {
    let known = json!({ "alg": signer.algorithm(), "typ": "at+jwt", "kid": signer.kid() });
    let stated = json!({ "iss": "https://id.example", "aud": "api", "sub": "u1", "exp": NOW + 7200 });
    signer.token(&merged(known, header), &merged(stated, claims))
}

fn token(signer: &Signer) -> String {
    token_with(signer, json!({}), json!({}))
}

const GONE_ON: [Done; 2] = [Done::Forwarded, Done::Resumed];

#[test]
fn good_token_passes_without_a_question_once_the_keys_are_there() {
    for algorithm in ["RS256", "ES256"] {
        let signer = Signer::new(algorithm, "a");
        let mut proxy = Proxy::with(&[&signer]);
        assert_eq!(proxy.asked, ["login/jwks.json"]);
        let token = token(&signer);
        let (stream, flow) = proxy.request(&token);
        assert_eq!((flow, proxy.hosts[&stream].header("x-user")), (Flow::Continue, vec!["u1".to_owned()]));
        assert_eq!(proxy.hosts[&stream].signatures, 1);
        let (stream, flow) = proxy.request(&token);
        assert_eq!((flow, proxy.hosts[&stream].signatures), (Flow::Continue, 0), "remembered");
        assert!(proxy.hosts[&stream].counted.contains(&Counter::Recalled));
        assert_eq!(proxy.asked.len(), 1);
    }
}

#[test]
fn requests_before_the_keys_wait_for_one_fetch() {
    let signer = Signer::new("ES256", "a");
    let mut proxy = Proxy::new();
    let streams = [(); 3].map(|()| proxy.request(&token(&signer)));
    assert!(streams.iter().all(|(_, flow)| *flow == Flow::Pause));
    assert_eq!((proxy.tick(), proxy.tick()), (Rest::Watch, Rest::Watch));
    let (late, _flow) = proxy.request(&token(&signer));
    assert_eq!((proxy.tick(), proxy.asked.len()), (Rest::Watch, 1));
    // Who is reset leaves the others.
    proxy.sessions.remove(&streams[0].0);
    proxy.reply(Some((200, &set(&[&signer]))));
    assert_eq!(proxy.done(streams[0].0), []);
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
        let mut proxy = if has_keys { Proxy::with(&[&signer]) } else { Proxy::new() };
        for token in &tokens {
            assert_eq!(proxy.outcome(token), Done::Refused(401));
        }
    }
    let mut proxy = Proxy::with(&[&signer]);
    assert_eq!(proxy.outcome(&signed_by_other), Done::Refused(401));
    assert_eq!(proxy.outcome(&token(&signer)), Done::Forwarded, "the other's refusal is not remembered for it");
    assert_eq!(proxy.asked.len(), 1);
}

#[test]
fn host_that_cannot_verify_refuses() {
    let signer = Signer::new("ES256", "a");
    let proxy = Proxy::with(&[&signer]);
    let stream = StreamId(1);
    let mut host = proxy.host(&token(&signer));
    host.verifies = |_check| false;
    let session = proxy.worker.open(stream, Rc::clone(&proxy.settings));
    assert_eq!(session.borrow_mut().on_headers(&mut host), Flow::Pause);
    assert_eq!(host.done, [Done::Refused(401)]);
}

#[test]
fn unknown_key_is_fetched_once_in_a_while() {
    let (old, new, made_up) = (Signer::new("ES256", "a"), Signer::new("ES256", "b"), Signer::new("ES256", "c"));
    let mut proxy = Proxy::with(&[&old]);
    // The set is as new as can be.
    assert_eq!(proxy.outcome(&token(&made_up)), Done::Refused(401));
    proxy.later(5);
    let (first, flow) = proxy.request(&token(&new));
    let (second, _flow) = proxy.request(&token(&made_up));
    assert_eq!((flow, proxy.tick(), proxy.asked.len()), (Flow::Pause, Rest::Watch, 2));
    proxy.reply(Some((200, &set(&[&old, &new]))));
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
    let mut proxy = Proxy::with(&[&old]);
    assert_eq!(proxy.outcome(&token(&old)), Done::Forwarded);
    assert_eq!(proxy.tick(), Rest::Until(Duration::from_secs(300)));
    proxy.later(300);
    let _rest = proxy.tick();
    assert_eq!(proxy.outcome(&token(&old)), Done::Forwarded, "while they are fetched again, the old ones hold");
    proxy.reply(Some((200, &set(&[&old, &new]))));
    for signer in [&old, &new] {
        assert_eq!(proxy.outcome(&token(signer)), Done::Forwarded);
    }
    proxy.later(300);
    let _rest = proxy.tick();
    proxy.reply(Some((200, &set(&[&new]))));
    assert_eq!(proxy.outcome(&token(&new)), Done::Forwarded);
    assert_eq!(proxy.outcome(&token(&old)), Done::Refused(401), "what its key vouched for is forgotten with it");
}

#[test]
fn last_good_keys_outlive_an_outage_until_they_are_too_old() {
    let (signer, unknown) = (Signer::new("ES256", "a"), Signer::new("ES256", "b"));
    let mut proxy = Proxy::with(&[&signer]);
    for reply in [None, Some((500, "")), Some((200, "{}")), Some((200, r#"{"keys":{}}"#)), Some((302, ""))] {
        proxy.later(300);
        let _rest = proxy.tick();
        proxy.reply(reply);
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
    proxy.reply(None);
    assert_eq!(proxy.done(stream), [Done::Refused(503)]);
    assert_eq!(proxy.outcome(&token(&signer)), Done::Refused(503), "asked a moment ago");
    proxy.later(1);
    let (stream, _flow) = proxy.request(&token(&signer));
    let _rest = proxy.tick();
    proxy.reply(Some((200, &set(&[&signer]))));
    assert_eq!(proxy.done(stream), GONE_ON);
}

#[test]
fn who_waits_for_keys_that_do_not_come_is_told() {
    let signer = Signer::new("ES256", "a");
    let mut proxy = Proxy::new();
    let (stream, _flow) = proxy.request(&token(&signer));
    let _rest = proxy.tick();
    proxy.later(2);
    let _rest = proxy.tick();
    assert_eq!(proxy.done(stream), [Done::Refused(503)]);
    let mut proxy = Proxy { cannot_ask: true, ..Proxy::new() };
    let (stream, _flow) = proxy.request(&token(&signer));
    let _rest = proxy.tick();
    assert_eq!(proxy.done(stream), [Done::Refused(503)]);
}

#[test]
fn root_that_goes_leaves_its_fetch_to_another() {
    let signer = Signer::new("ES256", "a");
    let mut proxy = Proxy::new();
    let (stream, _flow) = proxy.request(&token(&signer));
    let _rest = proxy.with_worker(|worker, proxy| worker.on_tick(RootId(2), proxy));
    proxy.worker.abandoned_by(RootId(2));
    let _rest = proxy.tick();
    assert_eq!(proxy.asked.len(), 2);
    proxy.reply(Some((200, &set(&[&signer]))));
    assert_eq!(proxy.done(stream), GONE_ON);
    // A reload keeps what both policies need, and forgets what none does.
    proxy.worker.follow(RootId(3), &proxy.settings);
    proxy.worker.abandoned_by(ROOT);
    assert_eq!(proxy.outcome(&token(&signer)), Done::Forwarded);
    proxy.worker.abandoned_by(RootId(3));
    assert_eq!(proxy.request(&token(&signer)).1, Flow::Pause);
}

#[test]
fn opaque_token_is_asked_about() {
    let signer = Signer::new("ES256", "a");
    let mut proxy = Proxy::with(&[&signer]);
    let (stream, flow) = proxy.request("opaque");
    let _rest = proxy.tick();
    assert_eq!((flow, proxy.asked.last().unwrap().as_str()), (Flow::Pause, "asked/introspect"));
    proxy.reply(Some((200, r#"{"active":true,"u":"t","sub":"u2"}"#)));
    assert_eq!(proxy.done(stream), GONE_ON);
    assert_eq!(proxy.hosts[&stream].header("x-user"), ["u2"]);
}

#[test]
fn facts_end_with_their_token() {
    let signer = Signer::new("ES256", "a");
    let mut proxy = Proxy::with(&[&signer]);
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
    let mut proxy = Proxy::with(&[&signer]);
    let known = token(&signer);
    assert_eq!(proxy.outcome(&known), Done::Forwarded);
    proxy.later(300);
    let _rest = proxy.tick();
    assert_eq!(proxy.asked.len(), 2);
    proxy.reply(Some((200, r#"{"keys":[]}"#)));
    let fresh = token_with(&signer, json!({}), json!({ "jti": "made with the stolen key" }));
    assert_eq!(proxy.outcome(&known), Done::Refused(401));
    assert_eq!(proxy.outcome(&fresh), Done::Refused(401));
}

#[test]
fn fetch_whose_reply_is_lost_is_sent_again() {
    let signer = Signer::new("ES256", "a");
    let mut proxy = Proxy::with(&[&signer]);
    proxy.later(300);
    let _rest = proxy.tick();
    assert_eq!(proxy.asked.len(), 2);
    proxy.later(60);
    let _rest = proxy.tick();
    assert_eq!(proxy.asked.len(), 3);
}
