//! Owns which connections there are, and for whom.

use super::StoreError;
use super::connections::Connections;
use super::probe::Probe;

/// A database of either kind. A clone is another handle on it.
///
/// Writers wait for one another, and readers for nobody; so each kind has connections of its own. Who follows the feed
/// has one more, so that nobody waits behind its pages.
#[derive(Clone, Debug)]
pub(super) struct Database {
    pub(super) readers: Connections,
    /// In SQLite one, for which requests queue fairly: who finds the file's lock taken sleeps and tries again.
    pub(super) writers: Connections,
    pub(super) feed: Connections,
    /// One, which numbers entries of the feed and waits for nobody who deletes. `None`: inserted with numbers.
    pub(super) numberer: Option<Connections>,
    pub(super) probe: Probe,
}

/// Does the work again where the server undid it so that another transaction could go on. The caller's deadline ends
/// it.
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

/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>: serialization_failure, deadlock_detected. No code
/// of SQLite's is one of them.
fn was_undone(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    matches!(code.as_deref(), Some("40001" | "40P01"))
}
