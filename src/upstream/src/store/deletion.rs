//! Owns the deletion of connections and of contract divisions.

use super::batch::Turn;
use super::database::again;
use super::statement::{Prepared, Sql, in_sqlite, sql};
use super::{Store, StoreError, bounded};
use crate::id::Id;

/// The outcome of deleting a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum ConnectionDeletion {
    /// The row is gone, and its secret is revoked for good.
    Deleted,
    /// The client has no such connection.
    NotFound,
}

/// The outcome of deleting a contract division.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum DivisionDeletion {
    /// The division is inactive now, and was active before.
    Deleted,
    /// No such division, or it was inactive already.
    NotFound,
    /// The division's contract is of another type than `GB_CBP`; nothing changed.
    OtherContractType,
}

impl Store {
    /// Deletes the connection `id` of the client `client_id`, for good.
    pub async fn delete_connection(&self, client_id: Id, id: Id) -> Result<ConnectionDeletion, StoreError> {
        let deletion = bounded(async {
            match self.batches.turn(client_id, id).await {
                Turn::Done(deletion) => Ok(deletion),
                Turn::Alone => again(|| self.delete_alone(client_id, id)).await,
                Turn::Unknown(error) => Err(error.into()),
            }
        })
        .await;
        self.revoked.send_replace(());
        deletion
    }

    async fn delete_alone(&self, client_id: Id, id: Id) -> Result<ConnectionDeletion, StoreError> {
        let (work, deleted) = self.database.writers.begin_with(&[(DELETE_CONNECTION, &[id, client_id])]).await?;
        // A message of its own, after the statement: a deletion that was given up before its COMMIT is not done later.
        work.commit().await?;
        Ok(if deleted.is_empty() { ConnectionDeletion::NotFound } else { ConnectionDeletion::Deleted })
    }

    /// Makes the contract division `id` inactive in the name of the user `by`.
    pub async fn delete_division(&self, id: Id, by: Id) -> Result<DivisionDeletion, StoreError> {
        bounded(again(|| async {
            let statements: [(Prepared, &[Id]); 2] = [(LOCK_DIVISION, &[id]), (END_DIVISION, &[by, id])];
            let (work, rows) = self.database.writers.begin_with(&statements).await?;
            work.commit().await?;
            Ok(match rows.len() {
                0 => DivisionDeletion::NotFound,
                1 => DivisionDeletion::OtherContractType,
                _ => DivisionDeletion::Deleted,
            })
        }))
        .await
    }
}

const DELETE_CONNECTION: Prepared = Prepared {
    name: "delete_connection",
    sql: sql!(
        "DELETE FROM mithril.connections AS key WHERE id = $1::uuid AND client_id = $2::uuid AND NOT EXISTS (
             SELECT 1 FROM brama.cutoffs
             WHERE subject IN (key.client_id, key.consumer_id) AND number > key.issued AND kind = 'client')
         RETURNING id::text"
    ),
};

/// The condition above: a connection that a cutoff revoked is gone, though its row may still be there.
macro_rules! not_cut_off {
    () => {
        " AND NOT EXISTS (
              SELECT 1 FROM brama.cutoffs
              WHERE subject IN (key.client_id, key.consumer_id) AND number > key.issued AND kind = 'client') "
    };
}

/// Deletion of several connections: `$1` is a JSON array of keys, each a connection's id and its client's in one text.
pub(super) const DELETE_CONNECTIONS: Sql = sql!(
    concat!(
        "DELETE FROM mithril.connections AS key
         WHERE id = ANY (ARRAY(SELECT left(jsonb_array_elements_text($1::jsonb), 36))::uuid[])
             AND id::text || client_id::text = ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb)))",
        not_cut_off!(),
        "RETURNING id::text || client_id::text"
    ),
    in_sqlite(concat!(
        "DELETE FROM mithril.connections AS key
         WHERE id IN (SELECT substr(value, 1, 36) FROM json_each($1))
             AND id || client_id IN (SELECT value FROM json_each($1))",
        not_cut_off!(),
        "RETURNING id || client_id"
    ))
);

/// Locks of the division and its contract until the COMMIT: of two deletions the second finds the division inactive,
/// and a change of the contract's type comes before this or after it. (KEY SHARE would let the type change.)
const LOCK_DIVISION: Prepared = Prepared {
    name: "lock_division",
    sql: sql!(
        "SELECT contract.type FROM prm.contract_divisions AS division
         JOIN prm.contracts AS contract ON contract.id = division.contract_id
         WHERE division.id = $1::uuid AND division.is_active
         FOR UPDATE OF division FOR SHARE OF contract"
    ),
};

/// Deletion of the division that was locked before. `GB_CBP` is the one type of contract whose divisions can be
/// deleted: "global budget and case-based payment".
const END_DIVISION: Prepared = Prepared {
    name: "end_division",
    sql: sql!(
        "UPDATE prm.contract_divisions
         SET is_active = false, updated_at = clock_timestamp(), updated_by = $1::uuid
         WHERE id = $2::uuid AND is_active
             AND EXISTS (SELECT 1 FROM prm.contracts AS contract WHERE contract.id = contract_id AND type = 'GB_CBP')
         RETURNING id::text"
    ),
};
