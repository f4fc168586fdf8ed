//! Owns the connections to a database: how they are borrowed, and that one with which something failed is not used again.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, Object, Pool, RecycleError, RecycleResult};
use sqlx::Connection;

use super::{PoolUse, StoreError};

/// How connections of a kind are opened.
pub(super) trait Open: Send + Sync + 'static {
    type Connection: Connection;

    /// For how long a connection is used.
    const LIFETIME: Duration;

    fn open(&self) -> impl Future<Output = Result<Self::Connection, StoreError>> + Send;
}

/// Up to so many connections of a kind. A clone is another handle on them.
pub(super) struct Connections<O: Open>(Pool<Opener<O>>);

struct Opener<O>(O);

/// A borrowed connection. One that is dropped before it is [kept](Self::keep) is closed.
///
/// A request that is out of time drops its work wherever it stands, and what failed may have left a transaction open. Such
/// a connection is given to nobody; a database rolls back what was open in it.
pub(super) struct Lease<O: Open> {
    connection: O::Connection,
    // The last to go: whoever waits opens another connection then.
    place: Object<Opener<O>>,
}

impl<O: Open> Connections<O> {
    pub(super) fn new(opener: O, most: u32) -> Result<Self, StoreError> {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let pool = Pool::builder(Opener(opener)).max_size(most).build();
        pool.map(Self).map_err(|error| sqlx::Error::Configuration(error.into()).into())
    }

    /// Borrows a connection, after those who came before.
    pub(super) async fn lease(&self) -> Result<Lease<O>, StoreError> {
        let place = tokio::time::timeout(ACQUIRE_TIMEOUT, self.0.get()).await;
        let mut place = place.map_err(|_late| sqlx::Error::PoolTimedOut)?.map_err(|error| match error {
            deadpool::managed::PoolError::Backend(error) => error,
            _ => sqlx::Error::PoolClosed.into(),
        })?;
        let connection = place.take().ok_or(sqlx::Error::PoolClosed)?;
        Ok(Lease { connection, place })
    }

    pub(super) fn pool_use(&self, pool: &'static str) -> PoolUse {
        let status = self.0.status();
        PoolUse { pool, idle: status.available, used: status.size.saturating_sub(status.available) }
    }

    /// Closes what is there, and what is in work as soon as it is given back.
    pub(super) async fn close(&self) {
        let mut places = Vec::new();
        for _ in 0..self.0.status().size {
            let Ok(Lease { connection, place }) = self.lease().await else { break };
            // Who is not told goodbye closes the connection as well.
            let _told = connection.close().await;
            places.push(place);
        }
        self.0.close();
    }
}

impl<O: Open> fmt::Debug for Connections<O> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.0.status())
    }
}

impl<O: Open> Clone for Connections<O> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<O: Open> Lease<O> {
    /// Gives back a connection with which no transaction is open.
    pub(super) fn keep(self) {
        let Self { connection, mut place } = self;
        *place = Some(connection);
    }
}

impl<O: Open> Deref for Lease<O> {
    type Target = O::Connection;

    fn deref(&self) -> &O::Connection {
        &self.connection
    }
}

impl<O: Open> DerefMut for Lease<O> {
    fn deref_mut(&mut self) -> &mut O::Connection {
        &mut self.connection
    }
}

impl<O: Open> Manager for Opener<O> {
    /// `None` while it is lent, and of one that was not kept.
    type Type = Option<O::Connection>;
    type Error = StoreError;

    async fn create(&self) -> Result<Self::Type, StoreError> {
        self.0.open().await.map(Some)
    }

    async fn recycle(&self, place: &mut Self::Type, metrics: &Metrics) -> RecycleResult<StoreError> {
        let connection = place.as_mut().filter(|_connection| metrics.age() < O::LIFETIME);
        let connection = connection.ok_or(RecycleError::message("it was not kept, or is old"))?;
        if metrics.last_used() > FRESH {
            connection.ping().await.map_err(|error| RecycleError::Backend(error.into()))?;
        }
        Ok(())
    }
}

/// Shorter than the store's time-out, so that who waits in vain for a connection hears so.
const ACQUIRE_TIMEOUT: Duration = Duration::from_millis(800);

/// For so long after it was lent a connection is taken to live: while there is load. A server that hangs up just then costs
/// requests a 503, as it does those in work.
const FRESH: Duration = Duration::from_millis(50);
