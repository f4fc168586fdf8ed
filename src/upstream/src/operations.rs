//! Owns the state of the running service that both listeners share: the limits of concurrent requests, and the order to
//! stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::listen::Listener;
use crate::metrics::Metrics;

/// Shared state of one running service. A clone is another handle on it.
#[derive(Clone, Debug)]
pub struct Operations {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    most_requests: usize,
    stopping: AtomicBool,
    /// Each request in progress holds a receiver.
    work: watch::Sender<()>,
    metrics: Metrics,
}

/// A limit of concurrent requests, each of which takes a place. Without a free place a request is refused at once: in a
/// queue it would outlast the gateway's time-out.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    free: Arc<Semaphore>,
    refused: Counter,
}

/// A request in progress, also after its client has hung up.
#[derive(Debug)]
#[must_use]
pub(crate) struct Work {
    in_work: Gauge,
    #[expect(dead_code, reason = "held for its drop")]
    receiver: watch::Receiver<()>,
}

impl Operations {
    /// The state of a service with up to `most_requests` concurrent requests at each listener.
    pub fn new(most_requests: usize) -> Self {
        let shared = Shared {
            most_requests,
            stopping: AtomicBool::new(false),
            work: watch::Sender::new(()),
            metrics: Metrics::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Makes the service say that it is not ready. Requests are served nevertheless.
    pub fn stop(&self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
    }

    /// Waits until the last request in progress is done.
    pub async fn idle(&self) {
        self.shared.work.closed().await;
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.shared.stopping.load(Ordering::Relaxed)
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// The limit of one listener, raised by `more`.
    pub(crate) fn places(&self, listener: Listener, more: usize) -> Places {
        let places = self.shared.most_requests.saturating_add(more).min(Semaphore::MAX_PERMITS);
        Places { free: Arc::new(Semaphore::new(places)), refused: self.metrics().refused(listener) }
    }

    /// Counts a request at `listener` as in progress until the result is dropped.
    pub(crate) fn work(&self, listener: Listener) -> Work {
        let in_work = self.metrics().in_work(listener);
        in_work.inc();
        Work { in_work, receiver: self.shared.work.subscribe() }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.in_work.dec();
    }
}

impl Places {
    /// A place, if one is free; its drop frees it. A refusal is counted.
    pub(crate) fn take(&self) -> Option<OwnedSemaphorePermit> {
        let place = Arc::clone(&self.free).try_acquire_owned().ok();
        if place.is_none() {
            self.refused.inc();
        }
        place
    }
}

/// Default limit of concurrent requests at a listener: near what the store answers in time, and enough for eight
/// gateways, each of which has 64 connections to the authority.
pub const MAX_REQUESTS: u16 = 512;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn place_is_free_again_when_it_is_dropped() {
        let places = Operations::new(1).places(Listener::Public, 1);
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
        let work = operations.work(Listener::Public);
        let soon = Duration::from_millis(20);
        assert!(tokio::time::timeout(soon, operations.idle()).await.is_err());
        drop(work);
        operations.idle().await;
    }
}
