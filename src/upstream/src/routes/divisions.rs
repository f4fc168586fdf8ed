//! Owns contract divisions, as the public listener serves them.

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};

use super::Public;
use crate::caller::Caller;
use crate::envelope::Success;
use crate::error::ApiError;
use crate::id::Id;
use crate::store::DivisionDeletion;

/// `DELETE /api/admin/contract_divisions/{id}`.
pub(super) async fn delete(
    State(Public { store, .. }): State<Public>,
    Extension(caller): Extension<Caller>,
    path: Result<Path<Id>, PathRejection>,
) -> Result<Success, ApiError> {
    // Only an identifier can name a row.
    let Ok(Path(id)) = path else {
        return Err(ApiError::DivisionNotFound);
    };
    match store.delete_division(id, caller.user_id).await? {
        DivisionDeletion::Deleted => {
            tracing::info!(user = %caller.user_id, division = %id, "contract division deleted");
            Ok(Success::DoneWithData)
        }
        DivisionDeletion::NotFound => Err(ApiError::DivisionNotFound),
        DivisionDeletion::OtherContractType => Err(ApiError::DivisionOfOtherContractType),
    }
}
