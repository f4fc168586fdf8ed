//! Owns what is stated about a credential, and how it is read from a row.

/// The kinds of credentials the authority vouches for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CredentialKind {
    /// A user's token of the name `access_token`.
    AccessToken,
    /// The secret of a connection.
    ApiKey,
}

/// What the authority states about a credential.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub enum Introspection {
    /// An access token that is good now.
    AccessToken(AccessToken),
    /// An API key that is good now.
    ApiKey(ApiKey),
    /// Neither, for whatever reason.
    Inactive,
}

/// The facts of an active access token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AccessToken {
    /// The user it was issued to.
    pub user_id: String,
    /// The client the user works for.
    pub client_id: String,
    /// That client's type, in the real system's spelling.
    pub client_type: String,
    /// The token's scopes, separated by spaces.
    pub scope: String,
    /// When it ends, in Unix seconds.
    pub expires_at: i64,
}

/// The facts of an active API key: those of its connection's client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ApiKey {
    /// The client that provides the connection.
    pub client_id: String,
    /// That client's type.
    pub client_type: String,
    /// That client's scopes, separated by spaces.
    pub scope: String,
    /// The client that uses the connection.
    pub consumer_id: String,
}

/// What a look-up of one kind found by value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Lookup<T> {
    Active(T),
    /// The value is known, and no longer good: expired, or a client is blocked.
    Inactive,
    Unknown,
}

/// A token's user, client, client's type, scopes and end; and whether it is good now.
pub(super) type TokenRow = (String, String, String, String, i64, bool);

/// An API key's client, that one's type and scopes, and its consumer; and whether it is good now.
pub(super) type ApiKeyRow = (String, String, String, String, bool);

impl Lookup<AccessToken> {
    pub(super) fn token(row: Option<TokenRow>) -> Self {
        match row {
            Some((user_id, client_id, client_type, scope, expires_at, true)) => {
                Self::Active(AccessToken { user_id, client_id, client_type, scope, expires_at })
            }
            Some((.., false)) => Self::Inactive,
            None => Self::Unknown,
        }
    }
}

impl Lookup<ApiKey> {
    pub(super) fn api_key(row: Option<ApiKeyRow>) -> Self {
        match row {
            Some((client_id, client_type, scope, consumer_id, true)) => {
                Self::Active(ApiKey { client_id, client_type, scope, consumer_id })
            }
            Some((.., false)) => Self::Inactive,
            None => Self::Unknown,
        }
    }
}

impl<T> Lookup<T> {
    pub(super) fn known(self, introspection: impl FnOnce(T) -> Introspection) -> Option<Introspection> {
        match self {
            Self::Active(facts) => Some(introspection(facts)),
            Self::Inactive => Some(Introspection::Inactive),
            Self::Unknown => None,
        }
    }
}
