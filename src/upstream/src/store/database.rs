//! Owns the pools of connections to a database, one for each purpose.

use super::StoreError;
use super::connections::Connections;
use super::probe::Probe;

/// A database of either kind. A clone is another handle on it.
///
/// Writers wait for one another, readers for no other request; so each kind has connections of its own. The feed has
/// one more, so that requests do not wait behind its pages.
#[derive(Clone, Debug)]
pub(super) struct Database {
    pub(super) readers: Connections,
    /// Connections for writes. SQLite has one, for which requests queue fairly: several would sleep and try again while
    /// the file is locked.
    pub(super) writers: Connections,
    pub(super) feed: Connections,
    /// Connection that numbers entries of the feed, and does not wait for deletions. `None`: SQLite, where entries are
    /// inserted with numbers.
    pub(super) numberer: Option<Connections>,
    pub(super) probe: Probe,
}

/// Repeats the work if the server undid it so that another transaction could go on. The caller's deadline ends the
/// repetition.
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

/// The errors serialization_failure and deadlock_detected
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>). SQLite has other codes.
fn was_undone(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    matches!(code.as_deref(), Some("40001" | "40P01"))
}
