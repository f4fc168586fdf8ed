//! Owns the connections to a database: how they are borrowed, and that one with which something failed is not used again.

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

/// The connections of a kind at a moment. They are opened when they are needed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct PoolUse {
    /// `readers`, `writers` or `feed`.
    pub(crate) pool: &'static str,
    /// Those that wait for work.
    pub(crate) idle: usize,
    /// Those at work.
    pub(crate) used: usize,
}

/// How connections of a kind are opened.
pub(super) enum Opener {
    Postgres {
        options: PgConnectOptions,
        /// The settings of its connections besides those that all have.
        settings: &'static str,
    },
    Sqlite(SqliteConnectOptions, OpenConnections),
}

/// Up to so many connections of a kind. A clone is another handle on them.
#[derive(Clone)]
pub(super) struct Connections(Pool<Opener>);

/// A borrowed connection. One that is dropped before it is [kept](Self::keep) is closed.
///
/// A request that is out of time drops its work wherever it stands, and what failed may have left a transaction open. Such
/// a connection is given to nobody; a database rolls back what was open in it.
pub(super) struct Lease {
    connection: Connection,
    // The last to go: whoever waits opens another connection then.
    place: Object<Opener>,
}

impl Connections {
    pub(super) fn new(opener: Opener, most: u32) -> Result<Self, StoreError> {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let pool = Pool::builder(opener).max_size(most).build();
        pool.map(Self).map_err(|error| sqlx::Error::Configuration(error.into()).into())
    }

    /// Borrows a connection, after those who came before.
    pub(super) async fn lease(&self) -> Result<Lease, StoreError> {
        let place = tokio::time::timeout(ACQUIRE_TIMEOUT, self.0.get()).await;
        let mut place = place.map_err(|_late| sqlx::Error::PoolTimedOut)?.map_err(|error| match error {
            PoolError::Backend(error) => error,
            _ => sqlx::Error::PoolClosed.into(),
        })?;
        let connection = place.take().ok_or(sqlx::Error::PoolClosed)?;
        Ok(Lease { connection, place })
    }

    /// Begins a transaction that is undone unless it is [committed](Lease::commit). In SQLite the write lock is taken
    /// before anything is read, so nobody changes it in between.
    pub(super) async fn begin(&self) -> Result<Lease, StoreError> {
        Ok(self.begin_with(&[]).await?.0)
    }

    /// Begins a transaction with statements, and tells their rows.
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

    /// Closes what is there, and what is in work as soon as it is given back.
    pub(super) async fn close(&self) {
        let mut places = Vec::new();
        // Also those that are opened meanwhile, by whoever still works.
        while places.len() < self.0.status().size {
            let Ok(Lease { connection, place }) = self.lease().await else { break };
            // Who is not told goodbye closes the connection as well.
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
    /// Gives back a connection with which no transaction is open.
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
    /// `None` while it is lent, and of one that was not kept.
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

/// Shorter than the store's time-out, so that who waits in vain for a connection hears so.
const ACQUIRE_TIMEOUT: Duration = Duration::from_millis(800);

/// A server's memory for a connection grows with its life.
const LIFETIME: Duration = Duration::from_secs(300);

/// For so long after it was lent a connection is taken to live: while there is load. A server that hangs up just then costs
/// requests a 503, as it does those in work.
const FRESH: Duration = Duration::from_millis(50);
