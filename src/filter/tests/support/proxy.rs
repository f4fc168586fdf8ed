//! A worker with many requests, in memory: what it asks, and what becomes of each request.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use brama_filter::config::Settings;
use brama_filter::host::{CallId, Counter, Host, RootHost, RootId, StreamId};
use brama_filter::session::Session;
use brama_filter::worker::{NextTick, Worker};
use brama_policy::{Moment, Question, Reply, Unavailable};

use super::{Done, FakeHost, WITHOUT_FEED, settings};

pub const PATH: &str = "/api/clients/1380df72-275a-11e7-93ae-92361f002671/connections/c1";
pub const GOOD_KEY: &str = r#"{"active":true,"token_use":"api_key","client_id":"m","client_type":"MIS","scope":""}"#;
pub const GOOD_TOKEN: &str = r#"{"active":true,"token_use":"access_token","sub":"u","client_id":"1380df72-275a-11e7-93ae-92361f002671","client_type":"MSP","scope":"connection:delete","exp":1700000030}"#;

/// A worker with all its requests, and what was asked.
pub struct Proxy {
    pub settings: Rc<Settings>,
    pub worker: Rc<Worker>,
    pub hosts: BTreeMap<StreamId, FakeHost>,
    pub sessions: BTreeMap<StreamId, Rc<RefCell<Session>>>,
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
    type Stream<'s> = &'s mut FakeHost;

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

    fn stream(&mut self, stream: StreamId) -> Option<&mut FakeHost> {
        self.hosts.get_mut(&stream)
    }

    fn count(&mut self, counter: Counter) {
        self.counted.push(counter);
    }
}

impl Proxy {
    pub fn new(policy: &str) -> Self {
        Self {
            settings: settings(policy),
            worker: Rc::default(),
            hosts: BTreeMap::new(),
            sessions: BTreeMap::new(),
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
        let session = self.worker.open(stream, Rc::clone(&self.settings));
        let _flow = session.borrow_mut().on_headers(&mut host);
        self.hosts.insert(stream, host);
        self.sessions.insert(stream, session);
        stream
    }

    pub fn reset(&mut self, stream: StreamId) {
        self.sessions.remove(&stream);
        self.worker.close(stream);
        self.hosts.insert(stream, FakeHost::new("GET", "/", &[]));
    }

    pub fn tick(&mut self, root: u32) -> NextTick {
        let worker = Rc::clone(&self.worker);
        worker.on_tick(RootId(root), self)
    }

    pub fn reply(&mut self, root: u32, call: u32, body: Option<&str>) {
        let worker = Rc::clone(&self.worker);
        let reply = body.map(|body| Reply { status: 200, body: body.as_bytes() });
        worker.on_reply(RootId(root), self, CallId(call), reply.ok_or(Unavailable::NoReply));
    }

    pub fn forms(&self) -> Vec<&str> {
        self.asked.iter().map(|(_call, body)| body.as_str()).collect()
    }

    pub fn done(&self, stream: StreamId) -> &[Done] {
        &self.hosts[&stream].done
    }
}
