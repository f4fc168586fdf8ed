//! Owns what the service asks of its data, in the words of the domain, and how long it waits for an answer.

mod connections;
mod introspection;
mod page;
mod postgres;
pub mod revocation;
mod sqlite;
mod url;
mod versions;

use std::num::NonZeroU8;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::fixture::Fixture;
use crate::id::Id;
use crate::secret::CredentialHash;
pub use introspection::{AccessToken, ApiKey, CredentialKind, Introspection};
use introspection::{ApiKeyRow, Lookup, TokenRow};
use postgres::Postgres;
use revocation::{
    Cutoff, DENY_LIST_LIMIT, DeniedJwt, Head, Keep, Page, Revocation, RevocationOutcome, Since, TokenRevocation,
};
use sqlite::Sqlite;
use tokio::sync::{Mutex, Notify, watch};
use tokio::time::Instant;
use url::Place;
pub use url::{DatabaseUrl, InvalidDatabaseUrl};

/// The service's data. A clone is another handle on the same data.
///
/// In a SQLite file or in a PostgreSQL database: callers see no difference, and both keep the contract in
/// `tests/store.rs`, `tests/feed.rs` and `tests/deny_list.rs`.
///
/// What failed was not done and will not be, with one exception: where the answer to a COMMIT is lost or late
/// ([`StoreError::Timeout`], or a broken connection), nobody here knows. Who repeats a deletion then may be told that
/// there is nothing to delete.
#[derive(Clone, Debug)]
pub struct Store {
    backend: Backend,
    /// Changes when this process may have revoked something.
    revoked: watch::Sender<()>,
    /// Told when this process revoked many at once.
    cut_off: Arc<Notify>,
    /// When the deny list was counted, and what it has.
    denied: Arc<Mutex<Option<(Instant, i64)>>>,
}

#[derive(Clone, Debug)]
enum Backend {
    Postgres(Postgres),
    Sqlite(Sqlite),
}

/// The same work on either kind of database.
macro_rules! on {
    ($store:expr, $backend:ident => $work:expr) => {
        match &$store.backend {
            Backend::Postgres($backend) => $work,
            Backend::Sqlite($backend) => $work,
        }
    };
}

/// What came of deleting a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum ConnectionDeletion {
    /// The row is gone, and its secret is revoked for good.
    Deleted,
    /// The client has no such connection.
    NotFound,
}

/// What came of deleting a contract division.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum DivisionDeletion {
    /// The division is inactive now, and was active before.
    Deleted,
    /// No such division, or it was inactive already.
    NotFound,
    /// The division's contract is not of type `GB_CBP`; nothing changed.
    OtherContractType,
}

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

/// What applying a fixture did.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum Seeded {
    /// The database was new; every row of the fixture is in it.
    Inserted,
    /// The database was seeded before: so many of the fixture's tokens were still there and got a new expiry.
    Renewed {
        /// The number of tokens.
        tokens: u64,
    },
}

/// Why the store has no answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused or failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// The file could not be made ready.
    #[error("cannot create the database file `{path}`")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database's schema is not, and could not be made, the one this program knows.
    #[error("cannot migrate the database")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A fixture's row was refused.
    #[error("cannot insert {row}")]
    Seed {
        /// Which entry of the fixture, for example `connections[2]`.
        row: String,
        /// What the database said.
        source: sqlx::Error,
    },
    /// The PostgreSQL server is one that follows another: it lags behind what was revoked.
    #[error("the database server is a replica, and the service needs the primary")]
    Replica,
    /// No answer in time.
    #[error("the database did not answer in time")]
    Timeout,
}

impl Store {
    /// Opens the database and brings its schema up to date. A SQLite file is created if it is not there.
    pub async fn open(url: &DatabaseUrl) -> Result<Self, StoreError> {
        Self::open_with(url, USUAL_CONNECTIONS).await
    }

    /// The same, with so many connections for what reads, and as many for what writes; SQLite has one writer.
    pub async fn open_with(url: &DatabaseUrl, connections: NonZeroU8) -> Result<Self, StoreError> {
        let connections = u32::from(connections.get());
        let backend = match &url.place {
            Place::Postgres(options) => Backend::Postgres(Postgres::open(options, connections).await?),
            Place::Sqlite(path) => Backend::Sqlite(Sqlite::open(path, connections).await?),
        };
        Ok(Self { backend, revoked: watch::Sender::new(()), cut_off: Arc::default(), denied: Arc::default() })
    }

    /// Whether the database answers, and in a file whether it can be written: it is tried, and undone.
    pub async fn ready(&self) -> Result<(), StoreError> {
        on!(self, backend => bounded(backend.ready()).await)
    }

    /// Deletes the connection `id` of the client `client_id`, for good.
    pub async fn delete_connection(&self, client_id: Id, id: Id) -> Result<ConnectionDeletion, StoreError> {
        let deletion = on!(self, backend => bounded(backend.delete_connection(client_id, id)).await);
        self.revoked.send_replace(());
        deletion
    }

    /// Makes the contract division `id` inactive in the name of the user `by`.
    pub async fn delete_division(&self, id: Id, by: Id) -> Result<DivisionDeletion, StoreError> {
        on!(self, backend => bounded(backend.delete_division(id, by)).await)
    }

    /// What is known about a credential, looked for as `first` and then as the other kind.
    ///
    /// The first kind that knows the value decides. RFC 7662, 2.1 extends the search to other kinds where the value
    /// could not be *located*; an expired token was located, and an API key that happens to have the same value must
    /// not bring it back to life under another name.
    pub async fn introspect(
        &self,
        credential: CredentialHash,
        first: CredentialKind,
    ) -> Result<Introspection, StoreError> {
        bounded(async {
            let other = match first {
                CredentialKind::AccessToken => CredentialKind::ApiKey,
                CredentialKind::ApiKey => CredentialKind::AccessToken,
            };
            if let Some(introspection) = self.introspect_as(first, credential).await? {
                return Ok(introspection);
            }
            let introspection = self.introspect_as(other, credential).await?;
            Ok(introspection.unwrap_or(Introspection::Inactive))
        })
        .await
    }

    /// The feed's name and its last number.
    pub async fn revocation_head(&self) -> Result<Head, StoreError> {
        on!(self, backend => bounded(backend.revocation_head()).await)
    }

    /// What was revoked since.
    pub async fn revocations(&self, since: Since, keep: &Keep) -> Result<Page, StoreError> {
        on!(self, backend => bounded(backend.revocations(since, keep)).await)
    }

    /// Revokes: it is in force when this is answered.
    pub async fn revoke(&self, revocation: &Revocation, keep: &Keep) -> Result<RevocationOutcome, StoreError> {
        // Who revokes everything has reason to, and it is one entry.
        if *revocation != Revocation::All && !self.has_room(keep).await? {
            return Ok(RevocationOutcome::Full);
        }
        let work = async {
            on!(self, backend => backend.revoke(revocation).await)?;
            on!(self, backend => backend.revocation_head().await)
        };
        let head = tokio::time::timeout(REVOCATION_TIMEOUT, work).await.unwrap_or(Err(StoreError::Timeout));
        self.revoked.send_replace(());
        self.cut_off.notify_one();
        Ok(RevocationOutcome::Done { head: head? })
    }

    /// Revokes a token by its value, looked for as `first` and then as the other kind, in one transaction; puts it onto
    /// the deny list as well, if it is a JWT.
    pub async fn revoke_token(
        &self,
        credential: CredentialHash,
        first: CredentialKind,
        jwt: Option<&DeniedJwt>,
        keep: &Keep,
    ) -> Result<TokenRevocation, StoreError> {
        if jwt.is_some() && !self.has_room(keep).await? {
            return Ok(TokenRevocation::Full);
        }
        let revocation = on!(self, backend => bounded(backend.revoke_token(credential, first, jwt, keep)).await);
        self.revoked.send_replace(());
        revocation
    }

    /// Whether the deny list has room for two more entries.
    ///
    /// It is counted once a second, outside of any transaction; what this process adds meanwhile is taken for two entries each
    /// time. So the list may be over its limit by what other processes add within a second.
    async fn has_room(&self, keep: &Keep) -> Result<bool, StoreError> {
        let mut counted = self.denied.lock().await;
        let (at, size) = match *counted {
            Some((at, size)) if at.elapsed() < COUNTED_FOR => (at, size),
            _ => (Instant::now(), on!(self, backend => bounded(backend.deny_list_size(keep)).await)?),
        };
        let has_room = size <= DENY_LIST_LIMIT - 2;
        *counted = Some((at, if has_room { size + 2 } else { size }));
        Ok(has_room)
    }

    /// Removes what nobody needs of some revocations `after` a number, and tells where to go on. `None`: nowhere.
    pub async fn prune_revocations(&self, keep: &Keep, after: i64) -> Result<Option<i64>, StoreError> {
        on!(self, backend => bounded(backend.prune_revocations(keep, after)).await)
    }

    /// The next revocation of many, after one's number, whose rows are to be deleted.
    pub async fn next_cutoff(&self, after: i64) -> Result<Option<Cutoff>, StoreError> {
        on!(self, backend => bounded(backend.next_cutoff(after)).await)
    }

    /// Deletes about `most` of a cutoff's rows `after` a place, and tells where to go on. `None`: there was nothing left.
    pub async fn sweep(&self, cutoff: &Cutoff, after: i64, most: i64) -> Result<Option<i64>, StoreError> {
        on!(self, backend => bounded(backend.sweep(cutoff, after, most)).await)
    }

    /// Ends a cutoff of which nothing was left.
    pub async fn end_cutoff(&self, cutoff: &Cutoff) -> Result<(), StoreError> {
        on!(self, backend => bounded(backend.end_cutoff(cutoff)).await)
    }

    /// Removes some of the tokens that expired long ago, and tells how many; zero: none is left.
    pub async fn purge_tokens(&self) -> Result<u64, StoreError> {
        on!(self, backend => bounded(backend.purge_tokens()).await)
    }

    /// Changes when this process may have revoked something; other processes do so unheard.
    pub(crate) fn revoked_here(&self) -> watch::Receiver<()> {
        self.revoked.subscribe()
    }

    /// Waits until this process revoked many at once.
    pub(crate) async fn cut_off_here(&self) {
        self.cut_off.notified().await;
    }

    /// Applies a fixture in one transaction.
    ///
    /// A database is seeded once: later, only the expiry of the fixture's tokens that are still there is set anew, so
    /// that nothing that was deleted comes back. Not bounded in time: it is no part of a request.
    pub async fn seed(&self, fixture: &Fixture) -> Result<Seeded, StoreError> {
        on!(self, backend => backend.seed(fixture).await)
    }

    /// How many connections there are now, and in use.
    pub(crate) fn pool_use(&self) -> [PoolUse; 3] {
        on!(self, backend => backend.pool_use())
    }

    /// Lets go of the database.
    pub async fn close(&self) {
        on!(self, backend => backend.close().await);
    }

    /// `None`: the value is not known as a credential of this kind.
    async fn introspect_as(
        &self,
        kind: CredentialKind,
        credential: CredentialHash,
    ) -> Result<Option<Introspection>, StoreError> {
        match kind {
            CredentialKind::AccessToken => {
                let found = on!(self, backend => backend.access_token(credential).await)?;
                Ok(found.known(Introspection::AccessToken))
            }
            CredentialKind::ApiKey => {
                let found = on!(self, backend => backend.api_key(credential).await)?;
                Ok(found.known(Introspection::ApiKey))
            }
        }
    }
}

async fn bounded<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    tokio::time::timeout(TIMEOUT, work).await.unwrap_or(Err(StoreError::Timeout))
}

/// The one type of contract whose divisions can be deleted: "global budget and case-based payment".
const GB_CBP: &str = "GB_CBP";

/// For how long, in seconds, a token is kept after its end, for who asks what became of it.
const EXPIRED_KEPT: i64 = 24 * 3600;

/// As many as keep a server's disk busy; who reads waits for nobody who writes.
pub const USUAL_CONNECTIONS: NonZeroU8 = NonZeroU8::new(4).unwrap();

/// How long a request may wait for the store. The gateway waits for one second, so that the answer is ours.
pub(crate) const TIMEOUT: Duration = Duration::from_millis(900);

/// How long a revocation may wait for others that write, and for the numbers of what was revoked before it. Who asks for it is
/// no gateway with a request in hand.
const REVOCATION_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a count of the deny list is good for.
const COUNTED_FOR: Duration = Duration::from_secs(1);
