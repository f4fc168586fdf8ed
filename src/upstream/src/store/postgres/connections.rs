//! Owns how connections are borrowed, and what follows when their use is given up or was in vain.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, PgPool, Postgres};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{PoolUse, StoreError};

/// The connections for one kind of work. A clone is another handle on them.
///
/// The pool asks a connection whether it lives when it is given back, which is a round trip, and with the pool's limit
/// reached somebody waits for it. So one that is known to be ready stays here, for who comes within a moment.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    pool: PgPool,
    ready: Ready,
    /// As many as the pool may have connections: who has one finds a connection here or in the pool, in the order of coming.
    permits: Arc<Semaphore>,
}

/// A borrowed connection. One that is dropped before [`finish`](Self::finish) or [`keep`](Self::keep) is closed.
///
/// A request that is out of time drops its work wherever it stands. Its connection may wait for an answer that never
/// comes, so it is not given to the next one; and the server rolls back what a closed connection left open.
pub(super) struct Lease {
    held: Held,
    ready: Ready,
    // The last to go, when the connection is where the next one finds it.
    _permit: OwnedSemaphorePermit,
}

#[derive(Debug)]
struct Held {
    connection: PoolConnection<Postgres>,
    /// When the pool gave it.
    taken: Instant,
    /// When it was last given back.
    since: Instant,
    is_finished: bool,
}

/// Connections with which nothing is open.
#[derive(Clone, Debug, Default)]
struct Ready(Arc<Mutex<Vec<Held>>>);

impl Connections {
    pub(super) fn new(pool: PgPool, limit: u32) -> Self {
        let limit = usize::try_from(limit).unwrap_or(Semaphore::MAX_PERMITS);
        Self { pool, ready: Ready::default(), permits: Arc::new(Semaphore::new(limit)) }
    }

    /// Borrows a connection, after those who came before.
    pub(super) async fn lease(&self) -> Result<Lease, StoreError> {
        let waiting = tokio::time::timeout(ACQUIRE_TIMEOUT, Arc::clone(&self.permits).acquire_owned());
        let permit = waiting.await.map_err(|_| sqlx::Error::PoolTimedOut)?.map_err(|_| sqlx::Error::PoolClosed)?;
        let held = match self.ready.take() {
            Some(held) => held,
            None => {
                let now = Instant::now();
                Held { connection: self.pool.acquire().await?, taken: now, since: now, is_finished: false }
            }
        };
        Ok(Lease { held, ready: self.ready.clone(), _permit: permit })
    }

    pub(super) fn pool_use(&self, name: &'static str) -> PoolUse {
        let ready = self.ready.lock().len();
        let PoolUse { pool, idle, used } = PoolUse::of(name, &self.pool);
        PoolUse { pool, idle: idle.saturating_add(ready), used: used.saturating_sub(ready) }
    }

    pub(super) async fn close(&self) {
        self.permits.close();
        self.ready.lock().clear();
        self.pool.close().await;
    }
}

impl Lease {
    /// Gives the connection back, and what was done with it on. What is open with it is rolled back.
    pub(super) fn finish<T>(mut self, done: T) -> T {
        self.held.is_finished = true;
        done
    }

    /// Gives back a connection with which no transaction is open, if that is what came of it.
    pub(super) fn keep<T>(mut self, done: Result<T, impl Into<StoreError>>) -> Result<T, StoreError> {
        self.held.is_finished = true;
        match done {
            Ok(done) => {
                self.ready.give_back(self.held);
                Ok(done)
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl Ready {
    /// The one that was given back last, so that those that are not needed go back to the pool.
    fn take(&self) -> Option<Held> {
        let mut all = self.lock();
        // Dropped, they go to the pool, which asks whether they live.
        all.retain(|held| held.since.elapsed() < FRESH);
        let mut held = all.pop()?;
        held.is_finished = false;
        Some(held)
    }

    fn give_back(&self, mut held: Held) {
        if held.taken.elapsed() < LIFETIME {
            held.since = Instant::now();
            self.lock().push(held);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Held>> {
        // Nothing under the lock panics; and a list is sound after every step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deref for Lease {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.held.connection
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.held.connection
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if !self.is_finished {
            self.connection.close_on_drop();
        }
    }
}

/// Does the work again where the server undid it so that another transaction could go on. The caller's deadline ends it.
pub(super) async fn again<T, W>(work: impl Fn() -> W) -> Result<T, StoreError>
where
    W: Future<Output = Result<T, StoreError>>,
{
    loop {
        match work().await {
            Err(StoreError::Database(error)) if was_undone(&error) => tokio::task::yield_now().await,
            done => return done,
        }
    }
}

/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>: serialization_failure, deadlock_detected.
fn was_undone(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    matches!(code.as_deref(), Some("40001" | "40P01"))
}

/// Shorter than the store's time-out, so that who waits in vain for a connection hears so.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_millis(800);

/// For so long a connection that was given back is taken to live: while there is load. A server that hangs up just then
/// costs requests a 503, as it does those in work.
const FRESH: Duration = Duration::from_millis(50);

/// After so long the pool has its own say about a connection.
const LIFETIME: Duration = Duration::from_secs(300);
