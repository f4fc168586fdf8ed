//! Owns `authorities` as they are written.

use serde::Deserialize;

use super::{ReasonDocument, ServeStaleDocument};

/// A service that vouches for credentials.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AuthorityDocument {
    /// The Envoy cluster it is reached by.
    pub cluster: String,
    /// The host it is called.
    pub host: String,
    /// Timeout of one lookup, such as `500ms`.
    pub timeout: String,
    /// Authentication of the gateway to the authority.
    pub auth: AuthDocument,
    /// Rate limit of lookups. The default is 1000 a second for each worker, of which 200 are for tokens behind one API
    /// key.
    pub lookups: Option<LookupsDocument>,
    /// Feed of revocations. Without one, facts are trusted for as long as `cache` says, whatever happens.
    pub revocations: Option<RevocationsDocument>,
}

/// Rate limit of a worker's lookups of one kind of credential.
#[derive(Clone, Copy, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LookupsDocument {
    /// Lookups in a second, in all: 1 to 1000000.
    pub per_second: u32,
    /// Lookups in a second of tokens behind one API key: at least 1, and at most `per_second`. The default is 200, or
    /// `per_second` if that is less.
    pub per_second_behind_a_key: Option<u32>,
}

/// A feed of revocations, and how it is followed.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RevocationsDocument {
    /// The path of the feed, such as `/revocations`.
    pub path: String,
    /// Wait of one poll for entries, and interval of polls that bring none, such as `500ms`.
    pub every: String,
    /// Greatest age of the last poll at which cached facts are trusted, such as `3s`: at least three times `every`, and
    /// twice `timeout` and a second.
    pub max_lag: String,
    /// Use of cached facts, revoked or not, beyond that age. By default they are looked up again.
    pub when_stale: Option<ServeStaleDocument>,
}

/// Authentication of the gateway to an authority. A secret is named, and stays outside the document.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AuthDocument {
    /// By a bearer token ([RFC 6750](https://www.rfc-editor.org/rfc/rfc6750)).
    BearerEnv(VariableDocument),
    /// By a user and a password ([RFC 7617](https://www.rfc-editor.org/rfc/rfc7617)), as `user:password` in one
    /// variable.
    BasicEnv(VariableDocument),
    /// By a secret in a header of its own.
    HeaderEnv(HeaderEnvDocument),
    /// Not at all.
    None(ReasonDocument),
}

/// The environment variable of the Wasm VM that holds a secret.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct VariableDocument(pub String);

/// A secret in a header of its own.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct HeaderEnvDocument {
    /// The header.
    pub name: String,
    /// The variable that holds its value.
    pub env: VariableDocument,
}
