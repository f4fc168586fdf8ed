//! Owns what the service asks of its data, in the words of the domain, and how long it waits for an answer.

pub mod revocation;
mod sqlite;

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::fixture::Fixture;
use crate::id::Id;
use crate::secret::CredentialHash;
use revocation::{DeniedJwt, Head, Keep, Page, Revocation, RevocationOutcome, Since, TokenRevocation};
use sqlite::Sqlite;
use tokio::sync::watch;

/// The service's data. A clone is another handle on the same data.
///
/// One kind of database today. A second one becomes a second backend here; what callers see stays as it is, and both
/// pass `tests/store.rs`.
#[derive(Clone, Debug)]
pub struct Store {
    backend: Sqlite,
    /// Changes when this process may have revoked something.
    revoked: watch::Sender<()>,
}

/// Where the data is, parsed from `sqlite:///absolute/path.db`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DatabaseUrl {
    path: PathBuf,
}

/// A database address that this service cannot use.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is not of the form sqlite:///absolute/path.db")]
pub struct InvalidDatabaseUrl(String);

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

/// The kinds of credentials the authority vouches for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CredentialKind {
    /// A user's token of the name `access_token`.
    AccessToken,
    /// The secret of a connection.
    ApiKey,
}

/// What the authority states about a credential.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub enum Introspection {
    /// An access token that is good now.
    AccessToken(AccessToken),
    /// An API key that is good now.
    ApiKey(ApiKey),
    /// Neither, for whatever reason.
    Inactive,
}

/// The facts of an active access token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AccessToken {
    /// The user it was issued to.
    pub user_id: String,
    /// The client the user works for.
    pub client_id: String,
    /// That client's type, in the real system's spelling.
    pub client_type: String,
    /// The token's scopes, separated by spaces.
    pub scope: String,
    /// When it ends, in Unix seconds.
    pub expires_at: i64,
}

/// The facts of an active API key: those of its connection's client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ApiKey {
    /// The client that provides the connection.
    pub client_id: String,
    /// That client's type.
    pub client_type: String,
    /// That client's scopes, separated by spaces.
    pub scope: String,
    /// The client that uses the connection.
    pub consumer_id: String,
}

/// What a look-up of one kind found by value.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Lookup<T> {
    Active(T),
    /// The value is known, and no longer good: expired, or a client is blocked.
    Inactive,
    Unknown,
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
        /// Which row, for example ``connection `<id>` ``.
        row: String,
        /// What the database said.
        source: sqlx::Error,
    },
    /// No answer in time.
    #[error("the database did not answer in time")]
    Timeout,
}

impl Store {
    /// Opens the database, creates it if it is not there, and brings its schema up to date.
    pub async fn open(url: &DatabaseUrl) -> Result<Self, StoreError> {
        Ok(Self { backend: Sqlite::open(&url.path).await?, revoked: watch::Sender::new(()) })
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        bounded(self.backend.ping()).await
    }

    /// Deletes the connection `id` of the client `client_id`, for good.
    pub async fn delete_connection(&self, client_id: Id, id: Id) -> Result<ConnectionDeletion, StoreError> {
        let deletion = bounded(self.backend.delete_connection(client_id, id)).await;
        self.revoked.send_replace(());
        deletion
    }

    /// Makes the contract division `id` inactive in the name of the user `by`.
    pub async fn delete_division(&self, id: Id, by: Id) -> Result<DivisionDeletion, StoreError> {
        bounded(self.backend.delete_division(id, by)).await
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
        bounded(self.backend.revocation_head()).await
    }

    /// What was revoked since.
    pub async fn revocations(&self, since: Since, keep: &Keep) -> Result<Page, StoreError> {
        bounded(self.backend.revocations(since, keep)).await
    }

    /// Revokes, in one transaction. It may concern many rows, and so has more time than others.
    pub async fn revoke(&self, revocation: &Revocation, keep: &Keep) -> Result<RevocationOutcome, StoreError> {
        let work = tokio::time::timeout(REVOCATION_TIMEOUT, self.backend.revoke(revocation, keep));
        let outcome = work.await.unwrap_or(Err(StoreError::Timeout));
        self.revoked.send_replace(());
        outcome
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
        let revocation = bounded(self.backend.revoke_token(credential, first, jwt, keep)).await;
        self.revoked.send_replace(());
        revocation
    }

    /// Removes some of the revocations that nobody needs, and tells how many; zero: none is left.
    pub async fn prune_revocations(&self, keep: &Keep) -> Result<u64, StoreError> {
        bounded(self.backend.prune_revocations(keep)).await
    }

    /// Changes when this process may have revoked something; other processes do so unheard.
    pub(crate) fn revoked_here(&self) -> watch::Receiver<()> {
        self.revoked.subscribe()
    }

    /// Applies a fixture in one transaction.
    ///
    /// A database is seeded once: later, only the expiry of the fixture's tokens that are still there is set anew, so
    /// that nothing that was deleted comes back. Not bounded in time: it is no part of a request.
    pub async fn seed(&self, fixture: &Fixture) -> Result<Seeded, StoreError> {
        self.backend.seed(fixture).await
    }

    /// Lets go of the database.
    pub async fn close(&self) {
        self.backend.close().await;
    }

    /// `None`: the value is not known as a credential of this kind.
    async fn introspect_as(
        &self,
        kind: CredentialKind,
        credential: CredentialHash,
    ) -> Result<Option<Introspection>, StoreError> {
        match kind {
            CredentialKind::AccessToken => {
                let found = self.backend.access_token(credential).await?;
                Ok(found.known(Introspection::AccessToken))
            }
            CredentialKind::ApiKey => {
                let found = self.backend.api_key(credential).await?;
                Ok(found.known(Introspection::ApiKey))
            }
        }
    }
}

impl<T> Lookup<T> {
    fn known(self, introspection: impl FnOnce(T) -> Introspection) -> Option<Introspection> {
        match self {
            Self::Active(facts) => Some(introspection(facts)),
            Self::Inactive => Some(Introspection::Inactive),
            Self::Unknown => None,
        }
    }
}

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    fn from_str(url: &str) -> Result<Self, InvalidDatabaseUrl> {
        let invalid = || InvalidDatabaseUrl(url.to_owned());
        let path = url.strip_prefix("sqlite://").ok_or_else(invalid)?;
        // A query, a fragment or percent-encoding would mean one file here and another one to other tools.
        if path.contains(['?', '#', '%', '\0']) || !path.starts_with('/') || path.ends_with('/') {
            return Err(invalid());
        }
        Ok(Self { path: path.into() })
    }
}

async fn bounded<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    tokio::time::timeout(TIMEOUT, work).await.unwrap_or(Err(StoreError::Timeout))
}

/// How long a request may wait for the store. The gateway waits for one second, so that the answer is ours.
const TIMEOUT: Duration = Duration::from_millis(900);

/// How long a revocation of many rows may take. Who asks for it is no gateway with a request in hand.
const REVOCATION_TIMEOUT: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_sqlite_path_is_understood() {
        let url: DatabaseUrl = "sqlite:///var/lib/brama/a b.db".parse().unwrap();
        assert_eq!(url.path, PathBuf::from("/var/lib/brama/a b.db"));
    }

    #[test]
    fn other_addresses_are_refused() {
        for url in [
            "",
            "/var/lib/brama.db",
            "sqlite:",
            "sqlite://",
            "sqlite://relative.db",
            "sqlite::memory:",
            "sqlite:///folder/",
            "sqlite:///a.db?mode=ro",
            "sqlite:///a%20b.db",
            "postgres://localhost/brama",
        ] {
            let fault = url.parse::<DatabaseUrl>().unwrap_err();
            assert_eq!(fault.to_string(), format!("`{url}` is not of the form sqlite:///absolute/path.db"));
        }
    }
}
