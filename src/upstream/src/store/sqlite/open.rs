//! Owns how a SQLite database is opened: its file, its settings, its migrations.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::probe::Probe;
use super::{Sqlite, StoreError};
use crate::store::connections::{Connections, Open};
use crate::store::versions::{self, Step};

/// Opens connections to the file.
#[derive(Debug)]
pub(super) struct Opener(SqliteConnectOptions);

impl Sqlite {
    pub(in crate::store) async fn open(path: &Path, connections: u32) -> Result<Self, StoreError> {
        create_private(path)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .foreign_keys(true)
            // A deletion that was answered must outlive a power cut: it revoked a key.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT)
            .disable_statement_logging();
        prepare_patiently(&options).await?;
        let reading = |connections| Connections::new(Opener(options.clone().pragma("query_only", "ON")), connections);
        let (readers, feed) = (reading(connections)?, reading(1)?);
        // One stays open: the first of all writes beside the file, which a full disk refuses.
        readers.lease().await?.keep();
        let prober =
            Connections::new(Opener(options.clone().pragma("cache_size", "1").busy_timeout(Duration::ZERO)), 1)?;
        Ok(Self { readers, writer: Connections::new(Opener(options), 1)?, feed, probe: Probe::new(prober) })
    }
}

impl Open for Opener {
    type Connection = SqliteConnection;

    const LIFETIME: Duration = Duration::MAX;

    async fn open(&self) -> Result<SqliteConnection, StoreError> {
        Ok(self.0.connect().await?)
    }
}

/// The file holds hashes only, and yet nobody else has business with it. SQLite gives its `-wal` and `-shm` files the
/// same permissions.
fn create_private(path: &Path) -> Result<(), StoreError> {
    let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match created {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(StoreError::File { path: path.to_owned(), source }),
    }
}

/// The change to WAL needs the file for itself and does not honour `busy_timeout`, so two processes that open a new
/// file at once (`seed` and `serve`) can meet here.
async fn prepare_patiently(options: &SqliteConnectOptions) -> Result<(), StoreError> {
    let give_up = Instant::now() + PATIENCE;
    loop {
        match prepare(options).await {
            Err(error) if is_busy(&error) && Instant::now() < give_up => tokio::time::sleep(RETRY).await,
            prepared => return prepared,
        }
    }
}

async fn prepare(options: &SqliteConnectOptions) -> Result<(), StoreError> {
    let mut connection = options.clone().journal_mode(SqliteJournalMode::Wal).connect().await?;
    migrate(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

/// One transaction around all migrations: a second process waits, and then finds them done.
pub(super) async fn migrate(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let migrator = versions::migrator(&MIGRATIONS);
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let is_new: bool =
        sqlx::query_scalar("SELECT NOT EXISTS (SELECT 1 FROM sqlite_master WHERE name = '_sqlx_migrations')")
            .fetch_one(&mut *transaction)
            .await?;
    if !is_new {
        let applied: Vec<(i64, String)> =
            sqlx::query_as("SELECT version, description FROM _sqlx_migrations").fetch_all(&mut *transaction).await?;
        versions::check(&migrator, applied.iter().map(|(version, description)| (*version, description.as_str())))?;
    }
    // Not `run`: its future is not `Send` for every lifetime; sqlx keeps `run_direct` for callers who need that.
    migrator.run_direct(None, &mut *transaction, false).await?;
    transaction.commit().await?;
    Ok(())
}

pub(super) fn is_busy(error: &StoreError) -> bool {
    let (StoreError::Database(error) | StoreError::Migrate(sqlx::migrate::MigrateError::Execute(error))) = error else {
        return false;
    };
    // https://www.sqlite.org/rescode.html: the low byte is the primary code, 5 is SQLITE_BUSY.
    error
        .as_database_error()
        .and_then(|error| error.code())
        .and_then(|code| code.parse::<u32>().ok())
        .is_some_and(|code| code & 0xff == 5)
}

const MIGRATIONS: [Step; 5] = [
    (1, "init", include_str!("../../../migrations/sqlite/0001_init.sql")),
    (2, "revoked secrets", include_str!("../../../migrations/sqlite/0002_revoked_secrets.sql")),
    (3, "revocations", include_str!("../../../migrations/sqlite/0003_revocations.sql")),
    (4, "additive: housekeeping", include_str!("../../../migrations/sqlite/0004_housekeeping.sql")),
    (5, "cutoffs", include_str!("../../../migrations/sqlite/0005_cutoffs.sql")),
];

/// Shorter than the store's time-out, so that a database locked by another process says so, with nothing done, instead
/// of doing it after the caller was told that it failed.
const BUSY_TIMEOUT: Duration = Duration::from_millis(800);

const PATIENCE: Duration = Duration::from_secs(5);

const RETRY: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn settings_hold_on_every_connection() {
        let folder = tempfile::tempdir().unwrap();
        let database = Sqlite::open(&folder.path().join("a.db"), 4).await.unwrap();
        for (pool, name, query_only) in [(&database.readers, "readers", 1), (&database.writer, "writer", 0)] {
            let mut connection = pool.lease().await.unwrap();
            let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut *connection).await.unwrap();
            assert_eq!(mode, "wal", "{name}");
            for (query, expected) in [
                ("PRAGMA foreign_keys", 1),
                ("PRAGMA synchronous", 2),
                ("PRAGMA busy_timeout", 800),
                ("PRAGMA query_only", query_only),
            ] {
                let value: i64 = sqlx::query_scalar(query).fetch_one(&mut *connection).await.unwrap();
                assert_eq!(value, expected, "{name}: {query}");
            }
        }
    }
}
