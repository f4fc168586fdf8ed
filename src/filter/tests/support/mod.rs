//! A proxy in memory: it holds one request's headers, and a log of what was done to them.

use std::rc::Rc;
use std::time::Duration;

use brama_filter::config::Settings;
use brama_filter::host::{CallId, Counter, Host, HostFailed};
use brama_filter::session::{Learnt, Session};
use brama_policy::{Grant, Moment, Monotonic, Question, Refusal, UnixTime};

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
    pub done: Vec<Done>,
    pub counted: Vec<Counter>,
    pub refusal: Option<Refusal>,
    pub seconds: u64,
    pub wall: u64,
    pub calls: u32,
    pub cannot_ask: bool,
    pub cannot_forward: bool,
    pub cannot_identify: bool,
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
            done: Vec::new(),
            counted: Vec::new(),
            refusal: None,
            seconds: 100,
            wall: 1_700_000_000,
            calls: 0,
            cannot_ask: false,
            cannot_forward: false,
            cannot_identify: false,
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

    fn trailer_names(&mut self) -> Vec<String> {
        self.trailers.clone()
    }

    fn now(&mut self) -> Moment {
        Moment {
            wall: UnixTime::from_seconds(self.wall),
            monotonic: Monotonic::from_origin(Duration::from_secs(self.seconds)),
        }
    }

    fn fresh_id(&mut self) -> String {
        "fresh".to_owned()
    }

    fn identify(&mut self, request_id: &str) -> Result<(), HostFailed> {
        if self.cannot_identify {
            return Err(HostFailed);
        }
        self.headers.retain(|(name, _)| name != "x-request-id");
        self.headers.push(("x-request-id".to_owned(), request_id.into()));
        Ok(())
    }

    fn ask(&mut self, question: &Question<'_>) -> Result<CallId, HostFailed> {
        if self.cannot_ask {
            return Err(HostFailed);
        }
        self.calls += 1;
        self.done.push(Done::Asked(question.body.clone()));
        Ok(CallId(self.calls))
    }

    fn forward_as(&mut self, grant: &Grant) -> Result<(), HostFailed> {
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

    fn refuse(&mut self, refusal: &Refusal, _denial: &'static str, _rule: &str) {
        self.done.push(Done::Refused(refusal.status));
        self.refusal = Some(refusal.clone());
    }

    fn resume(&mut self) {
        self.done.push(Done::Resumed);
    }

    fn count(&mut self, counter: Counter) {
        self.counted.push(counter);
    }
}

/// A worker: its settings, and what it remembers from one request to the next.
pub struct Worker {
    pub settings: Rc<Settings>,
    pub learnt: Learnt,
}

impl Worker {
    /// A worker under the policy that ships.
    pub fn new() -> Self {
        Self { settings: settings(SHIPPED), learnt: Learnt::default() }
    }

    pub fn session(&self) -> Session {
        Session::new(Rc::clone(&self.settings), self.learnt.clone())
    }
}

/// The settings under a policy.
pub fn settings(yaml: &str) -> Rc<Settings> {
    let json = serde_saphyr::from_str::<serde_json::Value>(yaml).unwrap().to_string();
    Rc::new(Settings::load(json.as_bytes(), |_name| Some("s3cret".to_owned())).unwrap())
}

/// The policy that ships.
pub const SHIPPED: &str = include_str!("../../../../policies/ehealth.yaml");
