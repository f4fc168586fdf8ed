//! Owns those who wait for one thing that a root context asks for: an answer, the keys of an issuer, a feed.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use brama_policy::{Moment, Monotonic};

use crate::host::StreamId;
use crate::memory::Key;

/// Those who wait for the same; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Room(Rc<RefCell<Vec<Waiter>>>);

/// A request that waits.
#[derive(Clone, Copy, Debug)]
pub struct Waiter {
    /// The request.
    pub stream: StreamId,
    /// Its credential, by its key.
    pub key: Key,
    /// Until when.
    pub until: Monotonic,
}

/// A request's place among those who wait. Dropped, it is free again.
#[derive(Debug)]
pub struct Seat {
    room: Room,
    stream: StreamId,
}

impl Waiter {
    /// Whether it has waited as long as it may.
    #[must_use]
    pub fn is_overdue(&self, now: Moment) -> bool {
        self.until <= now.monotonic
    }
}

impl Room {
    /// Takes a seat; `None` where all are taken.
    #[must_use]
    pub fn seat(&self, waiter: Waiter) -> Option<Seat> {
        let mut waiters = self.0.try_borrow_mut().ok()?;
        if waiters.len() >= MOST_WAITING {
            return None;
        }
        waiters.push(waiter);
        Some(Seat { room: self.clone(), stream: waiter.stream })
    }

    /// All who wait; they wait no more.
    #[must_use]
    pub fn take(&self) -> Vec<Waiter> {
        self.0.try_borrow_mut().map(|mut waiters| std::mem::take(&mut *waiters)).unwrap_or_else(|_in_use| Vec::new())
    }

    /// Those who have waited as long as they may; they wait no more.
    #[must_use]
    pub fn overdue(&self, now: Moment) -> Vec<Waiter> {
        let Ok(mut waiters) = self.0.try_borrow_mut() else { return Vec::new() };
        waiters.extract_if(.., |waiter| waiter.is_overdue(now)).collect()
    }

    /// Whether nobody waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.try_borrow().is_ok_and(|waiters| waiters.is_empty())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // Whoever takes waiters off drops their seats later, when they are off already.
        let Ok(mut waiters) = self.room.0.try_borrow_mut() else { return };
        waiters.retain(|waiter| waiter.stream != self.stream);
    }
}

/// What a request waits beyond the timeout of what it waits for: the ticks in which that is sent and answered.
pub(crate) const SLACK: Duration = Duration::from_millis(200);

/// Requests that may wait for one answer. Each of them is held in memory by the proxy, whatever it sends.
pub const MOST_WAITING: usize = 1_000;
