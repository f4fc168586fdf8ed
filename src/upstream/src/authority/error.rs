//! Owns the refusals of the internal listener: the one map from an error to status and body.

use std::fmt;
use std::sync::Arc;

use axum::http::{StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::json;

use crate::error::RETRY_AFTER;
use crate::observe::{Cause, SERVER_ERROR};
use crate::store::StoreError;

/// A refusal or failure of a request on the internal listener.
#[derive(Debug, thiserror::Error)]
pub(super) enum AuthorityError {
    #[error("the deny list for JWTs is full")]
    DenyListFull,
    /// A fault in the request, with its place, for the client.
    #[error("{0}")]
    Invalid(String),
    #[error("the request is not of its path's form")]
    InvalidRequest,
    #[error("no such method here")]
    MethodNotAllowed,
    #[error("the metrics cannot be written")]
    Metrics(#[source] fmt::Error),
    #[error("too many requests are in work")]
    Overloaded,
    #[error("no such path")]
    PathNotFound,
    #[error("the service is stopping")]
    Stopping,
    #[error("the store gave no answer")]
    Store(#[from] Arc<StoreError>),
    #[error("the body is too large")]
    TooLarge,
    #[error("the body did not arrive in time")]
    TooSlow,
    #[error("the authority secret is missing or wrong")]
    Unauthorized,
    #[error("an API key ends with its connection")]
    UnsupportedTokenType,
}

impl AuthorityError {
    pub(super) fn invalid(description: impl Into<String>) -> Self {
        Self::Invalid(description.into())
    }

    /// The status, and the body's `error`: words of RFC 6749, 5.2, RFC 6750, 3.1 and RFC 7009, 2.2.1 where they have
    /// some.
    fn answer(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Invalid(_) | Self::InvalidRequest => (StatusCode::BAD_REQUEST, "invalid_request"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::Metrics(_) => (StatusCode::INTERNAL_SERVER_ERROR, SERVER_ERROR),
            Self::PathNotFound => (StatusCode::NOT_FOUND, "not_found"),
            Self::DenyListFull | Self::Overloaded | Self::Stopping | Self::Store(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable")
            }
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "invalid_request"),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "invalid_request"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "invalid_token"),
            Self::UnsupportedTokenType => (StatusCode::BAD_REQUEST, "unsupported_token_type"),
        }
    }
}

impl From<StoreError> for AuthorityError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

impl IntoResponse for AuthorityError {
    fn into_response(self) -> Response {
        let (status, code) = self.answer();
        let body = match &self {
            Self::DenyListFull | Self::Invalid(_) | Self::UnsupportedTokenType => {
                json!({ "error": code, "error_description": self.to_string() })
            }
            _ => json!({ "error": code }),
        };
        let header = match &self {
            // RFC 7662, 2.3 refers to RFC 6750, 3, which wants at least one parameter after the scheme.
            Self::Unauthorized => Some((header::WWW_AUTHENTICATE, CHALLENGE)),
            // RFC 9110, 10.2.3. A deny list that is full stays so for longer.
            Self::Overloaded | Self::Stopping | Self::Store(_) => Some((header::RETRY_AFTER, RETRY_AFTER)),
            _ => None,
        };
        let cause = status.is_server_error().then(|| Extension(Cause(Arc::new(self))));
        (status, AppendHeaders(header), cause, Json(body)).into_response()
    }
}

const CHALLENGE: &str = "Bearer realm=\"authority\"";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::iter;

    use axum::body::to_bytes;
    use serde_json::Value;

    use super::*;
    use crate::listen::Listener;
    use crate::openapi;

    /// The variant after this one. The `match` is exhaustive, so that a new variant joins the test.
    fn next(error: &AuthorityError) -> Option<AuthorityError> {
        Some(match error {
            AuthorityError::DenyListFull => AuthorityError::invalid(""),
            AuthorityError::Invalid(_) => AuthorityError::InvalidRequest,
            AuthorityError::InvalidRequest => AuthorityError::MethodNotAllowed,
            AuthorityError::MethodNotAllowed => AuthorityError::Metrics(fmt::Error),
            AuthorityError::Metrics(_) => AuthorityError::Overloaded,
            AuthorityError::Overloaded => AuthorityError::PathNotFound,
            AuthorityError::PathNotFound => AuthorityError::Stopping,
            AuthorityError::Stopping => StoreError::Timeout.into(),
            AuthorityError::Store(_) => AuthorityError::TooLarge,
            AuthorityError::TooLarge => AuthorityError::TooSlow,
            AuthorityError::TooSlow => AuthorityError::Unauthorized,
            AuthorityError::Unauthorized => AuthorityError::UnsupportedTokenType,
            AuthorityError::UnsupportedTokenType => return None,
        })
    }

    #[tokio::test]
    async fn document_tells_each_refusal_and_no_other() {
        let mut told = BTreeSet::new();
        for (status, schema) in openapi::refusals(Listener::Internal) {
            let code = schema["properties"]["error"]["const"].as_str().unwrap().to_owned();
            told.insert((status, code, schema["properties"]["error_description"].is_object()));
        }
        let mut made = BTreeSet::new();
        for error in iter::successors(Some(AuthorityError::DenyListFull), next) {
            // These belong to no operation of the document.
            if matches!(error, AuthorityError::MethodNotAllowed | AuthorityError::PathNotFound) {
                continue;
            }
            let (parts, body) = error.into_response().into_parts();
            let body: Value = serde_json::from_slice(&to_bytes(body, 1000).await.unwrap()).unwrap();
            let code = body["error"].as_str().unwrap().to_owned();
            made.insert((parts.status.as_str().to_owned(), code, body["error_description"].is_string()));
        }
        assert_eq!(told, made);
    }
}
