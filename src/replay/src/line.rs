//! Owns a request and its statements as one line of JSON.

use brama_policy::{CredentialKind, Policy};
use serde::Deserialize;
use serde_json::Value;

use crate::judge::Statements;
use crate::statement::{InvalidStatement, Statement};

/// A request as a line of a replay:
/// `{"method","host","path","headers":[[name,value]...],"token":…,"api_key":…}`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestLine {
    /// The method.
    pub method: String,
    /// The host; `localhost` where nothing is written.
    #[serde(default = "localhost")]
    pub host: String,
    /// The path, with the query if there is one.
    pub path: String,
    /// Further headers, in order.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// What is stated about the token: facts, `null`, `"refused"` or `"unavailable"`.
    #[serde(default)]
    pub token: Value,
    /// What is stated about the API key.
    #[serde(default)]
    pub api_key: Value,
    /// The wall clock, in seconds since 1970; the caller's where nothing is written.
    pub now: Option<u64>,
}

/// A line that says no request.
#[derive(Debug, thiserror::Error)]
pub enum InvalidLine {
    /// Not JSON, or of another shape.
    #[error("this is no request: {0}")]
    Json(#[from] serde_json::Error),
    /// A statement that cannot be understood.
    #[error("{kind}: {reason}")]
    Statement {
        /// About which credential.
        kind: &'static str,
        /// What is wrong with it.
        reason: InvalidStatement,
    },
}

impl RequestLine {
    /// Reads one line.
    ///
    /// # Errors
    /// Text that is not this JSON, unknown or repeated members included.
    pub fn read(text: &[u8]) -> Result<Self, InvalidLine> {
        Ok(serde_json::from_slice(text)?)
    }

    /// What is stated about its credentials.
    ///
    /// # Errors
    /// A statement that the policy's verifiers could not make.
    pub fn statements(&self, policy: &Policy) -> Result<Statements, InvalidLine> {
        let read = |value, kind: CredentialKind| {
            Statement::read(value, kind, policy)
                .map_err(|reason| InvalidLine::Statement { kind: kind.as_str(), reason })
        };
        Ok(Statements {
            api_key: read(&self.api_key, CredentialKind::ApiKey)?,
            token: read(&self.token, CredentialKind::Token)?,
        })
    }

    /// Its headers, pseudo-headers first, with a credential for each statement about one.
    #[must_use]
    pub fn headers(&self, policy: &Policy, statements: &Statements) -> Vec<(String, Vec<u8>)> {
        let pseudo = [(":method", &self.method), (":authority", &self.host), (":path", &self.path)];
        let pseudo = pseudo.map(|(name, value)| (name.to_owned(), value.clone().into_bytes()));
        let further = self.headers.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes()));
        let mut headers: Vec<_> = pseudo.into_iter().chain(further).collect();
        statements.present(policy, &mut headers);
        headers
    }
}

fn localhost() -> String {
    "localhost".to_owned()
}
