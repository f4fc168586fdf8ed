//! Owns how the revocation feed is read from, written to and pruned in a SQLite database.

use sqlx::SqliteConnection;

use super::{Sqlite, StoreError, commit, end};
use crate::secret::CredentialHash;
use crate::store::CredentialKind;
use crate::store::page::{PAGE_AND_ONE, Row, Source, Wanted, odd, page, wanted};
use crate::store::revocation::{
    CLOCK_MARGIN, DeniedJwt, Head, Keep, LATEST, Page, REMOVED_AT_ONCE, Revocation, Since, TokenRevocation,
};

impl Sqlite {
    pub(in crate::store) async fn revocation_head(&self) -> Result<Head, StoreError> {
        let mut connection = self.feed.lease().await?;
        let head = head(&mut connection).await?;
        connection.keep();
        Ok(head)
    }

    pub(in crate::store) async fn revocations(&self, since: Since, keep: &Keep) -> Result<Page, StoreError> {
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

    pub(in crate::store) async fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
        let mut work = self.begin().await?;
        revoke(revocation, &mut work).await?;
        commit(work).await
    }

    pub(in crate::store) async fn revoke_token(
        &self,
        credential: CredentialHash,
        first: CredentialKind,
        jwt: Option<&DeniedJwt>,
        keep: &Keep,
    ) -> Result<TokenRevocation, StoreError> {
        let mut work = self.begin().await?;
        let revocation = revoke_token(credential, first, jwt, keep, &mut work).await?;
        end(work, revocation == TokenRevocation::Done).await?;
        Ok(revocation)
    }

    pub(in crate::store) async fn deny_list_size(&self, keep: &Keep) -> Result<i64, StoreError> {
        let mut connection = self.readers.lease().await?;
        let size = sqlx::query_scalar(
            "SELECT count(*) FROM brama_revocations
             WHERE (issued_before IS NOT NULL OR expires_at IS NOT NULL)
                 AND coalesce(expires_at + ?2, max(revoked_at, issued_before) + ?1) > unixepoch()",
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
            "SELECT max(number), max(revoked_at >= unixepoch() - ?2) FROM (
                 SELECT number, revoked_at FROM brama_revocations WHERE number > ?1 ORDER BY number LIMIT ?3)",
        )
        .bind(after)
        .bind(keep.retention_seconds())
        .bind(REMOVED_AT_ONCE)
        .fetch_one(&mut *work)
        .await?;
        sqlx::query(
            "DELETE FROM brama_revocations
             WHERE number > ?1 AND number <= ?2 AND revoked_at < unixepoch() - ?3
                 AND (issued_before IS NULL OR max(revoked_at, issued_before) + ?4 <= unixepoch())
                 AND (expires_at IS NULL OR expires_at + ?5 <= unixepoch())",
        )
        .bind(after)
        .bind(last)
        .bind(keep.retention_seconds())
        .bind(keep.longest_jwt_seconds().saturating_add(CLOCK_MARGIN))
        .bind(CLOCK_MARGIN)
        .execute(&mut *work)
        .await?;
        commit(work).await?;
        Ok(last.filter(|_| is_young == Some(false)))
    }
}

async fn revoke(revocation: &Revocation, connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let (kind, subject, issued_before) = match revocation {
        Revocation::All => ("all", "", None),
        Revocation::Client(id) => ("client", id.as_str(), None),
        Revocation::Jti { jti, expires_at } => return deny("jti", jti, *expires_at, connection).await,
        Revocation::User { id, issued_before } => ("user", id.as_str(), *issued_before),
    };
    sqlx::query("INSERT INTO brama_cutoffs (kind, subject, issued_before) VALUES (?, ?, ?)")
        .bind(kind)
        .bind(subject)
        .bind(issued_before)
        .execute(connection)
        .await?;
    Ok(())
}

/// Within a transaction, which is undone where it is not done.
async fn revoke_token(
    credential: CredentialHash,
    first: CredentialKind,
    jwt: Option<&DeniedJwt>,
    keep: &Keep,
    connection: &mut SqliteConnection,
) -> Result<TokenRevocation, StoreError> {
    let value = credential.to_hex();
    let is_key: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM mithril_connections WHERE secret_hash = ?)")
        .bind(&value)
        .fetch_one(&mut *connection)
        .await?;
    if is_key && first == CredentialKind::ApiKey {
        return Ok(TokenRevocation::IsApiKey);
    }
    let deleted = execute("DELETE FROM mithril_tokens WHERE value_hash = ?", &[&value], connection).await?;
    if is_key && deleted == 0 {
        return Ok(TokenRevocation::IsApiKey);
    }
    if let Some(jwt) = jwt {
        let now: i64 = sqlx::query_scalar("SELECT unixepoch()").fetch_one(&mut *connection).await?;
        let expires_at = jwt.expires_at.unwrap_or(now.saturating_add(keep.longest_jwt_seconds()));
        deny("credential", &value, expires_at, connection).await?;
        if let Some(jti) = &jwt.jti {
            deny("jti", jti, expires_at, connection).await?;
        }
    }
    Ok(TokenRevocation::Done)
}

async fn head(connection: &mut SqliteConnection) -> Result<Head, StoreError> {
    let (feed, number): (String, i64) =
        sqlx::query_as("SELECT feed_id, number FROM brama_revocation_head").fetch_one(connection).await?;
    Ok(Head { feed: feed.parse().map_err(|_| odd("the feed's id is no UUID"))?, number })
}

async fn execute(
    statement: &'static str,
    values: &[&String],
    connection: &mut SqliteConnection,
) -> Result<u64, StoreError> {
    let query = values.iter().fold(sqlx::query(statement), |query, value| query.bind(value.as_str()));
    Ok(query.execute(connection).await?.rows_affected())
}

/// Writes a deny-list entry, unless the JWT is dead anyhow or denied for as long already.
async fn deny(
    kind: &'static str,
    subject: &str,
    expires_at: i64,
    connection: &mut SqliteConnection,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO brama_revoke (kind, subject, expires_at)
         SELECT ?1, ?2, ?3
         WHERE ?3 + ?4 > unixepoch() AND NOT EXISTS (
             SELECT 1 FROM brama_revocations
             WHERE subject = ?2 AND kind = ?1 AND expires_at IS NOT NULL AND expires_at >= ?3)",
    )
    .bind(kind)
    .bind(subject)
    .bind(expires_at.min(LATEST))
    .bind(CLOCK_MARGIN)
    .execute(connection)
    .await?;
    Ok(())
}

/// What follows a number; `?2` is NULL, and there so that both statements have the same parameters.
///
/// A JWT that was issued before a moment ends at the latest a JWT's longest life after it. SQLite's `max` of two values
/// is NULL if one of them is.
const ENTRIES: &str = "
    SELECT head.feed_id, head.number, head.pruned, entry.number, entry.kind, entry.subject, entry.issued_before,
           entry.revoked_at, entry.until
    FROM brama_revocation_head AS head
    LEFT JOIN (
        SELECT *, coalesce(expires_at + ?4, max(revoked_at, issued_before) + ?3) AS until
        FROM brama_revocations
        WHERE number > ?1 AND ?2 IS NULL
        ORDER BY number LIMIT ?5
    ) AS entry
    ORDER BY entry.number";

/// What of the deny list follows a number, up to another or to the head.
const DENIED: &str = "
    SELECT head.feed_id, head.number, head.pruned, entry.number, entry.kind, entry.subject, entry.issued_before,
           entry.revoked_at, entry.until
    FROM brama_revocation_head AS head
    LEFT JOIN (
        SELECT *, coalesce(expires_at + ?4, max(revoked_at, issued_before) + ?3) AS until
        FROM brama_revocations
        WHERE (issued_before IS NOT NULL OR expires_at IS NOT NULL)
            AND number > ?1 AND number <= coalesce(?2, (SELECT number FROM brama_revocation_head))
            AND coalesce(expires_at + ?4, max(revoked_at, issued_before) + ?3) > unixepoch()
        ORDER BY number LIMIT ?5
    ) AS entry
    ORDER BY entry.number";
