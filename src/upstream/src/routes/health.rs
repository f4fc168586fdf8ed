//! Owns the public listener's readiness: that a request went through the gateway to the database and back.

use axum::extract::State;

use crate::envelope::Success;
use crate::error::ApiError;
use crate::store::Store;

/// `GET /readyz`.
pub(super) async fn readyz(State(store): State<Store>) -> Result<Success, ApiError> {
    store.ping().await?;
    Ok(Success::Done)
}
