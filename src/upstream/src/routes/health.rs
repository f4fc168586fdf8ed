//! Owns the public listener's readiness: that a request went through the gateway to the database and back,
//! and that another one will.

use axum::extract::State;

use crate::envelope::{self, Success};
use crate::error::ApiError;
use crate::openapi::{JSON, Operation, Served};
use crate::operations::Operations;
use crate::store::Store;

/// How [`readyz`] is described.
pub(super) fn operation() -> Operation {
    Operation::new(Served::Get, super::READYZ, "ready", "Whether requests are served, and will be")
        .open()
        .done("Ready", JSON, envelope::success_schema(Success::Done))
        .refused(super::refusals([ApiError::Stopping]))
}

/// `GET /readyz`.
pub(super) async fn readyz(
    State(store): State<Store>,
    State(operations): State<Operations>,
) -> Result<Success, ApiError> {
    if operations.is_stopping() {
        return Err(ApiError::Stopping);
    }
    store.ready().await?;
    Ok(Success::Done)
}
