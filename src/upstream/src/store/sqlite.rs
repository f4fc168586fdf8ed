//! Owns the SQL of the SQLite database.
//!
//! Time comes from the database (`unixepoch()`, `strftime`), so that a row is judged by the clock that wrote it.

mod open;
mod probe;
mod revocation;
mod seed;
mod sweep;

use sqlx::SqliteConnection;

use super::connections::{Connections, Lease};
use super::{
    AccessToken, ApiKey, ApiKeyRow, ConnectionDeletion, DivisionDeletion, EXPIRED_KEPT, GB_CBP, Lookup, PoolUse,
    StoreError, TokenRow,
};
use crate::id::Id;
use crate::secret::CredentialHash;
use open::Opener;
use probe::Probe;

/// A SQLite database file.
///
/// SQLite has one writer at a time, and who finds it taken sleeps and tries again. So the process has one connection
/// that writes, for which requests queue fairly, and some that only read, one of them for the feed; waiting for a lock is
/// left for other processes.
#[derive(Clone, Debug)]
pub(super) struct Sqlite {
    readers: Connections<Opener>,
    writer: Connections<Opener>,
    feed: Connections<Opener>,
    probe: Probe,
}

impl Sqlite {
    /// Begins a transaction that is undone unless it is [committed](commit). IMMEDIATE: the write lock is taken before
    /// anything is read, so nobody changes it in between.
    async fn begin(&self) -> Result<Lease<Opener>, StoreError> {
        let mut work = self.writer.lease().await?;
        sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut *work).await?;
        Ok(work)
    }

    /// Reads, and tries to write.
    pub(super) async fn ready(&self) -> Result<(), StoreError> {
        let mut connection = self.readers.lease().await?;
        sqlx::query("SELECT 1").execute(&mut *connection).await?;
        connection.keep();
        self.probe.try_to_write().await
    }

    pub(super) async fn delete_connection(&self, client_id: Id, id: Id) -> Result<ConnectionDeletion, StoreError> {
        // A transaction although it is one statement: given up before its COMMIT, it is not done later.
        let mut work = self.begin().await?;
        let done = sqlx::query(
            "DELETE FROM mithril_connections AS key WHERE id = ? AND client_id = ? AND NOT EXISTS (
                 SELECT 1 FROM brama_cutoffs
                 WHERE subject IN (key.client_id, key.consumer_id) AND number > key.issued AND kind = 'client')",
        )
        .bind(id.to_string())
        .bind(client_id.to_string())
        .execute(&mut *work)
        .await?;
        commit(work).await?;
        Ok(match done.rows_affected() {
            0 => ConnectionDeletion::NotFound,
            _ => ConnectionDeletion::Deleted,
        })
    }

    pub(super) async fn delete_division(&self, id: Id, by: Id) -> Result<DivisionDeletion, StoreError> {
        let mut work = self.begin().await?;
        let outcome = delete_division(id, by, &mut work).await?;
        commit(work).await?;
        Ok(outcome)
    }

    pub(super) async fn access_token(&self, value: CredentialHash) -> Result<Lookup<AccessToken>, StoreError> {
        // Only rows named `access_token`: production accepts any name, so a refresh token opens doors there.
        let mut connection = self.readers.lease().await?;
        let row: Option<TokenRow> = sqlx::query_as(
            "SELECT token.user_id, token.client_id, client.client_type, token.scope, token.expires_at,
                    token.expires_at > unixepoch() AND NOT client.is_blocked AND NOT EXISTS (
                        SELECT 1 FROM brama_cutoffs
                        WHERE subject IN (token.client_id, token.user_id, '') AND number > token.issued
                            AND CASE kind WHEN 'client' THEN subject = token.client_id
                                     WHEN 'user' THEN subject = token.user_id ELSE true END
                            AND (issued_before IS NULL OR coalesce(unixepoch(token.inserted_at), 0) < issued_before))
             FROM mithril_tokens AS token
             JOIN mithril_clients AS client ON client.id = token.client_id
             WHERE token.value_hash = ? AND token.name = 'access_token'",
        )
        .bind(value.to_hex())
        .fetch_optional(&mut *connection)
        .await?;
        connection.keep();
        Ok(Lookup::token(row))
    }

    pub(super) async fn api_key(&self, secret: CredentialHash) -> Result<Lookup<ApiKey>, StoreError> {
        let mut connection = self.readers.lease().await?;
        let row: Option<ApiKeyRow> = sqlx::query_as(
            "SELECT connection.client_id, client.client_type, client.scope, connection.consumer_id,
                    NOT client.is_blocked AND NOT consumer.is_blocked AND NOT EXISTS (
                        SELECT 1 FROM brama_cutoffs
                        WHERE subject IN (connection.client_id, connection.consumer_id)
                            AND number > connection.issued AND kind = 'client')
             FROM mithril_connections AS connection
             JOIN mithril_clients AS client ON client.id = connection.client_id
             JOIN mithril_clients AS consumer ON consumer.id = connection.consumer_id
             WHERE connection.secret_hash = ?",
        )
        .bind(secret.to_hex())
        .fetch_optional(&mut *connection)
        .await?;
        connection.keep();
        Ok(Lookup::api_key(row))
    }

    pub(super) async fn purge_tokens(&self) -> Result<u64, StoreError> {
        let mut work = self.begin().await?;
        let done = sqlx::query(
            "DELETE FROM mithril_tokens WHERE rowid IN (
                 SELECT rowid FROM mithril_tokens WHERE expires_at < unixepoch() - ? LIMIT 1000)",
        )
        .bind(EXPIRED_KEPT)
        .execute(&mut *work)
        .await?;
        commit(work).await?;
        Ok(done.rows_affected())
    }

    pub(super) fn pool_use(&self) -> [PoolUse; 3] {
        [self.readers.pool_use("readers"), self.writer.pool_use("writers"), self.feed.pool_use("feed")]
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
        self.feed.close().await;
        self.probe.connections.close().await;
    }
}

/// Within a transaction.
async fn delete_division(id: Id, by: Id, connection: &mut SqliteConnection) -> Result<DivisionDeletion, StoreError> {
    let contract_type: Option<String> = sqlx::query_scalar(
        "SELECT contract.type FROM prm_contract_divisions AS division
         JOIN prm_contracts AS contract ON contract.id = division.contract_id
         WHERE division.id = ? AND division.is_active = 1",
    )
    .bind(id.to_string())
    .fetch_optional(&mut *connection)
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
    .execute(connection)
    .await?;
    Ok(DivisionDeletion::Deleted)
}

async fn commit(work: Lease<Opener>) -> Result<(), StoreError> {
    end(work, true).await
}

/// Ends a transaction: commits what is done, and undoes the rest.
async fn end(mut work: Lease<Opener>, is_done: bool) -> Result<(), StoreError> {
    sqlx::raw_sql(if is_done { "COMMIT" } else { "ROLLBACK" }).execute(&mut *work).await?;
    work.keep();
    Ok(())
}
