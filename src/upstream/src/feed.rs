//! Owns the revocation feed as gateways follow it: who waits, what wakes them, what is kept. What is said there is described
//! in `docs/revocations.md`.

mod document;
mod reading;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::housekeeping;
use crate::store::Store;
use crate::store::revocation::{Cursor, Denied, Head, Keep, Since};
use reading::{Answer, Pages};

/// The feed of one store: reading, waiting, keeping house. A clone is another handle; with the last one its tasks end.
#[derive(Clone, Debug)]
pub struct Feed {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: Store,
    keep: Keep,
    pages: Pages,
    /// What the database was last seen to say; followed only while somebody waits.
    heads: Arc<watch::Sender<Option<Head>>>,
    /// Told that somebody waits.
    wanted: Arc<Notify>,
    stopping: watch::Sender<bool>,
    waiting: Semaphore,
    /// How often housekeeping failed.
    failures: Arc<AtomicU64>,
    _tasks: JoinSet<()>,
}

impl Feed {
    /// Starts to look after the feed of `store`.
    pub fn start(store: Store, keep: Keep) -> Self {
        let heads = Arc::new(watch::Sender::new(None));
        let wanted = Arc::new(Notify::new());
        let failures = Arc::new(AtomicU64::new(0));
        let (pages, answering) = Pages::of(store.clone(), keep);
        let mut tasks = JoinSet::new();
        tasks.spawn(answering);
        tasks.spawn(follow(store.clone(), Arc::clone(&heads), Arc::clone(&wanted)));
        tasks.spawn(housekeeping::keep_house(store.clone(), keep, Arc::clone(&failures)));
        tasks.spawn(housekeeping::sweep(store.clone(), Arc::clone(&failures)));
        let shared = Shared {
            store,
            keep,
            pages,
            heads,
            wanted,
            stopping: watch::Sender::new(false),
            waiting: Semaphore::new(MAX_WAITING),
            failures,
            _tasks: tasks,
        };
        Self { shared: Arc::new(shared) }
    }

    /// What was revoked since; if that is nothing, waits for it.
    pub(crate) async fn read(&self, since: Since, wait: Duration) -> Answer {
        let Shared { pages, heads, wanted, stopping, waiting, .. } = &*self.shared;
        let is_caught_up = matches!(since, Since::Cursor(Cursor { denied: Denied::Done, .. }));
        if wait.is_zero() || !is_caught_up {
            return pages.ask(since).await;
        }
        let deadline = Instant::now() + wait;
        // Heard before the page is read, so that no change falls between.
        let mut changed = heads.subscribe();
        let mut stopped = stopping.subscribe();
        let mut page = pages.ask(since).await?;
        // A crowd beyond all bounds is answered at once, which is right if not restful.
        let Ok(_place) = waiting.try_acquire() else {
            return Ok(page);
        };
        wanted.notify_one();
        let mut is_over = *stopped.borrow();
        while page.is_routine && !is_over {
            is_over = tokio::select! {
                // An error would say that nobody follows the head any more.
                changed = changed.changed() => changed.is_err(),
                () = tokio::time::sleep_until(deadline) => true,
                stopped = stopped.changed() => stopped.is_err() || *stopping.borrow(),
            };
            // At the end as well, so that the answer is of the moment it is given.
            page = pages.ask(since).await?;
        }
        Ok(page)
    }

    /// Answers everybody who waits, and lets nobody wait any more.
    pub fn stop(&self) {
        self.shared.stopping.send_replace(true);
    }

    /// How many wait for news.
    pub(crate) fn readers_waiting(&self) -> usize {
        MAX_WAITING.saturating_sub(self.shared.waiting.available_permits())
    }

    /// How often what is needed no more could not be removed.
    pub(crate) fn housekeeping_failures(&self) -> u64 {
        self.shared.failures.load(Ordering::Relaxed)
    }

    /// How many pages were read from the database.
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

/// Follows the head for all who wait, so that a thousand of them cost the database one question.
async fn follow(store: Store, heads: Arc<watch::Sender<Option<Head>>>, wanted: Arc<Notify>) {
    let mut revoked_here = store.revoked_here();
    loop {
        if heads.receiver_count() == 0 {
            wanted.notified().await;
        }
        // Without an answer, those who wait find out for themselves at their deadlines.
        if let Ok(head) = store.revocation_head().await {
            heads.send_if_modified(|seen| seen.replace(head) != Some(head));
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = revoked_here.changed() => {}
        }
    }
}

/// How often the head is looked at while somebody waits: what other processes and hands revoke is told this much later.
const LOOK: Duration = Duration::from_millis(50);

/// The longest wait that may be asked for.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(20);

/// Waiting costs a task and a socket.
pub(crate) const MAX_WAITING: usize = 10_000;
