//! Owns the batches of connection deletions: those that come at once share a transaction, with one COMMIT and one turn
//! of the triggers.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::json;
use tokio::sync::{mpsc, oneshot};

use super::connections::{Connections, Lease};
use super::deletion::{ConnectionDeletion, DELETE_CONNECTIONS};
use super::statement::{Sql, sql};
use super::{StoreError, bounded};
use crate::id::Id;

/// Outcome of a deletion's wait for a connection to the database.
#[derive(Debug)]
pub(super) enum Turn {
    /// Carried out with others, or nothing was found.
    Done(ConnectionDeletion),
    /// Left to the caller: the deletion came alone, or its batch failed before the COMMIT.
    Alone,
    /// Unknown outcome: the shared COMMIT failed or is late.
    Unknown(Arc<StoreError>),
}

/// The queue of deletions. A clone is another handle; the task behind it ends with the last one.
#[derive(Clone, Debug)]
pub(super) struct Batches(mpsc::UnboundedSender<Asked>);

/// A deletion in the queue. A caller that gave it up has dropped the other end of `turn`.
#[derive(Debug)]
struct Asked {
    client_id: Id,
    id: Id,
    turn: oneshot::Sender<Turn>,
}

impl Asked {
    /// The connection's key in [`DELETE_CONNECTIONS`].
    fn key(&self) -> String {
        format!("{}{}", self.id, self.client_id)
    }
}

impl Batches {
    pub(super) fn start(writers: Connections) -> Self {
        let (sender, asked) = mpsc::unbounded_channel();
        tokio::spawn(take_turns(writers, asked));
        Self(sender)
    }

    /// Queues a deletion, and waits until its batch is done or it has to go alone.
    pub(super) async fn turn(&self, client_id: Id, id: Id) -> Turn {
        let (turn, told) = oneshot::channel();
        match self.0.send(Asked { client_id, id, turn }) {
            Ok(()) => told.await.unwrap_or_else(|_ended| Turn::Unknown(Arc::new(StoreError::Timeout))),
            Err(_ended) => Turn::Alone,
        }
    }
}

/// Forms the batches: deletions that come while no connection is free share the next one.
async fn take_turns(writers: Connections, mut asked: mpsc::UnboundedReceiver<Asked>) {
    let mut batch = Vec::new();
    while asked.recv_many(&mut batch, 1).await > 0 {
        let lease = writers.lease().await;
        while batch.len() < MAX_BATCH
            && let Ok(next) = asked.try_recv()
        {
            batch.push(next);
        }
        let mut batch = std::mem::take(&mut batch);
        batch.retain(|asked| !asked.turn.is_closed());
        match lease {
            Ok(lease) if batch.len() > 1 => drop(tokio::spawn(delete(lease, batch))),
            Ok(lease) => {
                lease.keep();
                tell(batch, |_| Turn::Alone);
            }
            // Each caller then meets the error itself.
            Err(_none_is_free) => tell(batch, |_| Turn::Alone),
        }
    }
}

/// Deletes the connections of a batch in one transaction. If it fails before its COMMIT, each caller deletes alone, so
/// that one deletion cannot fail another.
async fn delete(mut work: Lease, batch: Vec<Asked>) {
    let Ok(mut deleted) = bounded(begin(&mut work, &batch)).await else {
        return tell(batch, |_| Turn::Alone);
    };
    // A deletion that was given up before its COMMIT is not done later.
    if batch.iter().any(|asked| asked.turn.is_closed()) {
        // A connection that cannot be rolled back is closed, which undoes the transaction as well.
        let _rolled_back = bounded(work.roll_back()).await;
        return tell(batch, |_| Turn::Alone);
    }
    match bounded(work.commit()).await.map_err(Arc::new) {
        // Of several deletions of one connection, the first has deleted it.
        Ok(()) => tell(batch, |asked| {
            Turn::Done(if deleted.remove(&asked.key()) {
                ConnectionDeletion::Deleted
            } else {
                ConnectionDeletion::NotFound
            })
        }),
        Err(error) => tell(batch, |_| Turn::Unknown(Arc::clone(&error))),
    }
}

/// Begins a transaction that deletes the connections of a batch. Returns the keys of those that were there.
async fn begin(work: &mut Lease, batch: &[Asked]) -> Result<HashSet<String>, StoreError> {
    work.run(BEGIN).await?;
    let keys: Vec<String> = batch.iter().map(Asked::key).collect();
    let deleted: Vec<(String,)> = work.rows(DELETE_CONNECTIONS, &[json!(keys).to_string().as_str().into()]).await?;
    Ok(deleted.into_iter().map(|(key,)| key).collect())
}

fn tell(batch: Vec<Asked>, mut turn: impl FnMut(&Asked) -> Turn) {
    for asked in batch {
        let turn = turn(&asked);
        // A caller that has given up is passed over.
        let _told = asked.turn.send(turn);
    }
}

/// Begin of a batch's transaction. A wait for a lock would delay the whole batch, so it is short. The plan is made once
/// for a connection, perhaps while the table is small, so it has to use the index.
const BEGIN: Sql = sql!("BEGIN; SET LOCAL lock_timeout = '20ms'; SET LOCAL enable_seqscan = off", "BEGIN IMMEDIATE");

/// Most deletions of one transaction, which locks their rows until it has ended.
const MAX_BATCH: usize = 64;

#[cfg(test)]
mod tests {
    use super::super::Store;
    use super::*;
    use crate::fixture::Fixture;

    const CLIENT: &str = "1380df72-275a-11e7-93ae-92361f002671";
    const CONNECTIONS: [&str; 2] = ["c0220000-0000-4000-8000-000000000020", "c0220000-0000-4000-8000-000000000021"];

    /// Unit test, since a caller outside cannot give up between the statement and the COMMIT at will.
    #[tokio::test]
    async fn batch_of_which_one_was_given_up_is_undone_and_the_others_go_alone() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/a.db", folder.path().display());
        let store = Store::open(&url.parse().unwrap()).await.unwrap();
        let _seeded = store.seed(&Fixture::parse(include_bytes!("../../fixtures/demo.json")).unwrap()).await.unwrap();
        let writers = &store.database.writers;
        let count = sql!("SELECT count(*) FROM mithril.connections");
        let before: Vec<(i64,)> = writers.rows(count, &[]).await.unwrap();

        let (mut batch, mut told) = (Vec::new(), Vec::new());
        for id in CONNECTIONS {
            let (turn, waiting) = oneshot::channel();
            batch.push(Asked { client_id: CLIENT.parse().unwrap(), id: id.parse().unwrap(), turn });
            told.push(waiting);
        }
        drop(told.pop());
        delete(writers.lease().await.unwrap(), batch).await;
        assert!(matches!(told.pop().unwrap().await, Ok(Turn::Alone)));
        assert_eq!(writers.rows::<(i64,)>(count, &[]).await.unwrap(), before);
    }
}
