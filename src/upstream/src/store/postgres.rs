//! Owns the opening of a PostgreSQL database: its settings, its migrations.
//!
//! Everything runs at READ COMMITTED, and relies on two properties of it:
//!
//! - A statement sees what was committed before it began, so one statement reads of one moment: a credential and its
//!   client, the feed's head and its entries.
//! - A row that was waited for is read anew. So a division is judged by its last committed state, and its contract's
//!   type stays the same until the answer is committed.
//!
//! A revocation inserts entries of the feed without numbers, so that revocations run side by side. A read of the feed
//! numbers them first.

use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};

use super::StoreError;
use super::connections::{Connections, Opener};
use super::database::Database;
use super::probe::Probe;
use super::versions::{self, Step};

pub(super) async fn open(options: &PgConnectOptions, connections: u32) -> Result<Database, StoreError> {
    let options = options.clone().disable_statement_logging();
    let first = tokio::time::timeout(PATIENCE, connect(&options, "")).await;
    let mut first = first.map_err(|_late| StoreError::Timeout)??;
    migrate(&mut first).await?;
    first.close().await?;
    let kind = |settings, most| Connections::new(Opener::Postgres { options: options.clone(), settings }, most);
    Ok(Database {
        readers: kind(READER, connections)?,
        writers: kind(WRITER, connections)?,
        feed: kind(READER, 1)?,
        numberer: Some(kind(WRITER, 1)?),
        probe: Probe::new(kind(WRITER, 1)?),
    })
}

/// Opens a connection to the primary, with [`SETTINGS`] and then `settings` in place of the server's own. Errors:
/// [`StoreError::Replica`], or the failure to connect.
pub(super) async fn connect(options: &PgConnectOptions, settings: &'static str) -> Result<PgConnection, StoreError> {
    let mut connection = options.connect().await?;
    sqlx::raw_sql(SETTINGS).execute(&mut connection).await?;
    // At each connection, since a server that failed over comes back as a replica.
    if sqlx::query_scalar("SELECT pg_is_in_recovery()").fetch_one(&mut connection).await? {
        return Err(StoreError::Replica);
    }
    sqlx::raw_sql(settings).execute(&mut connection).await?;
    Ok(connection)
}

/// Runs the missing migrations in one transaction, one process at a time: a second one waits, and then finds them done.
///
/// A schema that is up to date is only read, so that a service without the right to change it starts.
async fn migrate(connection: &mut PgConnection) -> Result<(), StoreError> {
    let mut migrator = versions::migrator(&MIGRATIONS);
    // The lock below ends with the transaction; the migrator's own is the session's, and outlives an error.
    migrator.set_locking(false);
    migrator.create_schema("brama");
    migrator.dangerous_set_table_name("brama.migrations");
    if is_current(&migrator, connection).await? {
        return Ok(());
    }
    let mut transaction = connection.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(MIGRATION_LOCK).execute(&mut *transaction).await?;
    // A wait for a table would hold up everything behind it. So the migration gives up, and the next start tries it
    // again.
    sqlx::raw_sql("SET LOCAL lock_timeout = '3s'").execute(&mut *transaction).await?;
    migrator.run_direct(None, &mut *transaction, false).await?;
    transaction.commit().await?;
    Ok(())
}

async fn is_current(migrator: &Migrator, connection: &mut PgConnection) -> Result<bool, StoreError> {
    let is_new = sqlx::query_scalar("SELECT to_regclass('brama.migrations') IS NULL");
    if is_new.fetch_one(&mut *connection).await? {
        return Ok(false);
    }
    let applied = sqlx::query_as("SELECT version, description, checksum FROM brama.migrations ORDER BY version");
    Ok(versions::is_current(migrator, &applied.fetch_all(connection).await?)?)
}

const MIGRATIONS: [Step; 6] = [
    (1, "init", include_str!("../../migrations/postgres/0001_init.sql")),
    (2, "revoked secrets", include_str!("../../migrations/postgres/0002_revoked_secrets.sql")),
    (3, "revocations", include_str!("../../migrations/postgres/0003_revocations.sql")),
    (4, "revoking triggers", include_str!("../../migrations/postgres/0004_revoking_triggers.sql")),
    (5, "additive: housekeeping", include_str!("../../migrations/postgres/0005_housekeeping.sql")),
    (6, "cutoffs", include_str!("../../migrations/postgres/0006_cutoffs.sql")),
];

/// Key of the advisory lock: `brama`, as a number.
const MIGRATION_LOCK: i64 = 0x62_7261_6d61;

/// Settings of all connections. A deletion that was answered must outlive a power cut, since it revoked a key; a
/// stricter `synchronous_commit` stays.
///
/// The time-out of idle transactions is short, since one whose client fell silent keeps its rows locked.
const SETTINGS: &str = "
    SET default_transaction_isolation = 'read committed';
    SET idle_in_transaction_session_timeout = '5s';
    SET statement_timeout = '60s';
    SET client_min_messages = 'warning';
    SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write')";

/// Settings of connections that read. Their time-out is below the store's, so that the server reports that it gave a
/// statement up, with nothing done.
const READER: &str = "SET statement_timeout = '800ms'; SET default_transaction_read_only = on";

const WRITER: &str = "SET statement_timeout = '800ms'";

const PATIENCE: Duration = Duration::from_secs(10);
