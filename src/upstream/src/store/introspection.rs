//! Owns the facts of a credential, and the search for it in the database.

use super::statement::sql;
use super::{Store, StoreError, bounded};
use crate::secret::CredentialHash;

/// Kinds of credentials that the authority knows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CredentialKind {
    /// A user's token of the name `access_token`.
    AccessToken,
    /// The secret of a connection.
    ApiKey,
}

/// The authority's statement about a credential.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub enum Introspection {
    /// An access token that is good now.
    AccessToken(AccessToken),
    /// An API key that is good now.
    ApiKey(ApiKey),
    /// Neither: unknown, expired, revoked or blocked.
    Inactive,
}

/// The facts of an active access token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AccessToken {
    /// The user it was issued to.
    pub user_id: String,
    /// The client the user works for.
    pub client_id: String,
    /// The client's type, in the real system's spelling.
    pub client_type: String,
    /// The token's scopes, separated by spaces.
    pub scope: String,
    /// Expiry, in Unix seconds.
    pub expires_at: i64,
}

/// The facts of an active API key: those of its connection's client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ApiKey {
    /// The client that provides the connection.
    pub client_id: String,
    /// The client's type.
    pub client_type: String,
    /// The client's scopes, separated by spaces.
    pub scope: String,
    /// The client that uses the connection.
    pub consumer_id: String,
}

impl Store {
    /// Facts of a credential, looked for as `first` and then as the other kind.
    ///
    /// The first kind that knows the value decides. RFC 7662, 2.1 extends the search to other kinds if the value could
    /// not be *located*. An expired token was located: an API key that happens to have the same value must not make it
    /// active again.
    pub async fn introspect(
        &self,
        credential: CredentialHash,
        first: CredentialKind,
    ) -> Result<Introspection, StoreError> {
        let hash = credential.to_hex();
        bounded(async {
            let is_token_first = first == CredentialKind::AccessToken;
            for as_token in [is_token_first, !is_token_first] {
                let known = if as_token { self.access_token(&hash).await? } else { self.api_key(&hash).await? };
                if let Some(introspection) = known {
                    return Ok(introspection);
                }
            }
            Ok(Introspection::Inactive)
        })
        .await
    }

    /// The access token with this hash; `None`: there is none. It is inactive if it expired or was revoked, or if its
    /// client is blocked.
    async fn access_token(&self, hash: &str) -> Result<Option<Introspection>, StoreError> {
        // Only rows named `access_token`. The real system accepts any name, so that a refresh token opens doors there.
        let select = sql!(
            "SELECT token.user_id::text, token.client_id::text, client.client_type, token.scope, token.expires_at,
                    token.expires_at > brama.unix_now() AND NOT client.is_blocked AND NOT EXISTS (
                        SELECT 1 FROM brama.cutoffs
                        WHERE subject IN (token.client_id, token.user_id, '00000000-0000-0000-0000-000000000000')
                            AND number > token.issued
                            AND CASE kind WHEN 'client' THEN subject = token.client_id
                                     WHEN 'user' THEN subject = token.user_id ELSE true END
                            AND (issued_before IS NULL OR floor(extract(epoch FROM token.inserted_at)) < issued_before))
             FROM mithril.tokens AS token
             JOIN mithril.clients AS client ON client.id = token.client_id
             WHERE token.value_hash = $1 AND token.name = 'access_token'"
        );
        let row = self.database.readers.rows(select, &[hash.into()]).await?.pop();
        Ok(row.map(|(user_id, client_id, client_type, scope, expires_at, is_active)| match is_active {
            true => Introspection::AccessToken(AccessToken { user_id, client_id, client_type, scope, expires_at }),
            false => Introspection::Inactive,
        }))
    }

    /// The API key with this hash; `None`: there is none. It is inactive if it was revoked, or if its client or
    /// consumer is blocked.
    async fn api_key(&self, hash: &str) -> Result<Option<Introspection>, StoreError> {
        let select = sql!(
            "SELECT connection.client_id::text, client.client_type, client.scope, connection.consumer_id::text,
                    NOT client.is_blocked AND NOT consumer.is_blocked AND NOT EXISTS (
                        SELECT 1 FROM brama.cutoffs
                        WHERE subject IN (connection.client_id, connection.consumer_id)
                            AND number > connection.issued AND kind = 'client')
             FROM mithril.connections AS connection
             JOIN mithril.clients AS client ON client.id = connection.client_id
             JOIN mithril.clients AS consumer ON consumer.id = connection.consumer_id
             WHERE connection.secret_hash = $1"
        );
        let row = self.database.readers.rows(select, &[hash.into()]).await?.pop();
        Ok(row.map(|(client_id, client_type, scope, consumer_id, is_active)| match is_active {
            true => Introspection::ApiKey(ApiKey { client_id, client_type, scope, consumer_id }),
            false => Introspection::Inactive,
        }))
    }
}
