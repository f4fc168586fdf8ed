//! Owns the removal of old data: entries of the feed, tokens that expired long ago, and the rows of cutoffs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::cause;
use crate::store::revocation::{Cutoff, Keep};
use crate::store::{Store, StoreError};

/// Removes old entries and tokens at an interval of [`PAUSE`], and counts the failures; never ends.
pub(crate) async fn keep_house(store: Store, keep: Keep, failures: Arc<AtomicU64>) {
    loop {
        for removed in [prune(&store, &keep).await, purge(&store).await] {
            note(removed, &failures);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Deletes the rows that cutoffs have revoked already, and counts the failures; never ends.
pub(crate) async fn sweep(store: Store, failures: Arc<AtomicU64>) {
    loop {
        let swept = sweep_all(&store).await;
        let pause = if swept.is_ok() { SWEEP } else { RETRY };
        note(swept, &failures);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = store.cut_off_here() => {}
        }
    }
}

fn note(done: Result<(), StoreError>, failures: &AtomicU64) {
    if let Err(error) = done {
        failures.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(error = cause::chain(&error), "cannot remove what is needed no more");
    }
}

async fn prune(store: &Store, keep: &Keep) -> Result<(), StoreError> {
    let mut after = 0;
    while let Some(next) = store.prune_revocations(keep, after).await? {
        after = next;
    }
    Ok(())
}

async fn purge(store: &Store) -> Result<(), StoreError> {
    while store.purge_tokens().await? > 0 {}
    Ok(())
}

async fn sweep_all(store: &Store) -> Result<(), StoreError> {
    // Numbers new entries while nobody reads the feed. The next reader would wait for it otherwise, and pruning passes
    // over entries without a number.
    let _head = store.revocation_head().await?;
    let (mut after, mut done) = (0, Ok(()));
    while let Some(cutoff) = store.next_cutoff(after).await? {
        after = cutoff.number;
        // A cutoff that has to wait for a locked row does not hold up the others.
        done = sweep_one(store, &cutoff).await.and(done);
    }
    done
}

/// Deletes the rows of one cutoff, in batches that become as large as [`LONGEST`] allows. It pauses after each for as
/// long as that took, so that requests get half of the time.
async fn sweep_one(store: &Store, cutoff: &Cutoff) -> Result<(), StoreError> {
    let (mut after, mut most) = (0, FEWEST);
    loop {
        let begin = Instant::now();
        let next = store.sweep(cutoff, after, most).await?;
        let took = begin.elapsed();
        let Some(next) = next else {
            return store.end_cutoff(cutoff).await;
        };
        after = next;
        most = if took > LONGEST {
            FEWEST.max(most / 2)
        } else if took < LONGEST / 2 {
            MOST.min(most * 2)
        } else {
            most
        };
        tokio::time::sleep(took).await;
    }
}

const PAUSE: Duration = Duration::from_secs(300);

/// Interval of the search for cutoffs of other processes.
const SWEEP: Duration = Duration::from_secs(1);

const RETRY: Duration = Duration::from_secs(10);

/// Intended limit of a batch's duration, since a batch holds locks: a longer one is followed by a smaller one.
const LONGEST: Duration = Duration::from_millis(20);

/// Rows of the first batch, and of the smallest one.
const FEWEST: i64 = 100;

const MOST: i64 = 4000;
