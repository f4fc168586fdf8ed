//! A proxy in memory: it holds one request's headers, and a log of what was done to them.

pub mod feed;
pub mod proxy;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::LazyLock;
use std::time::Duration;

use brama_filter::config::Settings;
use brama_filter::host::{CallId, Counter, Host, HostFailed, RefusalNote, RootHost, RootId, StreamId};
use brama_filter::session::{Flow, Session};
use brama_filter::worker::{self, NextTick};
use brama_policy::{Grant, Moment, Monotonic, Question, RefusalResponse, Reply, SignatureCheck, Unavailable, UnixTime};

/// What was done, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    Asked(String),
    Forwarded,
    Refused(u16),
    Resumed,
}

pub struct FakeHost {
    pub headers: Vec<(String, Vec<u8>)>,
    pub trailers: Vec<String>,
    pub cannot_read_trailers: bool,
    pub done: Vec<Done>,
    /// The headers of each question.
    pub asked: Vec<Vec<(String, String)>>,
    pub counted: Vec<Counter>,
    pub refusal: Option<RefusalResponse>,
    /// What was noted for the access log.
    pub reason: Option<String>,
    pub seconds: u64,
    pub wall: u64,
    /// Of the wall clock, beyond the second.
    pub millis: u64,
    pub calls: u32,
    pub cannot_dispatch: bool,
    pub cannot_forward: bool,
    pub cannot_set_request_id: bool,
    /// What is said of signatures, and of how many it was.
    pub verifies: fn(&SignatureCheck<'_>) -> bool,
    pub signatures: usize,
}

impl FakeHost {
    pub fn new(method: &str, path: &str, further: &[(&str, &str)]) -> Self {
        let headers = [(":method", method), (":scheme", "http"), (":authority", "api.example"), (":path", path)]
            .iter()
            .chain(further)
            .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
            .collect();
        Self {
            headers,
            trailers: Vec::new(),
            cannot_read_trailers: false,
            done: Vec::new(),
            asked: Vec::new(),
            counted: Vec::new(),
            refusal: None,
            reason: None,
            seconds: 100,
            wall: 1_700_000_000,
            millis: 0,
            calls: 0,
            cannot_dispatch: false,
            cannot_forward: false,
            cannot_set_request_id: false,
            verifies: |_check| false,
            signatures: 0,
        }
    }

    pub fn header(&self, name: &str) -> Vec<String> {
        let values = self.headers.iter().filter(|(known, _)| known == name);
        values.map(|(_, value)| String::from_utf8(value.clone()).unwrap()).collect()
    }

    pub fn body(&self) -> serde_json::Value {
        serde_json::from_str(&self.refusal.as_ref().unwrap().body).unwrap()
    }
}

impl Host for FakeHost {
    fn headers(&mut self) -> Vec<(String, Vec<u8>)> {
        self.headers.clone()
    }

    fn trailer_names(&mut self) -> Result<Vec<String>, HostFailed> {
        if self.cannot_read_trailers { Err(HostFailed) } else { Ok(self.trailers.clone()) }
    }

    fn now(&mut self) -> Moment {
        Moment {
            wall: UnixTime::since_epoch(Duration::from_millis(self.wall * 1_000 + self.millis)),
            monotonic: Monotonic::from_origin(Duration::from_secs(self.seconds)),
        }
    }

    fn new_request_id(&mut self) -> String {
        "fresh".to_owned()
    }

    fn set_request_id(&mut self, request_id: &str) -> Result<(), HostFailed> {
        if self.cannot_set_request_id {
            return Err(HostFailed);
        }
        self.headers.retain(|(name, _)| name != "x-request-id");
        self.headers.push(("x-request-id".to_owned(), request_id.into()));
        Ok(())
    }

    fn apply_grant(&mut self, grant: &Grant, reason: Option<&str>) -> Result<(), HostFailed> {
        self.reason = reason.map(str::to_owned);
        if self.cannot_forward {
            return Err(HostFailed);
        }
        self.headers.retain(|(name, _)| !grant.remove().contains(name));
        self.headers.extend(grant.set().iter().map(|(name, value)| (name.clone(), value.clone().into_bytes())));
        self.done.push(Done::Forwarded);
        Ok(())
    }

    fn remove_trailer(&mut self, name: &str) -> Result<(), HostFailed> {
        self.trailers.retain(|known| known != name);
        Ok(())
    }

    fn refuse(&mut self, refusal: &RefusalResponse, note: RefusalNote<'_>) {
        self.reason = note.reason.map(str::to_owned);
        self.done.push(Done::Refused(refusal.status));
        self.refusal = Some(refusal.clone());
    }

    fn resume(&mut self) {
        self.done.push(Done::Resumed);
    }

    fn request_tick(&mut self) {}

    fn verify_signature(&mut self, check: &SignatureCheck<'_>) -> bool {
        self.signatures += 1;
        (self.verifies)(check)
    }

    fn count(&mut self, counter: Counter) {
        self.counted.push(counter);
    }
}

/// The root context, at a time when one request is looked at: what is asked for others stands in this one's log.
struct Root<'a> {
    stream: StreamId,
    host: &'a mut FakeHost,
    calls: &'a Cell<u32>,
}

impl RootHost for Root<'_> {
    type Stream<'s>
        = &'s mut FakeHost
    where
        Self: 's;

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

    fn stream(&mut self, stream: StreamId) -> Option<&mut FakeHost> {
        (stream == self.stream).then_some(&mut *self.host)
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
    worker: worker::Worker,
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
        let session = self.shared.worker.open(stream, Rc::clone(&self.settings));
        Open { stream, session, shared: Rc::clone(&self.shared) }
    }

    /// The root context these tests look at is gone.
    pub fn lose_root(&self) {
        self.shared.worker.abandoned_by(ROOT);
    }
}

/// A request that is open. Dropped, it is reset.
pub struct Open {
    stream: StreamId,
    session: Rc<RefCell<Session>>,
    shared: Rc<Shared>,
}

impl Open {
    /// The headers have come, and the tick that follows.
    pub fn on_headers(&mut self, host: &mut FakeHost) -> Flow {
        let flow = self.session.borrow_mut().on_headers(host);
        let _rest = self.tick(host);
        flow
    }

    /// The headers have come, and no tick yet.
    pub fn on_headers_only(&mut self, host: &mut FakeHost) -> Flow {
        self.session.borrow_mut().on_headers(host)
    }

    pub fn tick(&mut self, host: &mut FakeHost) -> NextTick {
        let mut root = Root { stream: self.stream, host, calls: &self.shared.calls };
        self.shared.worker.on_tick(ROOT, &mut root)
    }

    /// A reply has come, and the tick that follows.
    pub fn on_reply(&mut self, host: &mut FakeHost, call: CallId, reply: Option<Reply<'_>>) {
        let mut root = Root { stream: self.stream, host, calls: &self.shared.calls };
        self.shared.worker.on_reply(ROOT, &mut root, call, reply.ok_or(Unavailable::NoReply));
        let _rest = self.tick(host);
    }

    pub fn on_body(&self) -> Flow {
        self.session.borrow().on_body()
    }

    pub fn on_trailers(&mut self, host: &mut FakeHost) -> Flow {
        self.session.borrow_mut().on_trailers(host)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.shared.worker.close(self.stream);
    }
}

const ROOT: RootId = RootId(1);

/// The settings under a policy.
pub fn settings(yaml: &str) -> Rc<Settings> {
    let json = serde_saphyr::from_str::<serde_json::Value>(yaml).unwrap().to_string();
    Rc::new(Settings::load(json.as_bytes(), |_name| Some("s3cret".to_owned())).unwrap())
}

/// The policy that ships, without its feed of revocations: facts are trusted for as long as they are remembered.
pub static WITHOUT_FEED: LazyLock<String> = LazyLock::new(|| {
    let feed = "    revocations: { path: /revocations, every: 500ms, max_lag: 3s }\n";
    assert!(SHIPPED.contains(feed));
    SHIPPED.replace(feed, "")
});

/// The policy that ships.
pub const SHIPPED: &str = include_str!("../../../../policies/ehealth.yaml");
