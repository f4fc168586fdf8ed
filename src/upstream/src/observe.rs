//! Owns what every request leaves behind: one log line, and an answer even where its handler panics.

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::cause;
use crate::operations::Operations;

/// The cause of a 5xx, on its way to the log and to nobody else.
#[derive(Clone)]
pub(crate) struct Cause(pub(crate) Arc<dyn Error + Send + Sync>);

/// Marks an answer of which there are so many, and which say so little, that their lines are for `debug`.
#[derive(Clone, Copy)]
pub(crate) struct Routine;

/// A handler did not finish.
#[derive(Debug, thiserror::Error)]
#[error("the handler did not finish")]
struct Unfinished(#[source] tokio::task::JoinError);

/// Writes the request's line. Never a query, a header or a body: these may hold credentials and personal data.
pub(crate) async fn log(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let request_id = request.headers().get(REQUEST_ID).cloned();
    let response = next.run(request).await;

    let request_id = request_id.as_ref().and_then(|id| id.to_str().ok()).unwrap_or("-");
    let status = response.status().as_u16();
    let duration_ms = started.elapsed().as_secs_f64() * 1000.0;
    match response.extensions().get::<Cause>() {
        None if response.extensions().get::<Routine>().is_some() => {
            tracing::debug!(%method, path, status, duration_ms, request.id = request_id, "request");
        }
        None => tracing::info!(%method, path, status, duration_ms, request.id = request_id, "request"),
        Some(Cause(cause)) => {
            let error = cause::chain(cause.as_ref());
            tracing::error!(%method, path, status, duration_ms, request.id = request_id, error, "request failed");
        }
    }
    response
}

/// Runs the rest in a task of its own. A panic ends that task and becomes a 500, and a client that hangs up does not
/// stop a transaction half-way. Nor does the end of the service, which waits for this work.
pub(crate) async fn contain(State(operations): State<Operations>, request: Request, next: Next) -> Response {
    let work = operations.work();
    let contained = async move {
        let response = next.run(request).await;
        drop(work);
        response
    };
    match tokio::spawn(contained).await {
        Ok(response) => response,
        Err(error) => {
            let body = Json(json!({ "error": "server_error" }));
            let mut response = (StatusCode::INTERNAL_SERVER_ERROR, body).into_response();
            response.extensions_mut().insert(Cause(Arc::new(Unfinished(error))));
            response
        }
    }
}

/// The header by which a request is known in every part's log.
pub(crate) const REQUEST_ID: &str = "x-request-id";
