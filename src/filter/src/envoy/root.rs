//! Owns the verbs of [`RootHost`] as host calls.

use std::cell::Cell;
use std::rc::Rc;

use brama_policy::deciding::Moment;
use brama_policy::identity::{Question, Unavailable};
use proxy_wasm::hostcalls;
use proxy_wasm::types::Status;
use uuid::Uuid;

use super::stream::EnvoyStream;
use super::{REQUEST_ID, count, now};
use brama_engine::host::{CallId, Counter, RootHost, RootId, StreamId};

/// The root context whose callback is running.
pub(super) struct EnvoyRoot {
    pub(super) id: RootId,
    /// The wish for a tick, of a request that it was at work at. That request's root can be an older one, so the tick
    /// of this one is set when it is at work for itself again.
    pub(super) tick_requested: Rc<Cell<bool>>,
}

impl RootHost for EnvoyRoot {
    type Stream = EnvoyStream;

    fn now(&mut self) -> Moment {
        now()
    }

    fn dispatch(&mut self, question: &Question<'_>) -> Result<CallId, Unavailable> {
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

    fn visit(&mut self, stream: StreamId, visit: impl FnOnce(&mut EnvoyStream)) {
        if hostcalls::set_effective_context(stream.0).is_ok() {
            visit(&mut EnvoyStream::Visited { by: self.id, tick_requested: Rc::clone(&self.tick_requested) });
        }
    }

    fn count(&mut self, counter: Counter) {
        count(counter);
    }
}
