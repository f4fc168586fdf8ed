//! Owns the deletion of a cutoff's rows, batch by batch.

use super::connections::Lease;
use super::revocation::Cutoff;
use super::statement::{Sql, only, sql};
use super::{Store, StoreError, bounded};

impl Store {
    /// The next cutoff after a number whose rows are to be deleted, or that was made more than a day ago and can end.
    pub async fn next_cutoff(&self, after: i64) -> Result<Option<Cutoff>, StoreError> {
        let select = sql!(
            "SELECT number, kind, subject::text, issued_before, is_swept FROM brama.cutoffs
             WHERE number > $1 AND (NOT is_swept OR kind <> 'all' AND made_at < clock_timestamp() - interval '1 day')
             ORDER BY number LIMIT 1"
        );
        let row = bounded(self.database.readers.rows(select, &[after.into()])).await?.pop();
        Ok(row.map(|(number, kind, subject, issued_before, is_swept)| Cutoff {
            number,
            kind,
            subject,
            issued_before,
            is_swept,
        }))
    }

    /// Deletes about `most` of a cutoff's rows `after` a position, and returns the position to go on from. `None`:
    /// nothing was left.
    ///
    /// A cutoff of all tokens goes through the table in the order in which they lie; one of a client or a user finds
    /// its rows by an index.
    pub async fn sweep(&self, cutoff: &Cutoff, after: i64, most: i64) -> Result<Option<i64>, StoreError> {
        bounded(async {
            let mut work = self.database.writers.begin().await?;
            // A row that is locked for longer is left to the next try, so that this one holds no locks meanwhile.
            work.run(sql!("SET LOCAL lock_timeout = '20ms'", "")).await?;
            let next = match cutoff.kind.as_str() {
                "all" => of_all(cutoff, after, most, &mut work).await?,
                "client" => of_one(&OF_CLIENT, cutoff, most, &mut work).await?.then_some(after),
                _ => of_one(&OF_USER, cutoff, most, &mut work).await?.then_some(after),
            };
            work.commit().await?;
            Ok(next)
        })
        .await
    }

    /// Ends a cutoff without rows: marks it as swept, and a day later deletes it, when transactions that inserted
    /// meanwhile have committed. The last cutoff of all tokens stays, for rows that moved during the search.
    pub async fn end_cutoff(&self, cutoff: &Cutoff) -> Result<(), StoreError> {
        let statements: &[Sql] = match cutoff.is_swept {
            true => &[sql!("DELETE FROM brama.cutoffs WHERE number = $1")],
            false => &[
                sql!("UPDATE brama.cutoffs SET is_swept = true WHERE number = $1"),
                sql!(
                    "DELETE FROM brama.cutoffs WHERE kind = 'all' AND is_swept AND number < $1
                         AND EXISTS (SELECT 1 FROM brama.cutoffs WHERE number = $1 AND kind = 'all')"
                ),
            ],
        };
        bounded(async {
            let mut work = self.database.writers.begin().await?;
            for statement in statements {
                work.execute(*statement, &[cutoff.number.into()]).await?;
            }
            work.commit().await
        })
        .await
    }
}

/// Deletes tokens of all users, and returns the position after those that were looked at: a block of PostgreSQL's
/// table, with thirty tokens or more, or the last of SQLite's rowids. `None`: the end of the table.
async fn of_all(cutoff: &Cutoff, after: i64, most: i64, work: &mut Lease) -> Result<Option<i64>, StoreError> {
    let end = sql!(
        "SELECT CASE WHEN $1 < pg_relation_size('mithril.tokens') / current_setting('block_size')::bigint
                     THEN $1 + $2 / 30 + 1 END",
        "SELECT max(rowid) FROM (SELECT rowid FROM mithril_tokens WHERE rowid > $1 ORDER BY rowid LIMIT $2)"
    );
    let delete = sql!(
        "DELETE FROM mithril.tokens
         WHERE ctid >= format('(%s,0)', $1)::tid AND ctid < format('(%s,0)', $2)::tid AND issued < $3",
        "DELETE FROM mithril_tokens WHERE rowid > $1 AND rowid <= $2 AND issued < $3"
    );
    let end: Option<i64> = only(work.rows(end, &[after.into(), most.into()]).await?)?;
    if let Some(end) = end {
        work.execute(delete, &[after.into(), end.into(), cutoff.number.into()]).await?;
    }
    Ok(end)
}

/// Deletes rows of one client or user. `false`: there were none.
async fn of_one(statements: &[Sql], cutoff: &Cutoff, most: i64, work: &mut Lease) -> Result<bool, StoreError> {
    let values = [cutoff.subject.as_str().into(), cutoff.number.into(), cutoff.issued_before.into(), most.into()];
    let mut deleted = 0;
    for statement in statements {
        deleted += work.execute(*statement, &values).await?;
    }
    Ok(deleted > 0)
}

/// Deletions of a client's rows, at most `$4` each. PostgreSQL judges a row again as it is when it is deleted, so that
/// a change meanwhile does not save it.
static OF_CLIENT: [Sql; 3] = [
    sql!(
        "DELETE FROM mithril.tokens
         WHERE client_id = $1::uuid AND issued < $2 AND $3 IS NULL AND value_hash = ANY (ARRAY(
             SELECT value_hash FROM mithril.tokens WHERE client_id = $1::uuid AND issued < $2 LIMIT $4))",
        "DELETE FROM mithril_tokens WHERE rowid IN (
             SELECT rowid FROM mithril_tokens WHERE client_id = $1 AND issued < $2 AND $3 IS NULL LIMIT $4)"
    ),
    sql!(
        "DELETE FROM mithril.connections
         WHERE client_id = $1::uuid AND issued < $2 AND $3 IS NULL AND id = ANY (ARRAY(
             SELECT id FROM mithril.connections WHERE client_id = $1::uuid AND issued < $2 LIMIT $4))",
        "DELETE FROM mithril_connections WHERE rowid IN (
             SELECT rowid FROM mithril_connections WHERE client_id = $1 AND issued < $2 AND $3 IS NULL LIMIT $4)"
    ),
    sql!(
        "DELETE FROM mithril.connections
         WHERE consumer_id = $1::uuid AND issued < $2 AND $3 IS NULL AND id = ANY (ARRAY(
             SELECT id FROM mithril.connections WHERE consumer_id = $1::uuid AND issued < $2 LIMIT $4))",
        "DELETE FROM mithril_connections WHERE rowid IN (
             SELECT rowid FROM mithril_connections WHERE consumer_id = $1 AND issued < $2 AND $3 IS NULL LIMIT $4)"
    ),
];

static OF_USER: [Sql; 1] = [sql!(
    "DELETE FROM mithril.tokens
     WHERE user_id = $1::uuid AND issued < $2
         AND ($3 IS NULL OR floor(extract(epoch FROM inserted_at)) < $3) AND value_hash = ANY (ARRAY(
         SELECT value_hash FROM mithril.tokens
         WHERE user_id = $1::uuid AND issued < $2
             AND ($3 IS NULL OR floor(extract(epoch FROM inserted_at)) < $3) LIMIT $4))",
    "DELETE FROM mithril_tokens WHERE rowid IN (
         SELECT rowid FROM mithril_tokens
         WHERE user_id = $1 AND issued < $2 AND ($3 IS NULL OR coalesce(unixepoch(inserted_at), 0) < $3) LIMIT $4)"
)];
