//! Owns how the rows of a cutoff are deleted from a PostgreSQL database, batch by batch.

use sqlx::PgConnection;

use super::{Postgres, StoreError, commit};
use crate::store::revocation::{Cutoff, CutoffRow};

impl Postgres {
    pub(in crate::store) async fn next_cutoff(&self, after: i64) -> Result<Option<Cutoff>, StoreError> {
        let mut connection = self.readers.lease().await?;
        let cutoff: Option<CutoffRow> = sqlx::query_as(
            "SELECT number, kind, subject::text AS subject, issued_before, is_swept FROM brama.cutoffs
             WHERE number > $1 AND (NOT is_swept OR kind <> 'all' AND made_at < clock_timestamp() - interval '1 day')
             ORDER BY number LIMIT 1",
        )
        .bind(after)
        .fetch_optional(&mut *connection)
        .await?;
        connection.keep();
        Ok(cutoff.map(Cutoff::from))
    }

    /// Deletes one batch. All tokens are gone through in the order in which they lie, `after` a block of their table; those
    /// of a client or a user are found by an index.
    pub(in crate::store) async fn sweep(
        &self,
        cutoff: &Cutoff,
        after: i64,
        most: i64,
    ) -> Result<Option<i64>, StoreError> {
        let mut work = self.begin().await?;
        // Who else has a row for longer is waited for by the next try, with nothing held.
        sqlx::raw_sql("SET LOCAL lock_timeout = '20ms'").execute(&mut *work).await?;
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

    /// Remembers that nothing was left of a cutoff, and a day later, when who inserted meanwhile has committed, forgets it. The last
    /// one of all stays, for rows that moved while they were gone through.
    pub(in crate::store) async fn end_cutoff(&self, cutoff: &Cutoff) -> Result<(), StoreError> {
        let mut work = self.begin().await?;
        let statements: &[&'static str] = match cutoff.is_swept {
            true => &["DELETE FROM brama.cutoffs WHERE number = $1"],
            false => &[
                "UPDATE brama.cutoffs SET is_swept = true WHERE number = $1",
                "DELETE FROM brama.cutoffs AS old USING brama.cutoffs AS new
                 WHERE new.number = $1 AND new.kind = 'all' AND old.kind = 'all' AND old.is_swept AND old.number < $1",
            ],
        };
        for statement in statements {
            sqlx::query(*statement).bind(cutoff.number).execute(&mut *work).await?;
        }
        commit(work).await
    }
}

/// The block after those that were gone through.
async fn of_all(
    cutoff: &Cutoff,
    after: i64,
    most: i64,
    connection: &mut PgConnection,
) -> Result<Option<i64>, StoreError> {
    let next = after.saturating_add(most / TOKENS_IN_A_BLOCK + 1);
    let is_end: bool = sqlx::query_scalar(
        "WITH deleted AS (
             DELETE FROM mithril.tokens
             WHERE ctid >= format('(%s,0)', $1::bigint)::tid AND ctid < format('(%s,0)', $2::bigint)::tid AND issued < $3)
         SELECT $2 >= pg_relation_size('mithril.tokens') / current_setting('block_size')::bigint",
    )
    .bind(after)
    .bind(next)
    .bind(cutoff.number)
    .fetch_one(connection)
    .await?;
    Ok((!is_end).then_some(next))
}

/// Whether there was anything.
async fn of_one(
    statements: &[&'static str],
    cutoff: &Cutoff,
    most: i64,
    connection: &mut PgConnection,
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

/// So many, or more.
const TOKENS_IN_A_BLOCK: i64 = 30;

/// Judged again as it is when it is deleted, so that who changes a row meanwhile does not save it.
const TOKENS_OF_CLIENT: &str = "
    DELETE FROM mithril.tokens
    WHERE client_id = $1::uuid AND issued < $2 AND $3::bigint IS NULL AND value_hash = ANY (ARRAY(
        SELECT value_hash FROM mithril.tokens WHERE client_id = $1::uuid AND issued < $2 LIMIT $4))";

const CONNECTIONS_PROVIDED: &str = "
    DELETE FROM mithril.connections
    WHERE client_id = $1::uuid AND issued < $2 AND $3::bigint IS NULL AND id = ANY (ARRAY(
        SELECT id FROM mithril.connections WHERE client_id = $1::uuid AND issued < $2 LIMIT $4))";

const CONNECTIONS_USED: &str = "
    DELETE FROM mithril.connections
    WHERE consumer_id = $1::uuid AND issued < $2 AND $3::bigint IS NULL AND id = ANY (ARRAY(
        SELECT id FROM mithril.connections WHERE consumer_id = $1::uuid AND issued < $2 LIMIT $4))";

const TOKENS_OF_USER: &str = "
    DELETE FROM mithril.tokens
    WHERE user_id = $1::uuid AND issued < $2
        AND ($3::bigint IS NULL OR floor(extract(epoch FROM inserted_at)) < $3) AND value_hash = ANY (ARRAY(
        SELECT value_hash FROM mithril.tokens
        WHERE user_id = $1::uuid AND issued < $2
            AND ($3::bigint IS NULL OR floor(extract(epoch FROM inserted_at)) < $3) LIMIT $4))";
