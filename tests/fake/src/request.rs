//! Owns one request as the proxy has it, and the laws of what may be done to it.

use std::hint::black_box;
use std::rc::Rc;

use brama_engine::host::{Counter, Host, HostFailed, RefusalNote};
use brama_engine::worker::Flow;
use brama_policy::deciding::{Grant, Moment, RefusalResponse};
use brama_policy::identity::SignatureCheck;

use crate::World;

/// Action that the proxy was told to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// It was allowed.
    Forwarded,
    /// It was refused with this status.
    Refused(u16),
    /// It was resumed after it had waited.
    Resumed,
}

/// One request, and a log of what was done to it.
pub struct Request {
    world: Rc<World>,
    /// Its headers, as they came.
    pub sent: Vec<(String, Vec<u8>)>,
    /// Its headers, as they are now.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The names of its trailers.
    pub trailers: Vec<String>,
    /// Actions, in order.
    pub done: Vec<Done>,
    /// Counters that were moved, in order.
    pub counted: Vec<Counter>,
    /// The answer to the client.
    pub refusal: Option<RefusalResponse>,
    /// Reason noted for the access log.
    pub reason: Option<String>,
    /// Number of signatures that were to be verified.
    pub signatures: usize,
    is_held: bool,
}

impl Request {
    pub fn new(world: &Rc<World>, headers: Vec<(String, Vec<u8>)>) -> Self {
        Self {
            world: Rc::clone(world),
            sent: headers.clone(),
            headers,
            trailers: Vec::new(),
            done: Vec::new(),
            counted: Vec::new(),
            refusal: None,
            reason: None,
            signatures: 0,
            is_held: false,
        }
    }

    /// The values of a header, as it is now.
    pub fn header(&self, name: &str) -> Vec<String> {
        let values = self.headers.iter().filter(|(known, _)| known == name);
        values.map(|(_, value)| String::from_utf8(value.clone()).unwrap()).collect()
    }

    /// Sets the one header of a name.
    fn set(&mut self, name: &str, value: &[u8]) {
        let known = self.headers.iter_mut().find(|(known, _)| known == name);
        *known.map(|(_, known)| known).expect("it is there to be set") = value.to_vec();
    }

    /// The body of the refusal.
    pub fn body(&self) -> serde_json::Value {
        serde_json::from_str(&self.refusal.as_ref().unwrap().body).unwrap()
    }

    /// Whether the request has gone on, or was refused.
    pub fn is_decided(&self) -> bool {
        self.is_refused()
            || self.done.contains(&Done::Forwarded) && (!self.is_held || self.done.contains(&Done::Resumed))
    }

    fn is_refused(&self) -> bool {
        self.refusal.is_some()
    }

    /// Its headers' callback has returned.
    pub(crate) fn answered(&mut self, flow: Flow) {
        self.is_held = flow == Flow::Pause;
        self.called_back(flow);
    }

    pub(crate) fn called_back(&self, flow: Flow) {
        let passes = self.done.contains(&Done::Forwarded) && !self.is_refused();
        assert_eq!(flow == Flow::Continue, passes, "what was not allowed is held, and what was is not");
    }

    /// Keeps the reason, which must be short and plain, and must not hold a credential.
    fn note(&mut self, reason: Option<&str>) {
        self.reason = reason.map(str::to_owned);
        let Some(reason) = reason else { return };
        assert!(reason.len() < 1000 && reason.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' '), "{reason}");
        let credentials = self.sent.iter().filter(|(name, _value)| name == "api-key" || name == "authorization");
        for (name, value) in credentials.filter(|(_name, value)| value.len() >= 16) {
            let is_told = reason.as_bytes().windows(value.len()).any(|window| window == value);
            assert!(!is_told, "`{name}` is in the reason");
        }
    }
}

impl Host for Request {
    fn headers(&mut self) -> Vec<(String, Vec<u8>)> {
        self.headers.clone()
    }

    fn trailer_names(&mut self) -> Result<Vec<String>, HostFailed> {
        if self.world.failing.get().read_trailers { Err(HostFailed) } else { Ok(self.trailers.clone()) }
    }

    fn now(&mut self) -> Moment {
        self.world.now()
    }

    fn new_request_id(&mut self) -> String {
        "fresh".to_owned()
    }

    fn set_request_id(&mut self, request_id: &str) -> Result<(), HostFailed> {
        if self.world.failing.get().identify {
            return Err(HostFailed);
        }
        self.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("x-request-id"));
        self.headers.push(("x-request-id".to_owned(), request_id.into()));
        Ok(())
    }

    fn apply_grant(&mut self, grant: &Grant, reason: Option<&str>) -> Result<(), HostFailed> {
        if self.world.forgets.get() {
            black_box(grant);
            return Ok(());
        }
        self.note(reason);
        assert_eq!(self.done, [], "decided twice");
        if self.world.failing.get().forward {
            return Err(HostFailed);
        }
        self.headers.retain(|(name, _)| !grant.remove().contains(name));
        if let Some(target) = grant.target() {
            assert!(self.headers.iter().any(|(name, value)| name == ":path" && value == target), "set before");
        }
        if let Some(cookies) = grant.cookies() {
            self.set("cookie", cookies);
        }
        self.headers.extend(grant.set().iter().map(|(name, value)| (name.clone(), value.clone().into_bytes())));
        self.done.push(Done::Forwarded);
        self.world.observer.allowed(self, grant);
        Ok(())
    }

    fn set_target(&mut self, target: &[u8]) -> Result<(), HostFailed> {
        if self.world.failing.get().forward {
            return Err(HostFailed);
        }
        self.set(":path", target);
        Ok(())
    }

    fn remove_trailer(&mut self, name: &str) -> Result<(), HostFailed> {
        if self.world.failing.get().remove_trailer {
            return Err(HostFailed);
        }
        self.trailers.retain(|known| known != name);
        Ok(())
    }

    fn refuse(&mut self, refusal: &RefusalResponse, note: RefusalNote<'_>) {
        self.note(note.reason);
        let failing = self.world.failing.get();
        let may_be_taken_back = failing.read_trailers || failing.remove_trailer;
        assert!(!self.is_refused() && (self.done.is_empty() || may_be_taken_back), "refused after {:?}", self.done);
        assert!((400..600).contains(&refusal.status));
        self.done.push(Done::Refused(refusal.status));
        self.refusal = Some(refusal.clone());
        let _envelope = self.body();
    }

    fn resume(&mut self) {
        assert!(self.is_held && self.done == [Done::Forwarded], "resumed after {:?}", self.done);
        self.done.push(Done::Resumed);
    }

    fn request_tick(&mut self) {}

    fn verify_signature(&mut self, check: &SignatureCheck<'_>) -> bool {
        self.signatures += 1;
        !self.world.failing.get().verify && self.world.observer.verifies(self, check)
    }

    fn count(&mut self, counter: Counter) {
        if !self.world.forgets.get() {
            self.counted.push(counter);
        }
    }
}

/// Headers of a request for `http://api.example`, pseudo-headers first.
pub fn headers(method: &str, path: &str, further: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
    [(":method", method), (":scheme", "http"), (":authority", "api.example"), (":path", path)]
        .iter()
        .chain(further)
        .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
        .collect()
}
