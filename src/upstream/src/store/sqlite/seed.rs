//! Owns how a fixture enters a SQLite database.

use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteQueryResult;

use super::{Sqlite, StoreError};
use crate::fixture::{Client, Connection, Contract, ContractDivision, Fixture, Token};
use crate::store::{Seeded, refused};

impl Sqlite {
    pub(in crate::store) async fn seed(&self, fixture: &Fixture) -> Result<Seeded, StoreError> {
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        let first = sqlx::query(
            "INSERT INTO brama_seeded (id, seeded_at) VALUES (1, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
             ON CONFLICT DO NOTHING",
        )
        .execute(&mut *transaction)
        .await?;
        let seeded = match first.rows_affected() {
            0 => Seeded::Renewed { tokens: renew(&fixture.tokens, &mut transaction).await? },
            _ => {
                insert(fixture, &mut transaction).await?;
                Seeded::Inserted
            }
        };
        transaction.commit().await?;
        Ok(seeded)
    }
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
    for client in &fixture.clients {
        let done = insert_client(client, connection).await;
        done.map_err(refused(format!("client `{}`", client.id)))?;
    }
    for (index, token) in fixture.tokens.iter().enumerate() {
        let done = insert_token(token, connection).await;
        done.map_err(refused(format!("tokens[{index}]")))?;
    }
    for row in &fixture.connections {
        let done = insert_connection(row, connection).await;
        done.map_err(refused(format!("connection `{}`", row.id)))?;
    }
    for contract in &fixture.contracts {
        let done = insert_contract(contract, connection).await;
        done.map_err(refused(format!("contract `{}`", contract.id)))?;
    }
    for division in &fixture.contract_divisions {
        let done = insert_division(division, connection).await;
        done.map_err(refused(format!("contract division `{}`", division.id)))?;
    }
    Ok(())
}

async fn insert_client(client: &Client, connection: &mut SqliteConnection) -> sqlx::Result<SqliteQueryResult> {
    sqlx::query(
        "INSERT INTO mithril_clients (id, name, client_type, scope, is_blocked, inserted_at, updated_at)
         SELECT ?, ?, ?, ?, ?, now, now FROM (SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AS now)",
    )
    .bind(client.id.to_string())
    .bind(&client.name)
    .bind(&client.client_type)
    .bind(&client.scope)
    .bind(client.is_blocked)
    .execute(connection)
    .await
}

async fn insert_token(token: &Token, connection: &mut SqliteConnection) -> sqlx::Result<SqliteQueryResult> {
    sqlx::query(
        "INSERT INTO mithril_tokens
             (value_hash, name, user_id, client_id, scope, expires_at, inserted_at, updated_at)
         SELECT ?, ?, ?, ?, ?, unixepoch() + ?, now, now
         FROM (SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AS now)",
    )
    .bind(token.value.to_hex())
    .bind(token.name.as_str())
    .bind(token.user_id.to_string())
    .bind(token.client_id.to_string())
    .bind(&token.scope)
    .bind(token.expires_in)
    .execute(connection)
    .await
}

async fn insert_connection(row: &Connection, connection: &mut SqliteConnection) -> sqlx::Result<SqliteQueryResult> {
    sqlx::query(
        "INSERT INTO mithril_connections
             (id, client_id, consumer_id, secret_hash, redirect_uri, inserted_at, updated_at)
         SELECT ?, ?, ?, ?, ?, now, now FROM (SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AS now)",
    )
    .bind(row.id.to_string())
    .bind(row.client_id.to_string())
    .bind(row.consumer_id.to_string())
    .bind(row.secret.to_hex())
    .bind(&row.redirect_uri)
    .execute(connection)
    .await
}

async fn insert_contract(contract: &Contract, connection: &mut SqliteConnection) -> sqlx::Result<SqliteQueryResult> {
    sqlx::query(
        "INSERT INTO prm_contracts (id, type, inserted_at, updated_at)
         SELECT ?, ?, now, now FROM (SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AS now)",
    )
    .bind(contract.id.to_string())
    .bind(&contract.contract_type)
    .execute(connection)
    .await
}

async fn insert_division(
    division: &ContractDivision,
    connection: &mut SqliteConnection,
) -> sqlx::Result<SqliteQueryResult> {
    sqlx::query(
        "INSERT INTO prm_contract_divisions
             (id, contract_id, division_id, is_active, inserted_at, inserted_by, updated_at, updated_by)
         SELECT ?, ?, ?, ?, now, NULL, now, NULL FROM (SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AS now)",
    )
    .bind(division.id.to_string())
    .bind(division.contract_id.to_string())
    .bind(division.division_id.to_string())
    .bind(division.is_active)
    .execute(connection)
    .await
}
