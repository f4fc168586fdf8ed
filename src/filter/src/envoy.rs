//! Owns everything Envoy: the SDK's contexts, and the verbs of [`Host`] as host calls.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use brama_policy::{
    Grant, LONGEST_PAGE, Moment, Monotonic, Question, Refusal, Reply, RuleId, SignatureCheck, Unavailable, UnixTime,
};
use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, BufferType, ContextType, LogLevel, MapType, MetricType, Status};
use uuid::Uuid;

use crate::config::Settings;
use crate::host::{CallId, Counter, Host, HostFailed, RefusalNote, RootHost, RootId, StreamId};
use crate::session::{Flow, Session};
use crate::signature;
use crate::silence::{UPSTREAM_TIME, envoys_own};
use crate::worker::{NextTick, Worker};

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
    /// Whether it is set to the next millisecond. Setting it again would put it off, and a flood of requests without end.
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

    fn wake(&self) {
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
            self.timer.wake();
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
                self.timer.wake();
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
            (true, NextTick::Watch | NextTick::Until(_) | NextTick::Sleep) => self.timer.wake(),
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
    /// Advances the session. It is never in the middle of something when Envoy calls; if it were, the request would stay.
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

/// What has come back of a call: an authority's reply, or what Envoy says in its place.
fn reply(headers: usize, body: &[u8]) -> Result<Reply<'_>, Unavailable> {
    let header = |name| hostcalls::get_map_value_bytes(MapType::HttpCallResponseHeaders, name).ok().flatten();
    let status = || header(":status").and_then(|status| std::str::from_utf8(&status).ok()?.parse().ok());
    // A call that was reset after its reply had begun has no headers here.
    let status: u16 = if headers == 0 { None } else { status() }.ok_or(Unavailable::BrokenOff)?;
    match status {
        // Envoy makes up no success, so that what lets a request in costs no further host call.
        200..=299 => Ok(Reply { status, body }),
        _ if header(UPSTREAM_TIME).is_none() => Err(envoys_own(status, body)),
        _ => Ok(Reply { status, body }),
    }
}

/// The reply's body, or as much of it as shows that it is too long for any reply.
fn reply_body(size: usize) -> Vec<u8> {
    if size == 0 {
        return Vec::new();
    }
    match hostcalls::get_buffer(BufferType::HttpCallResponseBody, 0, size.min(LONGEST_PAGE.saturating_add(1))) {
        Ok(Some(body)) => body,
        Ok(None) | Err(_) => Vec::new(),
    }
}

/// The root context whose callback is running.
struct EnvoyRoot {
    id: RootId,
    /// Whether a request it was at work at wants a tick. That request's root can be an older one, so its own tick is set
    /// when it is at work for itself again.
    is_wanted: Rc<Cell<bool>>,
}

impl RootHost for EnvoyRoot {
    type Stream<'s> = EnvoyStream;

    fn now(&mut self) -> Moment {
        now()
    }

    fn ask(&mut self, question: &Question<'_>) -> Result<CallId, Unavailable> {
        let mut headers: Vec<_> = question.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        // What is asked for no request in particular (keys, a feed) has an id all the same.
        let id;
        if !headers.iter().any(|(name, _value)| *name == REQUEST_ID) {
            id = Uuid::new_v4().to_string();
            log::debug!("cluster `{}` is asked, request.id={id}", question.cluster);
            headers.push((REQUEST_ID, &id));
        }
        let body = question.body.as_ref().map(String::as_bytes);
        hostcalls::dispatch_http_call(question.cluster, headers, body, Vec::new(), question.timeout)
            .map(CallId)
            .map_err(|status| match status {
                // The headers are whole, so that it is the cluster.
                Status::BadArgument => Unavailable::NoCluster,
                _ => Unavailable::NotSent,
            })
    }

    fn stream(&mut self, stream: StreamId) -> Option<EnvoyStream> {
        hostcalls::set_effective_context(stream.0).ok()?;
        Some(EnvoyStream::Visited { by: self.id, wants_tick: Rc::clone(&self.is_wanted) })
    }

    fn count(&mut self, counter: Counter) {
        count(counter);
    }
}

/// The request that Envoy takes for the one at work.
enum EnvoyStream {
    /// Its own callback is running.
    Own(Rc<Timer>),
    /// A root context is at work at it, and has its own turn again when this is dropped.
    Visited { by: RootId, wants_tick: Rc<Cell<bool>> },
}

impl Drop for EnvoyStream {
    fn drop(&mut self) {
        match self {
            Self::Own(_timer) => {}
            Self::Visited { by, .. } => {
                if hostcalls::set_effective_context(by.0).is_err() {
                    log::error!("the root context is gone");
                }
            }
        }
    }
}

impl Host for EnvoyStream {
    fn headers(&mut self) -> Vec<(String, Vec<u8>)> {
        hostcalls::get_map_bytes(MapType::HttpRequestHeaders).unwrap_or_else(|_status| Vec::new())
    }

    fn trailer_names(&mut self) -> Result<Vec<String>, HostFailed> {
        let trailers = hostcalls::get_map_bytes(MapType::HttpRequestTrailers).map_err(|_status| HostFailed)?;
        Ok(trailers.into_iter().map(|(name, _value)| name).collect())
    }

    fn now(&mut self) -> Moment {
        now()
    }

    fn fresh_id(&mut self) -> String {
        Uuid::new_v4().to_string()
    }

    fn identify(&mut self, request_id: &str) -> Result<(), HostFailed> {
        hostcalls::remove_map_value(MapType::HttpRequestHeaders, REQUEST_ID).map_err(|_status| HostFailed)?;
        hostcalls::add_map_value(MapType::HttpRequestHeaders, REQUEST_ID, request_id).map_err(|_status| HostFailed)
    }

    fn forward_as(&mut self, grant: &Grant, reason: Option<&str>) -> Result<(), HostFailed> {
        for name in grant.remove() {
            hostcalls::remove_map_value(MapType::HttpRequestHeaders, name).map_err(|_status| HostFailed)?;
        }
        // Every copy is gone, so to add is to set; Envoy's "replace" would leave further copies.
        for (name, value) in grant.set() {
            hostcalls::add_map_value(MapType::HttpRequestHeaders, name, value).map_err(|_status| HostFailed)?;
        }
        note(RULE, grant.rule().map_or("-", RuleId::as_str))?;
        if let Some(denial) = grant.would_refuse() {
            note(WOULD_REFUSE, denial.code())?;
            reason.map_or(Ok(()), |reason| note(REASON, reason))?;
        }
        grant.identity().map_or(Ok(()), |identity| note(IDENTITY, identity))?;
        // INVARIANT: last. Whatever ends this VM before leaves no mark, and the RBAC behind the plugin wants one.
        note(DECISION, "allow")
    }

    fn remove_trailer(&mut self, name: &str) -> Result<(), HostFailed> {
        hostcalls::remove_map_value(MapType::HttpRequestTrailers, name).map_err(|_status| HostFailed)
    }

    fn refuse(&mut self, refusal: &Refusal, told: RefusalNote<'_>) {
        // Notes for the access log and for local_reply_config.
        let notes = [(DECISION, "refuse"), (DENIAL, told.denial), (RULE, told.rule), (REFUSAL, "own")];
        let further = told.reason.map(|reason| (REASON, reason)).into_iter();
        let further = further.chain(told.identity.map(|identity| (IDENTITY, identity)));
        for (key, value) in notes.into_iter().chain(further) {
            if note(key, value).is_err() {
                log::warn!("filter state `{key}` could not be set");
            }
        }
        let headers = refusal.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let sent = hostcalls::send_http_response(u32::from(refusal.status), headers, Some(refusal.body.as_bytes()));
        if sent.is_err() {
            log::error!("a refusal could not be sent; the request stays paused until Envoy ends it");
        }
    }

    fn resume(&mut self) {
        if hostcalls::resume_http_request().is_err() {
            log::error!("a request could not be resumed; it stays paused until Envoy ends it");
        }
    }

    fn wake(&mut self) {
        match self {
            Self::Own(timer) => timer.wake(),
            Self::Visited { wants_tick, .. } => wants_tick.set(true),
        }
    }

    fn verify_signature(&mut self, check: &SignatureCheck<'_>) -> bool {
        let Some(arguments) = signature::envoy::arguments(check) else { return false };
        let result = hostcalls::call_foreign_function("verify_signature", Some(&arguments));
        result.is_ok_and(|result| result.is_some_and(|result| signature::envoy::is_a_yes(&result)))
    }

    fn count(&mut self, counter: Counter) {
        count(counter);
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

/// Sets the filter state `wasm.<key>` of this request.
fn note(key: &str, value: &str) -> Result<(), HostFailed> {
    hostcalls::set_property(vec![key], Some(value.as_bytes())).map_err(|_status| HostFailed)
}

/// Filter state `wasm.brama_decision`: the RBAC behind the plugin lets a request pass only where it is `allow`.
const DECISION: &str = "brama_decision";

/// Filter state `wasm.brama_refusal`: tells the plugin's own answers from Envoy's in `local_reply_config`.
const REFUSAL: &str = "brama_refusal";

/// Filter state `wasm.brama_rule`, for access logs.
const RULE: &str = "brama_rule";

/// Filter state `wasm.brama_denial`, for access logs.
const DENIAL: &str = "brama_denial";

/// Filter state `wasm.brama_reason`, for access logs: why, beyond the denial. No client is told.
const REASON: &str = "brama_reason";

/// Filter state `wasm.brama_identity`, for access logs: the facts of the caller that the policy lists.
const IDENTITY: &str = "brama_identity";

/// Filter state `wasm.brama_would_refuse`, for access logs: the denial of a rule in shadow mode.
const WOULD_REFUSE: &str = "brama_would_refuse";

const REQUEST_ID: &str = "x-request-id";

/// The next tick, where there is something to send. Envoy counts in milliseconds.
const SOON: Duration = Duration::from_millis(1);

/// How often those are looked at who wait for an answer: by so much an answer that does not come is told later.
const WATCH: Duration = Duration::from_millis(50);
