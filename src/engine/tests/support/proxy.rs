//! A worker with many requests, in memory: what it asks, and what becomes of each request.

use std::collections::BTreeMap;
use std::rc::Rc;

use brama_engine::config::Settings;
use brama_engine::host::{CallId, Counter, Host, RootHost, RootId, StreamId};
use brama_engine::worker::{Flow, NextTick, Worker};
use brama_policy::deciding::Moment;
use brama_policy::identity::{Question, Reply, Unavailable};

use super::{Done, FakeHost, WITHOUT_FEED, settings};

pub const PATH: &str = "/api/clients/1380df72-275a-11e7-93ae-92361f002671/connections/c1";
pub const GOOD_KEY: &str = r#"{"active":true,"token_use":"api_key","client_id":"m","client_type":"MIS","scope":""}"#;
pub const GOOD_TOKEN: &str = r#"{"active":true,"token_use":"access_token","sub":"u","client_id":"1380df72-275a-11e7-93ae-92361f002671","client_type":"MSP","scope":"connection:delete","exp":1700000030}"#;

/// A worker with all its requests, and what was asked.
pub struct Proxy {
    pub settings: Rc<Settings>,
    pub worker: Worker,
    pub hosts: BTreeMap<StreamId, FakeHost>,
    /// The form of each question, or the path where it has none.
    pub asked: Vec<(CallId, String)>,
    pub counted: Vec<Counter>,
    pub seconds: u64,
    /// By how much the wall clock is stepped.
    pub wall: i64,
    /// Whether nothing can be sent.
    pub cannot_dispatch: bool,
    calls: u32,
}

impl Default for Proxy {
    fn default() -> Self {
        Self::new(&WITHOUT_FEED)
    }
}

impl RootHost for Proxy {
    type Stream = FakeHost;

    fn now(&mut self) -> Moment {
        let mut clock = FakeHost::new("GET", "/", &[]);
        clock.seconds += self.seconds;
        clock.wall = clock.wall.saturating_add_signed(self.wall);
        Host::now(&mut clock)
    }

    fn dispatch(&mut self, question: &Question<'_>) -> Result<CallId, Unavailable> {
        if self.cannot_dispatch {
            return Err(Unavailable::NotSent);
        }
        self.calls += 1;
        let call = CallId(self.calls);
        let path = || question.headers.iter().find(|(name, _)| *name == ":path").unwrap().1.clone();
        self.asked.push((call, question.body.clone().unwrap_or_else(path)));
        Ok(call)
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
    pub fn new(policy: &str) -> Self {
        Self {
            settings: settings(policy),
            worker: Worker::default(),
            hosts: BTreeMap::new(),
            asked: Vec::new(),
            counted: Vec::new(),
            seconds: 0,
            wall: 0,
            cannot_dispatch: false,
            calls: 0,
        }
    }

    pub fn request(&mut self, api_key: &str, token: &str) -> StreamId {
        let stream = StreamId(u32::try_from(self.hosts.len()).unwrap() + 10);
        let bearer = format!("Bearer {token}");
        let mut host = FakeHost::new("DELETE", PATH, &[("api-key", api_key), ("authorization", &bearer)]);
        host.seconds += self.seconds;
        host.wall = host.wall.saturating_add_signed(self.wall);
        let _flow = self.worker.on_headers(stream, Rc::clone(&self.settings), &mut host);
        self.hosts.insert(stream, host);
        stream
    }

    pub fn reset(&mut self, stream: StreamId) {
        self.worker.close(stream);
        self.hosts.insert(stream, FakeHost::new("GET", "/", &[]));
    }

    pub fn tick(&mut self, root: u32) -> NextTick {
        self.with_worker(|worker, proxy| worker.on_tick(RootId(root), proxy))
    }

    pub fn reply(&mut self, root: u32, call: u32, body: Option<&str>) {
        self.reply_with(root, call, body.map(|body| Reply { status: 200, body: body.as_bytes() }));
    }

    pub fn reply_with(&mut self, root: u32, call: u32, reply: Option<Reply<'_>>) {
        let reply = reply.ok_or(Unavailable::NoReply);
        self.with_worker(|worker, proxy| worker.on_reply(RootId(root), proxy, CallId(call), reply));
    }

    /// Tells what a body's callback would be told.
    pub fn flow(&self, stream: StreamId) -> Flow {
        self.worker.on_body(stream)
    }

    fn with_worker<T>(&mut self, visit: impl FnOnce(&mut Worker, &mut Self) -> T) -> T {
        let mut worker = std::mem::take(&mut self.worker);
        let outcome = visit(&mut worker, self);
        self.worker = worker;
        outcome
    }

    pub fn forms(&self) -> Vec<&str> {
        self.asked.iter().map(|(_call, body)| body.as_str()).collect()
    }

    pub fn done(&self, stream: StreamId) -> &[Done] {
        &self.hosts[&stream].done
    }
}
