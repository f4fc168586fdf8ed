//! Owns the reading of the revocation feed.

use super::page::page;
use super::revocation::{CLOCK_MARGIN, Cursor, Denied, Head, Keep, Page, Since};
use super::statement::{Sql, only, sql};
use super::{Store, StoreError, bounded};

impl Store {
    /// The feed's name and its last number.
    pub async fn revocation_head(&self) -> Result<Head, StoreError> {
        bounded(self.head()).await
    }

    /// The page of entries after `since`.
    pub async fn revocations(&self, since: Since, keep: &Keep) -> Result<Page, StoreError> {
        bounded(self.page(since, keep.longest_refusal_seconds())).await
    }

    /// The feed's name and its last number, without a time limit.
    pub(super) async fn head(&self) -> Result<Head, StoreError> {
        // `Head` reads no entries, so that the time of their refusals is irrelevant.
        Ok(self.page(Since::Head, 0).await?.head)
    }

    async fn page(&self, since: Since, longest_refusal: i64) -> Result<Page, StoreError> {
        self.number_revocations().await?;
        let (entries, after, up_to) = match since {
            Since::Cursor(Cursor { number, denied: Denied::Done, .. }) => (ENTRIES, number, None),
            Since::Cursor(Cursor { number, denied: Denied::UpTo(loaded), .. }) => (DENIED, loaded, Some(number)),
            // No entry is after this number, and the head is read all the same.
            Since::Head => (ENTRIES, i64::MAX, None),
            Since::Start => (DENIED, 0, None),
        };
        let values = [after.into(), up_to.into(), longest_refusal.into(), CLOCK_MARGIN.into(), PAGE_AND_ONE.into()];
        page(since, self.database.feed.rows(entries, &values).await?)
    }

    /// Numbers the entries that were committed without a number. Each batch stays done where the next one fails.
    async fn number_revocations(&self) -> Result<(), StoreError> {
        let Some(numberer) = &self.database.numberer else { return Ok(()) };
        let is_any_unnumbered = sql!(
            "SELECT EXISTS (
                 SELECT 1 FROM brama.revocations
                 WHERE number IS NULL AND id > (SELECT settled FROM brama.revocation_head))"
        );
        if !only(self.database.feed.rows(is_any_unnumbered, &[]).await?)? {
            return Ok(());
        }
        let number = sql!("SELECT brama.number_revocations($1::integer)::bigint");
        let mut connection = numberer.lease().await?;
        while only::<i64>(connection.rows(number, &[NUMBERED_AT_ONCE.into()]).await?)? == NUMBERED_AT_ONCE {}
        connection.keep();
        Ok(())
    }
}

/// Statement that reads the head and the entries after a number that fulfil a condition. It is one statement, so that
/// they are of one moment.
///
/// A JWT that was issued before a moment ends at the latest a JWT's longest life after it. An entry without
/// `issued_before` has a case of its own, since PostgreSQL's `greatest` passes over NULL.
macro_rules! entries {
    ($condition:literal) => {
        sql!(concat!(
            "SELECT head.feed_id::text, head.number, head.pruned, entry.number, entry.kind, entry.subject,
                    entry.issued_before, entry.revoked_at, entry.until
             FROM brama.revocation_head AS head
             LEFT JOIN (
                 SELECT *, CASE WHEN issued_before IS NULL THEN expires_at + $4
                                ELSE greatest(revoked_at, issued_before) + $3 END AS until
                 FROM brama.revocations WHERE number > $1 AND ",
            $condition,
            "    ORDER BY number LIMIT $5
             ) AS entry ON true
             ORDER BY entry.number"
        ))
    };
}

/// Entries after a number. `$2` is NULL, so that both statements have the same parameters.
static ENTRIES: Sql = entries!("$2 IS NULL");

/// Entries of the deny list after a number, up to another or to the head.
static DENIED: Sql = entries!(
    "(issued_before IS NOT NULL OR expires_at IS NOT NULL)
     AND number <= coalesce($2, (SELECT number FROM brama.revocation_head))
     AND coalesce(expires_at + $4, greatest(revoked_at, issued_before) + $3) > (SELECT brama.unix_now())"
);

/// Most rows of a statement: one more than a page holds, which shows that there is more.
const PAGE_AND_ONE: i64 = 1001;

/// Entries that are numbered in one transaction: some 50 ms, for which other processes that number wait.
const NUMBERED_AT_ONCE: i64 = 5000;
