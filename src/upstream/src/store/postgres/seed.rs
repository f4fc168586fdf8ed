//! Owns how a fixture enters a PostgreSQL database.

use sqlx::postgres::PgQueryResult;
use sqlx::{Connection as _, PgConnection};

use super::{Postgres, StoreError};
use crate::fixture::{Client, Connection, Contract, ContractDivision, Fixture, Token};
use crate::store::{Seeded, refused};

impl Postgres {
    pub(in crate::store) async fn seed(&self, fixture: &Fixture) -> Result<Seeded, StoreError> {
        let mut connection = self.writers.lease().await?;
        let done = seed(fixture, &mut connection).await;
        connection.finish(done)
    }
}

async fn seed(fixture: &Fixture, connection: &mut PgConnection) -> Result<Seeded, StoreError> {
    let mut transaction = connection.begin().await?;
    // It is no part of a request, and waits for another one that seeds.
    sqlx::raw_sql("SET LOCAL statement_timeout = '60s'").execute(&mut *transaction).await?;
    let first = sqlx::query("INSERT INTO brama.seeded (id, seeded_at) VALUES (1, now()) ON CONFLICT DO NOTHING")
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

async fn insert_client(client: &Client, connection: &mut PgConnection) -> sqlx::Result<PgQueryResult> {
    sqlx::query(
        "INSERT INTO mithril.clients (id, name, client_type, scope, is_blocked, inserted_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, now(), now())",
    )
    .bind(client.id.uuid())
    .bind(&client.name)
    .bind(&client.client_type)
    .bind(&client.scope)
    .bind(client.is_blocked)
    .execute(connection)
    .await
}

async fn insert_token(token: &Token, connection: &mut PgConnection) -> sqlx::Result<PgQueryResult> {
    sqlx::query(
        "INSERT INTO mithril.tokens (value_hash, name, user_id, client_id, scope, expires_at, inserted_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, brama.unix_now() + $6, now(), now())",
    )
    .bind(token.value.to_hex())
    .bind(token.name.as_str())
    .bind(token.user_id.uuid())
    .bind(token.client_id.uuid())
    .bind(&token.scope)
    .bind(token.expires_in)
    .execute(connection)
    .await
}

async fn insert_connection(row: &Connection, connection: &mut PgConnection) -> sqlx::Result<PgQueryResult> {
    sqlx::query(
        "INSERT INTO mithril.connections
             (id, client_id, consumer_id, secret_hash, redirect_uri, inserted_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, now(), now())",
    )
    .bind(row.id.uuid())
    .bind(row.client_id.uuid())
    .bind(row.consumer_id.uuid())
    .bind(row.secret.to_hex())
    .bind(&row.redirect_uri)
    .execute(connection)
    .await
}

async fn insert_contract(contract: &Contract, connection: &mut PgConnection) -> sqlx::Result<PgQueryResult> {
    sqlx::query("INSERT INTO prm.contracts (id, type, inserted_at, updated_at) VALUES ($1, $2, now(), now())")
        .bind(contract.id.uuid())
        .bind(&contract.contract_type)
        .execute(connection)
        .await
}

async fn insert_division(division: &ContractDivision, connection: &mut PgConnection) -> sqlx::Result<PgQueryResult> {
    sqlx::query(
        "INSERT INTO prm.contract_divisions
             (id, contract_id, division_id, is_active, inserted_at, inserted_by, updated_at, updated_by)
         VALUES ($1, $2, $3, $4, now(), NULL, now(), NULL)",
    )
    .bind(division.id.uuid())
    .bind(division.contract_id.uuid())
    .bind(division.division_id.uuid())
    .bind(division.is_active)
    .execute(connection)
    .await
}
