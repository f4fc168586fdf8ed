//! Owns everything Envoy: the SDK's contexts here, and below the verbs of [`brama_engine::host`] as host calls.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use brama_engine::config::Settings;
use brama_engine::host::{CallId, Counter, RootId, StreamId};
use brama_engine::worker::{Flow, NextTick, Worker};
use brama_policy::deciding::{Moment, Monotonic, UnixTime};
use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, BufferType, ContextType, LogLevel, MetricType};

mod local_reply;
mod reply;
mod root;
pub mod signature;
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
    /// Borrowed by the callback that is running.
    worker: RefCell<Worker>,
    /// Contexts that ended within a callback of another.
    ended: RefCell<Vec<Ended>>,
    counters: RefCell<BTreeMap<Counter, u32>>,
    origin: Instant,
}

impl Vm {
    fn new() -> Self {
        Self {
            worker: RefCell::default(),
            ended: RefCell::default(),
            counters: RefCell::default(),
            origin: Instant::now(),
        }
    }
}

/// A context that is gone.
#[derive(Clone, Copy, Debug)]
enum Ended {
    Stream(StreamId),
    Root(RootId),
}

/// Runs a callback. Envoy puts off what a callback causes until it has returned. A host that does otherwise can end a
/// context within a callback of a root context: that is queued. It can run no other: `None`, and the request stays
/// paused.
fn with_worker<T>(callback: impl FnOnce(&mut Worker) -> T) -> Option<T> {
    VM.with(|vm| {
        let mut worker = vm.worker.try_borrow_mut().ok()?;
        let outcome = callback(&mut worker);
        for ended in vm.ended.take() {
            end(&mut worker, ended);
        }
        Some(outcome)
    })
}

/// Ends a context, now or when the callback that is running has returned.
fn end_context(ended: Ended) {
    if with_worker(|worker| end(worker, ended)).is_none() {
        VM.with(|vm| vm.ended.borrow_mut().push(ended));
    }
}

fn end(worker: &mut Worker, ended: Ended) {
    match ended {
        Ended::Stream(stream) => worker.close(stream),
        Ended::Root(root) => worker.abandoned_by(root),
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
        end_context(Ended::Root(self.id));
    }
}

impl Context for Root {
    fn on_http_call_response(&mut self, call: u32, headers: usize, body_size: usize, _trailers: usize) {
        let body = reply_body(body_size);
        let reply = reply(headers, &body);
        let mut host = EnvoyRoot { id: self.id, tick_requested: Rc::default() };
        let _done = with_worker(|worker| worker.on_reply(self.id, &mut host, CallId(call), reply));
        if host.tick_requested.get() {
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
                let _done = with_worker(|worker| worker.follow(self.id, &self.settings, now()));
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
        let mut host = EnvoyRoot { id: self.id, tick_requested: Rc::default() };
        let next = with_worker(|worker| worker.on_tick(self.id, &mut host)).unwrap_or(NextTick::Watch);
        match (host.tick_requested.get(), next) {
            (true, NextTick::Watch | NextTick::Until(_) | NextTick::Sleep) => self.timer.request_tick(),
            (false, NextTick::Watch) => self.timer.set(WATCH),
            (false, NextTick::Until(span)) => self.timer.set(span.max(SOON)),
            (false, NextTick::Sleep) => self.timer.set(Duration::ZERO),
        }
    }

    fn create_http_context(&self, context_id: u32) -> Option<Box<dyn HttpContext>> {
        let (settings, timer) = (Rc::clone(&self.settings), Rc::clone(&self.timer));
        Some(Box::new(Http { stream: StreamId(context_id), settings, timer }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

/// One request.
struct Http {
    stream: StreamId,
    settings: Rc<Settings>,
    timer: Rc<Timer>,
}

impl Http {
    fn host(&self) -> EnvoyStream {
        EnvoyStream::Own(Rc::clone(&self.timer))
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        end_context(Ended::Stream(self.stream));
    }
}

impl Context for Http {}

impl HttpContext for Http {
    fn on_http_request_headers(&mut self, _headers: usize, _end_of_stream: bool) -> Action {
        let settings = Rc::clone(&self.settings);
        action(with_worker(|worker| worker.on_headers(self.stream, settings, &mut self.host())))
    }

    fn on_http_request_body(&mut self, _size: usize, _end_of_stream: bool) -> Action {
        action(with_worker(|worker| worker.on_body(self.stream)))
    }

    fn on_http_request_trailers(&mut self, _trailers: usize) -> Action {
        action(with_worker(|worker| worker.on_trailers(self.stream, &mut self.host())))
    }
}

const fn action(flow: Option<Flow>) -> Action {
    match flow {
        Some(Flow::Continue) => Action::Continue,
        Some(Flow::Pause) | None => Action::Pause,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_that_ends_within_a_callback_is_ended_after_it() {
        let within = with_worker(|_worker| {
            let timer = Rc::default();
            drop(Http { stream: StreamId(1), settings: Rc::new(Settings::refuse_all()), timer });
            drop(Root::new(RootId(2)));
            let queued = VM.with(|vm| vm.ended.borrow().len());
            (queued, with_worker(|_worker| ()).is_none())
        });
        assert_eq!(within, Some((2, true)));
        assert!(VM.with(|vm| vm.ended.borrow().is_empty()));
    }
}
