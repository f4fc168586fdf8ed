//! Owns the observation of requests: a log line and a sample of the metrics for each, and an answer even if its handler
//! panics.

use std::error::Error;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::{MatchedPath, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use serde_json::json;
use tokio::task::JoinError;
use tracing::{Instrument, Span};

use crate::cause;
use crate::listen::Listener;
use crate::operations::Operations;
use crate::store::StoreError;

/// Settings of the observation of one listener.
#[derive(Clone)]
pub(crate) struct Watch {
    pub(crate) operations: Operations,
    pub(crate) listener: Listener,
    /// Test for requests that end when their client hangs up: those that only read, and may wait for long.
    pub(crate) is_given_up: fn(&Request) -> bool,
}

/// The cause of a 5xx, for the log only.
#[derive(Clone)]
pub(crate) struct Cause(pub(crate) Arc<dyn Error + Send + Sync>);

/// Mark of a frequent answer with little content, such as a page without entries: its log line is at `debug`.
#[derive(Clone, Copy)]
pub(crate) struct Routine;

/// Error of a handler that panicked or was cancelled.
#[derive(Debug, thiserror::Error)]
#[error("the handler did not finish")]
struct Unfinished(#[source] Option<JoinError>);

/// Records a request in the log and the metrics. The log has neither queries nor bodies, and one header, the request's
/// id: the rest may hold credentials and personal data.
pub(crate) async fn log(State(watch): State<Watch>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().cloned();
    // A copy: the header shares the buffer of all that the connection has read, and would keep it.
    let request_id = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or("-").to_owned();
    let request_id = request_id.as_str();
    // At the highest level, so that every line that is written has it.
    let span = tracing::error_span!("request", request.id = request_id);
    let response = next.run(request).instrument(span).await;

    let took = started.elapsed();
    let metrics = watch.operations.metrics();
    metrics.answered(watch.listener, &method, route.as_ref().map(MatchedPath::as_str), response.status(), took);
    let status = response.status().as_u16();
    let duration_ms = took.as_secs_f64() * 1000.0;
    match response.extensions().get::<Cause>() {
        None if response.extensions().get::<Routine>().is_some() => {
            tracing::debug!(%method, path, status, duration_ms, request.id = request_id, "request");
        }
        None => tracing::info!(%method, path, status, duration_ms, request.id = request_id, "request"),
        Some(Cause(cause)) => {
            if let Some(error) = store_error(cause.as_ref()) {
                metrics.store_failed(error);
            }
            let error = cause::chain(cause.as_ref());
            tracing::error!(%method, path, status, duration_ms, request.id = request_id, error, "request failed");
        }
    }
    response
}

/// Runs the rest in a task of its own, so that a client that hangs up does not stop a transaction half-way; a panic
/// becomes a 500. A request for which [`is_given_up`](Watch::is_given_up) holds ends with its connection instead. The
/// end of the service waits for this work.
pub(crate) async fn contain(State(watch): State<Watch>, request: Request, next: Next) -> Response {
    let work = watch.operations.work(watch.listener);
    let is_given_up = (watch.is_given_up)(&request);
    let contained = Box::pin(async move {
        let response = next.run(request).await;
        drop(work);
        response
    });
    let done = if is_given_up {
        // Unwind safe: such a request only reads, and may end at any point.
        AssertUnwindSafe(contained).catch_unwind().await.map_err(|_panic| Unfinished(None))
    } else {
        let task = tokio::spawn(contained.instrument(Span::current()));
        task.await.map_err(|error| Unfinished(Some(error)))
    };
    done.unwrap_or_else(|unfinished| {
        let body = Json(json!({ "error": SERVER_ERROR }));
        let mut response = (StatusCode::INTERNAL_SERVER_ERROR, body).into_response();
        response.extensions_mut().insert(Cause(Arc::new(unfinished)));
        response
    })
}

/// The store's error behind a refusal, if there is one.
fn store_error<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a StoreError> {
    let source = cause.source()?;
    // The error of a page is shared by all polls that asked for it.
    source.downcast_ref().or_else(|| source.downcast_ref::<Arc<StoreError>>().map(Arc::as_ref))
}

/// Error code of a 500 on the internal listener.
pub(crate) const SERVER_ERROR: &str = "server_error";

/// Header with the request's id, which every part's log has.
pub(crate) const REQUEST_ID: &str = "x-request-id";
