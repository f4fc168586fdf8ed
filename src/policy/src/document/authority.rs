//! Owns `authorities` as they are written.

use serde::Deserialize;

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
}

/// How the gateway proves itself to an authority.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AuthDocument {
    /// The environment variable of the Wasm VM that holds a bearer token; the secret itself is never in the document.
    pub bearer_env: String,
}
