//! Owns the pools of connections to a database: their loans, and the end of a connection with which something failed.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, Object, Pool, PoolError, RecycleError, RecycleResult};
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

use super::closing::OpenConnections;
use super::statement::{Connection, Prepared, Row, Sql, Value, sql};
use super::{StoreError, postgres};
use crate::id::Id;

/// Use of a pool at a moment. Connections are opened when they are needed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct PoolUse {
    /// `readers`, `writers` or `feed`.
    pub(crate) pool: &'static str,
    /// Open connections without work.
    pub(crate) idle: usize,
    /// Connections at work.
    pub(crate) used: usize,
}

/// Opener of a pool's connections.
pub(super) enum Opener {
    Postgres {
        options: PgConnectOptions,
        /// SQL that sets what these connections have besides the settings of all.
        settings: &'static str,
    },
    Sqlite(SqliteConnectOptions, OpenConnections),
}

/// A pool of connections of one kind. A clone is another handle on it.
#[derive(Clone)]
pub(super) struct Connections(Pool<Opener>);

/// A borrowed connection. One that is dropped before it is [kept](Self::keep) is closed.
///
/// A request that is out of time drops its work wherever it stands, and a failure may leave a transaction open. So such
/// a connection is not used again, and the database rolls back what was open in it.
pub(super) struct Lease {
    connection: Connection,
    // Dropped last: a request that waits opens another connection then.
    place: Object<Opener>,
}

impl Connections {
    pub(super) fn new(opener: Opener, most: u32) -> Result<Self, StoreError> {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let pool = Pool::builder(opener).max_size(most).build();
        pool.map(Self).map_err(|error| sqlx::Error::Configuration(error.into()).into())
    }

    /// Borrows a connection, first come, first served. Errors: `PoolTimedOut` after [`ACQUIRE_TIMEOUT`], or the failure
    /// to open one.
    pub(super) async fn lease(&self) -> Result<Lease, StoreError> {
        let place = tokio::time::timeout(ACQUIRE_TIMEOUT, self.0.get()).await;
        let mut place = place.map_err(|_late| sqlx::Error::PoolTimedOut)?.map_err(|error| match error {
            PoolError::Backend(error) => error,
            _ => sqlx::Error::PoolClosed.into(),
        })?;
        let connection = place.take().ok_or(sqlx::Error::PoolClosed)?;
        Ok(Lease { connection, place })
    }

    /// Begins a transaction that is undone unless it is [committed](Lease::commit). SQLite takes the write lock before
    /// anything is read, so that what is read does not change until the COMMIT.
    pub(super) async fn begin(&self) -> Result<Lease, StoreError> {
        Ok(self.begin_with(&[]).await?.0)
    }

    /// Begins a transaction with statements, and returns their rows.
    pub(super) async fn begin_with(
        &self,
        statements: &[(Prepared, &[Id])],
    ) -> Result<(Lease, Vec<(String,)>), StoreError> {
        let mut work = self.lease().await?;
        let rows = work.begin(statements).await?;
        Ok((work, rows))
    }

    pub(super) async fn rows<R: Row>(&self, sql: Sql, values: &[Value<'_>]) -> Result<Vec<R>, StoreError> {
        let mut connection = self.lease().await?;
        let rows = connection.rows(sql, values).await?;
        connection.keep();
        Ok(rows)
    }

    pub(super) fn pool_use(&self, pool: &'static str) -> PoolUse {
        let status = self.0.status();
        PoolUse { pool, idle: status.available, used: status.size.saturating_sub(status.available) }
    }

    /// Closes the connections, those at work as soon as they are given back.
    pub(super) async fn close(&self) {
        let mut places = Vec::new();
        // Also those that running work opens meanwhile.
        while places.len() < self.0.status().size {
            let Ok(Lease { connection, place }) = self.lease().await else { break };
            // After an error the connection is closed by its drop.
            let _told = connection.close().await;
            places.push(place);
        }
        self.0.close();
        if let Opener::Sqlite(_, open) = self.0.manager() {
            open.closed().await;
        }
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.0.status())
    }
}

impl Lease {
    /// Gives the connection back, which must have no open transaction.
    pub(super) fn keep(self) {
        let Self { connection, mut place } = self;
        *place = Some(connection);
    }

    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        self.run(sql!("COMMIT")).await?;
        self.keep();
        Ok(())
    }

    pub(super) async fn roll_back(mut self) -> Result<(), StoreError> {
        self.run(sql!("ROLLBACK")).await?;
        self.keep();
        Ok(())
    }
}

impl Deref for Lease {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

impl Manager for Opener {
    /// `None`: it is lent, or was not kept.
    type Type = Option<Connection>;
    type Error = StoreError;

    async fn create(&self) -> Result<Self::Type, StoreError> {
        Ok(Some(match self {
            Self::Postgres { options, settings } => {
                Connection::Postgres(postgres::connect(options, settings).await?, Vec::new())
            }
            Self::Sqlite(options, open) => Connection::Sqlite(open.open(options).await?),
        }))
    }

    async fn recycle(&self, place: &mut Self::Type, metrics: &Metrics) -> RecycleResult<StoreError> {
        let is_old = matches!(self, Self::Postgres { .. }) && metrics.age() >= LIFETIME;
        let connection = place.as_mut().filter(|_connection| !is_old);
        let connection = connection.ok_or(RecycleError::message("it was not kept, or is old"))?;
        if metrics.last_used() > FRESH {
            connection.run(sql!("SELECT 1")).await.map_err(RecycleError::Backend)?;
        }
        Ok(())
    }
}

/// Time limit of a wait for a connection: below the store's time-out, so that the caller gets this error.
const ACQUIRE_TIMEOUT: Duration = Duration::from_millis(800);

/// Longest life of a connection to PostgreSQL, since the server's memory for it grows with its life.
const LIFETIME: Duration = Duration::from_secs(300);

/// Time after its last loan for which a connection is not tested, as under load. If the server hangs up just then, it
/// costs requests a 503, as it does those in progress.
const FRESH: Duration = Duration::from_millis(50);
