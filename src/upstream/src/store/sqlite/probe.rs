//! Owns whether the file can be written.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::StoreError;
use super::open::{Opener, is_busy};
use crate::store::connections::Connections;

/// Tries to write, once a second however many ask, since each try takes the lock of whoever writes.
#[derive(Clone, Debug)]
pub(super) struct Probe {
    /// One that keeps so little in memory that it writes before a COMMIT.
    pub(super) connections: Connections<Opener>,
    /// Taken by who tries.
    trying: Arc<tokio::sync::Mutex<()>>,
    /// When it was last found that the file can be written; `None`: it cannot, or was not tried.
    written: Arc<Mutex<Option<Instant>>>,
}

impl Probe {
    pub(super) fn new(connections: Connections<Opener>) -> Self {
        Self { connections, trying: Arc::default(), written: Arc::default() }
    }

    /// What is known is told while somebody tries: a disk that is slow for a moment is neither full nor broken.
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
                *self.written.lock().unwrap_or_else(PoisonError::into_inner) = written.is_ok().then(Instant::now);
                written
            }
            Err(_slow) if self.was_written_within(SLOW_FOR) => Ok(()),
            Err(_slow) => Err(StoreError::Timeout),
        }
    }

    fn was_written_within(&self, span: Duration) -> bool {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|written| written.elapsed() < span)
    }

    async fn write(&self) -> Result<(), StoreError> {
        let mut connection = self.connections.lease().await?;
        match sqlx::raw_sql(WRITE).execute(&mut *connection).await.map_err(StoreError::from) {
            Ok(_done) => connection.keep(),
            // Somebody writes just now, so that it can be done. What only reads goes on in any case.
            Err(error) if is_busy(&error) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

const PROBED_FOR: Duration = Duration::from_secs(1);

/// A disk that has taken nothing for as long is told of.
const SLOW_FOR: Duration = Duration::from_secs(10);

/// Less than a request has.
const PATIENCE: Duration = Duration::from_millis(600);

/// More than this connection keeps in memory goes to the disk, and is undone.
const WRITE: &str = "
    BEGIN IMMEDIATE;
    CREATE TABLE brama_probe (filling BLOB);
    INSERT INTO brama_probe VALUES (zeroblob(65536));
    ROLLBACK";
