//! Owns what every request leaves behind: one log line, its part of the metrics, and an answer
//! even where its handler panics.

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::{MatchedPath, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::task::{AbortHandle, JoinError};
use tracing::{Instrument, Span};

use crate::cause;
use crate::listen::Listener;
use crate::operations::Operations;
use crate::store::StoreError;

/// What is watched: the requests of one listener.
#[derive(Clone)]
pub(crate) struct Watch {
    pub(crate) operations: Operations,
    pub(crate) listener: Listener,
    /// Whether a request is given up when its client hangs up: one that only reads, and may wait for long.
    pub(crate) is_given_up: fn(&Request) -> bool,
}

/// The cause of a 5xx, on its way to the log and to nobody else.
#[derive(Clone)]
pub(crate) struct Cause(pub(crate) Arc<dyn Error + Send + Sync>);

/// Marks an answer of which there are so many, and which say so little, that their lines are for `debug`.
#[derive(Clone, Copy)]
pub(crate) struct Routine;

/// A handler did not finish.
#[derive(Debug, thiserror::Error)]
#[error("the handler did not finish")]
struct Unfinished(#[source] JoinError);

/// Writes the request's line. Never a query, a header or a body: these may hold credentials and personal data.
pub(crate) async fn log(State(watch): State<Watch>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let request_id = request.headers().get(REQUEST_ID).cloned();
    let request_id = request_id.as_ref().and_then(|id| id.to_str().ok()).unwrap_or("-");
    // Of the highest level, so that whichever line is written has it.
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

/// Runs the rest in a task of its own. A panic ends that task and becomes a 500, and a client that hangs up does not
/// stop a transaction half-way: only what the listener gives up ends with its connection. The end of the service waits for this
/// work.
pub(crate) async fn contain(State(watch): State<Watch>, request: Request, next: Next) -> Response {
    let work = watch.operations.work(watch.listener);
    let is_given_up = (watch.is_given_up)(&request);
    let contained = async move {
        let response = next.run(request).await;
        drop(work);
        response
    };
    let task = tokio::spawn(contained.instrument(Span::current()));
    let _until_the_client_leaves = is_given_up.then(|| Aborted(task.abort_handle()));
    task.await.unwrap_or_else(|error| {
        let body = Json(json!({ "error": SERVER_ERROR }));
        let mut response = (StatusCode::INTERNAL_SERVER_ERROR, body).into_response();
        response.extensions_mut().insert(Cause(Arc::new(Unfinished(error))));
        response
    })
}

/// Ends a task when it is dropped.
struct Aborted(AbortHandle);

impl Drop for Aborted {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The store's error among the causes.
fn store_error<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a StoreError> {
    let mut cause = Some(cause);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref() {
            return Some(error);
        }
        cause = error.source();
    }
    None
}

/// What the internal listener says of a handler that did not finish.
pub(crate) const SERVER_ERROR: &str = "server_error";

/// The header by which a request is known in every part's log.
pub(crate) const REQUEST_ID: &str = "x-request-id";
