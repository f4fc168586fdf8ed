//! Owns the revocation feed as gateways follow it: the polls that wait, what wakes them, and the retention of entries.
//! `docs/revocations.md` describes the protocol.

mod document;
mod reading;
mod telling;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;

use crate::housekeeping;
use crate::store::Store;
use crate::store::revocation::{Cursor, Denied, Head, Keep, Since};
use reading::Pages;
use telling::Answer;

/// The feed of one store: reading, waiting, housekeeping. A clone is another handle; the tasks end with the last one.
#[derive(Clone, Debug)]
pub struct Feed {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: Store,
    keep: Keep,
    pages: Pages,
    /// Notified when a poll begins to wait.
    wanted: Arc<Notify>,
    stopping: watch::Sender<bool>,
    /// A permit for each poll that may wait.
    places: Arc<Semaphore>,
    /// Number of failures of housekeeping.
    failures: Arc<AtomicU64>,
    _tasks: JoinSet<()>,
}

impl Feed {
    /// Starts the tasks of the feed of `store`, within a Tokio runtime.
    pub fn start(store: Store, keep: Keep) -> Self {
        // The head as it was last read.
        let (head, heads) = watch::channel(None);
        let places = Arc::new(Semaphore::new(MAX_WAITING));
        let wanted = Arc::new(Notify::new());
        let failures = Arc::new(AtomicU64::new(0));
        let (pages, answering) = Pages::of(store.clone(), keep, heads);
        let mut tasks = JoinSet::new();
        tasks.spawn(answering);
        tasks.spawn(follow(store.clone(), head, Arc::clone(&places), Arc::clone(&wanted)));
        tasks.spawn(housekeeping::keep_house(store.clone(), keep, Arc::clone(&failures)));
        tasks.spawn(housekeeping::sweep(store.clone(), Arc::clone(&failures)));
        let shared =
            Shared { store, keep, pages, wanted, stopping: watch::Sender::new(false), places, failures, _tasks: tasks };
        Self { shared: Arc::new(shared) }
    }

    /// The page of entries after `since`. A reader that has caught up waits for an entry, for at most `wait`.
    pub(crate) async fn read(&self, since: Since, wait: Duration) -> Answer {
        let Shared { pages, wanted, stopping, places, .. } = &*self.shared;
        let is_caught_up = matches!(since, Since::Cursor(Cursor { denied: Denied::Done, .. }));
        if wait.is_zero() || !is_caught_up {
            return pages.ask(since).await;
        }
        // Beyond the limit a poll is answered at once: that is correct, and costs more polls.
        let Ok(_place) = places.try_acquire() else {
            return pages.ask(since).await;
        };
        wanted.notify_one();
        let mut stopping = stopping.subscribe();
        tokio::select! {
            page = pages.news(since) => return page,
            () = tokio::time::sleep(wait) => {}
            _ = stopping.wait_for(|is_stopping| *is_stopping) => {}
        }
        // Read again, so that the answer is of the moment it is given.
        pages.ask(since).await
    }

    /// Answers every poll that waits, and later polls at once.
    pub fn stop(&self) {
        self.shared.stopping.send_replace(true);
    }

    /// Number of polls that wait.
    pub(crate) fn readers_waiting(&self) -> usize {
        MAX_WAITING.saturating_sub(self.shared.places.available_permits())
    }

    /// Number of failures of housekeeping.
    pub(crate) fn housekeeping_failures(&self) -> u64 {
        self.shared.failures.load(Ordering::Relaxed)
    }

    /// Number of pages that were read from the database.
    pub(crate) fn pages_read(&self) -> u64 {
        self.shared.pages.read()
    }

    pub(crate) fn keep(&self) -> &Keep {
        &self.shared.keep
    }

    pub(crate) fn store(&self) -> &Store {
        &self.shared.store
    }
}

/// Follows the head for all polls that wait, so that a thousand of them cost the database one query.
async fn follow(store: Store, last: watch::Sender<Option<Head>>, places: Arc<Semaphore>, wanted: Arc<Notify>) {
    let mut revoked_here = store.revoked_here();
    loop {
        if places.available_permits() == MAX_WAITING {
            wanted.notified().await;
        }
        // After an error, polls read the feed themselves at their deadlines.
        if let Ok(head) = store.revocation_head().await {
            last.send_if_modified(|seen| seen.replace(head) != Some(head));
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = revoked_here.changed() => {}
        }
    }
}

/// Interval between two reads of the head while a poll waits. Revocations by other processes, or by hand in SQL, are
/// noticed so much later.
const LOOK: Duration = Duration::from_millis(50);

/// Longest wait of a poll.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(20);

/// Limit of polls that wait: each costs a task and a socket.
pub(crate) const MAX_WAITING: usize = 10_000;
