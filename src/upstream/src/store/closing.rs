//! Owns that a connection to SQLite is closed wherever it is dropped, and that its end can be waited for.
//!
//! SQLite closes a connection in a thread of its own. Whoever closes the last one removes the write-ahead log, which a
//! process that ends before would leave behind.

use std::sync::Arc;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::StoreError;

/// The connections that are open. A clone is another handle on them.
#[derive(Clone, Debug)]
pub(super) struct OpenConnections(Arc<watch::Sender<()>>);

/// A connection to SQLite. Dropped, also in the middle of a statement, it is closed in the background.
pub(super) struct OpenConnection {
    /// `None` once it is being closed.
    connection: Option<SqliteConnection>,
    open: watch::Receiver<()>,
}

impl OpenConnections {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(())))
    }

    /// Opens a connection. It counts from now on, since SQLite opens it in its thread already.
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
                // Who is not told goodbye closes the connection as well.
                let _told = connection.close().await;
                drop(open);
            });
        }
    }
}
