//! Owns `introspect` as it is written: whom a verifier asks, how, and where the facts are in an answer.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Verification by introspection ([RFC 7662](https://www.rfc-editor.org/rfc/rfc7662)).
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct IntrospectDocument {
    /// The authority asked, by its name under `authorities`.
    pub authority: String,
    /// The path of its introspection endpoint.
    pub path: String,
    /// The `token_type_hint`.
    pub hint: String,
    /// What an active answer must state, by JSON pointer; a hint alone is no guard.
    pub expect: BTreeMap<String, String>,
    /// Where the facts are in an answer, where it is not as in RFC 7662.
    #[serde(default)]
    pub facts: FactsDocument,
}

/// JSON pointers ([RFC 6901](https://www.rfc-editor.org/rfc/rfc6901)) of the facts in an answer.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct FactsDocument {
    /// Default `/sub`.
    pub subject: String,
    /// Default `/client_id`.
    pub client_id: String,
    /// Default `/client_type`.
    pub client_type: String,
    /// Default `/scope`.
    pub scope: String,
    /// Default `/exp`.
    pub expires: String,
    /// Further facts, by names of the policy's own; none by default.
    pub further: BTreeMap<String, String>,
}

impl Default for FactsDocument {
    fn default() -> Self {
        Self {
            subject: "/sub".to_owned(),
            client_id: "/client_id".to_owned(),
            client_type: "/client_type".to_owned(),
            scope: "/scope".to_owned(),
            expires: "/exp".to_owned(),
            further: BTreeMap::new(),
        }
    }
}
