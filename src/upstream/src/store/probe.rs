//! Owns the test of writing to the database.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, watch};
use tokio::time::timeout;

use super::connections::Connections;
use super::statement::sql;
use super::{StoreError, sqlite};

/// The test of writing, which runs at most once a second for all callers: in SQLite each run takes the write lock.
#[derive(Clone, Debug)]
pub(super) struct Probe {
    /// Connection of the test. In SQLite it keeps so little in memory that it writes before a COMMIT.
    pub(super) connections: Connections,
    /// Held while a test runs.
    trying: Arc<Mutex<()>>,
    /// Time of the last test if it succeeded; `None`: it failed, or none has run.
    written: watch::Sender<Option<Instant>>,
}

impl Probe {
    pub(super) fn new(connections: Connections) -> Self {
        Self { connections, trying: Arc::default(), written: watch::Sender::new(None) }
    }

    /// Checks that the database can be written. While a test is slow, the last result counts: a disk that is slow for a
    /// moment is neither full nor broken.
    pub(super) async fn try_to_write(&self) -> Result<(), StoreError> {
        if self.was_written_within(PROBED_FOR) {
            return Ok(());
        }
        let _trying = match self.trying.try_lock() {
            Ok(trying) => trying,
            Err(_) if self.was_written_within(SLOW_FOR) => return Ok(()),
            Err(_) => self.trying.lock().await,
        };
        if self.was_written_within(PROBED_FOR) {
            return Ok(());
        }
        match timeout(PATIENCE, self.write()).await {
            Ok(written) => {
                self.written.send_replace(written.is_ok().then(Instant::now));
                written
            }
            Err(_slow) if self.was_written_within(SLOW_FOR) => Ok(()),
            Err(_slow) => Err(StoreError::Timeout),
        }
    }

    fn was_written_within(&self, span: Duration) -> bool {
        self.written.borrow().is_some_and(|written| written.elapsed() < span)
    }

    async fn write(&self) -> Result<(), StoreError> {
        // PostgreSQL checks rights before it looks for a row. So the statements find none: one that is undone would be
        // left to VACUUM. SQLite writes to the disk what is more than this connection keeps in memory, and it is
        // undone.
        let write = sql!(
            "DELETE FROM mithril.connections WHERE false;
             UPDATE prm.contract_divisions SET is_active = false WHERE false;
             INSERT INTO brama.cutoffs (kind) SELECT 'all' WHERE false",
            "BEGIN IMMEDIATE;
             CREATE TABLE brama_probe (filling BLOB);
             INSERT INTO brama_probe VALUES (zeroblob(65536));
             ROLLBACK"
        );
        let mut connection = self.connections.lease().await?;
        match connection.run(write).await {
            Ok(()) => connection.keep(),
            // Another connection writes just now, so that the database can be written. Reads go on in any case.
            Err(error) if sqlite::is_busy(&error) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

const PROBED_FOR: Duration = Duration::from_secs(1);

/// Time after which a disk that has taken nothing is reported.
const SLOW_FOR: Duration = Duration::from_secs(10);

/// Time limit of a test: below a request's.
const PATIENCE: Duration = Duration::from_millis(600);
