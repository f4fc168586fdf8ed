//! Owns the SQL of the SQLite database.
//!
//! Time comes from the database (`unixepoch()`, `strftime`), so that a row is judged by the clock that wrote it.

mod open;
mod revocation;
mod seed;

use sqlx::SqlitePool;

use super::{
    AccessToken, ApiKey, ApiKeyRow, ConnectionDeletion, DivisionDeletion, GB_CBP, Lookup, PoolUse, StoreError, TokenRow,
};
use crate::id::Id;
use crate::secret::CredentialHash;

/// A SQLite database file.
///
/// SQLite has one writer at a time, and who finds it taken sleeps and tries again. So the process has one connection
/// that writes, for which requests queue fairly, and some that only read; waiting for a lock is left for other
/// processes.
#[derive(Clone, Debug)]
pub(super) struct Sqlite {
    readers: SqlitePool,
    writer: SqlitePool,
}

impl Sqlite {
    pub(super) async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&self.readers).await?;
        Ok(())
    }

    pub(super) async fn delete_connection(&self, client_id: Id, id: Id) -> Result<ConnectionDeletion, StoreError> {
        // A transaction although it is one statement: given up before its COMMIT, it is not done later.
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        let done = sqlx::query("DELETE FROM mithril_connections WHERE id = ? AND client_id = ?")
            .bind(id.to_string())
            .bind(client_id.to_string())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        match done.rows_affected() {
            0 => Ok(ConnectionDeletion::NotFound),
            _ => Ok(ConnectionDeletion::Deleted),
        }
    }

    pub(super) async fn delete_division(&self, id: Id, by: Id) -> Result<DivisionDeletion, StoreError> {
        // IMMEDIATE: the write lock is taken before the row is read, so nobody changes it in between.
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        let contract_type: Option<String> = sqlx::query_scalar(
            "SELECT contract.type FROM prm_contract_divisions AS division
             JOIN prm_contracts AS contract ON contract.id = division.contract_id
             WHERE division.id = ? AND division.is_active = 1",
        )
        .bind(id.to_string())
        .fetch_optional(&mut *transaction)
        .await?;
        match contract_type.as_deref() {
            None => return Ok(DivisionDeletion::NotFound),
            Some(GB_CBP) => {}
            Some(_) => return Ok(DivisionDeletion::OtherContractType),
        }
        sqlx::query(
            "UPDATE prm_contract_divisions
             SET is_active = 0, updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_by = ?
             WHERE id = ?",
        )
        .bind(by.to_string())
        .bind(id.to_string())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(DivisionDeletion::Deleted)
    }

    pub(super) async fn access_token(&self, value: CredentialHash) -> Result<Lookup<AccessToken>, StoreError> {
        // Only rows named `access_token`: production accepts any name, so a refresh token opens doors there.
        let row: Option<TokenRow> = sqlx::query_as(
            "SELECT token.user_id, token.client_id, client.client_type, token.scope, token.expires_at,
                    token.expires_at > unixepoch() AND NOT client.is_blocked
             FROM mithril_tokens AS token
             JOIN mithril_clients AS client ON client.id = token.client_id
             WHERE token.value_hash = ? AND token.name = 'access_token'",
        )
        .bind(value.to_hex())
        .fetch_optional(&self.readers)
        .await?;
        Ok(Lookup::token(row))
    }

    pub(super) async fn api_key(&self, secret: CredentialHash) -> Result<Lookup<ApiKey>, StoreError> {
        let row: Option<ApiKeyRow> = sqlx::query_as(
            "SELECT connection.client_id, client.client_type, client.scope, connection.consumer_id,
                    NOT client.is_blocked AND NOT consumer.is_blocked
             FROM mithril_connections AS connection
             JOIN mithril_clients AS client ON client.id = connection.client_id
             JOIN mithril_clients AS consumer ON consumer.id = connection.consumer_id
             WHERE connection.secret_hash = ?",
        )
        .bind(secret.to_hex())
        .fetch_optional(&self.readers)
        .await?;
        Ok(Lookup::api_key(row))
    }

    pub(super) fn pool_use(&self) -> [PoolUse; 2] {
        [PoolUse::of("readers", &self.readers), PoolUse::of("writers", &self.writer)]
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}
