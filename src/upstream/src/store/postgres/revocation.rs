//! Owns how the revocation feed is read from, written to and pruned in a PostgreSQL database.

use sqlx::PgConnection;

use super::{Postgres, StoreError, again, commit, end};
use crate::id::Id;
use crate::secret::CredentialHash;
use crate::store::CredentialKind;
use crate::store::page::{PAGE_AND_ONE, Row, Source, Wanted, odd, page, wanted};
use crate::store::revocation::{
    CLOCK_MARGIN, DENY_LIST_LIMIT, DeniedJwt, Head, Keep, LATEST, Page, Revocation, RevocationOutcome, Since,
    TokenRevocation,
};

impl Postgres {
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

    pub(in crate::store) async fn revoke(
        &self,
        revocation: &Revocation,
        keep: &Keep,
    ) -> Result<RevocationOutcome, StoreError> {
        again(move || async move {
            let mut work = self.begin().await?;
            let outcome = revoke(revocation, keep, &mut work).await?;
            end(work, matches!(outcome, RevocationOutcome::Done { .. })).await?;
            Ok(outcome)
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

    /// Removes one batch of the entries that nobody needs, and tells how many those were.
    pub(in crate::store) async fn prune_revocations(&self, keep: &Keep) -> Result<u64, StoreError> {
        again(move || async move {
            let mut work = self.begin().await?;
            let pruned = prune(keep, &mut work).await?;
            commit(work).await?;
            Ok(pruned)
        })
        .await
    }
}

/// Takes the feed's head, before any row that is revoked.
pub(super) async fn take_head(connection: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query("SELECT FROM brama.revocation_head FOR UPDATE").execute(connection).await?;
    Ok(())
}

async fn revoke(
    revocation: &Revocation,
    keep: &Keep,
    connection: &mut PgConnection,
) -> Result<RevocationOutcome, StoreError> {
    // A little less than the store waits.
    sqlx::raw_sql("SET LOCAL statement_timeout = '29s'").execute(&mut *connection).await?;
    take_head(connection).await?;
    // Who revokes everything has reason to, and it is one entry.
    if *revocation != Revocation::All && is_full(keep, connection).await? {
        return Ok(RevocationOutcome::Full);
    }
    let (mut tokens, mut connections) = (0, 0);
    match revocation {
        Revocation::All => {
            let deleted = sqlx::query("DELETE FROM mithril.tokens").execute(&mut *connection).await?;
            tokens = deleted.rows_affected();
            add("all", None, None, connection).await?;
            // It says what these say. Who had yet to read them is told to drop everything, which is the same.
            sqlx::query("DELETE FROM brama.revocations WHERE issued_before IS NULL AND expires_at IS NULL")
                .execute(&mut *connection)
                .await?;
        }
        Revocation::Client(id) => {
            // Gateways may know clients that are no rows here.
            if let Ok(row) = id.parse::<Id>() {
                (tokens, connections) = delete_of_client(row, connection).await?;
            }
            add("client", Some(id), None, connection).await?;
        }
        Revocation::Jti { jti, expires_at } => deny("jti", jti, *expires_at, connection).await?,
        Revocation::User { id, issued_before } => {
            if let Ok(row) = id.parse::<Id>() {
                tokens = delete_of_user(row, *issued_before, connection).await?;
            }
            add("user", Some(id), *issued_before, connection).await?;
        }
    }
    let head = head(connection).await?;
    Ok(RevocationOutcome::Done { head, tokens, connections })
}

async fn delete_of_client(id: Id, connection: &mut PgConnection) -> Result<(u64, u64), StoreError> {
    let tokens = sqlx::query("DELETE FROM mithril.tokens WHERE client_id = $1")
        .bind(id.uuid())
        .execute(&mut *connection)
        .await?;
    let connections = sqlx::query("DELETE FROM mithril.connections WHERE client_id = $1 OR consumer_id = $1")
        .bind(id.uuid())
        .execute(connection)
        .await?;
    Ok((tokens.rows_affected(), connections.rows_affected()))
}

async fn delete_of_user(id: Id, issued_before: Option<i64>, connection: &mut PgConnection) -> Result<u64, StoreError> {
    let deleted = sqlx::query(
        "DELETE FROM mithril.tokens
         WHERE user_id = $1 AND floor(extract(epoch FROM inserted_at)) < coalesce($2, brama.unix_now() + 1)",
    )
    .bind(id.uuid())
    .bind(issued_before)
    .execute(connection)
    .await?;
    Ok(deleted.rows_affected())
}

async fn revoke_token(
    credential: CredentialHash,
    first: CredentialKind,
    jwt: Option<&DeniedJwt>,
    keep: &Keep,
    connection: &mut PgConnection,
) -> Result<TokenRevocation, StoreError> {
    let value = credential.to_hex();
    take_head(connection).await?;
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
        if is_full(keep, connection).await? {
            return Ok(TokenRevocation::Full);
        }
        let now: i64 = sqlx::query_scalar("SELECT brama.unix_now()").fetch_one(&mut *connection).await?;
        let expires_at = jwt.expires_at.unwrap_or(now.saturating_add(keep.longest_jwt_seconds()));
        deny("credential", &value, expires_at, connection).await?;
        if let Some(jti) = &jwt.jti {
            deny("jti", jti, expires_at, connection).await?;
        }
    }
    Ok(TokenRevocation::Done)
}

async fn prune(keep: &Keep, connection: &mut PgConnection) -> Result<u64, StoreError> {
    take_head(connection).await?;
    let done = sqlx::query(
        "DELETE FROM brama.revocations WHERE number IN (
             SELECT number FROM brama.revocations CROSS JOIN (SELECT brama.unix_now() AS now) AS clock
             WHERE revoked_at < now - $1
                 AND (issued_before IS NULL OR greatest(revoked_at, issued_before) + $2 <= now)
                 AND (expires_at IS NULL OR expires_at + $3 <= now)
             ORDER BY number LIMIT 1000)",
    )
    .bind(keep.retention_seconds())
    .bind(keep.longest_jwt_seconds().saturating_add(CLOCK_MARGIN))
    .bind(CLOCK_MARGIN)
    .execute(&mut *connection)
    .await?;
    Ok(done.rows_affected())
}

async fn head(connection: &mut PgConnection) -> Result<Head, StoreError> {
    let (feed, number): (String, i64) =
        sqlx::query_as("SELECT feed_id::text, number FROM brama.revocation_head").fetch_one(connection).await?;
    Ok(Head { feed: feed.parse().map_err(|_| odd("the feed's id is no UUID"))?, number })
}

/// Writes an entry about everything, a client or a user; without `issued_before` it is until now.
async fn add(
    kind: &'static str,
    subject: Option<&String>,
    issued_before: Option<i64>,
    connection: &mut PgConnection,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO brama.revoke (kind, subject, issued_before) VALUES ($1, $2, coalesce($3, brama.unix_now() + 1))",
    )
    .bind(kind)
    .bind(subject)
    .bind(issued_before)
    .execute(connection)
    .await?;
    Ok(())
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

/// Whether the deny list has no room for two more entries.
async fn is_full(keep: &Keep, connection: &mut PgConnection) -> Result<bool, StoreError> {
    let denied: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM brama.revocations CROSS JOIN (SELECT brama.unix_now() AS now) AS clock
         WHERE (issued_before IS NOT NULL OR expires_at IS NOT NULL)
             AND coalesce(expires_at + $2, greatest(revoked_at, issued_before) + $1) > now",
    )
    .bind(keep.longest_jwt_seconds().saturating_add(CLOCK_MARGIN))
    .bind(CLOCK_MARGIN)
    .fetch_one(connection)
    .await?;
    Ok(denied > DENY_LIST_LIMIT - 2)
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
