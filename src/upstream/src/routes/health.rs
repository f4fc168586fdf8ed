//! Owns the readiness check of the public listener: the way through the gateway to the database and back.

use axum::extract::State;

use super::Public;
use crate::envelope::Success;
use crate::error::ApiError;

/// `GET /readyz`: 200 if the database answers and can be written, and the service is not stopping.
pub(super) async fn readyz(State(Public { store, operations }): State<Public>) -> Result<Success, ApiError> {
    if operations.is_stopping() {
        return Err(ApiError::Stopping);
    }
    store.ready().await?;
    Ok(Success::Done)
}
