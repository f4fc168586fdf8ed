//! Owns everything Envoy: the SDK's contexts, and the verbs of [`Host`] as host calls.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Instant, UNIX_EPOCH};

use brama_policy::{Grant, LONGEST_ANSWER, Moment, Monotonic, Question, Refusal, Reply, RuleId, UnixTime};
use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, BufferType, ContextType, LogLevel, MapType, MetricType};
use uuid::Uuid;

use crate::config::Settings;
use crate::host::{CallId, Counter, Host, HostFailed};
use crate::session::{Flow, Learnt, Session};

/// Registers the plugin with the SDK.
pub fn start() {
    // Until the first configuration, which asks Envoy for its own level.
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_context_id| Box::new(Root { settings: Rc::new(Settings::refuse_all()) }));
}

thread_local! {
    /// What this VM has. It outlives a reload, which makes a new root context in the same VM.
    static WORKER: Worker = Worker::new();
}

struct Worker {
    learnt: Learnt,
    counters: RefCell<BTreeMap<Counter, u32>>,
    origin: Instant,
}

impl Worker {
    fn new() -> Self {
        Self { learnt: Learnt::default(), counters: RefCell::default(), origin: Instant::now() }
    }
}

/// One configuration of the plugin.
struct Root {
    settings: Rc<Settings>,
}

impl Context for Root {}

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
                log::info!("policy `{}` is in force", settings.policy().name());
                self.settings = Rc::new(settings);
                true
            }
            Err(error) => {
                log::error!("{error}");
                false
            }
        }
    }

    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        let learnt = WORKER.with(|worker| worker.learnt.clone());
        Some(Box::new(Http { session: Session::new(Rc::clone(&self.settings), learnt) }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

/// One request.
struct Http {
    session: Session,
}

impl HttpContext for Http {
    fn on_http_request_headers(&mut self, _headers: usize, _end_of_stream: bool) -> Action {
        action(self.session.on_headers(&mut EnvoyHost))
    }

    fn on_http_request_body(&mut self, _size: usize, _end_of_stream: bool) -> Action {
        action(self.session.on_body())
    }

    fn on_http_request_trailers(&mut self, _trailers: usize) -> Action {
        action(self.session.on_trailers(&mut EnvoyHost))
    }
}

impl Context for Http {
    fn on_http_call_response(&mut self, call: u32, headers: usize, body_size: usize, _trailers: usize) {
        // Envoy tells a timeout or a broken connection by a reply without headers.
        let status = if headers == 0 { None } else { reply_status() };
        let body = reply_body(body_size);
        let reply = status.map(|status| Reply { status, body: &body });
        self.session.on_reply(&mut EnvoyHost, CallId(call), reply);
    }
}

const fn action(flow: Flow) -> Action {
    match flow {
        Flow::Continue => Action::Continue,
        Flow::Pause => Action::Pause,
    }
}

fn reply_status() -> Option<u16> {
    let status = hostcalls::get_map_value_bytes(MapType::HttpCallResponseHeaders, ":status").ok()??;
    std::str::from_utf8(&status).ok()?.parse().ok()
}

/// The reply's body, or as much of it as shows that it is too long.
fn reply_body(size: usize) -> Vec<u8> {
    if size == 0 {
        return Vec::new();
    }
    match hostcalls::get_buffer(BufferType::HttpCallResponseBody, 0, size.min(LONGEST_ANSWER.saturating_add(1))) {
        Ok(Some(body)) => body,
        Ok(None) | Err(_) => Vec::new(),
    }
}

/// The request whose callback is running.
struct EnvoyHost;

impl Host for EnvoyHost {
    fn headers(&mut self) -> Vec<(String, Vec<u8>)> {
        hostcalls::get_map_bytes(MapType::HttpRequestHeaders).unwrap_or_else(|_status| Vec::new())
    }

    fn trailer_names(&mut self) -> Vec<String> {
        let trailers = hostcalls::get_map_bytes(MapType::HttpRequestTrailers).unwrap_or_else(|_status| Vec::new());
        trailers.into_iter().map(|(name, _value)| name).collect()
    }

    fn now(&mut self) -> Moment {
        let monotonic = WORKER.with(|worker| worker.origin.elapsed());
        // A clock that cannot be read shows the end of time: whatever states an end has reached it.
        let wall = hostcalls::get_current_time().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let wall = wall.map_or(u64::MAX, |since| since.as_secs());
        Moment { wall: UnixTime::from_seconds(wall), monotonic: Monotonic::from_origin(monotonic) }
    }

    fn fresh_id(&mut self) -> String {
        Uuid::new_v4().to_string()
    }

    fn identify(&mut self, request_id: &str) -> Result<(), HostFailed> {
        hostcalls::remove_map_value(MapType::HttpRequestHeaders, REQUEST_ID).map_err(|_status| HostFailed)?;
        hostcalls::add_map_value(MapType::HttpRequestHeaders, REQUEST_ID, request_id).map_err(|_status| HostFailed)
    }

    fn ask(&mut self, question: &Question<'_>) -> Result<CallId, HostFailed> {
        let headers = question.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let body = Some(question.body.as_bytes());
        // TODO-hardening: the SDK notes each call and forgets it with its reply. Where the request is reset first, Envoy
        // sends none, and eight bytes stay for the life of the VM. Calls of the root context would not be lost so.
        hostcalls::dispatch_http_call(question.cluster, headers, body, Vec::new(), question.timeout)
            .map(CallId)
            .map_err(|_status| HostFailed)
    }

    fn forward_as(&mut self, grant: &Grant) -> Result<(), HostFailed> {
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
        }
        // INVARIANT: last. Whatever ends this VM before leaves no mark, and the RBAC behind the plugin wants one.
        note(DECISION, "allow")
    }

    fn remove_trailer(&mut self, name: &str) -> Result<(), HostFailed> {
        hostcalls::remove_map_value(MapType::HttpRequestTrailers, name).map_err(|_status| HostFailed)
    }

    fn refuse(&mut self, refusal: &Refusal, denial: &'static str, rule: &str) {
        // Notes for the access log and for local_reply_config.
        for (key, value) in [(DECISION, "refuse"), (DENIAL, denial), (RULE, rule), (REFUSAL, "own")] {
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

    fn count(&mut self, counter: Counter) {
        WORKER.with(|worker| {
            let Ok(mut counters) = worker.counters.try_borrow_mut() else { return };
            let id = match counters.get(&counter) {
                Some(id) => *id,
                None => {
                    let Ok(id) = hostcalls::define_metric(MetricType::Counter, &metric_name(counter)) else { return };
                    counters.insert(counter, id);
                    id
                }
            };
            if hostcalls::increment_metric(id, 1).is_err() {
                log::warn!("a counter could not be moved");
            }
        });
    }
}

/// Sets the filter state `wasm.<key>` of this request.
fn note(key: &str, value: &str) -> Result<(), HostFailed> {
    hostcalls::set_property(vec![key], Some(value.as_bytes())).map_err(|_status| HostFailed)
}

fn metric_name(counter: Counter) -> String {
    match counter {
        Counter::Allowed => "brama_allowed".to_owned(),
        Counter::Refused(code) => format!("brama_refused_{code}"),
        Counter::WouldRefuse(code) => format!("brama_would_refuse_{code}"),
        Counter::Lookup => "brama_lookups".to_owned(),
        Counter::Recalled => "brama_recalled".to_owned(),
        Counter::StrayReply => "brama_stray_replies".to_owned(),
    }
}

/// Filter state `wasm.brama_decision`: the RBAC behind the plugin lets a request pass only where it is `allow`.
const DECISION: &str = "brama_decision";

/// Filter state `wasm.brama_refusal`: tells the plugin's own answers from Envoy's in `local_reply_config`.
const REFUSAL: &str = "brama_refusal";

/// Filter state `wasm.brama_rule`, for access logs.
const RULE: &str = "brama_rule";

/// Filter state `wasm.brama_denial`, for access logs.
const DENIAL: &str = "brama_denial";

/// Filter state `wasm.brama_would_refuse`, for access logs: the denial of a rule in shadow mode.
const WOULD_REFUSE: &str = "brama_would_refuse";

const REQUEST_ID: &str = "x-request-id";
