//! Owns the operations that revoke: many credentials at once, or one token.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::connections::Lease;
use super::database::again;
use super::introspection::CredentialKind;
use super::revocation::{
    CLOCK_MARGIN, DENY_LIST_LIMIT, DeniedJwt, Keep, LATEST, Revocation, RevocationOutcome, TokenRevocation, seconds,
};
use super::statement::{only, sql};
use super::{Store, StoreError, bounded};
use crate::id::Id;
use crate::secret::CredentialHash;

impl Store {
    /// Revokes. The revocation is in force when this returns.
    pub async fn revoke(&self, revocation: &Revocation, keep: &Keep) -> Result<RevocationOutcome, StoreError> {
        // A revocation of everything is always accepted: it is urgent, and one entry.
        if *revocation != Revocation::All && !self.has_room(keep).await? {
            return Ok(RevocationOutcome::Full);
        }
        let work = async {
            again(|| async {
                let mut work = self.database.writers.begin().await?;
                revoke(revocation, &mut work).await?;
                work.commit().await
            })
            .await?;
            self.head().await
        };
        let head = timeout(REVOCATION_TIMEOUT, work).await.unwrap_or(Err(StoreError::Timeout));
        self.revoked.send_replace(());
        self.cut_off.notify_one();
        Ok(RevocationOutcome::Done { head: head? })
    }

    /// Revokes a token by its value, in one transaction; a JWT goes onto the deny list as well. The value is looked for
    /// as `first` and then as the other kind.
    pub async fn revoke_token(
        &self,
        credential: CredentialHash,
        first: CredentialKind,
        jwt: Option<&DeniedJwt>,
        keep: &Keep,
    ) -> Result<TokenRevocation, StoreError> {
        if jwt.is_some() && !self.has_room(keep).await? {
            return Ok(TokenRevocation::Full);
        }
        let hash = credential.to_hex();
        let revocation = bounded(again(|| async {
            let mut work = self.database.writers.begin().await?;
            if !delete_token(&hash, first, &mut work).await? {
                work.roll_back().await?;
                return Ok(TokenRevocation::IsApiKey);
            }
            if let Some(jwt) = jwt {
                deny_token(&hash, jwt, keep, &mut work).await?;
            }
            work.commit().await?;
            Ok(TokenRevocation::Done)
        }))
        .await;
        self.revoked.send_replace(());
        revocation
    }

    /// Room on the deny list for two more entries.
    ///
    /// The list is counted once a second, outside of any transaction; until the next count, each call in this process
    /// adds two. So the list may be over its limit by what other processes add within a second.
    async fn has_room(&self, keep: &Keep) -> Result<bool, StoreError> {
        let count = sql!(
            "SELECT count(*) FROM brama.revocations
             WHERE (issued_before IS NOT NULL OR expires_at IS NOT NULL)
                 AND coalesce(expires_at + $2, greatest(revoked_at, issued_before) + $1) > (SELECT brama.unix_now())"
        );
        let values = [keep.longest_refusal_seconds().into(), CLOCK_MARGIN.into()];
        let mut counted = self.denied.lock().await;
        let (at, size) = match *counted {
            Some((at, size)) if at.elapsed() < COUNTED_FOR => (at, size),
            _ => (Instant::now(), only(bounded(self.database.readers.rows(count, &values)).await?)?),
        };
        let has_room = size <= DENY_LIST_LIMIT - 2;
        *counted = Some((at, if has_room { size + 2 } else { size }));
        Ok(has_room)
    }
}

async fn revoke(revocation: &Revocation, work: &mut Lease) -> Result<(), StoreError> {
    let (kind, subject, issued_before) = match revocation {
        Revocation::All => {
            let all = sql!(
                "INSERT INTO brama.cutoffs (kind, subject) VALUES ('all', '00000000-0000-0000-0000-000000000000')"
            );
            return work.execute(all, &[]).await.map(|_| ());
        }
        Revocation::Client(id) => ("client", id, None),
        Revocation::Jti { jti, expires_at } => return deny("jti", jti, *expires_at, work).await,
        Revocation::User { id, issued_before } => ("user", id, *issued_before),
    };
    // Gateways may know clients and users that are no rows here.
    let insert = match subject.parse::<Id>() {
        Ok(_) => sql!("INSERT INTO brama.cutoffs (kind, subject, issued_before) VALUES ($1, $2::uuid, $3)"),
        Err(_) => sql!(
            "INSERT INTO brama.revoke (kind, subject, issued_before)
             VALUES ($1, $2, coalesce($3, brama.unix_now() + 1))",
            "INSERT INTO brama_cutoffs (kind, subject, issued_before) VALUES ($1, $2, $3)"
        ),
    };
    work.execute(insert, &[kind.into(), subject.as_str().into(), issued_before.into()]).await?;
    Ok(())
}

/// Deletes a token, if there is one. `false`: it is an API key, and nothing was done.
async fn delete_token(hash: &str, first: CredentialKind, work: &mut Lease) -> Result<bool, StoreError> {
    let find = sql!("SELECT EXISTS (SELECT 1 FROM mithril.connections WHERE secret_hash = $1)");
    let is_key = only(work.rows(find, &[hash.into()]).await?)?;
    if is_key && first == CredentialKind::ApiKey {
        return Ok(false);
    }
    let deleted = work.execute(sql!("DELETE FROM mithril.tokens WHERE value_hash = $1"), &[hash.into()]).await?;
    Ok(!is_key || deleted > 0)
}

async fn deny_token(hash: &str, jwt: &DeniedJwt, keep: &Keep, work: &mut Lease) -> Result<(), StoreError> {
    let now: i64 = only(work.rows(sql!("SELECT brama.unix_now()"), &[]).await?)?;
    let expires_at = jwt.expires_at.unwrap_or(now.saturating_add(seconds(keep.longest_jwt)));
    deny("credential", hash, expires_at, work).await?;
    match &jwt.jti {
        Some(jti) => deny("jti", jti, expires_at, work).await,
        None => Ok(()),
    }
}

/// Writes a deny-list entry, unless the JWT has ended or is denied for as long already.
async fn deny(kind: &str, subject: &str, expires_at: i64, work: &mut Lease) -> Result<(), StoreError> {
    let insert = sql!(
        "INSERT INTO brama.revoke (kind, subject, expires_at)
         SELECT $1, $2, $3
         WHERE $3 + $4 > brama.unix_now() AND NOT EXISTS (
             SELECT 1 FROM brama.revocations
             WHERE subject = $2 AND kind = $1 AND expires_at IS NOT NULL AND expires_at >= $3)"
    );
    let values = [kind.into(), subject.into(), expires_at.min(LATEST).into(), CLOCK_MARGIN.into()];
    work.execute(insert, &values).await?;
    Ok(())
}

/// Time limit of a revocation, which may wait for others that write, and for the numbers of earlier entries. It is
/// longer than other limits, since no gateway's request waits for it.
const REVOCATION_TIMEOUT: Duration = Duration::from_secs(30);

/// Time for which a count of the deny list is used.
const COUNTED_FOR: Duration = Duration::from_secs(1);
