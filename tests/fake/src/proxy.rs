//! Owns a worker with its requests, and the calls that it sends.

use std::collections::BTreeMap;
use std::mem::take;
use std::ops::Index;
use std::rc::Rc;

use brama_engine::config::Settings;
use brama_engine::host::{CallId, Counter, RootHost, RootId, StreamId};
use brama_engine::worker::{Flow, NextTick, Worker};
use brama_policy::deciding::Moment;
use brama_policy::identity::{Question, Reply, Unavailable};

use crate::{Clock, Done, Failing, Observer, Request, World};

/// A worker, its settings and its requests.
pub struct Proxy {
    pub worker: Worker,
    /// The settings of requests and roots to come.
    pub settings: Rc<Settings>,
    pub requests: BTreeMap<StreamId, Request>,
    /// Calls in the order in which they were sent; answered ones stay.
    pub asked: Vec<Call>,
    /// Counters that root contexts moved, in order.
    pub counted: Vec<Counter>,
    pub world: Rc<World>,
    /// The root context whose callback is running.
    root: RootId,
    last_call: u32,
    last_stream: u32,
}

/// A call that was sent.
#[derive(Clone, Debug)]
pub struct Call {
    pub root: RootId,
    pub id: u32,
    pub cluster: String,
    pub headers: Vec<(String, String)>,
    /// The form about a credential; feeds and keys are asked for without.
    pub form: Option<String>,
}

/// The root context that a test of a single one has.
pub const ROOT: RootId = RootId(1);

impl Proxy {
    pub fn new(settings: Rc<Settings>, observer: impl Observer + 'static) -> Self {
        Self {
            worker: Worker::default(),
            settings,
            requests: BTreeMap::new(),
            asked: Vec::new(),
            counted: Vec::new(),
            world: World::new(observer),
            root: ROOT,
            last_call: 0,
            last_stream: 1000,
        }
    }

    /// A request has come with these headers.
    pub fn send(&mut self, headers: Vec<(String, Vec<u8>)>) -> StreamId {
        self.last_stream += 1;
        self.send_as(StreamId(self.last_stream), headers)
    }

    /// A request has come under this number.
    pub fn send_as(&mut self, stream: StreamId, headers: Vec<(String, Vec<u8>)>) -> StreamId {
        let mut request = Request::new(&self.world, headers);
        let flow = self.worker.on_headers(stream, Rc::clone(&self.settings), &mut request);
        request.answered(flow);
        self.requests.insert(stream, request);
        stream
    }

    /// Answer to the callback of a part of its body.
    pub fn flow(&self, stream: StreamId) -> Flow {
        let flow = self.worker.on_body(stream);
        self[stream].called_back(flow);
        flow
    }

    pub fn trailers(&mut self, stream: StreamId, names: Vec<String>) -> Flow {
        let request = self.requests.get_mut(&stream).unwrap();
        request.trailers = names;
        let flow = self.worker.on_trailers(stream, request);
        request.called_back(flow);
        flow
    }

    /// The client has reset it.
    pub fn reset(&mut self, stream: StreamId) {
        self.requests.remove(&stream);
        self.worker.close(stream);
    }

    /// A root context is configured.
    pub fn follow(&mut self, root: RootId) {
        self.worker.follow(root, &self.settings, self.world.now());
    }

    /// A root context has gone.
    pub fn end(&mut self, root: RootId) {
        self.worker.abandoned_by(root);
    }

    pub fn tick(&mut self) -> NextTick {
        self.tick_of(ROOT)
    }

    pub fn tick_of(&mut self, root: RootId) -> NextTick {
        self.call_back(root, |worker, proxy| worker.on_tick(root, proxy))
    }

    /// The reply to a call; `None`: none came in time.
    pub fn reply_to(&mut self, call: u32, reply: Option<(u16, &str)>) {
        self.reply_by(ROOT, call, reply.map(|(status, body)| (status, body.as_bytes())));
    }

    /// The reply to the last call.
    pub fn reply_to_last(&mut self, reply: Option<(u16, &str)>) {
        self.reply_to(self.last_call, reply);
    }

    /// The reply to a call, as a root context has it.
    pub fn reply_by(&mut self, root: RootId, call: u32, reply: Option<(u16, &[u8])>) {
        let reply = reply.map(|(status, body)| Reply { status, body }).ok_or(Unavailable::NoReply);
        self.call_back(root, |worker, proxy| worker.on_reply(root, proxy, CallId(call), reply));
    }

    fn call_back<T>(&mut self, root: RootId, callback: impl FnOnce(&mut Worker, &mut Self) -> T) -> T {
        self.root = root;
        let mut worker = take(&mut self.worker);
        let outcome = callback(&mut worker, self);
        self.worker = worker;
        outcome
    }

    pub fn done(&self, stream: StreamId) -> &[Done] {
        &self[stream].done
    }

    /// Questions in order: each call's form, or its path.
    pub fn forms(&self) -> Vec<&str> {
        self.asked.iter().map(Call::text).collect()
    }

    /// The last call.
    #[track_caller]
    pub fn last(&self) -> &Call {
        self.asked.last().unwrap()
    }

    /// The last call for what begins so.
    #[track_caller]
    pub fn call(&self, beginning: &str) -> u32 {
        self.asked.iter().rfind(|call| call.text().starts_with(beginning)).unwrap().id
    }

    /// Seconds since the start.
    pub fn seconds(&self) -> u64 {
        self.world.clock.get().seconds
    }

    /// Sets both clocks to so many seconds after the start.
    pub fn at(&self, seconds: u64) {
        self.set_clock(|clock| clock.seconds = seconds);
    }

    pub fn later(&self, seconds: u64) {
        self.set_clock(|clock| clock.seconds += seconds);
    }

    /// Steps the wall clock alone.
    pub fn step(&self, seconds: i64) {
        self.set_clock(|clock| clock.stepped += seconds);
    }

    pub fn set_clock(&self, set: impl FnOnce(&mut Clock)) {
        let mut clock = self.world.clock.get();
        set(&mut clock);
        self.world.clock.set(clock);
    }

    pub fn fail(&self, failing: Failing) {
        self.world.failing.set(failing);
    }
}

impl Index<StreamId> for Proxy {
    type Output = Request;

    fn index(&self, stream: StreamId) -> &Request {
        &self.requests[&stream]
    }
}

impl RootHost for Proxy {
    type Stream = Request;

    fn now(&mut self) -> Moment {
        self.world.now()
    }

    fn dispatch(&mut self, question: &Question<'_>) -> Result<CallId, Unavailable> {
        if self.world.failing.get().dispatch {
            return Err(Unavailable::NotSent);
        }
        self.last_call += 1;
        let headers = question.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let (cluster, form) = (question.cluster.to_owned(), question.body.clone());
        self.asked.push(Call { root: self.root, id: self.last_call, cluster, headers, form });
        Ok(CallId(self.last_call))
    }

    fn visit(&mut self, stream: StreamId, visit: impl FnOnce(&mut Request)) {
        visit(self.requests.get_mut(&stream).unwrap_or_else(|| panic!("{stream:?} is gone, and was called")));
    }

    fn count(&mut self, counter: Counter) {
        self.counted.push(counter);
    }
}

impl Call {
    /// The form, or the path where it has none.
    pub fn text(&self) -> &str {
        self.form.as_deref().unwrap_or_else(|| self.path())
    }

    pub fn path(&self) -> &str {
        self.header(":path").unwrap()
    }

    /// The cluster and the path.
    pub fn place(&self) -> String {
        format!("{}{}", self.cluster, self.path())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _value)| known == name).map(|(_name, value)| value.as_str())
    }
}
