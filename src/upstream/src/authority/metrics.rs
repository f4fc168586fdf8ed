//! Owns how the metrics are asked for.

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use super::error::AuthorityError;
use crate::feed::Feed;
use crate::log;
use crate::metrics::{Findings, MEDIA_TYPE};
use crate::observe::Routine;
use crate::operations::Operations;

/// `GET /metrics`. It is answered without the database as well, since that is when somebody looks.
pub(super) async fn metrics(
    State(operations): State<Operations>,
    State(feed): State<Feed>,
) -> Result<impl IntoResponse, AuthorityError> {
    // Before the question that follows, which uses a connection itself.
    let pools = feed.store().pool_use();
    let revocations = feed.store().revocation_head().await.ok().map(|head| head.number);
    let findings = Findings {
        feed_readers_waiting: feed.readers_waiting(),
        feed_pages_read: feed.pages_read(),
        revocations,
        pools,
        log_lines_lost: log::lost(),
        housekeeping_failures: feed.housekeeping_failures(),
    };
    let text = operations.metrics().write(findings).map_err(AuthorityError::Metrics)?;
    Ok((axum::Extension(Routine), [(header::CONTENT_TYPE, MEDIA_TYPE)], text))
}
