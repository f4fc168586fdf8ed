//! Owns how a fixture enters a PostgreSQL database.

use sqlx::PgConnection;

use crate::fixture::{Fixture, Row, Table, Token};
use crate::store::{Seeded, StoreError};

/// Within a transaction.
pub(in crate::store) async fn seed(fixture: &Fixture, connection: &mut PgConnection) -> Result<Seeded, StoreError> {
    // It is no part of a request, and waits for another one that seeds.
    sqlx::raw_sql("SET LOCAL statement_timeout = '60s'").execute(&mut *connection).await?;
    let first = sqlx::query("INSERT INTO brama.seeded (id, seeded_at) VALUES (1, now()) ON CONFLICT DO NOTHING")
        .execute(&mut *connection)
        .await?;
    let seeded = match first.rows_affected() {
        0 => Seeded::Renewed { tokens: renew(&fixture.tokens, connection).await? },
        _ => {
            insert(fixture, connection).await?;
            Seeded::Inserted
        }
    };
    Ok(seeded)
}

async fn renew(tokens: &[Token], connection: &mut PgConnection) -> Result<u64, StoreError> {
    let mut renewed = 0;
    for token in tokens {
        let done = sqlx::query(
            "UPDATE mithril.tokens SET expires_at = brama.unix_now() + $1, updated_at = now()
             WHERE value_hash = $2 AND name = $3",
        )
        .bind(token.expires_in)
        .bind(token.value.to_hex())
        .bind(token.name.as_str())
        .execute(&mut *connection)
        .await?;
        renewed += done.rows_affected();
    }
    Ok(renewed)
}

async fn insert(fixture: &Fixture, connection: &mut PgConnection) -> Result<(), StoreError> {
    for Row { table, place, columns } in fixture.rows() {
        let inserted = sqlx::query(insertion(table)).bind(columns.to_string()).execute(&mut *connection).await;
        inserted.map_err(|source| StoreError::Seed { row: place, source })?;
    }
    Ok(())
}

/// How a row, a JSON object in text, is inserted.
const fn insertion(table: Table) -> &'static str {
    match table {
        Table::Clients => {
            "INSERT INTO mithril.clients (id, name, client_type, scope, is_blocked, inserted_at, updated_at)
             SELECT id, name, client_type, scope, is_blocked, now(), now()
             FROM jsonb_to_record($1::jsonb)
                 AS row (id uuid, name text, client_type text, scope text, is_blocked boolean)"
        }
        Table::Tokens => {
            "INSERT INTO mithril.tokens
                 (value_hash, name, user_id, client_id, scope, expires_at, inserted_at, updated_at)
             SELECT value, name, user_id, client_id, scope, brama.unix_now() + expires_in, now(), now()
             FROM jsonb_to_record($1::jsonb)
                 AS row (value text, name text, user_id uuid, client_id uuid, scope text, expires_in bigint)"
        }
        Table::Connections => {
            "INSERT INTO mithril.connections
                 (id, client_id, consumer_id, secret_hash, redirect_uri, inserted_at, updated_at)
             SELECT id, client_id, consumer_id, secret, redirect_uri, now(), now()
             FROM jsonb_to_record($1::jsonb)
                 AS row (id uuid, client_id uuid, consumer_id uuid, secret text, redirect_uri text)"
        }
        Table::Contracts => {
            "INSERT INTO prm.contracts (id, type, inserted_at, updated_at)
             SELECT id, contract_type, now(), now()
             FROM jsonb_to_record($1::jsonb) AS row (id uuid, contract_type text)"
        }
        Table::ContractDivisions => {
            "INSERT INTO prm.contract_divisions
                 (id, contract_id, division_id, is_active, inserted_at, inserted_by, updated_at, updated_by)
             SELECT id, contract_id, division_id, is_active, now(), NULL, now(), NULL
             FROM jsonb_to_record($1::jsonb)
                 AS row (id uuid, contract_id uuid, division_id uuid, is_active boolean)"
        }
    }
}
