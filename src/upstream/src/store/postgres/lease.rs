//! Owns how a connection is borrowed from its pool, and what follows when its use is given up or was in vain.

use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, PgPool, Postgres};

use super::StoreError;

/// A borrowed connection. One that is dropped before [`finish`](Self::finish) is closed.
///
/// A request that is out of time drops its work wherever it stands. Its connection may wait for an answer that never
/// comes, so it is not given to the next one; and the server rolls back what a closed connection left open.
pub(super) struct Lease {
    connection: PoolConnection<Postgres>,
    is_finished: bool,
}

pub(super) async fn lease(pool: &PgPool) -> Result<Lease, StoreError> {
    Ok(Lease { connection: pool.acquire().await?, is_finished: false })
}

impl Lease {
    /// Gives the connection back, and what was done with it on.
    pub(super) fn finish<T>(mut self, done: T) -> T {
        self.is_finished = true;
        done
    }
}

impl Deref for Lease {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

impl Drop for Lease {
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
