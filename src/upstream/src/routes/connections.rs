//! Owns the connections of clients, as the public listener serves them.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use serde_json::json;

use crate::caller::Caller;
use crate::envelope::{self, Success};
use crate::error::ApiError;
use crate::id::{self, Id};
use crate::openapi::{JSON, Operation, Served};
use crate::store::{ConnectionDeletion, Store};

/// How [`delete`] is described.
pub(super) fn operation() -> Operation {
    let summary = "Deletes a connection of a client for good, and its API key with it";
    Operation::new(Served::Delete, "/api/clients/{client_id}/connections/{connection_id}", "deleteConnection", summary)
        .parameters(json!([
            id::parameter("client_id", "The client that provides the connection"),
            id::parameter("connection_id", "The connection"),
        ]))
        .done("Deleted", JSON, envelope::success_schema(Success::Done))
        .refused(super::refusals([ApiError::AccessDenied, ApiError::ConnectionNotFound]))
}

/// `DELETE /api/clients/{client_id}/connections/{connection_id}`. Whose client it may be was the gateway's question.
pub(super) async fn delete(
    caller: Caller,
    State(store): State<Store>,
    path: Result<Path<(Id, Id)>, PathRejection>,
) -> Result<Success, ApiError> {
    // What is no identifier names no row.
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
