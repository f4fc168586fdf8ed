//! Owns how deletions of connections that come at once share a transaction: one COMMIT and one turn of the triggers for all of
//! them.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::json;
use tokio::sync::{mpsc, oneshot};

use super::connections::{Connections, Lease};
use super::deletion::{ConnectionDeletion, DELETE_CONNECTIONS};
use super::statement::{Sql, sql};
use super::{StoreError, bounded};
use crate::id::Id;

/// What has come of a deletion that waited for a connection to the database.
#[derive(Debug)]
pub(super) enum Turn {
    /// It is done with others, or found nothing.
    Done(ConnectionDeletion),
    /// It is not done: nobody came with it, or it is not to wait for what others wait for.
    Alone,
    /// Whether the COMMIT that it shared was carried out is not known.
    Unknown(Arc<StoreError>),
}

/// Where deletions wait. A clone is another handle; with the last one the task behind it ends.
#[derive(Clone, Debug)]
pub(super) struct Batches(mpsc::UnboundedSender<Asked>);

/// A deletion. Who gave it up has dropped the other end of `turn`.
#[derive(Debug)]
struct Asked {
    client_id: Id,
    id: Id,
    turn: oneshot::Sender<Turn>,
}

impl Asked {
    /// The connection's name in [`DELETE_CONNECTIONS`].
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

    /// Waits until a connection is free, and tells what was done meanwhile.
    pub(super) async fn turn(&self, client_id: Id, id: Id) -> Turn {
        let (turn, told) = oneshot::channel();
        match self.0.send(Asked { client_id, id, turn }) {
            Ok(()) => told.await.unwrap_or_else(|_ended| Turn::Unknown(Arc::new(StoreError::Timeout))),
            Err(_ended) => Turn::Alone,
        }
    }
}

/// Whoever comes while no connection is free goes with the next one that is.
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
            // Each meets the same for itself.
            Err(_none_is_free) => tell(batch, |_| Turn::Alone),
        }
    }
}

/// Deletes all of them in one transaction, or none. What fails before its COMMIT is done by each alone, so that nobody is
/// refused for another's sake.
async fn delete(mut work: Lease, batch: Vec<Asked>) {
    let Ok(mut deleted) = bounded(begin(&mut work, &batch)).await else {
        return tell(batch, |_| Turn::Alone);
    };
    // Given up before its COMMIT, it is not done later.
    if batch.iter().any(|asked| asked.turn.is_closed()) {
        // What cannot be rolled back is closed.
        let _rolled_back = bounded(work.roll_back()).await;
        return tell(batch, |_| Turn::Alone);
    }
    match bounded(work.commit()).await.map_err(Arc::new) {
        // Of several who asked for the same, one has deleted it.
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

/// Begins a transaction that deletes what is there, and tells the keys of that.
async fn begin(work: &mut Lease, batch: &[Asked]) -> Result<HashSet<String>, StoreError> {
    work.run(BEGIN).await?;
    let keys: Vec<String> = batch.iter().map(Asked::key).collect();
    let deleted: Vec<(String,)> = work.rows(DELETE_CONNECTIONS, &[json!(keys).to_string().as_str().into()]).await?;
    Ok(deleted.into_iter().map(|(key,)| key).collect())
}

fn tell(batch: Vec<Asked>, mut turn: impl FnMut(&Asked) -> Turn) {
    for asked in batch {
        let turn = turn(&asked);
        // Who has hung up meanwhile is told nothing.
        let _told = asked.turn.send(turn);
    }
}

/// Who waited for a lock would hold up all the others. And a plan is made once on a connection, perhaps while the table is small:
/// it uses the index.
const BEGIN: Sql = sql!("BEGIN; SET LOCAL lock_timeout = '20ms'; SET LOCAL enable_seqscan = off", "BEGIN IMMEDIATE");

/// Deletions of one transaction at most: it locks their rows until it has ended.
const MAX_BATCH: usize = 64;

#[cfg(test)]
mod tests {
    use super::super::Store;
    use super::*;
    use crate::fixture::Fixture;

    const CLIENT: &str = "1380df72-275a-11e7-93ae-92361f002671";
    const CONNECTIONS: [&str; 2] = ["c0220000-0000-4000-8000-000000000020", "c0220000-0000-4000-8000-000000000021"];

    /// Between the statement and the COMMIT nobody else can give up at will.
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
