//! Owns `GET /metrics`.

use axum::Extension;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use super::Authority;
use super::error::AuthorityError;
use crate::metrics::MEDIA_TYPE;
use crate::observe::Routine;

/// `GET /metrics`. It works without the database as well, since operators look during an outage.
pub(super) async fn metrics(
    State(Authority { feed, operations }): State<Authority>,
) -> Result<impl IntoResponse, AuthorityError> {
    let text = operations.metrics().write(&feed).await.map_err(AuthorityError::Metrics)?;
    Ok((Extension(Routine), [(header::CONTENT_TYPE, MEDIA_TYPE)], text))
}
