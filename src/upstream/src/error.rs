//! Owns the refusals of the public listener: the one map from an error to status, type and message.

use std::sync::Arc;

use axum::Extension;
use axum::http::{StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};

use crate::envelope::Outcome;
use crate::store::StoreError;

/// A refusal or failure of a request on the public listener.
///
/// `Display` is for the log; the client's text is in [`answer`](Self::answer).
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("no identity from the gateway")]
    AccessDenied,
    #[error("no such connection")]
    ConnectionNotFound,
    #[error("no such active contract division")]
    DivisionNotFound,
    #[error("the contract is of another type")]
    DivisionOfOtherContractType,
    #[error("no such method here")]
    MethodNotAllowed,
    #[error("too many requests are in work")]
    Overloaded,
    #[error("no such path")]
    PathNotFound,
    #[error("the service is stopping")]
    Stopping,
    #[error("the store gave no answer")]
    Store(#[from] StoreError),
    /// A response that carries no outcome, as after a panic of its handler. The field is its status.
    #[error("unforeseen response with status {0}")]
    Unforeseen(StatusCode),
}

impl ApiError {
    /// The status, the `type` of the envelope's `error`, and the sentence for the client: in the specifications' own
    /// words where they have some.
    pub(crate) fn answer(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::AccessDenied => (StatusCode::UNAUTHORIZED, "access_denied", "Access denied"),
            Self::ConnectionNotFound => (StatusCode::NOT_FOUND, "not_found", "Connection is not found"),
            Self::DivisionNotFound => {
                (StatusCode::NOT_FOUND, "not_found", "Contract division with such id is not found")
            }
            Self::DivisionOfOtherContractType => (
                StatusCode::CONFLICT,
                "request_conflict",
                "Only contract divisions for contract with type GB_CBP can be deleted",
            ),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "request_malformed", "Method is not allowed"),
            // Not 500: the request may be right, and another try may succeed.
            Self::Overloaded | Self::Stopping | Self::Store(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "internal_error", "Service unavailable")
            }
            Self::PathNotFound => (StatusCode::NOT_FOUND, "not_found", "Not found"),
            Self::Unforeseen(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal_error", "Internal error"),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, ..) = self.answer();
        let header = match status {
            // RFC 9110, 15.5.2: a 401 carries a challenge. RFC 6750, 3: with at least one parameter.
            StatusCode::UNAUTHORIZED => Some((header::WWW_AUTHENTICATE, CHALLENGE)),
            // RFC 9110, 10.2.3.
            StatusCode::SERVICE_UNAVAILABLE => Some((header::RETRY_AFTER, RETRY_AFTER)),
            _ => None,
        };
        (status, AppendHeaders(header), Extension(Outcome(Err(Arc::new(self))))).into_response()
    }
}

/// Value of `Retry-After`, in seconds: about as long as the store may take.
pub(crate) const RETRY_AFTER: &str = "1";

const CHALLENGE: &str = "Bearer realm=\"ehealth\"";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::iter;

    use super::*;
    use crate::listen::Listener;
    use crate::openapi;

    /// The variant after this one. The `match` is exhaustive, so that a new variant joins the test.
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
            // These belong to no operation of the document.
            .filter(|error| !matches!(error, ApiError::MethodNotAllowed | ApiError::PathNotFound))
            .map(|error| error.answer())
            .map(|(status, code, message)| (status.as_str().to_owned(), code.to_owned(), message.to_owned()));
        assert_eq!(told, made.collect());
    }
}
