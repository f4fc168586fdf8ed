//! A worker whose tokens are JWTs, in memory: its calls, and the outcome of each request.

use std::collections::BTreeMap;
use std::rc::Rc;

use brama_engine::config::Settings;
use brama_engine::host::{CallId, Counter, Host, RootHost, RootId, StreamId};
use brama_engine::worker::{Flow, NextTick, Worker};
use brama_kit::library;
use brama_policy::deciding::Moment;
use brama_policy::identity::{Question, Reply, Unavailable};
use serde_json::{Value, json};

use crate::signer::{Signer, merged};
use crate::support::{Done, FakeHost, settings};

pub const POLICY: &str = "
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

pub const NOW: u64 = 1_700_000_000;
pub const ROOT: RootId = RootId(1);

/// A worker with all its requests, and what was asked of whom.
pub struct Proxy {
    pub worker: Worker,
    pub settings: Rc<Settings>,
    pub hosts: BTreeMap<StreamId, FakeHost>,
    pub asked: Vec<String>,
    pub counted: Vec<Counter>,
    pub seconds: u64,
    /// Of the wall clock, beyond the second.
    pub millis: u64,
    pub cannot_dispatch: bool,
}

impl RootHost for Proxy {
    type Stream = FakeHost;

    fn now(&mut self) -> Moment {
        Host::now(&mut self.host(""))
    }

    fn dispatch(&mut self, question: &Question<'_>) -> Result<CallId, Unavailable> {
        if self.cannot_dispatch {
            return Err(Unavailable::NotSent);
        }
        let path = question.headers.iter().find(|(name, _)| *name == ":path").unwrap();
        self.asked.push(format!("{}{}", question.cluster, path.1));
        Ok(CallId(u32::try_from(self.asked.len()).unwrap()))
    }

    fn visit(&mut self, stream: StreamId, visit: impl FnOnce(&mut FakeHost)) {
        if let Some(host) = self.hosts.get_mut(&stream) {
            visit(host);
        }
    }

    fn count(&mut self, counter: Counter) {
        self.counted.push(counter);
    }
}

impl Proxy {
    /// A worker that was just configured.
    pub fn new() -> Self {
        Self::under(POLICY)
    }

    /// A worker that was just configured with this policy.
    pub fn under(policy: &str) -> Self {
        let mut proxy = Self {
            worker: Worker::default(),
            settings: settings(policy),
            hosts: BTreeMap::new(),
            asked: Vec::new(),
            counted: Vec::new(),
            seconds: 0,
            millis: 0,
            cannot_dispatch: false,
        };
        proxy.follow(ROOT);
        proxy
    }

    /// A root context is configured.
    pub fn follow(&mut self, root: RootId) {
        let now = RootHost::now(self);
        self.worker.follow(root, &self.settings, now);
    }

    /// A worker that has these keys.
    pub fn with(signers: &[&Signer]) -> Self {
        Self::new().publishing(&set(signers))
    }

    /// With this set fetched.
    pub fn publishing(mut self, keys: &str) -> Self {
        let _rest = self.tick();
        self.reply(Some((200, keys)));
        self
    }

    pub fn host(&self, token: &str) -> FakeHost {
        let mut host = FakeHost::new("GET", "/r", &[("authorization", &format!("Bearer {token}"))]);
        (host.seconds, host.verifies) = (100 + self.seconds, library::is_the_keys);
        (host.wall, host.millis) = (NOW + self.seconds, self.millis);
        host
    }

    pub fn request(&mut self, token: &str) -> (StreamId, Flow) {
        let stream = StreamId(u32::try_from(self.hosts.len()).unwrap() + 10);
        let mut host = self.host(token);
        let flow = self.worker.on_headers(stream, Rc::clone(&self.settings), &mut host);
        self.hosts.insert(stream, host);
        (stream, flow)
    }

    /// What becomes of a request at once.
    pub fn outcome(&mut self, token: &str) -> Done {
        let (stream, _flow) = self.request(token);
        self.hosts[&stream].done.last().cloned().unwrap_or(Done::Asked("waits".to_owned()))
    }

    pub fn done(&self, stream: StreamId) -> &[Done] {
        &self.hosts[&stream].done
    }

    pub fn later(&mut self, seconds: u64) {
        self.seconds += seconds;
        for host in self.hosts.values_mut() {
            host.seconds += seconds;
            host.wall += seconds;
        }
    }

    pub fn tick(&mut self) -> NextTick {
        self.with_worker(|worker, proxy| worker.on_tick(ROOT, proxy))
    }

    /// The reply to the last question.
    pub fn reply(&mut self, reply: Option<(u16, &str)>) {
        self.reply_to(self.asked.len(), reply);
    }

    /// The reply to a question, by its number.
    pub fn reply_to(&mut self, question: usize, reply: Option<(u16, &str)>) {
        self.reply_by(ROOT, question, reply);
    }

    /// The reply to the last question, which this root context has asked.
    pub fn reply_as(&mut self, root: RootId, reply: Option<(u16, &str)>) {
        self.reply_by(root, self.asked.len(), reply);
    }

    fn reply_by(&mut self, root: RootId, question: usize, reply: Option<(u16, &str)>) {
        let call = CallId(u32::try_from(question).unwrap());
        let reply = reply.map(|(status, body)| Reply { status, body: body.as_bytes() });
        self.with_worker(|worker, proxy| worker.on_reply(root, proxy, call, reply.ok_or(Unavailable::NoReply)));
    }

    pub fn with_worker<T>(&mut self, visit: impl FnOnce(&mut Worker, &mut Self) -> T) -> T {
        let mut worker = std::mem::take(&mut self.worker);
        let outcome = visit(&mut worker, self);
        self.worker = worker;
        outcome
    }
}

pub fn set(signers: &[&Signer]) -> String {
    json!({ "keys": signers.iter().map(|signer| signer.jwk()).collect::<Vec<_>>() }).to_string()
}

pub fn token_with(signer: &Signer, header: Value, claims: Value) -> String {
    let known = json!({ "alg": signer.algorithm(), "typ": "at+jwt", "kid": signer.kid() });
    let stated = json!({ "iss": "https://id.example", "aud": "api", "sub": "u1", "exp": NOW + 7200 });
    signer.token(&merged(known, header), &merged(stated, claims))
}

pub fn token(signer: &Signer) -> String {
    token_with(signer, json!({}), json!({}))
}
