//! Owns how the revocation feed is read from, written to and pruned in a PostgreSQL database.

use sqlx::PgConnection;

use super::{Postgres, StoreError, again, commit, end};
use crate::id::Id;
use crate::secret::CredentialHash;
use crate::store::CredentialKind;
use crate::store::page::{PAGE_AND_ONE, Row, Source, Wanted, odd, page, wanted};
use crate::store::revocation::{
    CLOCK_MARGIN, DeniedJwt, Head, Keep, LATEST, Page, REMOVED_AT_ONCE, Revocation, Since, TokenRevocation,
};

impl Postgres {
    pub(in crate::store) async fn revocation_head(&self) -> Result<Head, StoreError> {
        self.number_revocations().await?;
        let mut connection = self.feed.lease().await?;
        let head = head(&mut connection).await?;
        connection.keep();
        Ok(head)
    }

    pub(in crate::store) async fn revocations(&self, since: Since, keep: &Keep) -> Result<Page, StoreError> {
        self.number_revocations().await?;
        let Wanted { from, after, up_to } = wanted(since);
        let query = match from {
            Source::Feed => ENTRIES,
            Source::DenyList => DENIED,
        };
        let mut connection = self.feed.lease().await?;
        // One statement, so that the head and the entries are of one moment.
        let rows: Vec<Row> = sqlx::query_as(query)
            .bind(after)
            .bind(up_to)
            .bind(keep.longest_jwt_seconds().saturating_add(CLOCK_MARGIN))
            .bind(CLOCK_MARGIN)
            .bind(PAGE_AND_ONE)
            .fetch_all(&mut *connection)
            .await?;
        connection.keep();
        page(since, rows)
    }

    /// Gives numbers to what was committed without. Each batch stays done where the next one fails.
    async fn number_revocations(&self) -> Result<(), StoreError> {
        let mut connection = self.feed.lease().await?;
        let is_any: bool = sqlx::query_scalar(IS_ANY_UNNUMBERED).fetch_one(&mut *connection).await?;
        connection.keep();
        if !is_any {
            return Ok(());
        }
        let mut connection = self.numberer.lease().await?;
        loop {
            let numbered: i32 = sqlx::query_scalar("SELECT brama.number_revocations($1)")
                .bind(NUMBERED_AT_ONCE)
                .fetch_one(&mut *connection)
                .await?;
            if numbered < NUMBERED_AT_ONCE {
                connection.keep();
                return Ok(());
            }
        }
    }

    pub(in crate::store) async fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
        again(move || async move {
            let mut work = self.begin().await?;
            revoke(revocation, &mut work).await?;
            commit(work).await
        })
        .await
    }

    pub(in crate::store) async fn revoke_token(
        &self,
        credential: CredentialHash,
        first: CredentialKind,
        jwt: Option<&DeniedJwt>,
        keep: &Keep,
    ) -> Result<TokenRevocation, StoreError> {
        again(move || async move {
            let mut work = self.begin().await?;
            let revocation = revoke_token(credential, first, jwt, keep, &mut work).await?;
            end(work, revocation == TokenRevocation::Done).await?;
            Ok(revocation)
        })
        .await
    }

    pub(in crate::store) async fn deny_list_size(&self, keep: &Keep) -> Result<i64, StoreError> {
        let mut connection = self.readers.lease().await?;
        let size = sqlx::query_scalar(
            "SELECT count(*) FROM brama.revocations CROSS JOIN (SELECT brama.unix_now() AS now) AS clock
             WHERE (issued_before IS NOT NULL OR expires_at IS NOT NULL)
                 AND coalesce(expires_at + $2, greatest(revoked_at, issued_before) + $1) > now",
        )
        .bind(keep.longest_jwt_seconds().saturating_add(CLOCK_MARGIN))
        .bind(CLOCK_MARGIN)
        .fetch_one(&mut *connection)
        .await?;
        connection.keep();
        Ok(size)
    }

    pub(in crate::store) async fn prune_revocations(&self, keep: &Keep, after: i64) -> Result<Option<i64>, StoreError> {
        let mut work = self.begin().await?;
        let (last, is_young): (Option<i64>, Option<bool>) = sqlx::query_as(
            "SELECT max(number), bool_or(revoked_at >= brama.unix_now() - $2) FROM (
                 SELECT number, revoked_at FROM brama.revocations WHERE number > $1 ORDER BY number LIMIT $3
             ) AS batch",
        )
        .bind(after)
        .bind(keep.retention_seconds())
        .bind(REMOVED_AT_ONCE)
        .fetch_one(&mut *work)
        .await?;
        sqlx::query(
            "DELETE FROM brama.revocations USING (SELECT brama.unix_now() AS now) AS clock
             WHERE number > $1 AND number <= $2 AND revoked_at < now - $3
                 AND (issued_before IS NULL OR greatest(revoked_at, issued_before) + $4 <= now)
                 AND (expires_at IS NULL OR expires_at + $5 <= now)",
        )
        .bind(after)
        .bind(last)
        .bind(keep.retention_seconds())
        .bind(keep.longest_jwt_seconds().saturating_add(CLOCK_MARGIN))
        .bind(CLOCK_MARGIN)
        .execute(&mut *work)
        .await?;
        commit(work).await?;
        // Numbers are given in the order of time, but for a batch whose transactions were slow.
        Ok(last.filter(|_| is_young == Some(false)))
    }
}

async fn revoke(revocation: &Revocation, connection: &mut PgConnection) -> Result<(), StoreError> {
    let (kind, subject, issued_before) = match revocation {
        Revocation::All => ("all", "00000000-0000-0000-0000-000000000000", None),
        Revocation::Client(id) => ("client", id.as_str(), None),
        Revocation::Jti { jti, expires_at } => return deny("jti", jti, *expires_at, connection).await,
        Revocation::User { id, issued_before } => ("user", id.as_str(), *issued_before),
    };
    // Gateways may know clients and users that are no rows here.
    let statement = match subject.parse::<Id>() {
        Ok(_) => "INSERT INTO brama.cutoffs (kind, subject, issued_before) VALUES ($1, $2::uuid, $3)",
        Err(_) => {
            "INSERT INTO brama.revoke (kind, subject, issued_before)
             VALUES ($1, $2, coalesce($3, brama.unix_now() + 1))"
        }
    };
    sqlx::query(statement).bind(kind).bind(subject).bind(issued_before).execute(connection).await?;
    Ok(())
}

async fn revoke_token(
    credential: CredentialHash,
    first: CredentialKind,
    jwt: Option<&DeniedJwt>,
    keep: &Keep,
    connection: &mut PgConnection,
) -> Result<TokenRevocation, StoreError> {
    let value = credential.to_hex();
    let is_key: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM mithril.connections WHERE secret_hash = $1)")
        .bind(&value)
        .fetch_one(&mut *connection)
        .await?;
    if is_key && first == CredentialKind::ApiKey {
        return Ok(TokenRevocation::IsApiKey);
    }
    let deleted =
        sqlx::query("DELETE FROM mithril.tokens WHERE value_hash = $1").bind(&value).execute(&mut *connection).await?;
    if is_key && deleted.rows_affected() == 0 {
        return Ok(TokenRevocation::IsApiKey);
    }
    if let Some(jwt) = jwt {
        let now: i64 = sqlx::query_scalar("SELECT brama.unix_now()").fetch_one(&mut *connection).await?;
        let expires_at = jwt.expires_at.unwrap_or(now.saturating_add(keep.longest_jwt_seconds()));
        deny("credential", &value, expires_at, connection).await?;
        if let Some(jti) = &jwt.jti {
            deny("jti", jti, expires_at, connection).await?;
        }
    }
    Ok(TokenRevocation::Done)
}

async fn head(connection: &mut PgConnection) -> Result<Head, StoreError> {
    let (feed, number): (String, i64) =
        sqlx::query_as("SELECT feed_id::text, number FROM brama.revocation_head").fetch_one(connection).await?;
    Ok(Head { feed: feed.parse().map_err(|_| odd("the feed's id is no UUID"))?, number })
}

/// Writes a deny-list entry, unless the JWT is dead anyhow or denied for as long already.
async fn deny(
    kind: &'static str,
    subject: &str,
    expires_at: i64,
    connection: &mut PgConnection,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO brama.revoke (kind, subject, expires_at)
         SELECT $1, $2, $3
         WHERE $3 + $4 > brama.unix_now() AND NOT EXISTS (
             SELECT FROM brama.revocations
             WHERE subject = $2 AND kind = $1 AND expires_at IS NOT NULL AND expires_at >= $3)",
    )
    .bind(kind)
    .bind(subject)
    .bind(expires_at.min(LATEST))
    .bind(CLOCK_MARGIN)
    .execute(connection)
    .await?;
    Ok(())
}

/// What follows a number; `$2` is NULL, and there so that both statements have the same parameters.
///
/// A JWT that was issued before a moment ends at the latest a JWT's longest life after it. PostgreSQL's `greatest` passes
/// over NULL, so an entry without `issued_before`, which refuses no JWT by its time, is told apart.
const ENTRIES: &str = "
    SELECT head.feed_id::text, head.number, head.pruned, entry.number, entry.kind, entry.subject, entry.issued_before,
           entry.revoked_at, entry.until
    FROM brama.revocation_head AS head
    LEFT JOIN (
        SELECT *, CASE WHEN issued_before IS NULL THEN expires_at + $4
                       ELSE greatest(revoked_at, issued_before) + $3 END AS until
        FROM brama.revocations
        WHERE number > $1 AND $2::bigint IS NULL
        ORDER BY number LIMIT $5
    ) AS entry ON true
    ORDER BY entry.number";

/// What of the deny list follows a number, up to another or to the head.
const DENIED: &str = "
    SELECT head.feed_id::text, head.number, head.pruned, entry.number, entry.kind, entry.subject, entry.issued_before,
           entry.revoked_at, entry.until
    FROM brama.revocation_head AS head
    LEFT JOIN (
        SELECT *, coalesce(expires_at + $4, greatest(revoked_at, issued_before) + $3) AS until
        FROM brama.revocations CROSS JOIN (SELECT brama.unix_now() AS now) AS clock
        WHERE (issued_before IS NOT NULL OR expires_at IS NOT NULL)
            AND number > $1 AND number <= coalesce($2, (SELECT number FROM brama.revocation_head))
            AND coalesce(expires_at + $4, greatest(revoked_at, issued_before) + $3) > now
        ORDER BY number LIMIT $5
    ) AS entry ON true
    ORDER BY entry.number";

const IS_ANY_UNNUMBERED: &str = "
    SELECT EXISTS (
        SELECT FROM brama.revocations
        WHERE number IS NULL AND id > (SELECT settled FROM brama.revocation_head))";

/// So many take some 50 ms, for which who else numbers waits.
const NUMBERED_AT_ONCE: i32 = 5000;
