//! Owns the verbs of [`Host`] as host calls, and the notes that a request carries from here to the logs.

use std::cell::Cell;
use std::rc::Rc;

use brama_policy::deciding::{Grant, Moment, RefusalResponse, RuleId};
use brama_policy::identity::SignatureCheck;
use proxy_wasm::hostcalls;
use proxy_wasm::types::MapType;
use uuid::Uuid;

use super::signature;
use super::{REQUEST_ID, Timer, count, now};
use brama_engine::host::{Counter, Host, HostFailed, RefusalNote, RootId};

/// The request that Envoy takes for the one at work.
pub(super) enum EnvoyStream {
    /// Its own callback is running.
    Own(Rc<Timer>),
    /// A root context is at work at it, and has its own turn again when this is dropped.
    Visited { by: RootId, tick_requested: Rc<Cell<bool>> },
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

    fn new_request_id(&mut self) -> String {
        Uuid::new_v4().to_string()
    }

    fn set_request_id(&mut self, request_id: &str) -> Result<(), HostFailed> {
        hostcalls::remove_map_value(MapType::HttpRequestHeaders, REQUEST_ID).map_err(|_status| HostFailed)?;
        hostcalls::add_map_value(MapType::HttpRequestHeaders, REQUEST_ID, request_id).map_err(|_status| HostFailed)
    }

    fn apply_grant(&mut self, grant: &Grant, reason: Option<&str>) -> Result<(), HostFailed> {
        for name in grant.remove() {
            hostcalls::remove_map_value(MapType::HttpRequestHeaders, name).map_err(|_status| HostFailed)?;
        }
        if let Some(cookies) = grant.cookies() {
            hostcalls::set_map_value_bytes(MapType::HttpRequestHeaders, "cookie", Some(cookies))
                .map_err(|_status| HostFailed)?;
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

    fn set_target(&mut self, target: &[u8]) -> Result<(), HostFailed> {
        hostcalls::set_map_value_bytes(MapType::HttpRequestHeaders, ":path", Some(target)).map_err(|_status| HostFailed)
    }

    fn remove_trailer(&mut self, name: &str) -> Result<(), HostFailed> {
        hostcalls::remove_map_value(MapType::HttpRequestTrailers, name).map_err(|_status| HostFailed)
    }

    fn refuse(&mut self, refusal: &RefusalResponse, told: RefusalNote<'_>) {
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

    fn request_tick(&mut self) {
        match self {
            Self::Own(timer) => timer.request_tick(),
            Self::Visited { tick_requested, .. } => tick_requested.set(true),
        }
    }

    fn verify_signature(&mut self, check: &SignatureCheck<'_>) -> bool {
        let Some(arguments) = signature::arguments(check) else { return false };
        let result = hostcalls::call_foreign_function("verify_signature", Some(&arguments));
        result.is_ok_and(|result| result.is_some_and(|result| signature::is_a_yes(&result)))
    }

    fn count(&mut self, counter: Counter) {
        count(counter);
    }
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
