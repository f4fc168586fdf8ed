//! Owns the refusals of the internal listener: the one map from an error to status and body.

use std::fmt;
use std::sync::Arc;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::error::RETRY_AFTER;
use crate::observe::{Cause, SERVER_ERROR};
use crate::openapi::{Refusal, exactly, joined};
use crate::store::StoreError;

/// Why a request of the internal listener was not fulfilled.
#[derive(Debug, thiserror::Error)]
pub(super) enum AuthorityError {
    #[error("the deny list for JWTs is full")]
    DenyListFull,
    /// With the place and what is wrong there, for who wrote the request.
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

    fn status(&self) -> StatusCode {
        match self {
            Self::Invalid(_) | Self::InvalidRequest | Self::UnsupportedTokenType => StatusCode::BAD_REQUEST,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Metrics(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::PathNotFound => StatusCode::NOT_FOUND,
            Self::DenyListFull | Self::Overloaded | Self::Stopping | Self::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
        }
    }

    /// The body's `error`: words of RFC 6749, 5.2, RFC 6750, 3.1 and RFC 7009, 2.2.1 where they have some.
    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) | Self::InvalidRequest | Self::TooLarge | Self::TooSlow => "invalid_request",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Metrics(_) => SERVER_ERROR,
            Self::PathNotFound => "not_found",
            Self::DenyListFull | Self::Overloaded | Self::Stopping | Self::Store(_) => "temporarily_unavailable",
            Self::Unauthorized => "invalid_token",
            Self::UnsupportedTokenType => "unsupported_token_type",
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
        let body = match &self {
            Self::DenyListFull | Self::Invalid(_) | Self::UnsupportedTokenType => {
                json!({ "error": self.code(), "error_description": self.to_string() })
            }
            _ => json!({ "error": self.code() }),
        };
        let mut response = (self.status(), Json(body)).into_response();
        if let Self::Unauthorized = self {
            // RFC 7662, 2.3 refers to RFC 6750, 3, which wants at least one parameter after the scheme.
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
        }
        if let Self::Overloaded | Self::Stopping | Self::Store(_) = self {
            // RFC 9110, 10.2.3. A list that is full is so for longer.
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
        }
        if response.status().is_server_error() {
            response.extensions_mut().insert(Cause(Arc::new(self)));
        }
        response
    }
}

impl From<AuthorityError> for Refusal {
    fn from(error: AuthorityError) -> Self {
        let code = json!({ "error": { "const": error.code() } });
        let description = match &error {
            AuthorityError::DenyListFull | AuthorityError::Invalid(_) | AuthorityError::UnsupportedTokenType => {
                json!({ "error_description": { "type": "string" } })
            }
            _ => json!({}),
        };
        let response = error.into_response();
        Self {
            status: response.status(),
            headers: response.headers().clone(),
            body: exactly(joined(code, description)),
        }
    }
}

const CHALLENGE: &str = "Bearer realm=\"authority\"";
