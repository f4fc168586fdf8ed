//! Owns the SQL of the PostgreSQL database.
//!
//! Time comes from the database, so that a row is judged by the clock that wrote it. Everything runs at READ COMMITTED,
//! and relies on these:
//!
//! - A statement sees what was committed before it began, so one statement reads of one moment: a credential and its
//!   client, the feed's head and its entries.
//! - What a lock was waited for is read anew. So a division is judged by its last committed state, and its contract's
//!   type stays what it was until the answer is committed.
//!
//! What revokes inserts entries of the feed without numbers, and waits for nobody; who reads the feed numbers them first.

mod open;
mod revocation;
mod seed;
mod sweep;

use sqlx::PgConnection;

use super::connections::{Connections, Lease};
use super::{
    AccessToken, ApiKey, ApiKeyRow, ConnectionDeletion, DivisionDeletion, EXPIRED_KEPT, GB_CBP, Lookup, PoolUse,
    StoreError, TokenRow,
};
use crate::id::Id;
use crate::secret::CredentialHash;
use open::Opener;

/// A PostgreSQL database.
///
/// Writers wait for one another, and readers for nobody; so each kind has connections of its own. Who follows the feed
/// has one more, so that nobody waits behind its pages.
#[derive(Clone, Debug)]
pub(super) struct Postgres {
    readers: Connections<Opener>,
    writers: Connections<Opener>,
    /// One, which numbers entries of the feed and waits for nobody who deletes.
    numberer: Connections<Opener>,
    feed: Connections<Opener>,
}

impl Postgres {
    /// Begins a transaction that is undone unless it is [committed](commit).
    async fn begin(&self) -> Result<Lease<Opener>, StoreError> {
        let mut work = self.writers.lease().await?;
        sqlx::raw_sql("BEGIN").execute(&mut *work).await?;
        Ok(work)
    }

    pub(super) async fn ready(&self) -> Result<(), StoreError> {
        let mut connection = self.readers.lease().await?;
        sqlx::query("SELECT 1").execute(&mut *connection).await?;
        connection.keep();
        Ok(())
    }

    pub(super) async fn delete_connection(&self, client_id: Id, id: Id) -> Result<ConnectionDeletion, StoreError> {
        again(move || async move {
            // A transaction although it is one statement: given up before its COMMIT, it is not done later.
            let mut work = self.begin().await?;
            let done = sqlx::query(
                "DELETE FROM mithril.connections AS key WHERE id = $1 AND client_id = $2 AND NOT EXISTS (
                     SELECT FROM brama.cutoffs
                     WHERE subject IN (key.client_id, key.consumer_id) AND number > key.issued AND kind = 'client')",
            )
            .bind(id.uuid())
            .bind(client_id.uuid())
            .execute(&mut *work)
            .await?;
            commit(work).await?;
            Ok(match done.rows_affected() {
                0 => ConnectionDeletion::NotFound,
                _ => ConnectionDeletion::Deleted,
            })
        })
        .await
    }

    pub(super) async fn delete_division(&self, id: Id, by: Id) -> Result<DivisionDeletion, StoreError> {
        again(move || async move {
            let mut work = self.begin().await?;
            let outcome = delete_division(id, by, &mut work).await?;
            commit(work).await?;
            Ok(outcome)
        })
        .await
    }

    pub(super) async fn access_token(&self, value: CredentialHash) -> Result<Lookup<AccessToken>, StoreError> {
        // Only rows named `access_token`: production accepts any name, so a refresh token opens doors there.
        let mut connection = self.readers.lease().await?;
        let row: Option<TokenRow> = sqlx::query_as(
            "SELECT token.user_id::text, token.client_id::text, client.client_type, token.scope, token.expires_at,
                    token.expires_at > brama.unix_now() AND NOT client.is_blocked AND NOT EXISTS (
                        SELECT FROM brama.cutoffs
                        WHERE subject IN (token.client_id, token.user_id, '00000000-0000-0000-0000-000000000000')
                            AND number > token.issued
                            AND CASE kind WHEN 'client' THEN subject = token.client_id
                                     WHEN 'user' THEN subject = token.user_id ELSE true END
                            AND (issued_before IS NULL OR floor(extract(epoch FROM token.inserted_at)) < issued_before))
             FROM mithril.tokens AS token
             JOIN mithril.clients AS client ON client.id = token.client_id
             WHERE token.value_hash = $1 AND token.name = 'access_token'",
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
            "SELECT connection.client_id::text, client.client_type, client.scope, connection.consumer_id::text,
                    NOT client.is_blocked AND NOT consumer.is_blocked AND NOT EXISTS (
                        SELECT FROM brama.cutoffs
                        WHERE subject IN (connection.client_id, connection.consumer_id)
                            AND number > connection.issued AND kind = 'client')
             FROM mithril.connections AS connection
             JOIN mithril.clients AS client ON client.id = connection.client_id
             JOIN mithril.clients AS consumer ON consumer.id = connection.consumer_id
             WHERE connection.secret_hash = $1",
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
            "DELETE FROM mithril.tokens WHERE ctid = ANY (ARRAY(
                 SELECT ctid FROM mithril.tokens WHERE expires_at < brama.unix_now() - $1
                 LIMIT 1000 FOR UPDATE SKIP LOCKED))",
        )
        .bind(EXPIRED_KEPT)
        .execute(&mut *work)
        .await?;
        commit(work).await?;
        Ok(done.rows_affected())
    }

    pub(super) fn pool_use(&self) -> [PoolUse; 3] {
        [self.readers.pool_use("readers"), self.writers.pool_use("writers"), self.feed.pool_use("feed")]
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writers.close().await;
        self.numberer.close().await;
        self.feed.close().await;
    }
}

/// Within a transaction.
async fn delete_division(id: Id, by: Id, connection: &mut PgConnection) -> Result<DivisionDeletion, StoreError> {
    // Both rows stay as they are read until the end: of two deletions the second finds the division inactive, and a
    // change of the contract's type is before this or after it. (KEY SHARE would let the type change.)
    let contract_type: Option<String> = sqlx::query_scalar(
        "SELECT contract.type FROM prm.contract_divisions AS division
         JOIN prm.contracts AS contract ON contract.id = division.contract_id
         WHERE division.id = $1 AND division.is_active
         FOR UPDATE OF division FOR SHARE OF contract",
    )
    .bind(id.uuid())
    .fetch_optional(&mut *connection)
    .await?;
    match contract_type.as_deref() {
        None => return Ok(DivisionDeletion::NotFound),
        Some(GB_CBP) => {}
        Some(_) => return Ok(DivisionDeletion::OtherContractType),
    }
    sqlx::query(
        "UPDATE prm.contract_divisions
         SET is_active = false, updated_at = clock_timestamp(), updated_by = $1
         WHERE id = $2",
    )
    .bind(by.uuid())
    .bind(id.uuid())
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

/// Does the work again where the server undid it so that another transaction could go on. The caller's deadline ends it.
async fn again<T, W>(work: impl Fn() -> W) -> Result<T, StoreError>
where
    W: Future<Output = Result<T, StoreError>>,
{
    loop {
        match work().await {
            Err(StoreError::Database(error)) if was_undone(&error) => tokio::task::yield_now().await,
            done => return done,
        }
    }
}

/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>: serialization_failure, deadlock_detected.
fn was_undone(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    matches!(code.as_deref(), Some("40001" | "40P01"))
}
