//! Owns the store: the service's questions to its data, in the words of the domain, with their time limit.

mod batch;
mod closing;
mod connections;
mod database;
mod deletion;
mod feed;
mod introspection;
mod page;
mod postgres;
mod probe;
mod prune;
pub mod revocation;
mod revoking;
mod seed;
mod sqlite;
mod statement;
mod sweep;
mod url;
mod versions;

use std::num::NonZeroU8;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use batch::Batches;
pub(crate) use connections::PoolUse;
use database::Database;
pub use deletion::{ConnectionDeletion, DivisionDeletion};
pub use introspection::{AccessToken, ApiKey, CredentialKind, Introspection};
pub use seed::Seeded;
use statement::sql;
use tokio::sync::{Mutex, Notify, watch};
use tokio::time::Instant;
use url::Place;
pub use url::{DatabaseUrl, InvalidDatabaseUrl};

/// The service's data. A clone is another handle on the same data.
///
/// A SQLite file or a PostgreSQL database: callers see no difference, and both keep the contract in `tests/store.rs`,
/// `tests/feed.rs` and `tests/deny_list.rs`.
///
/// A failed operation has no effect, with one exception: where the answer to a COMMIT is lost or late
/// ([`StoreError::Timeout`], or a broken connection), its outcome is unknown. A repeated deletion may then find nothing
/// to delete.
#[derive(Clone, Debug)]
pub struct Store {
    database: Database,
    batches: Batches,
    /// Changes when this process may have revoked something.
    revoked: watch::Sender<()>,
    /// Notified when this process may have made a cutoff.
    cut_off: Arc<Notify>,
    /// Time of the last count of the deny list, and its size.
    denied: Arc<Mutex<Option<(Instant, i64)>>>,
}

/// Failure of an operation of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused or failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// The SQLite file could not be created.
    #[error("cannot create the database file `{path}`")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The schema could not be brought to a version that this program knows.
    #[error("cannot migrate the database")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A fixture's row was refused.
    #[error("cannot insert {row}")]
    Seed {
        /// Entry of the fixture, for example `connections[2]`.
        row: String,
        /// The database's error.
        source: sqlx::Error,
    },
    /// The PostgreSQL server is a replica, which lags behind revocations.
    #[error("the database server is a replica, and the service needs the primary")]
    Replica,
    /// The transaction that several requests shared failed at its end.
    #[error("the shared transaction failed")]
    Shared(#[from] Arc<StoreError>),
    /// No answer in time.
    #[error("the database did not answer in time")]
    Timeout,
}

impl Store {
    /// Opens the database and brings its schema up to date. A SQLite file is created if it is not there.
    pub async fn open(url: &DatabaseUrl) -> Result<Self, StoreError> {
        Self::open_with(url, USUAL_CONNECTIONS).await
    }

    /// Opens the database with so many connections for reads, and as many for writes; SQLite has one writer.
    pub async fn open_with(url: &DatabaseUrl, connections: NonZeroU8) -> Result<Self, StoreError> {
        let connections = u32::from(connections.get());
        let database = match &url.place {
            Place::Postgres(options) => postgres::open(options, connections).await?,
            Place::Sqlite(path) => sqlite::open(path, connections).await?,
        };
        let batches = Batches::start(database.writers.clone());
        Ok(Self { database, batches, revoked: watch::Sender::new(()), cut_off: Arc::default(), denied: Arc::default() })
    }

    /// Checks that the database answers and can be written. The test of writing changes nothing.
    pub async fn ready(&self) -> Result<(), StoreError> {
        bounded(async {
            let mut connection = self.database.readers.lease().await?;
            connection.run(sql!("SELECT 1")).await?;
            connection.keep();
            self.database.probe.try_to_write().await
        })
        .await
    }

    /// Receiver that changes when this process may have revoked something; revocations of other processes do not reach
    /// it.
    pub(crate) fn revoked_here(&self) -> watch::Receiver<()> {
        self.revoked.subscribe()
    }

    /// Waits until this process may have made a cutoff.
    pub(crate) async fn cut_off_here(&self) {
        self.cut_off.notified().await;
    }

    /// Use of the connections at this moment.
    pub(crate) fn pool_use(&self) -> [PoolUse; 3] {
        let Database { readers, writers, feed, .. } = &self.database;
        [readers.pool_use("readers"), writers.pool_use("writers"), feed.pool_use("feed")]
    }

    /// Closes the connections, those at work as soon as they are given back.
    pub async fn close(&self) {
        let Database { readers, writers, feed, numberer, probe } = &self.database;
        for connections in [readers, writers, feed, &probe.connections].into_iter().chain(numberer) {
            connections.close().await;
        }
    }
}

async fn bounded<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    tokio::time::timeout(TIMEOUT, work).await.unwrap_or(Err(StoreError::Timeout))
}

/// Default number of connections for reads, and for writes: enough to keep a server's disk busy.
pub const USUAL_CONNECTIONS: NonZeroU8 = NonZeroU8::new(4).unwrap();

/// Time limit of a request's wait for the store. It is below the gateway's limit of one second, so that the answer is
/// ours.
pub(crate) const TIMEOUT: Duration = Duration::from_millis(900);
