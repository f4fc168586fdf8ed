//! Owns how a fixture enters a PostgreSQL database.

use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use super::{Postgres, StoreError, commit};
use crate::fixture::{Fixture, Row};
use crate::store::Seeded;

impl Postgres {
    pub(in crate::store) async fn seed(&self, fixture: &Fixture) -> Result<Seeded, StoreError> {
        let mut work = self.begin().await?;
        // It is no part of a request, and waits for another one that seeds.
        sqlx::raw_sql("SET LOCAL statement_timeout = '60s'").execute(&mut *work).await?;
        let first = sqlx::query("INSERT INTO brama.seeded (id, seeded_at) VALUES (1, now()) ON CONFLICT DO NOTHING")
            .execute(&mut *work)
            .await?;
        let now = sqlx::query_scalar("SELECT brama.unix_now()").fetch_one(&mut *work).await?;
        let seeded = if first.rows_affected() == 0 {
            let renewed = sqlx::query(
                "UPDATE mithril.tokens AS token SET expires_at = given.expires_at, updated_at = now()
                 FROM jsonb_populate_recordset(NULL::mithril.tokens, $1::jsonb) AS given
                 WHERE token.value_hash = given.value_hash AND token.name = given.name",
            )
            .bind(json!(fixture.tokens(now)).to_string())
            .execute(&mut *work)
            .await?;
            Seeded::Renewed { tokens: renewed.rows_affected() }
        } else {
            for row in fixture.rows(now) {
                let inserted = sqlx::query(AssertSqlSafe(insertion(&row)))
                    .bind(Value::Object(row.columns).to_string())
                    .execute(&mut *work)
                    .await;
                inserted.map_err(|source| StoreError::Seed { row: row.place, source })?;
            }
            Seeded::Inserted
        };
        commit(work).await?;
        Ok(seeded)
    }
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
