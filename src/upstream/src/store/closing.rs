//! Owns the closing of connections to SQLite, wherever they are dropped, and the wait for its end.
//!
//! SQLite closes a connection in a thread of its own. The last one to close removes the write-ahead log, which a
//! process that ends earlier would leave behind.

use std::sync::Arc;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::StoreError;

/// The open connections. A clone is another handle on them.
#[derive(Clone, Debug)]
pub(super) struct OpenConnections(Arc<watch::Sender<()>>);

/// A connection to SQLite. Its drop, also in the middle of a statement, closes it in the background.
pub(super) struct OpenConnection {
    /// `None` once it is being closed.
    connection: Option<SqliteConnection>,
    open: watch::Receiver<()>,
}

impl OpenConnections {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(())))
    }

    /// Opens a connection. It counts from the start, since SQLite opens it in its own thread.
    pub(super) async fn open(&self, options: &SqliteConnectOptions) -> Result<OpenConnection, sqlx::Error> {
        let open = self.0.subscribe();
        Ok(OpenConnection { connection: Some(options.connect().await?), open })
    }

    /// Waits until all are closed.
    pub(super) async fn closed(&self) {
        self.0.closed().await;
    }
}

impl OpenConnection {
    pub(super) fn get(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        self.connection.as_mut().ok_or_else(|| sqlx::Error::PoolClosed.into())
    }

    pub(super) async fn close(mut self) -> Result<(), sqlx::Error> {
        match self.connection.take() {
            Some(connection) => connection.close().await,
            None => Ok(()),
        }
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        // Without a runtime the process is at its end.
        if let (Some(connection), Ok(runtime)) = (self.connection.take(), Handle::try_current()) {
            let open = self.open.clone();
            runtime.spawn(async move {
                // After an error the connection is closed by its drop.
                let _told = connection.close().await;
                drop(open);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn all_are_closed_when_the_last_one_is_wherever_it_was_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteConnectOptions::new().filename(folder.path().join("a.db")).create_if_missing(true);
        let (connections, log) = (OpenConnections::new(), folder.path().join("a.db-wal"));
        connections.closed().await;
        let mut connection = connections.open(&options).await.unwrap();
        sqlx::raw_sql("PRAGMA journal_mode = WAL; CREATE TABLE a (b)")
            .execute(connection.get().unwrap())
            .await
            .unwrap();
        assert!(log.exists());
        let is_open = connections.closed().now_or_never().is_none();
        // In the middle of a statement, which goes on in SQLite's thread.
        let slow = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) INSERT INTO a SELECT i FROM n";
        let slow = sqlx::raw_sql(slow).execute(connection.get().unwrap());
        let is_cut = slow.now_or_never().is_none();
        drop(connection);
        connections.closed().await;
        assert!(is_open && is_cut && !log.exists());
    }
}
