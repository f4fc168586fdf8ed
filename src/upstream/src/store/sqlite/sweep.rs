//! Owns how the rows of a cutoff are deleted from a SQLite database, batch by batch.

use sqlx::SqliteConnection;

use super::{Sqlite, StoreError, commit};
use crate::store::revocation::{Cutoff, CutoffRow};

impl Sqlite {
    pub(in crate::store) async fn next_cutoff(&self, after: i64) -> Result<Option<Cutoff>, StoreError> {
        let mut connection = self.readers.lease().await?;
        let cutoff: Option<CutoffRow> = sqlx::query_as(
            "SELECT number, kind, subject, issued_before, is_swept FROM brama_cutoffs
             WHERE number > ? AND (NOT is_swept OR kind <> 'all' AND made_at < unixepoch() - 24 * 3600)
             ORDER BY number LIMIT 1",
        )
        .bind(after)
        .fetch_optional(&mut *connection)
        .await?;
        connection.keep();
        Ok(cutoff.map(Cutoff::from))
    }

    /// Deletes one batch. All tokens are gone through in the order in which they lie, `after` the rowid of one; those of a
    /// client or a user are found by an index.
    pub(in crate::store) async fn sweep(
        &self,
        cutoff: &Cutoff,
        after: i64,
        most: i64,
    ) -> Result<Option<i64>, StoreError> {
        let mut work = self.begin().await?;
        let next = match cutoff.kind.as_str() {
            "all" => of_all(cutoff, after, most, &mut work).await?,
            "client" => {
                let statements = [TOKENS_OF_CLIENT, CONNECTIONS_PROVIDED, CONNECTIONS_USED];
                of_one(&statements, cutoff, most, &mut work).await?.then_some(after)
            }
            _ => of_one(&[TOKENS_OF_USER], cutoff, most, &mut work).await?.then_some(after),
        };
        commit(work).await?;
        Ok(next)
    }

    /// Remembers that nothing was left of a cutoff, and a day later forgets it, as in the other store.
    pub(in crate::store) async fn end_cutoff(&self, cutoff: &Cutoff) -> Result<(), StoreError> {
        let mut work = self.begin().await?;
        let statements: &[&'static str] = match cutoff.is_swept {
            true => &["DELETE FROM brama_cutoffs WHERE number = ?1"],
            false => &[
                "UPDATE brama_cutoffs SET is_swept = 1 WHERE number = ?1",
                "DELETE FROM brama_cutoffs WHERE kind = 'all' AND is_swept AND number < ?1
                     AND EXISTS (SELECT 1 FROM brama_cutoffs WHERE number = ?1 AND kind = 'all')",
            ],
        };
        for statement in statements {
            sqlx::query(*statement).bind(cutoff.number).execute(&mut *work).await?;
        }
        commit(work).await
    }
}

/// The last of the rowids that were looked at.
async fn of_all(
    cutoff: &Cutoff,
    after: i64,
    most: i64,
    connection: &mut SqliteConnection,
) -> Result<Option<i64>, StoreError> {
    let last: Option<i64> = sqlx::query_scalar(
        "SELECT max(rowid) FROM (SELECT rowid FROM mithril_tokens WHERE rowid > ? ORDER BY rowid LIMIT ?)",
    )
    .bind(after)
    .bind(most)
    .fetch_one(&mut *connection)
    .await?;
    sqlx::query("DELETE FROM mithril_tokens WHERE issued < ? AND rowid > ? AND rowid <= ?")
        .bind(cutoff.number)
        .bind(after)
        .bind(last)
        .execute(connection)
        .await?;
    Ok(last)
}

/// Whether there was anything.
async fn of_one(
    statements: &[&'static str],
    cutoff: &Cutoff,
    most: i64,
    connection: &mut SqliteConnection,
) -> Result<bool, StoreError> {
    let mut deleted = 0;
    for statement in statements {
        let done = sqlx::query(*statement)
            .bind(&cutoff.subject)
            .bind(cutoff.number)
            .bind(cutoff.issued_before)
            .bind(most)
            .execute(&mut *connection)
            .await?;
        deleted += done.rows_affected();
    }
    Ok(deleted > 0)
}

const TOKENS_OF_CLIENT: &str = "
    DELETE FROM mithril_tokens WHERE rowid IN (
        SELECT rowid FROM mithril_tokens WHERE client_id = ?1 AND issued < ?2 AND ?3 IS NULL LIMIT ?4)";

const CONNECTIONS_PROVIDED: &str = "
    DELETE FROM mithril_connections WHERE rowid IN (
        SELECT rowid FROM mithril_connections WHERE client_id = ?1 AND issued < ?2 AND ?3 IS NULL LIMIT ?4)";

const CONNECTIONS_USED: &str = "
    DELETE FROM mithril_connections WHERE rowid IN (
        SELECT rowid FROM mithril_connections WHERE consumer_id = ?1 AND issued < ?2 AND ?3 IS NULL LIMIT ?4)";

const TOKENS_OF_USER: &str = "
    DELETE FROM mithril_tokens WHERE rowid IN (
        SELECT rowid FROM mithril_tokens
        WHERE user_id = ?1 AND issued < ?2 AND (?3 IS NULL OR coalesce(unixepoch(inserted_at), 0) < ?3) LIMIT ?4)";
