//! Owns a worker: its requests, what they share, and which of them a reply concerns.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use brama_policy::deciding::Moment;
use brama_policy::identity::{Answer, Reply, Unavailable};

use crate::config::Settings;
use crate::failures::{Complaints, Failing};
use crate::host::{CallId, Counter, Host, RootHost, RootId, StreamId};
use crate::pending_call::Waiter;
use crate::sent_calls::Purpose;
use crate::session::Session;
use crate::shared::Shared;

pub use crate::session::Flow;

mod feeds;
mod keys;
mod lookups;

/// One worker of the proxy. It outlives a reload, which makes a new root context in the same worker.
#[derive(Debug, Default)]
pub struct Worker {
    shared: Shared,
    /// The requests whose headers have come, until they end.
    sessions: BTreeMap<StreamId, Session>,
    complaints: Complaints,
}

/// Time at which a root context has to be called again.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextTick {
    /// Soon: a request waits, or a feed is followed.
    Watch,
    /// No request waits, and something is due after this time.
    Until(Duration),
    /// Nothing is due.
    Sleep,
}

impl Worker {
    /// The headers of a request have come. It is judged under these settings to its end, whatever is reloaded.
    pub fn on_headers(&mut self, stream: StreamId, settings: Rc<Settings>, host: &mut impl Host) -> Flow {
        let session = Session::begin(stream, settings, &mut self.shared, host);
        let flow = session.flow();
        self.sessions.insert(stream, session);
        flow
    }

    /// A part of a request's body has come.
    pub fn on_body(&self, stream: StreamId) -> Flow {
        // A request without headers was not judged.
        self.sessions.get(&stream).map_or(Flow::Pause, Session::flow)
    }

    /// The trailers of a request have come.
    pub fn on_trailers(&mut self, stream: StreamId, host: &mut impl Host) -> Flow {
        let Some(session) = self.sessions.get_mut(&stream) else { return Flow::Pause };
        let waited_for = session.waits_for().cloned();
        let flow = session.on_trailers(host);
        // A refusal ends the wait.
        if let (Some(purpose), None) = (waited_for, session.waits_for()) {
            self.shared.leave(&purpose, stream);
        }
        flow
    }

    /// Ends a request, whatever became of it.
    pub fn close(&mut self, stream: StreamId) {
        let session = self.sessions.remove(&stream);
        if let Some(purpose) = session.as_ref().and_then(Session::waits_for) {
            self.shared.leave(purpose, stream);
        }
    }

    /// Registers a root context with its settings; it is to be called soon.
    pub fn follow(&mut self, root: RootId, settings: &Rc<Settings>, now: Moment) {
        self.shared.jwks.follow(root, settings.policy(), now);
        self.shared.feeds.follow(root, settings, now);
    }

    /// Removes a root context that is gone, and its calls.
    pub fn abandoned_by(&mut self, root: RootId) {
        let Self { shared, complaints, .. } = self;
        shared.abandoned_by(root);
        // A later policy that has it again is told anew.
        complaints.keep(|what| match what {
            Failing::Keys(fetch) => shared.jwks.has(fetch),
            Failing::Feed(fingerprint) => shared.feeds.is_of_a_root(*fingerprint),
        });
    }

    /// Sends the calls that are due, and answers the requests that have waited too long.
    pub fn on_tick(&mut self, root: RootId, host: &mut impl RootHost) -> NextTick {
        self.send_lookups(root, host);
        self.poll_feeds(root, host);
        self.fetch_keys(root, host);
        self.shared.forget_lost_calls();
        for (waiter, told) in self.shared.take_overdue(host.now()) {
            self.notify(host, waiter, Answer::Unavailable(told));
        }
        if self.shared.is_idle() {
            self.shared.jwks.until_due(root, host.now()).map_or(NextTick::Sleep, NextTick::Until)
        } else {
            NextTick::Watch
        }
    }

    /// Takes the reply to a call, or the reason why there is none.
    pub fn on_reply(
        &mut self,
        root: RootId,
        host: &mut impl RootHost,
        call: CallId,
        reply: Result<Reply<'_>, Unavailable>,
    ) {
        let is_taken = match self.shared.sent.remove(root, call) {
            Some(Purpose::Lookup(key)) => self.on_lookup_reply(host, key, (root, call), reply),
            Some(Purpose::Feed(fingerprint)) => self.on_feed_reply(host, fingerprint, (root, call), reply),
            Some(Purpose::Keys(fetch)) => self.on_keys_reply(host, &fetch, (root, call), reply),
            None => false,
        };
        if !is_taken {
            host.count(Counter::StrayReply);
        }
    }

    /// Wakes requests, which find out for themselves how they go on.
    fn wake_waiters(&mut self, host: &mut impl RootHost, waiters: Vec<Waiter>) {
        let now = host.now();
        for waiter in waiters {
            if waiter.is_overdue(now) {
                self.notify(host, waiter, Answer::Unavailable(Unavailable::NoReply));
            } else if let Some(session) = self.sessions.get_mut(&waiter.stream) {
                let shared = &mut self.shared;
                host.visit(waiter.stream, |stream| session.on_ready(shared, stream, waiter.key));
            }
        }
    }

    /// Gives a request the answer about a credential.
    fn notify(&mut self, host: &mut impl RootHost, waiter: Waiter, answer: Answer) {
        if let Some(session) = self.sessions.get_mut(&waiter.stream) {
            let shared = &mut self.shared;
            host.visit(waiter.stream, |stream| session.on_answer(shared, stream, waiter.key, answer));
        }
    }
}
