//! Owns how a fixture enters a PostgreSQL database.

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection};

use crate::fixture::{Fixture, Row};
use crate::store::{Seeded, StoreError};

/// Within a transaction.
pub(in crate::store) async fn seed(fixture: &Fixture, connection: &mut PgConnection) -> Result<Seeded, StoreError> {
    // It is no part of a request, and waits for another one that seeds.
    sqlx::raw_sql("SET LOCAL statement_timeout = '60s'").execute(&mut *connection).await?;
    let first = sqlx::query("INSERT INTO brama.seeded (id, seeded_at) VALUES (1, now()) ON CONFLICT DO NOTHING")
        .execute(&mut *connection)
        .await?;
    let now = sqlx::query_scalar("SELECT brama.unix_now()").fetch_one(&mut *connection).await?;
    if first.rows_affected() > 0 {
        insert(fixture, now, connection).await?;
        return Ok(Seeded::Inserted);
    }
    let renewed = sqlx::query(
        "UPDATE mithril.tokens AS token SET expires_at = given.expires_at, updated_at = now()
         FROM jsonb_populate_recordset(NULL::mithril.tokens, $1::jsonb) AS given
         WHERE token.value_hash = given.value_hash AND token.name = given.name",
    )
    .bind(json!(fixture.tokens(now)).to_string())
    .execute(connection)
    .await?;
    Ok(Seeded::Renewed { tokens: renewed.rows_affected() })
}

async fn insert(fixture: &Fixture, now: i64, connection: &mut PgConnection) -> Result<(), StoreError> {
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
    let names = names.join(", ");
    format!(
        "INSERT INTO {schema}.{table} ({names}, inserted_at, updated_at)
         SELECT {names}, now(), now() FROM jsonb_populate_record(NULL::{schema}.{table}, $1::jsonb)"
    )
}
