//! Owns the connections of clients, as the public listener serves them.

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};

use super::Public;
use crate::caller::Caller;
use crate::envelope::Success;
use crate::error::ApiError;
use crate::id::Id;
use crate::store::ConnectionDeletion;

/// `DELETE /api/clients/{client_id}/connections/{connection_id}`. The gateway decides whose connections the caller may
/// delete.
pub(super) async fn delete(
    State(Public { store, .. }): State<Public>,
    Extension(caller): Extension<Caller>,
    path: Result<Path<(Id, Id)>, PathRejection>,
) -> Result<Success, ApiError> {
    // Only an identifier can name a row.
    let Ok(Path((client_id, id))) = path else {
        return Err(ApiError::ConnectionNotFound);
    };
    match store.delete_connection(client_id, id).await? {
        ConnectionDeletion::Deleted => {
            tracing::info!(user = %caller.user_id, client = %client_id, connection = %id, "connection deleted");
            Ok(Success::Done)
        }
        ConnectionDeletion::NotFound => Err(ApiError::ConnectionNotFound),
    }
}
