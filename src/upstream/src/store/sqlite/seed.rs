//! Owns how a fixture enters a SQLite database, and how it is tried without one.

use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, SqliteConnection};

use super::migrate;
use crate::fixture::{Fixture, Row};
use crate::store::{Seeded, StoreError};

impl Fixture {
    /// Whether a new database takes the fixture: it is inserted into one in memory, which is gone afterwards.
    pub async fn check(&self) -> Result<(), StoreError> {
        let in_memory = SqliteConnectOptions::new().foreign_keys(true).disable_statement_logging();
        let mut connection = in_memory.connect().await?;
        migrate(&mut connection).await?;
        insert(self, 0, &mut connection).await
    }
}

/// Within a transaction.
pub(in crate::store) async fn seed(fixture: &Fixture, connection: &mut SqliteConnection) -> Result<Seeded, StoreError> {
    let first = sqlx::query(
        "INSERT INTO brama_seeded (id, seeded_at) VALUES (1, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
         ON CONFLICT DO NOTHING",
    )
    .execute(&mut *connection)
    .await?;
    let now = sqlx::query_scalar("SELECT unixepoch()").fetch_one(&mut *connection).await?;
    if first.rows_affected() > 0 {
        insert(fixture, now, connection).await?;
        return Ok(Seeded::Inserted);
    }
    let renewed = sqlx::query(
        "UPDATE mithril_tokens
         SET expires_at = given.value->>'expires_at', updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
         FROM json_each(?) AS given
         WHERE value_hash = given.value->>'value_hash' AND name = given.value->>'name'",
    )
    .bind(json!(fixture.tokens(now)).to_string())
    .execute(connection)
    .await?;
    Ok(Seeded::Renewed { tokens: renewed.rows_affected() })
}

async fn insert(fixture: &Fixture, now: i64, connection: &mut SqliteConnection) -> Result<(), StoreError> {
    for row in fixture.rows(now) {
        let inserted = sqlx::query(AssertSqlSafe(insertion(&row)))
            .bind(Value::Object(row.columns).to_string())
            .execute(&mut *connection)
            .await;
        inserted.map_err(|source| StoreError::Seed { row: row.place, source })?;
    }
    Ok(())
}

/// How a row, a JSON object in text, is inserted.
fn insertion(Row { schema, table, columns, .. }: &Row) -> String {
    let names: Vec<&str> = columns.keys().map(String::as_str).collect();
    let values: Vec<String> = names.iter().map(|name| format!("?1->>'{name}'")).collect();
    let (names, values) = (names.join(", "), values.join(", "));
    format!(
        "INSERT INTO {schema}_{table} ({names}, inserted_at, updated_at)
         SELECT {values}, now, now FROM (SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AS now)"
    )
}
