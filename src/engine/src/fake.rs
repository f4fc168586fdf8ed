//! Owns a request in memory, as a proxy holds it: for tests of what runs a policy.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    reason = "a test that overflows, or gives it a policy with faults, has to end"
)]

use std::rc::Rc;
use std::time::Duration;

use brama_policy::deciding::{Grant, Moment, Monotonic, RefusalResponse, UnixTime};
use brama_policy::identity::SignatureCheck;

use crate::config::Settings;
use crate::host::{Counter, Host, HostFailed, RefusalNote};

/// Action that the proxy was told to take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// An authority was asked, with this form; empty where it has none.
    Asked(String),
    /// It was allowed.
    Forwarded,
    /// It was refused with this status.
    Refused(u16),
    /// It was resumed after it had waited.
    Resumed,
}

/// One request, and a log of what was done to it.
#[derive(Debug)]
pub struct FakeHost {
    /// Its headers, as they are now.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The names of its trailers.
    pub trailers: Vec<String>,
    /// Makes the reading of trailers fail.
    pub cannot_read_trailers: bool,
    /// Actions, in order.
    pub done: Vec<Done>,
    /// The headers of each question.
    pub asked: Vec<Vec<(String, String)>>,
    /// Counters that were moved, in order.
    pub counted: Vec<Counter>,
    /// The answer to the client.
    pub refusal: Option<RefusalResponse>,
    /// Reason noted for the access log.
    pub reason: Option<String>,
    /// Seconds of the monotonic clock.
    pub seconds: u64,
    /// Seconds of the wall clock.
    pub wall: u64,
    /// Milliseconds of the wall clock, beyond the second.
    pub millis: u64,
    /// Number of calls that were sent.
    pub calls: u32,
    /// Makes the sending of calls fail.
    pub cannot_dispatch: bool,
    /// Makes the forwarding fail.
    pub cannot_forward: bool,
    /// Makes the setting of the request id fail.
    pub cannot_set_request_id: bool,
    /// Verdict on each signature.
    pub verifies: fn(&SignatureCheck<'_>) -> bool,
    /// Number of signatures that were to be verified.
    pub signatures: usize,
}

impl FakeHost {
    /// A request of this method and path for `http://api.example`, with further headers.
    #[must_use]
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

    /// The values of a header.
    ///
    /// # Panics
    /// One is not UTF-8.
    #[must_use]
    pub fn header(&self, name: &str) -> Vec<String> {
        let values = self.headers.iter().filter(|(known, _)| known == name);
        values.map(|(_, value)| String::from_utf8(value.clone()).expect("a value in UTF-8")).collect()
    }

    /// The body of the refusal.
    ///
    /// # Panics
    /// The request was not refused, or the body is not JSON.
    #[must_use]
    pub fn body(&self) -> serde_json::Value {
        let refusal = self.refusal.as_ref().expect("a request that was refused");
        serde_json::from_str(&refusal.body).expect("a body of JSON")
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

/// Settings under a policy, whose secrets are all `s3cret`.
///
/// # Panics
/// The policy has faults.
#[must_use]
pub fn settings(yaml: &str) -> Rc<Settings> {
    let document: serde_json::Value = serde_saphyr::from_str(yaml).expect("a policy is YAML");
    let settings = Settings::load(document.to_string().as_bytes(), |_name| Some("s3cret".to_owned()));
    Rc::new(settings.expect("a policy without faults"))
}
