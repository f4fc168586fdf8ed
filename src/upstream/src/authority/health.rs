//! Owns the health checks of the internal listener: of the process, and of its readiness.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::Authority;
use super::error::AuthorityError;

/// `GET /healthz`: 200 while the process lives.
pub(super) async fn healthz() -> Json<Value> {
    Json(json!({ "status": "alive" }))
}

/// `GET /readyz`: 200 if the database answers and can be written, and the service is not stopping.
pub(super) async fn readyz(
    State(Authority { feed, operations }): State<Authority>,
) -> Result<Json<Value>, AuthorityError> {
    if operations.is_stopping() {
        return Err(AuthorityError::Stopping);
    }
    feed.store().ready().await?;
    Ok(Json(json!({ "status": "ready" })))
}
