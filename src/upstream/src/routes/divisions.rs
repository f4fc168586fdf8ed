//! Owns contract divisions, as the public listener serves them.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use serde_json::json;

use crate::caller::Caller;
use crate::envelope::{self, Success};
use crate::error::ApiError;
use crate::id::{self, Id};
use crate::openapi::{JSON, Operation, Served};
use crate::store::{DivisionDeletion, Store};

/// How [`delete`] is described.
pub(super) fn operation() -> Operation {
    let summary = "Makes a division of a contract inactive";
    let errors = [ApiError::AccessDenied, ApiError::DivisionNotFound, ApiError::DivisionOfOtherContractType];
    Operation::new(Served::Delete, "/api/admin/contract_divisions/{id}", "deleteContractDivision", summary)
        .parameters(json!([id::parameter("id", "The division")]))
        .done("Inactive now", JSON, envelope::success_schema(Success::DoneWithData))
        .refused(super::refusals(errors))
}

/// `DELETE /api/admin/contract_divisions/{id}`.
pub(super) async fn delete(
    caller: Caller,
    State(store): State<Store>,
    path: Result<Path<Id>, PathRejection>,
) -> Result<Success, ApiError> {
    // What is no identifier names no row.
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
