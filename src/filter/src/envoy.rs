//! Owns everything Envoy: the SDK's contexts here, and below the verbs of [`crate::host`] as host calls.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use brama_policy::{Moment, Monotonic, UnixTime};
use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, BufferType, ContextType, LogLevel, MetricType};

use crate::config::Settings;
use crate::host::{CallId, Counter, RootId, StreamId};
use crate::session::{Flow, Session};
use crate::worker::{NextTick, Worker};

mod reply;
mod root;
mod stream;

use reply::{reply, reply_body};
use root::EnvoyRoot;
use stream::EnvoyStream;

/// Registers the plugin with the SDK.
pub fn start() {
    // Until the first configuration, which asks Envoy for its own level.
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|context_id| Box::new(Root::new(RootId(context_id))));
}

thread_local! {
    /// What this VM has. It outlives a reload, which makes a new root context in the same VM.
    static VM: Vm = Vm::new();
}

struct Vm {
    worker: Worker,
    counters: RefCell<BTreeMap<Counter, u32>>,
    origin: Instant,
}

impl Vm {
    fn new() -> Self {
        Self { worker: Worker::default(), counters: RefCell::default(), origin: Instant::now() }
    }
}

/// One configuration of the plugin.
struct Root {
    id: RootId,
    settings: Rc<Settings>,
    timer: Rc<Timer>,
}

/// The tick of one root context.
#[derive(Debug, Default)]
struct Timer {
    /// The tick is set to the next millisecond. Setting it again would put it off, and a flood of requests without end.
    is_soon: Cell<bool>,
}

impl Timer {
    /// Sets the tick of the root context whose callback, or whose request's, is running.
    fn set(&self, period: Duration) {
        if hostcalls::set_tick_period(period).is_err() {
            self.is_soon.set(false);
            log::error!("the tick could not be set; who waits for an answer that does not come is ended by Envoy");
        }
    }

    fn request_tick(&self) {
        if !self.is_soon.replace(true) {
            self.set(SOON);
        }
    }
}

impl Root {
    fn new(id: RootId) -> Self {
        Self { id, settings: Rc::new(Settings::refuse_all()), timer: Rc::default() }
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        VM.with(|vm| vm.worker.abandoned_by(self.id));
    }
}

impl Context for Root {
    fn on_http_call_response(&mut self, call: u32, headers: usize, body_size: usize, _trailers: usize) {
        let body = reply_body(body_size);
        let reply = reply(headers, &body);
        let mut host = EnvoyRoot { id: self.id, is_wanted: Rc::default() };
        VM.with(|vm| vm.worker.on_reply(self.id, &mut host, CallId(call), reply));
        if host.is_wanted.get() {
            self.timer.request_tick();
        }
    }
}

impl RootContext for Root {
    fn on_configure(&mut self, size: usize) -> bool {
        if let Ok(level) = hostcalls::get_log_level() {
            proxy_wasm::set_log_level(level);
        }
        let configuration = match hostcalls::get_buffer(BufferType::PluginConfiguration, 0, size) {
            Ok(Some(configuration)) => configuration,
            Ok(None) | Err(_) => Vec::new(),
        };
        match Settings::load(&configuration, |name| std::env::var(name).ok()) {
            Ok(settings) => {
                log::info!("{} is in force", settings.in_words());
                self.settings = Rc::new(settings);
                VM.with(|vm| vm.worker.follow(self.id, &self.settings, now()));
                // Keys are fetched ahead, and what the root before has followed goes on here.
                self.timer.request_tick();
                true
            }
            Err(error) => {
                log::error!("{error}");
                false
            }
        }
    }

    fn on_tick(&mut self) {
        self.timer.is_soon.set(false);
        let mut host = EnvoyRoot { id: self.id, is_wanted: Rc::default() };
        let rest = VM.with(|vm| vm.worker.on_tick(self.id, &mut host));
        match (host.is_wanted.get(), rest) {
            (true, NextTick::Watch | NextTick::Until(_) | NextTick::Sleep) => self.timer.request_tick(),
            (false, NextTick::Watch) => self.timer.set(WATCH),
            (false, NextTick::Until(span)) => self.timer.set(span.max(SOON)),
            (false, NextTick::Sleep) => self.timer.set(Duration::ZERO),
        }
    }

    fn create_http_context(&self, context_id: u32) -> Option<Box<dyn HttpContext>> {
        let stream = StreamId(context_id);
        let session = VM.with(|vm| vm.worker.open(stream, Rc::clone(&self.settings)));
        Some(Box::new(Http { stream, session, timer: Rc::clone(&self.timer) }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

/// One request.
struct Http {
    stream: StreamId,
    session: Rc<RefCell<Session>>,
    timer: Rc<Timer>,
}

impl Http {
    /// Advances the session. It is never in the middle of something when Envoy calls; if it were, the request would
    /// stay.
    fn advance(&self, callback: impl FnOnce(&mut Session, &mut EnvoyStream) -> Flow) -> Action {
        let mut host = EnvoyStream::Own(Rc::clone(&self.timer));
        self.session.try_borrow_mut().map_or(Action::Pause, |mut session| action(callback(&mut session, &mut host)))
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        VM.with(|vm| vm.worker.close(self.stream));
    }
}

impl Context for Http {}

impl HttpContext for Http {
    fn on_http_request_headers(&mut self, _headers: usize, _end_of_stream: bool) -> Action {
        self.advance(Session::on_headers)
    }

    fn on_http_request_body(&mut self, _size: usize, _end_of_stream: bool) -> Action {
        self.advance(|session, _host| session.on_body())
    }

    fn on_http_request_trailers(&mut self, _trailers: usize) -> Action {
        self.advance(Session::on_trailers)
    }
}

const fn action(flow: Flow) -> Action {
    match flow {
        Flow::Continue => Action::Continue,
        Flow::Pause => Action::Pause,
    }
}

fn now() -> Moment {
    let monotonic = VM.with(|vm| vm.origin.elapsed());
    // A clock that cannot be read shows the end of time: whatever states an end has reached it.
    let wall = hostcalls::get_current_time().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let wall = UnixTime::since_epoch(wall.unwrap_or(Duration::MAX));
    Moment { wall, monotonic: Monotonic::from_origin(monotonic) }
}

fn count(counter: Counter) {
    VM.with(|vm| {
        let Ok(mut counters) = vm.counters.try_borrow_mut() else { return };
        let id = match counters.get(&counter) {
            Some(id) => *id,
            None => {
                let Ok(id) = hostcalls::define_metric(MetricType::Counter, &counter.name()) else { return };
                counters.insert(counter, id);
                id
            }
        };
        if hostcalls::increment_metric(id, 1).is_err() {
            log::warn!("a counter could not be moved");
        }
    });
}

const REQUEST_ID: &str = "x-request-id";

/// The next tick, where there is something to send. Envoy counts in milliseconds.
const SOON: Duration = Duration::from_millis(1);

/// How often those are looked at who wait for an answer: by so much an answer that does not come is told later.
const WATCH: Duration = Duration::from_millis(50);
