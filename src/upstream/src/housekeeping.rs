//! Owns what is removed over time: entries of the feed that nobody needs, and tokens that expired long ago.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::cause;
use crate::store::Store;
use crate::store::revocation::Keep;

/// Removes what nobody needs, and counts how often that failed; never ends.
pub(crate) async fn keep_house(store: Store, keep: Keep, failures: Arc<AtomicU64>) {
    loop {
        // In batches, so that requests get their turns in between.
        let removed = [store.prune_revocations(&keep).await, store.purge_tokens().await];
        for error in removed.iter().filter_map(|removed| removed.as_ref().err()) {
            failures.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(error = cause::chain(error), "cannot remove what is needed no more");
        }
        match removed {
            [Ok(1..), Ok(_)] | [Ok(_), Ok(1..)] => tokio::task::yield_now().await,
            _ => tokio::time::sleep(PAUSE).await,
        }
    }
}

const PAUSE: Duration = Duration::from_secs(300);
