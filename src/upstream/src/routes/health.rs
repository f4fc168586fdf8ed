//! Owns the public listener's readiness: that a request went through the gateway to the database and back,
//! and that another one will.

use axum::extract::State;

use crate::envelope::Success;
use crate::error::ApiError;
use crate::operations::Operations;
use crate::store::Store;

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
