//! Owns what both listeners share about their running: how many requests they take on, and that they are to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// The running of one service. A clone is another handle on it.
#[derive(Clone, Debug)]
pub struct Operations {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    most_requests: usize,
    stopping: AtomicBool,
    /// Every request's task holds a receiver.
    work: watch::Sender<()>,
}

/// The requests that may be in work at once. Who finds no place is refused at once rather than kept waiting: by the
/// time it had its turn, the gateway would have given it up.
#[derive(Clone, Debug)]
pub(crate) struct Places(Arc<Semaphore>);

/// A place among the requests in work; it is free again when this is dropped.
#[derive(Debug)]
#[must_use]
pub(crate) struct Place(#[expect(dead_code, reason = "held for its drop")] OwnedSemaphorePermit);

/// A request that is in work, whether or not somebody still waits for its answer.
#[derive(Debug)]
#[must_use]
pub(crate) struct Work(#[expect(dead_code, reason = "held for its drop")] watch::Receiver<()>);

impl Operations {
    /// A service whose listeners have `most_requests` in work each.
    pub fn new(most_requests: usize) -> Self {
        let shared = Shared { most_requests, stopping: AtomicBool::new(false), work: watch::Sender::new(()) };
        Self { shared: Arc::new(shared) }
    }

    /// From now on the service says that it is not ready. What arrives is served nevertheless.
    pub fn stop(&self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
    }

    /// Waits until no request is in work.
    pub async fn idle(&self) {
        self.shared.work.closed().await;
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.shared.stopping.load(Ordering::Relaxed)
    }

    /// The places of one listener, and `more`.
    pub(crate) fn places(&self, more: usize) -> Places {
        let places = self.shared.most_requests.saturating_add(more).min(Semaphore::MAX_PERMITS);
        Places(Arc::new(Semaphore::new(places)))
    }

    pub(crate) fn work(&self) -> Work {
        Work(self.shared.work.subscribe())
    }
}

impl Places {
    /// A place, if one is free.
    pub(crate) fn take(&self) -> Option<Place> {
        Arc::clone(&self.0).try_acquire_owned().ok().map(Place)
    }
}

/// How many requests a listener has in work if nobody says otherwise.
pub const MOST_REQUESTS: u16 = 256;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn place_is_free_again_when_it_is_dropped() {
        let places = Operations::new(1).places(1);
        let first = places.take();
        let second = places.take();
        assert!(first.is_some() && second.is_some() && places.take().is_none());
        drop(first);
        assert!(places.take().is_some());
    }

    #[tokio::test]
    async fn service_is_idle_when_no_work_is_left() {
        let operations = Operations::new(1);
        operations.idle().await;
        let work = operations.work();
        let soon = Duration::from_millis(20);
        assert!(tokio::time::timeout(soon, operations.idle()).await.is_err());
        drop(work);
        operations.idle().await;
    }
}
