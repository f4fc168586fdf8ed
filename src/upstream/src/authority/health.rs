//! Owns the internal listener's health: that the process lives, that its database answers, and that
//! it is to go on.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::Authority;
use super::error::AuthorityError;

/// `GET /healthz`: whoever reads this knows that the process lives.
pub(super) async fn healthz() -> Json<Value> {
    Json(json!({ "status": "alive" }))
}

/// `GET /readyz`.
pub(super) async fn readyz(
    State(Authority { feed, operations }): State<Authority>,
) -> Result<Json<Value>, AuthorityError> {
    if operations.is_stopping() {
        return Err(AuthorityError::Stopping);
    }
    feed.store().ready().await?;
    Ok(Json(json!({ "status": "ready" })))
}
