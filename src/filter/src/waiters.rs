//! Owns the requests that wait for one call of a root context: a lookup, a fetch of keys, a poll of a feed.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use brama_policy::{Moment, Monotonic};

use crate::cache::CacheKey;
use crate::host::StreamId;

/// Requests that wait for the same call; clones share the list.
#[derive(Clone, Debug, Default)]
pub struct Waiters(Rc<RefCell<Vec<Waiter>>>);

/// A request that waits.
#[derive(Clone, Copy, Debug)]
pub struct Waiter {
    /// The request.
    pub stream: StreamId,
    /// Cache key of its credential.
    pub key: CacheKey,
    /// Time at which it stops waiting.
    pub until: Monotonic,
}

/// Guard of a waiter: dropped, it removes the waiter.
#[derive(Debug)]
pub struct WaiterGuard {
    waiters: Waiters,
    stream: StreamId,
}

impl Waiter {
    /// Tells whether its time is over.
    #[must_use]
    pub fn is_overdue(&self, now: Moment) -> bool {
        self.until <= now.monotonic
    }
}

impl Waiters {
    /// Adds a waiter; `None` where there are too many.
    #[must_use]
    pub fn join(&self, waiter: Waiter) -> Option<WaiterGuard> {
        let mut waiters = self.0.try_borrow_mut().ok()?;
        if waiters.len() >= MAX_WAITERS {
            return None;
        }
        waiters.push(waiter);
        Some(WaiterGuard { waiters: self.clone(), stream: waiter.stream })
    }

    /// Removes all waiters.
    #[must_use]
    pub fn take(&self) -> Vec<Waiter> {
        self.0.try_borrow_mut().map(|mut waiters| std::mem::take(&mut *waiters)).unwrap_or_else(|_in_use| Vec::new())
    }

    /// Removes the waiters whose time is over.
    #[must_use]
    pub fn overdue(&self, now: Moment) -> Vec<Waiter> {
        let Ok(mut waiters) = self.0.try_borrow_mut() else { return Vec::new() };
        waiters.extract_if(.., |waiter| waiter.is_overdue(now)).collect()
    }

    /// Tells whether there is no waiter.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.try_borrow().is_ok_and(|waiters| waiters.is_empty())
    }
}

impl Drop for WaiterGuard {
    fn drop(&mut self) {
        // `take` and `overdue` remove waiters before their guards drop; this finds nothing then.
        let Ok(mut waiters) = self.waiters.0.try_borrow_mut() else { return };
        waiters.retain(|waiter| waiter.stream != self.stream);
    }
}

/// Time that a request waits beyond the call's timeout: the ticks in which the call is sent and its waiters are told.
pub(crate) const SLACK: Duration = Duration::from_millis(200);

/// Waiters of one call at most. The proxy holds each of their requests in memory.
pub const MAX_WAITERS: usize = 1_000;
