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
    /// How long one lookup may take, such as `500ms`.
    pub timeout: String,
    /// How the gateway proves itself to it.
    pub auth: AuthDocument,
    /// How often it may be asked about credentials; where nothing is written, 1000 times a second by a worker, and 200 times
    /// about tokens behind one API key.
    pub lookups: Option<LookupsDocument>,
    /// Its feed of revocations; where nothing is written, facts are trusted for as long as `cache` says, whatever happens.
    pub revocations: Option<RevocationsDocument>,
}

/// How often a worker may ask about credentials of a kind.
#[derive(Clone, Copy, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LookupsDocument {
    /// In a second, in all: 1 to 1000000.
    pub per_second: u32,
    /// In a second, about tokens behind one API key: at least 1, and at most `per_second`; 200, or `per_second` if that is
    /// less, where nothing is written.
    pub per_second_behind_a_key: Option<u32>,
}

/// A feed of revocations, and how it is followed.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RevocationsDocument {
    /// The path of the feed, such as `/revocations`.
    pub path: String,
    /// How long a question waits for news, and from one question to the next where there are none, such as `500ms`.
    pub every: String,
    /// How old what is known of the feed may be for facts to be trusted, such as `3s`; at least thrice `every`, and twice
    /// `timeout` and a second.
    pub max_lag: String,
    /// What becomes of facts when it is older, revoked or not: they are asked for again where nothing is written.
    pub when_stale: Option<ServeStaleDocument>,
}

/// How the gateway proves itself to an authority. Secrets are named, and never in the document.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AuthDocument {
    /// By a bearer token ([RFC 6750](https://www.rfc-editor.org/rfc/rfc6750)).
    BearerEnv(VariableDocument),
    /// By a user and a password ([RFC 7617](https://www.rfc-editor.org/rfc/rfc7617)), as `user:password` in one variable.
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
