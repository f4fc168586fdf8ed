//! Owns the insertion of a fixture into a database, and its check without one.

use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions};

use super::closing::OpenConnections;
use super::statement::{Connection, only, sql};
use super::{Store, StoreError, sqlite};
use crate::fixture::{Fixture, Row};

/// The outcome of applying a fixture.
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

impl Fixture {
    /// Checks that a new database accepts the fixture: it is inserted into one in memory, which is gone afterwards.
    pub async fn check(&self) -> Result<(), StoreError> {
        let in_memory = SqliteConnectOptions::new().foreign_keys(true).disable_statement_logging();
        let mut connection = OpenConnections::new().open(&in_memory).await?;
        sqlite::migrate(connection.get()?).await?;
        insert(self, 0, &mut Connection::Sqlite(connection)).await
    }
}

impl Store {
    /// Applies a fixture in one transaction.
    ///
    /// A database is seeded once. Later calls only renew the expiry of the fixture's tokens that are still there, so
    /// that no deleted row comes back. The time limit of requests does not apply.
    pub async fn seed(&self, fixture: &Fixture) -> Result<Seeded, StoreError> {
        let mut work = self.database.writers.begin().await?;
        // A second seeding waits for the first.
        work.run(sql!("SET LOCAL statement_timeout = '60s'", "")).await?;
        let first =
            sql!("INSERT INTO brama.seeded (id, seeded_at) VALUES (1, clock_timestamp()) ON CONFLICT DO NOTHING");
        let is_first = work.execute(first, &[]).await? > 0;
        let now = only(work.rows(sql!("SELECT brama.unix_now()"), &[]).await?)?;
        let seeded = if is_first {
            insert(fixture, now, &mut work).await?;
            Seeded::Inserted
        } else {
            let renew = sql!(
                "UPDATE mithril.tokens AS token SET expires_at = given.expires_at, updated_at = now()
                 FROM jsonb_populate_recordset(NULL::mithril.tokens, $1::jsonb) AS given
                 WHERE token.value_hash = given.value_hash AND token.name = given.name",
                "UPDATE mithril_tokens
                 SET expires_at = given.value->>'expires_at', updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
                 FROM json_each($1) AS given
                 WHERE value_hash = given.value->>'value_hash' AND name = given.value->>'name'"
            );
            let tokens = json!(fixture.tokens(now)).to_string();
            Seeded::Renewed { tokens: work.execute(renew, &[tokens.as_str().into()]).await? }
        };
        work.commit().await?;
        Ok(seeded)
    }
}

async fn insert(fixture: &Fixture, now: i64, connection: &mut Connection) -> Result<(), StoreError> {
    for row in fixture.rows(now) {
        let (postgres, sqlite) = insertions(&row);
        let columns = Value::Object(row.columns).to_string();
        let inserted = match connection {
            Connection::Postgres(connection, _) => {
                sqlx::query(AssertSqlSafe(postgres)).bind(columns).execute(connection).await.map(|_| ())
            }
            Connection::Sqlite(open) => {
                sqlx::query(AssertSqlSafe(sqlite)).bind(columns).execute(open.get()?).await.map(|_| ())
            }
        };
        inserted.map_err(|source| StoreError::Seed { row: row.place, source })?;
    }
    Ok(())
}

/// Statements for PostgreSQL and for SQLite that insert a row, given as a JSON object in text.
fn insertions(Row { schema, table, columns, .. }: &Row) -> (String, String) {
    let names: Vec<&str> = columns.keys().map(String::as_str).collect();
    let values: Vec<String> = names.iter().map(|name| format!("?1->>'{name}'")).collect();
    let (names, values) = (names.join(", "), values.join(", "));
    let postgres = format!(
        "INSERT INTO {schema}.{table} ({names}, inserted_at, updated_at)
         SELECT {names}, now(), now() FROM jsonb_populate_record(NULL::{schema}.{table}, $1::jsonb)"
    );
    let sqlite = format!(
        "INSERT INTO {schema}_{table} ({names}, inserted_at, updated_at)
         SELECT {values}, now, now FROM (SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AS now)"
    );
    (postgres, sqlite)
}
