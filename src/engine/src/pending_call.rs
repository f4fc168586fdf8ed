//! Owns the life of one call of a root context: when it is due, that it is out or lost, and which requests wait for it.
//!
//! Lookups, fetches of keys and polls of feeds each have one; what they do with its reply is theirs.

use std::time::Duration;

use brama_policy::deciding::{Moment, Monotonic};

use crate::cache::CacheKey;
use crate::host::{CallId, RootId, StreamId};

/// A call that is to be sent, or was sent.
#[derive(Debug)]
pub(crate) struct PendingCall {
    state: State,
    waiters: Vec<Waiter>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It is to be sent at the first tick from this time on.
    Due(Monotonic),
    /// A root context has sent it.
    Out { root: RootId, call: CallId, sent: Monotonic, lost: Option<Monotonic> },
}

/// A request that waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiter {
    /// The request.
    pub(crate) stream: StreamId,
    /// Cache key of its credential.
    pub(crate) key: CacheKey,
    /// Time at which it stops waiting.
    pub(crate) until: Monotonic,
}

/// A limit was reached: of waiters, of lookups in progress, or of their rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl PendingCall {
    /// A call that is due at this time.
    pub(crate) const fn due(at: Monotonic) -> Self {
        Self { state: State::Due(at), waiters: Vec::new() }
    }

    /// Sets the time at which it is due; what was out has ended, or is lost.
    pub(crate) const fn schedule(&mut self, at: Monotonic) {
        self.state = State::Due(at);
    }

    /// Tells whether it is to be sent now: its time has come, or it is lost.
    pub(crate) fn is_due(&self, now: Moment) -> bool {
        match self.state {
            State::Due(at) => at <= now.monotonic,
            State::Out { .. } => self.is_free(now),
        }
    }

    /// Tells whether none is out but a lost one. The proxy reports the end of each call; if it ever failed to, the call
    /// would never end, so it counts as lost some time after its timeout.
    pub(crate) fn is_free(&self, now: Moment) -> bool {
        match self.state {
            State::Due(_) => true,
            State::Out { lost, .. } => lost.is_none_or(|lost| lost <= now.monotonic),
        }
    }

    /// Tells whether it was sent and has not ended, whether lost or not.
    pub(crate) const fn is_out(&self) -> bool {
        matches!(self.state, State::Out { .. })
    }

    /// Tells whether it is the call of this number that is out.
    pub(crate) fn is_the_call(&self, root: RootId, call: CallId) -> bool {
        matches!(self.state, State::Out { root: by, call: known, .. } if (by, known) == (root, call))
    }

    /// Marks it as sent by a root context. It counts as lost if it has not ended after this time.
    pub(crate) fn mark_sent(&mut self, root: RootId, call: CallId, lost_after: Duration, now: Moment) {
        let lost = now.monotonic.after(lost_after);
        self.state = State::Out { root, call, sent: now.monotonic, lost };
    }

    /// Ends the call, if this is it, and tells when it was sent. It is due again until its owner says otherwise.
    pub(crate) fn complete(&mut self, root: RootId, call: CallId) -> Option<Monotonic> {
        match self.state {
            State::Out { sent, .. } if self.is_the_call(root, call) => {
                self.state = State::Due(sent);
                Some(sent)
            }
            State::Out { .. } | State::Due(_) => None,
        }
    }

    /// Makes it due again if it is a root context's that is gone: the call is gone with it.
    pub(crate) fn abandoned_by(&mut self, root: RootId) {
        match self.state {
            State::Out { root: by, sent, .. } if by == root => self.state = State::Due(sent),
            State::Out { .. } | State::Due(_) => {}
        }
    }

    /// Adds a request that waits.
    ///
    /// # Errors
    /// Too many wait.
    pub(crate) fn join(&mut self, waiter: Waiter) -> Result<(), Full> {
        if self.waiters.len() >= MAX_WAITERS {
            return Err(Full);
        }
        self.waiters.push(waiter);
        Ok(())
    }

    /// Removes a request that waits no more.
    pub(crate) fn leave(&mut self, stream: StreamId) {
        self.waiters.retain(|waiter| waiter.stream != stream);
    }

    /// Removes all waiters.
    #[must_use]
    pub(crate) fn take_waiters(&mut self) -> Vec<Waiter> {
        std::mem::take(&mut self.waiters)
    }

    /// Removes the waiters whose time is over.
    pub(crate) fn take_overdue(&mut self, now: Moment) -> impl Iterator<Item = Waiter> {
        self.waiters.extract_if(.., move |waiter| waiter.is_overdue(now))
    }

    /// Tells whether a request waits for it.
    pub(crate) const fn is_awaited(&self) -> bool {
        !self.waiters.is_empty()
    }
}

impl Waiter {
    /// Tells whether its time is over.
    pub(crate) fn is_overdue(&self, now: Moment) -> bool {
        self.until <= now.monotonic
    }
}

/// Time that a request waits beyond the call's timeout: the ticks in which the call is sent and its waiters are told.
pub(crate) const SLACK: Duration = Duration::from_millis(200);

/// Waiters of one call at most. The proxy holds each of their requests in memory.
pub const MAX_WAITERS: usize = 1_000;
