//! Owns the revocation feed as gateways follow it: the polls that wait, what wakes them, and the retention of entries.
//! `docs/revocations.md` describes the protocol.

mod document;
mod reading;
mod telling;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::housekeeping;
use crate::store::revocation::{Cursor, Denied, Keep, Since};
use crate::store::{Store, StoreError, TIMEOUT};
use reading::{Poll, Reader};
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
    polls: mpsc::UnboundedSender<Poll>,
    stopping: watch::Sender<bool>,
    /// A permit for each poll that may wait.
    places: Semaphore,
    /// Number of pages that were read from the database.
    pages_read: Arc<AtomicU64>,
    /// Number of failures of housekeeping.
    failures: Arc<AtomicU64>,
    _tasks: JoinSet<()>,
}

impl Feed {
    /// Starts the tasks of the feed of `store`, within a Tokio runtime.
    pub fn start(store: Store, keep: Keep) -> Self {
        let (polls, asked) = mpsc::unbounded_channel();
        let (pages_read, failures) = <(Arc<AtomicU64>, Arc<AtomicU64>)>::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(Reader::of(store.clone(), keep, Arc::clone(&pages_read)).answer(asked));
        tasks.spawn(housekeeping::keep_house(store.clone(), keep, Arc::clone(&failures)));
        tasks.spawn(housekeeping::sweep(store.clone(), Arc::clone(&failures)));
        let (stopping, places) = (watch::Sender::new(false), Semaphore::new(MAX_WAITING));
        let shared = Shared { store, keep, polls, stopping, places, pages_read, failures, _tasks: tasks };
        Self { shared: Arc::new(shared) }
    }

    /// The page of entries after `since`, as of the moment it is given. A reader that has caught up waits for an entry,
    /// for at most `wait`. Errors: those of the store, or [`StoreError::Timeout`].
    pub(crate) async fn read(&self, since: Since, wait: Duration) -> Answer {
        let Shared { stopping, places, .. } = &*self.shared;
        // Who has not caught up has something to read.
        let may_wait = !wait.is_zero() && matches!(since, Since::Cursor(Cursor { denied: Denied::Done, .. }));
        // Beyond the limit a poll is answered at once: that is correct, and costs more polls.
        if may_wait && let Ok(_place) = places.try_acquire() {
            let mut stopping = stopping.subscribe();
            tokio::select! {
                Ok(page) = self.poll(since, true) => return page,
                () = sleep(wait) => {}
                _ = stopping.wait_for(|is_stopping| *is_stopping) => {}
            }
        }
        let page = timeout(TIMEOUT, self.poll(since, false)).await;
        page.ok().and_then(Result::ok).unwrap_or_else(|| Err(Arc::new(StoreError::Timeout)))
    }

    fn poll(&self, since: Since, waits: bool) -> oneshot::Receiver<Answer> {
        let (answer, answered) = oneshot::channel();
        // An error means that the service ends.
        let _sent = self.shared.polls.send(Poll { since, waits, is_woken: false, answer });
        answered
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
        self.shared.pages_read.load(Ordering::Relaxed)
    }

    pub(crate) fn keep(&self) -> &Keep {
        &self.shared.keep
    }

    pub(crate) fn store(&self) -> &Store {
        &self.shared.store
    }
}

/// Longest wait of a poll.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(20);

/// Limit of polls that wait: each costs a task and a socket.
pub(crate) const MAX_WAITING: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    const KEEP: Keep = Keep { retention: Duration::from_secs(3600), longest_jwt: Duration::from_secs(3600) };

    #[tokio::test]
    async fn page_is_read_once_for_all_who_asked_before_and_anew_for_who_asks_later() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/a.db", folder.path().display());
        let feed = Feed::start(Store::open(&url.parse().unwrap()).await.unwrap(), KEEP);
        let mut polls = JoinSet::new();
        // All of them have polled before this runtime's one thread comes to the task that answers.
        for _ in 0..100 {
            let feed = feed.clone();
            polls.spawn(async move { feed.read(Since::Head, Duration::ZERO).await.map(drop) });
        }
        while feed.pages_read() == 0 {
            tokio::task::yield_now().await;
        }
        // That reading has begun, or is over.
        feed.read(Since::Head, Duration::ZERO).await.unwrap();
        assert_eq!(feed.pages_read(), 2);
        polls.join_all().await.into_iter().collect::<Result<(), _>>().unwrap();
    }
}
