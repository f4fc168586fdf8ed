//! Owns the internal listener's health: that the process lives, and that its database answers.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::error::AuthorityError;
use crate::store::Store;

/// `GET /healthz`: whoever reads this knows that the process lives.
pub(super) async fn healthz() -> Json<Value> {
    Json(json!({ "status": "alive" }))
}

/// `GET /readyz`.
pub(super) async fn readyz(State(store): State<Store>) -> Result<Json<Value>, AuthorityError> {
    store.ping().await?;
    Ok(Json(json!({ "status": "ready" })))
}
