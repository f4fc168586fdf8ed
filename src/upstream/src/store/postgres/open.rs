//! Owns how a PostgreSQL database is opened: its settings, its migrations.

use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};

use super::{Postgres, StoreError};
use crate::store::connections::{Connections, Open};
use crate::store::versions::{self, Step};

/// Opens connections to the primary.
#[derive(Debug)]
pub(super) struct Opener {
    options: PgConnectOptions,
    /// What its connections have besides what all have.
    settings: &'static str,
}

impl Postgres {
    pub(in crate::store) async fn open(options: &PgConnectOptions, connections: u32) -> Result<Self, StoreError> {
        let options = options.clone().disable_statement_logging();
        let opener = |settings| Opener { options: options.clone(), settings };
        let first = opener("");
        let mut connection =
            tokio::time::timeout(PATIENCE, first.open()).await.map_err(|_late| StoreError::Timeout)??;
        migrate(&mut connection).await?;
        connection.close().await?;
        let kind = |settings, connections| Connections::new(opener(settings), connections);
        Ok(Self {
            readers: kind(READER, connections)?,
            writers: kind(WRITER, connections)?,
            numberer: kind(WRITER, 1)?,
            feed: kind(READER, 1)?,
        })
    }
}

impl Open for Opener {
    type Connection = PgConnection;

    /// A server's memory for a connection grows with its life.
    const LIFETIME: Duration = Duration::from_secs(300);

    async fn open(&self) -> Result<PgConnection, StoreError> {
        let mut connection = self.options.connect().await?;
        prepare(&mut connection).await?;
        sqlx::raw_sql(self.settings).execute(&mut connection).await?;
        Ok(connection)
    }
}

/// What every connection has, whatever the server's own settings are.
async fn prepare(connection: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::raw_sql(SETTINGS).execute(&mut *connection).await?;
    // At each connection, not once: a server that failed over comes back as a replica.
    let is_replica: bool = sqlx::query_scalar("SELECT pg_is_in_recovery()").fetch_one(connection).await?;
    if is_replica { Err(StoreError::Replica) } else { Ok(()) }
}

/// One transaction around all migrations, one process at a time: a second one waits, and then finds them done.
///
/// Where nothing is to be done, nothing is but read, so that a service without the right to change the schema starts.
async fn migrate(connection: &mut PgConnection) -> Result<(), StoreError> {
    let migrator = migrator();
    if is_current(&migrator, connection).await? {
        return Ok(());
    }
    let mut transaction = connection.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(MIGRATION_LOCK).execute(&mut *transaction).await?;
    sqlx::raw_sql(PATIENT).execute(&mut *transaction).await?;
    migrator.run_direct(None, &mut *transaction, false).await?;
    transaction.commit().await?;
    Ok(())
}

fn migrator() -> Migrator {
    let mut migrator = versions::migrator(&MIGRATIONS);
    // The lock above ends with the transaction; the migrator's own is the session's, and outlives an error.
    migrator.set_locking(false);
    migrator.create_schema("brama");
    migrator.dangerous_set_table_name("brama.migrations");
    migrator
}

async fn is_current(migrator: &Migrator, connection: &mut PgConnection) -> Result<bool, StoreError> {
    let is_new: bool =
        sqlx::query_scalar("SELECT to_regclass('brama.migrations') IS NULL").fetch_one(&mut *connection).await?;
    if is_new {
        return Ok(false);
    }
    let applied: Vec<(i64, String, Vec<u8>)> =
        sqlx::query_as("SELECT version, description, checksum FROM brama.migrations ORDER BY version")
            .fetch_all(connection)
            .await?;
    versions::check(migrator, applied.iter().map(|(version, description, _)| (*version, description.as_str())))?;
    let known = migrator.iter().map(|migration| (migration.version, migration.checksum.to_vec()));
    let applied = applied.into_iter().map(|(version, _description, checksum)| (version, checksum));
    Ok(applied.filter(|(version, _)| migrator.version_exists(*version)).eq(known))
}

const MIGRATIONS: [Step; 6] = [
    (1, "init", include_str!("../../../migrations/postgres/0001_init.sql")),
    (2, "revoked secrets", include_str!("../../../migrations/postgres/0002_revoked_secrets.sql")),
    (3, "revocations", include_str!("../../../migrations/postgres/0003_revocations.sql")),
    (4, "revoking triggers", include_str!("../../../migrations/postgres/0004_revoking_triggers.sql")),
    (5, "additive: housekeeping", include_str!("../../../migrations/postgres/0005_housekeeping.sql")),
    (6, "cutoffs", include_str!("../../../migrations/postgres/0006_cutoffs.sql")),
];

/// Who waits for a table holds up everybody behind: the migration gives up, and is tried again by whoever starts next.
const PATIENT: &str = "SET LOCAL lock_timeout = '3s'";

/// `brama`, as a number.
const MIGRATION_LOCK: i64 = 0x62_7261_6d61;

/// A deletion that was answered must outlive a power cut: it revoked a key. A stricter setting stays.
///
/// A transaction whose client fell silent keeps its rows locked.
const SETTINGS: &str = "
    SET default_transaction_isolation = 'read committed';
    SET idle_in_transaction_session_timeout = '5s';
    SET statement_timeout = '60s';
    SET client_min_messages = 'warning';
    SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write')";

/// Shorter than the store's time-out, so that the server says that it gave a statement up, with nothing done.
const READER: &str = "SET statement_timeout = '800ms'; SET default_transaction_read_only = on";

const WRITER: &str = "SET statement_timeout = '800ms'";

const PATIENCE: Duration = Duration::from_secs(10);
