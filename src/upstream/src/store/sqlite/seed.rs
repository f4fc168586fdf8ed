//! Owns how a fixture enters a SQLite database.

use sqlx::SqliteConnection;

use crate::fixture::{Fixture, Row, Table, Token};
use crate::store::{Seeded, StoreError};

/// Within a transaction.
pub(in crate::store) async fn seed(fixture: &Fixture, connection: &mut SqliteConnection) -> Result<Seeded, StoreError> {
    let first = sqlx::query(
        "INSERT INTO brama_seeded (id, seeded_at) VALUES (1, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
         ON CONFLICT DO NOTHING",
    )
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

async fn renew(tokens: &[Token], connection: &mut SqliteConnection) -> Result<u64, StoreError> {
    let mut renewed = 0;
    for token in tokens {
        let done = sqlx::query(
            "UPDATE mithril_tokens
             SET expires_at = unixepoch() + ?, updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
             WHERE value_hash = ? AND name = ?",
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

async fn insert(fixture: &Fixture, connection: &mut SqliteConnection) -> Result<(), StoreError> {
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
            "INSERT INTO mithril_clients (id, name, client_type, scope, is_blocked, inserted_at, updated_at)
             SELECT ?1->>'id', ?1->>'name', ?1->>'client_type', ?1->>'scope', ?1->>'is_blocked', now, now
             FROM (SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AS now)"
        }
        Table::Tokens => {
            "INSERT INTO mithril_tokens
                 (value_hash, name, user_id, client_id, scope, expires_at, inserted_at, updated_at)
             SELECT ?1->>'value', ?1->>'name', ?1->>'user_id', ?1->>'client_id', ?1->>'scope',
                    unixepoch() + (?1->>'expires_in'), now, now
             FROM (SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AS now)"
        }
        Table::Connections => {
            "INSERT INTO mithril_connections
                 (id, client_id, consumer_id, secret_hash, redirect_uri, inserted_at, updated_at)
             SELECT ?1->>'id', ?1->>'client_id', ?1->>'consumer_id', ?1->>'secret', ?1->>'redirect_uri', now, now
             FROM (SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AS now)"
        }
        Table::Contracts => {
            "INSERT INTO prm_contracts (id, type, inserted_at, updated_at)
             SELECT ?1->>'id', ?1->>'contract_type', now, now
             FROM (SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AS now)"
        }
        Table::ContractDivisions => {
            "INSERT INTO prm_contract_divisions
                 (id, contract_id, division_id, is_active, inserted_at, inserted_by, updated_at, updated_by)
             SELECT ?1->>'id', ?1->>'contract_id', ?1->>'division_id', ?1->>'is_active', now, NULL, now, NULL
             FROM (SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AS now)"
        }
    }
}
