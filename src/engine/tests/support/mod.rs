//! A proxy in memory: it holds one request's headers, and a log of what was done to them.

pub mod feed;
pub mod proxy;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::LazyLock;

use brama_engine::config::Settings;
pub use brama_engine::fake::{Done, FakeHost, settings};
use brama_engine::host::{CallId, Counter, Host, RootHost, RootId, StreamId};
use brama_engine::worker::{self, Flow, NextTick};
use brama_policy::deciding::Moment;
use brama_policy::identity::{Question, Reply, Unavailable};

/// The root context, at a time when one request is looked at: what is asked for others stands in this one's log.
struct Root<'a> {
    stream: StreamId,
    host: &'a mut FakeHost,
    calls: &'a Cell<u32>,
}

impl RootHost for Root<'_> {
    type Stream = FakeHost;

    fn now(&mut self) -> Moment {
        Host::now(self.host)
    }

    fn dispatch(&mut self, question: &Question<'_>) -> Result<CallId, Unavailable> {
        if self.host.cannot_dispatch {
            return Err(Unavailable::NotSent);
        }
        self.calls.set(self.calls.get() + 1);
        self.host.calls = self.calls.get();
        let header = |(name, value): &(&str, String)| ((*name).to_owned(), value.clone());
        self.host.asked.push(question.headers.iter().map(header).collect());
        self.host.done.push(Done::Asked(question.body.clone().unwrap_or_default()));
        Ok(CallId(self.host.calls))
    }

    fn visit(&mut self, stream: StreamId, visit: impl FnOnce(&mut FakeHost)) {
        if stream == self.stream {
            visit(self.host);
        }
    }

    fn count(&mut self, counter: Counter) {
        self.host.counted.push(counter);
    }
}

/// A worker: its settings, and what it remembers from one request to the next.
pub struct Worker {
    pub settings: Rc<Settings>,
    shared: Rc<Shared>,
}

#[derive(Default)]
struct Shared {
    worker: RefCell<worker::Worker>,
    streams: Cell<u32>,
    calls: Cell<u32>,
}

impl Worker {
    /// A worker under the policy that ships.
    pub fn new() -> Self {
        Self { settings: settings(&WITHOUT_FEED), shared: Rc::default() }
    }

    pub fn session(&self) -> Open {
        self.shared.streams.set(self.shared.streams.get() + 1);
        let stream = StreamId(self.shared.streams.get());
        Open { stream, settings: Rc::clone(&self.settings), shared: Rc::clone(&self.shared) }
    }

    /// The root context these tests look at is gone.
    pub fn lose_root(&self) {
        self.shared.worker.borrow_mut().abandoned_by(ROOT);
    }
}

/// A request that is open. Dropped, it is reset.
pub struct Open {
    stream: StreamId,
    settings: Rc<Settings>,
    shared: Rc<Shared>,
}

impl Open {
    /// The headers have come, and the tick that follows.
    pub fn on_headers(&mut self, host: &mut FakeHost) -> Flow {
        let flow = self.on_headers_only(host);
        let _rest = self.tick(host);
        flow
    }

    /// The headers have come, and no tick yet.
    pub fn on_headers_only(&mut self, host: &mut FakeHost) -> Flow {
        self.shared.worker.borrow_mut().on_headers(self.stream, Rc::clone(&self.settings), host)
    }

    pub fn tick(&mut self, host: &mut FakeHost) -> NextTick {
        let mut root = Root { stream: self.stream, host, calls: &self.shared.calls };
        self.shared.worker.borrow_mut().on_tick(ROOT, &mut root)
    }

    /// A reply has come, and the tick that follows.
    pub fn on_reply(&mut self, host: &mut FakeHost, call: CallId, reply: Option<Reply<'_>>) {
        let mut root = Root { stream: self.stream, host, calls: &self.shared.calls };
        self.shared.worker.borrow_mut().on_reply(ROOT, &mut root, call, reply.ok_or(Unavailable::NoReply));
        let _rest = self.tick(host);
    }

    pub fn on_body(&self) -> Flow {
        self.shared.worker.borrow().on_body(self.stream)
    }

    pub fn on_trailers(&mut self, host: &mut FakeHost) -> Flow {
        self.shared.worker.borrow_mut().on_trailers(self.stream, host)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.shared.worker.borrow_mut().close(self.stream);
    }
}

const ROOT: RootId = RootId(1);

/// The policy that ships, without its feed of revocations: facts are trusted for as long as they are remembered.
pub static WITHOUT_FEED: LazyLock<String> = LazyLock::new(|| {
    let feed = "    revocations: { path: /revocations, every: 500ms, max_lag: 3s }\n";
    assert!(SHIPPED.contains(feed));
    SHIPPED.replace(feed, "")
});

/// The policy that ships.
pub const SHIPPED: &str = include_str!("../../../../policies/ehealth.yaml");
