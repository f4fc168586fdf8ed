//! Owns the public listener's readiness: that a request went through the gateway to the database and back,
//! and that another one will.

use axum::extract::State;

use super::Public;
use crate::envelope::Success;
use crate::error::ApiError;

/// `GET /readyz`.
pub(super) async fn readyz(State(Public { store, operations }): State<Public>) -> Result<Success, ApiError> {
    if operations.is_stopping() {
        return Err(ApiError::Stopping);
    }
    store.ready().await?;
    Ok(Success::Done)
}
