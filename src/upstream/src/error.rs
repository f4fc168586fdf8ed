//! Owns the refusals of the public listener: the one map from an error to status, type and message.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::envelope::Outcome;
use crate::store::StoreError;

/// Why a request of the public listener was not fulfilled.
///
/// `Display` is for the log. What the client reads is [`message`](Self::message).
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The gateway's identity is missing or odd.
    #[error("no identity from the gateway")]
    AccessDenied,
    /// The client has no such connection.
    #[error("no such connection")]
    ConnectionNotFound,
    /// There is no such division that is active.
    #[error("no such active contract division")]
    DivisionNotFound,
    /// The division's contract is of a type whose divisions stay.
    #[error("the contract is of another type")]
    DivisionOfOtherContractType,
    /// The path exists with other methods.
    #[error("no such method here")]
    MethodNotAllowed,
    /// As many requests as may be are in work.
    #[error("too many requests are in work")]
    Overloaded,
    /// The path leads nowhere.
    #[error("no such path")]
    PathNotFound,
    /// The service is about to end.
    #[error("the service is stopping")]
    Stopping,
    /// The store gave no answer.
    #[error("the store gave no answer")]
    Store(#[from] StoreError),
    /// A response left the handlers in a form that nobody planned, or a handler panicked.
    #[error("unforeseen response with status {0}")]
    Unforeseen(StatusCode),
}

impl ApiError {
    /// The status, with the type it has in the envelope.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::AccessDenied => StatusCode::UNAUTHORIZED,
            Self::ConnectionNotFound | Self::DivisionNotFound | Self::PathNotFound => StatusCode::NOT_FOUND,
            Self::DivisionOfOtherContractType => StatusCode::CONFLICT,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            // Not 500: the request may be right, and another try may succeed.
            Self::Overloaded | Self::Stopping | Self::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unforeseen(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The `type` of the envelope's `error`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AccessDenied => "access_denied",
            Self::ConnectionNotFound | Self::DivisionNotFound | Self::PathNotFound => "not_found",
            Self::DivisionOfOtherContractType => "request_conflict",
            Self::MethodNotAllowed => "request_malformed",
            Self::Overloaded | Self::Stopping | Self::Store(_) | Self::Unforeseen(_) => "internal_error",
        }
    }

    /// The sentence for the client; the specifications' own words where they have some.
    pub fn message(&self) -> &'static str {
        match self {
            Self::AccessDenied => "Access denied",
            Self::ConnectionNotFound => "Connection is not found",
            Self::DivisionNotFound => "Contract division with such id is not found",
            Self::DivisionOfOtherContractType => "Only contract divisions for contract with type GB_CBP can be deleted",
            Self::MethodNotAllowed => "Method is not allowed",
            Self::PathNotFound => "Not found",
            Self::Overloaded | Self::Stopping | Self::Store(_) => "Service unavailable",
            Self::Unforeseen(_) => "Internal error",
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        if let Self::AccessDenied = self {
            // RFC 9110, 15.5.2: a 401 carries a challenge. RFC 6750, 3: with at least one parameter.
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
        }
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            // RFC 9110, 10.2.3.
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
        }
        response.extensions_mut().insert(Outcome::from(self));
        response
    }
}

/// In seconds; about as long as the store may take.
pub(crate) const RETRY_AFTER: &str = "1";

const CHALLENGE: &str = "Bearer realm=\"ehealth\"";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::iter;

    use super::*;
    use crate::listen::Listener;
    use crate::openapi;

    /// Each variant leads to another, so that none is forgotten.
    fn next(error: &ApiError) -> Option<ApiError> {
        Some(match error {
            ApiError::AccessDenied => ApiError::ConnectionNotFound,
            ApiError::ConnectionNotFound => ApiError::DivisionNotFound,
            ApiError::DivisionNotFound => ApiError::DivisionOfOtherContractType,
            ApiError::DivisionOfOtherContractType => ApiError::MethodNotAllowed,
            ApiError::MethodNotAllowed => ApiError::Overloaded,
            ApiError::Overloaded => ApiError::PathNotFound,
            ApiError::PathNotFound => ApiError::Stopping,
            ApiError::Stopping => StoreError::Timeout.into(),
            ApiError::Store(_) => ApiError::Unforeseen(StatusCode::OK),
            ApiError::Unforeseen(_) => return None,
        })
    }

    #[test]
    fn document_tells_each_refusal_and_no_other() {
        let mut told = BTreeSet::new();
        for (status, schema) in openapi::refusals(Listener::Public) {
            assert_eq!(schema["properties"]["meta"]["properties"]["code"]["const"].to_string(), status);
            let error = &schema["properties"]["error"]["properties"];
            let text = |name: &str| error[name]["const"].as_str().unwrap().to_owned();
            told.insert((status, text("type"), text("message")));
        }
        let made = iter::successors(Some(ApiError::AccessDenied), next)
            // No operation makes these: they say that there is none.
            .filter(|error| !matches!(error, ApiError::MethodNotAllowed | ApiError::PathNotFound))
            .map(|error| (error.status().as_str().to_owned(), error.code().to_owned(), error.message().to_owned()));
        assert_eq!(told, made.collect());
    }
}
