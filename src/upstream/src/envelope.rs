//! Owns the envelope: the one form in which a response leaves the public listener.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::observe::{Cause, REQUEST_ID};

/// A handler's success; the status is 200.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Success {
    /// Done; the envelope has `meta` only, as the specification of connections has it.
    Done,
    /// Done; the envelope has an empty `data` as well, as the specification of divisions has it.
    DoneWithData,
}

/// Content of an envelope. It travels from the handler to [`wrap`] as an extension of the response.
#[derive(Clone, Debug)]
pub(crate) struct Outcome(pub(crate) Result<Success, Arc<ApiError>>);

#[derive(Serialize)]
struct Envelope<'a> {
    meta: Meta<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Fault>,
}

#[derive(Serialize)]
struct Meta<'a> {
    code: u16,
    url: String,
    r#type: &'static str,
    request_id: Option<&'a str>,
}

#[derive(Serialize)]
struct Fault {
    r#type: &'static str,
    message: &'static str,
}

/// Puts every response into an envelope, also those that come from outside the handlers.
pub(crate) async fn wrap(request: Request, next: Next) -> Response {
    let url = url_of(&request);
    let request_id = request.headers().get(REQUEST_ID).cloned();
    let response = next.run(request).await;

    let (mut parts, _) = response.into_parts();
    let outcome = match parts.extensions.remove::<Outcome>() {
        Some(Outcome(outcome)) => outcome,
        None => Err(Arc::new(ApiError::Unforeseen(parts.status))),
    };
    let refusal = outcome.as_ref().err().map(|error| error.answer());
    parts.status = refusal.map_or(StatusCode::OK, |(status, ..)| status);
    let envelope = Envelope {
        meta: Meta {
            code: parts.status.as_u16(),
            url,
            r#type: "object",
            request_id: request_id.as_ref().and_then(|id| id.to_str().ok()),
        },
        data: matches!(outcome, Ok(Success::DoneWithData)).then(Map::new),
        error: refusal.map(|(_, r#type, message)| Fault { r#type, message }),
    };
    // Serializing these types cannot fail; the default stands in for a panic.
    let body = serde_json::to_vec(&envelope).unwrap_or_default();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Err(error) = outcome
        && parts.status.is_server_error()
        && parts.extensions.get::<Cause>().is_none()
    {
        parts.extensions.insert(Cause(error));
    }
    if let Some(id) = request_id {
        parts.headers.insert(REQUEST_ID, id);
    }
    Response::from_parts(parts, Body::from(body))
}

/// The requested address without its query, which may hold secrets.
fn url_of(request: &Request) -> String {
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let scheme = match text("x-forwarded-proto") {
        Some("https") => "https",
        _ => "http",
    };
    // RFC 9112, 3.2.2: an authority in the request line goes before `Host`.
    let host = match request.uri().authority() {
        Some(authority) => authority.as_str(),
        None => text("host").unwrap_or_default(),
    };
    format!("{scheme}://{host}{}", request.uri().path())
}

impl IntoResponse for Success {
    fn into_response(self) -> Response {
        Extension(Outcome(Ok(self))).into_response()
    }
}
