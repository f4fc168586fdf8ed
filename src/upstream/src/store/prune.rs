//! Owns the removal of old rows: entries of the feed, expired tokens.

use super::revocation::{CLOCK_MARGIN, Keep, seconds};
use super::statement::sql;
use super::{Store, StoreError, bounded};

impl Store {
    /// Removes the entries that are needed no longer from a batch `after` a number, and returns the batch's last
    /// number. `None`: later entries are too young, or there are none.
    pub async fn prune_revocations(&self, keep: &Keep, after: i64) -> Result<Option<i64>, StoreError> {
        let batch = sql!(
            "SELECT max(number), max(revoked_at) >= brama.unix_now() - $2 FROM (
                 SELECT number, revoked_at FROM brama.revocations WHERE number > $1 ORDER BY number LIMIT $3
             ) AS batch"
        );
        let delete = sql!(
            "DELETE FROM brama.revocations
             WHERE number > $1 AND number <= $2 AND revoked_at < (SELECT brama.unix_now()) - $3
                 AND (issued_before IS NULL
                     OR greatest(revoked_at, issued_before) + $4 <= (SELECT brama.unix_now()))
                 AND (expires_at IS NULL OR expires_at + $5 <= (SELECT brama.unix_now()))"
        );
        let (retention, longest_refusal) = (seconds(keep.retention), keep.longest_refusal_seconds());
        bounded(async {
            let mut work = self.database.writers.begin().await?;
            let row = work.rows(batch, &[after.into(), retention.into(), REMOVED_AT_ONCE.into()]).await?.pop();
            let (last, is_young): (Option<i64>, Option<bool>) = row.ok_or(sqlx::Error::RowNotFound)?;
            let values = [after.into(), last.into(), retention.into(), longest_refusal.into(), CLOCK_MARGIN.into()];
            work.execute(delete, &values).await?;
            work.commit().await?;
            // Numbers are given in the order of time, except for a batch whose transactions were slow.
            Ok(last.filter(|_| is_young == Some(false)))
        })
        .await
    }

    /// Removes up to 1000 of the tokens that expired long ago, and returns their number. Zero: none is left, except for
    /// locked ones.
    pub async fn purge_tokens(&self) -> Result<u64, StoreError> {
        let delete = sql!(
            "DELETE FROM mithril.tokens WHERE ctid = ANY (ARRAY(
                 SELECT ctid FROM mithril.tokens WHERE expires_at < brama.unix_now() - $1
                 LIMIT 1000 FOR UPDATE SKIP LOCKED))",
            "DELETE FROM mithril_tokens WHERE rowid IN (
                 SELECT rowid FROM mithril_tokens WHERE expires_at < unixepoch() - $1 LIMIT 1000)"
        );
        bounded(async {
            let mut work = self.database.writers.begin().await?;
            let deleted = work.execute(delete, &[EXPIRED_KEPT.into()]).await?;
            work.commit().await?;
            Ok(deleted)
        })
        .await
    }
}

/// Entries that one transaction looks at.
const REMOVED_AT_ONCE: i64 = 2000;

/// Seconds for which a token is kept after its end, so that an operator can still find it.
const EXPIRED_KEPT: i64 = 24 * 3600;
