//! Owns one request as the proxy has it, and the laws for what is done to it.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use brama_engine::host::{Counter, Host, HostFailed, RefusalNote};
use brama_engine::worker::Flow;
use brama_policy::deciding::{Grant, Moment, RefusalResponse, RuleId};
use brama_policy::identity::SignatureCheck;

use super::Clock;
use crate::session::event::{Failing, Sent};

pub(super) struct Stream {
    headers: Vec<(String, Vec<u8>)>,
    pub(super) trailers: Vec<String>,
    pub(super) clock: Clock,
    pub(super) failing: Failing,
    vouched: Rc<RefCell<BTreeSet<String>>>,
    is_held: bool,
    is_forwarded: bool,
    is_refused: bool,
    is_resumed: bool,
}

impl Stream {
    pub(super) fn new(sent: &Sent, clock: Clock, failing: Failing, vouched: Rc<RefCell<BTreeSet<String>>>) -> Self {
        let method = ["DELETE", "GET", "PUT", "POST", "CONNECT", "delete"];
        let method = method.get(usize::from(sent.method) % method.len()).copied().unwrap_or("DELETE");
        let mut headers = vec![
            (":method".to_owned(), method.into()),
            (":authority".to_owned(), b"api.example".to_vec()),
            (":path".to_owned(), sent.path.of(&PATHS)),
        ];
        headers.extend(sent.api_key.iter().map(|text| ("api-key".to_owned(), text.of(&API_KEYS))));
        headers.extend(sent.token.iter().map(|text| ("authorization".to_owned(), text.of(&TOKENS))));
        headers.extend(sent.further.iter().filter_map(|(name, value)| {
            // Envoy refuses names that are not ASCII.
            let name = String::from_utf8(name.of(&FURTHER)).ok().filter(|name| name.is_ascii())?;
            Some((name, value.clone()))
        }));
        Self {
            headers,
            trailers: Vec::new(),
            clock,
            failing,
            vouched,
            is_held: false,
            is_forwarded: false,
            is_refused: false,
            is_resumed: false,
        }
    }

    /// Takes the flow of the headers' callback.
    pub(super) fn answered(&mut self, flow: Flow) {
        self.is_held = flow == Flow::Pause;
        self.called_back(flow);
    }

    pub(super) fn called_back(&self, flow: Flow) {
        let passes = self.is_forwarded && !self.is_refused;
        assert_eq!(flow == Flow::Continue, passes, "what was not allowed is held, and what was is not");
    }

    pub(super) fn is_decided(&self) -> bool {
        self.is_refused || (self.is_forwarded && (!self.is_held || self.is_resumed))
    }

    /// The one value of a header.
    fn sent(&self, name: &str) -> String {
        let mut values = self.headers.iter().filter(|(sent, _value)| sent.eq_ignore_ascii_case(name));
        let (_name, value) = values.next().expect("a credential was sent");
        assert!(values.next().is_none(), "`{name}` was sent twice");
        String::from_utf8(value.clone()).expect("a credential is ASCII")
    }

    fn is_vouched_for(&self, header: &str) -> bool {
        let sent = self.sent(header);
        let credential = sent.split_once(' ').map_or(&*sent, |(_scheme, token)| token.trim_start_matches(' '));
        self.vouched.borrow().contains(credential)
    }

    /// Asserts that a reason for the operator is short and plain, and holds no credential.
    fn assert_tells_nothing(&self, reason: Option<&str>) {
        let Some(reason) = reason else { return };
        assert!(reason.len() < 1000 && reason.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' '), "{reason}");
        let credentials = self.headers.iter().filter(|(name, _value)| name == "api-key" || name == "authorization");
        for (name, value) in credentials.filter(|(_name, value)| value.len() >= 16) {
            let is_told = reason.as_bytes().windows(value.len()).any(|window| window == value);
            assert!(!is_told, "`{name}` is in the reason");
        }
    }

    fn assert_may_pass(&self, grant: &Grant) {
        match grant.rule().map(RuleId::as_str) {
            Some("open") => {}
            Some("own") => assert!(self.is_vouched_for("api-key") && self.is_vouched_for("authorization")),
            Some("token_only") => assert!(self.is_vouched_for("authorization")),
            Some("tried") => assert!(grant.would_refuse().is_some() || self.is_vouched_for("api-key")),
            other => panic!("{other:?} is no rule"),
        }
        for (name, value) in grant.set() {
            if name == "x-user" {
                assert_eq!(value, "u1", "an identity nobody stated");
            }
        }
    }
}

impl Host for Stream {
    fn headers(&mut self) -> Vec<(String, Vec<u8>)> {
        self.headers.clone()
    }

    fn trailer_names(&mut self) -> Result<Vec<String>, HostFailed> {
        Ok(self.trailers.clone())
    }

    fn now(&mut self) -> Moment {
        self.clock.moment()
    }

    fn new_request_id(&mut self) -> String {
        "fresh".to_owned()
    }

    fn set_request_id(&mut self, request_id: &str) -> Result<(), HostFailed> {
        if self.failing.identify {
            return Err(HostFailed);
        }
        self.headers.retain(|(name, _value)| !name.eq_ignore_ascii_case("x-request-id"));
        self.headers.push(("x-request-id".to_owned(), request_id.into()));
        Ok(())
    }

    fn apply_grant(&mut self, grant: &Grant, reason: Option<&str>) -> Result<(), HostFailed> {
        self.assert_tells_nothing(reason);
        assert!(!self.is_forwarded && !self.is_refused, "decided twice");
        if self.failing.forward {
            return Err(HostFailed);
        }
        self.assert_may_pass(grant);
        self.headers.retain(|(name, _value)| !grant.remove().contains(name));
        self.headers.extend(grant.set().iter().map(|(name, value)| (name.clone(), value.clone().into_bytes())));
        for name in ["x-user", "x-identity", "x-gateway"] {
            let own = grant.set().iter().filter(|(set, _value)| set == name).count();
            let all = self.headers.iter().filter(|(sent, _value)| sent.eq_ignore_ascii_case(name)).count();
            assert_eq!(all, own, "a `{name}` of the client's own goes on");
        }
        self.is_forwarded = true;
        Ok(())
    }

    fn remove_trailer(&mut self, name: &str) -> Result<(), HostFailed> {
        if self.failing.remove_trailer {
            return Err(HostFailed);
        }
        self.trailers.retain(|known| known != name);
        Ok(())
    }

    fn refuse(&mut self, refusal: &RefusalResponse, note: RefusalNote<'_>) {
        self.assert_tells_nothing(note.reason);
        assert!(!self.is_refused, "refused twice");
        assert!(!self.is_forwarded || self.failing.remove_trailer, "refused after it was allowed");
        assert!((400..600).contains(&refusal.status));
        let _envelope: serde_json::Value = serde_json::from_str(&refusal.body).expect("a refusal's body is JSON");
        self.is_refused = true;
    }

    fn resume(&mut self) {
        assert!(self.is_held && self.is_forwarded && !self.is_refused && !self.is_resumed, "resumed though not to be");
        self.is_resumed = true;
    }

    fn request_tick(&mut self) {}

    fn verify_signature(&mut self, check: &SignatureCheck<'_>) -> bool {
        if self.failing.verify {
            return false;
        }
        let signed = std::str::from_utf8(check.signed()).expect("a compact JWS is ASCII");
        let token = self.sent("authorization");
        let (_scheme, token) = token.split_once(' ').expect("a scheme");
        let token = token.trim_start_matches(' ');
        assert!(token.starts_with(signed), "another token's signature was verified");
        self.vouched.borrow_mut().insert(token.to_owned());
        true
    }

    fn count(&mut self, _counter: Counter) {}
}

const PATHS: [&str; 7] = [
    "/clients/1380df72-275a-11e7-93ae-92361f002671/things/1",
    "/clients/00000000-0000-4000-8000-000000000000/things/1",
    "/things/7",
    "/things/700",
    "/open",
    "/open/",
    "/things/%2e%2e/open",
];

const API_KEYS: [&str; 3] = ["k1", "k2", "k1,k2"];

const TOKENS: [&str; 5] = ["Bearer t1", "bearer t2", JWT, "Bearer t1,Bearer t2", "Basic t1"];

const FURTHER: [&str; 8] =
    ["x-purpose", "x-user", "x_user", "x-consumer-id", "x-http-method-override", "x-request-id", "upgrade", "api_key"];

/// A JWT of the issuer, for this API, until a minute after the start. The host reports that its signature is valid.
const JWT: &str = "Bearer eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6ImUifQ.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUiLCJhdWQiOiJhcGkiLCJzdWIiOiJ1MSIsImNsaWVudF9pZCI6IjEzODBkZjcyLTI3NWEtMTFlNy05M2FlLTkyMzYxZjAwMjY3MSIsImNsaWVudF90eXBlIjoiTVNQIiwic2NvcGUiOiJ0aGluZzpkZWxldGUgdGhpbmc6cmVhZCIsImlhdCI6MTY5OTk5OTk5MCwiZXhwIjoxNzAwMDAwMDYwLCJqdGkiOiJqIiwiZXh0Ijp7InRlbmFudCI6InQifX0.AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ";
