//! Owns the opening of a SQLite database: its file, its settings, its migrations.
//!
//! SQLite has one writer at a time. So all requests of the process share one connection that writes. Only other
//! processes, and the test of writing, can make it wait for the file's lock.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::error::DatabaseError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteError, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::StoreError;
use super::closing::OpenConnections;
use super::connections::{Connections, Opener};
use super::database::Database;
use super::probe::Probe;
use super::versions::{self, Step};

pub(super) async fn open(path: &Path, connections: u32) -> Result<Database, StoreError> {
    create_private(path)?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        // A deletion that was answered must outlive a power cut: it revoked a key.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging();
    prepare_patiently(&options).await?;
    let kind = |options, most| Connections::new(Opener::Sqlite(options, OpenConnections::new()), most);
    let reading = options.clone().pragma("query_only", "ON");
    let readers = kind(reading.clone(), connections)?;
    // One stays open: the first of all creates files beside the database's, which a full disk refuses.
    readers.lease().await?.keep();
    let probing = options.clone().pragma("cache_size", "1").busy_timeout(Duration::ZERO);
    Ok(Database {
        readers,
        writers: kind(options, 1)?,
        feed: kind(reading, 1)?,
        numberer: None,
        probe: Probe::new(kind(probing, 1)?),
    })
}

/// Creates the database's file, unless it exists, for this user only (mode 0600): it holds hashes, but others have no
/// business with it. SQLite gives its `-wal` and `-shm` files the same permissions.
fn create_private(path: &Path) -> Result<(), StoreError> {
    let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match created {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(StoreError::File { path: path.to_owned(), source }),
    }
}

/// Prepares the file, and tries again while it is busy. The change to WAL needs the file for itself and ignores
/// `busy_timeout`, so two processes that open a new file at once (`seed` and `serve`) can meet here.
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

/// Runs the missing migrations in one transaction: a second process waits, and then finds them done.
pub(super) async fn migrate(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let migrator = versions::migrator(&MIGRATIONS);
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    // `run_direct`, since the future of `run` is not `Send` for every lifetime; sqlx keeps it for callers that need
    // this.
    migrator.run_direct(None, &mut *transaction, false).await?;
    let applied = sqlx::query_as("SELECT version, description, checksum FROM _sqlx_migrations ORDER BY version");
    versions::is_current(&migrator, &applied.fetch_all(&mut *transaction).await?)?;
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
        .and_then(|error| error.try_downcast_ref::<SqliteError>())
        .and_then(|error| error.code()?.parse::<u32>().ok())
        .is_some_and(|code| code & 0xff == 5)
}

const MIGRATIONS: [Step; 5] = [
    (1, "init", include_str!("../../migrations/sqlite/0001_init.sql")),
    (2, "revoked secrets", include_str!("../../migrations/sqlite/0002_revoked_secrets.sql")),
    (3, "revocations", include_str!("../../migrations/sqlite/0003_revocations.sql")),
    (4, "additive: housekeeping", include_str!("../../migrations/sqlite/0004_housekeeping.sql")),
    (5, "cutoffs", include_str!("../../migrations/sqlite/0005_cutoffs.sql")),
];

/// Time limit of a wait for the file's lock. It is below the store's time-out: a statement gives up before its caller
/// does, and so cannot take effect afterwards.
const BUSY_TIMEOUT: Duration = Duration::from_millis(800);

const PATIENCE: Duration = Duration::from_secs(5);

const RETRY: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::super::statement::{only, sql};
    use super::*;

    #[tokio::test]
    async fn settings_hold_on_every_connection() {
        let folder = tempfile::tempdir().unwrap();
        let database = open(&folder.path().join("a.db"), 4).await.unwrap();
        for (pool, name, query_only) in [(&database.readers, "readers", 1), (&database.writers, "writers", 0)] {
            let mode: String = only(pool.rows(sql!("PRAGMA journal_mode"), &[]).await.unwrap()).unwrap();
            assert_eq!(mode, "wal", "{name}");
            for (query, expected) in [
                (sql!("PRAGMA foreign_keys"), 1),
                (sql!("PRAGMA synchronous"), 2),
                (sql!("PRAGMA busy_timeout"), 800),
                (sql!("PRAGMA query_only"), query_only),
            ] {
                let value: i64 = only(pool.rows(query, &[]).await.unwrap()).unwrap();
                assert_eq!(value, expected, "{name}: {}", query.postgres);
            }
        }
    }
}
