//! Owns the table of calls that are out: what each is for.

use std::sync::Arc;

use brama_policy::identity::KeyFetch;

use crate::cache::CacheKey;
use crate::host::{CallId, RootId};

/// The calls of one worker that are out. They are few: a list is searched as fast as a tree.
#[derive(Debug, Default)]
pub(crate) struct SentCalls(Vec<Call>);

#[derive(Debug)]
struct Call {
    root: RootId,
    call: CallId,
    purpose: Purpose,
}

/// Purpose of a call. A request that waits keeps that of its call, to leave its waiters when it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The lookup of a credential, by its cache key.
    Lookup(CacheKey),
    /// A poll of a feed, by the feed's fingerprint.
    Feed(u64),
    /// A fetch of keys.
    Keys(Arc<KeyFetch>),
}

impl SentCalls {
    /// Records a call.
    pub(crate) fn insert(&mut self, root: RootId, call: CallId, purpose: Purpose) {
        self.0.push(Call { root, call, purpose });
    }

    /// Removes the calls that are out no more.
    pub(crate) fn keep(&mut self, mut is_out: impl FnMut(RootId, CallId, &Purpose) -> bool) {
        self.0.retain(|Call { root, call, purpose }| is_out(*root, *call, purpose));
    }

    /// Removes a call that has ended; `None` where it is not known.
    pub(crate) fn remove(&mut self, root: RootId, call: CallId) -> Option<Purpose> {
        let place = self.0.iter().position(|known| (known.root, known.call) == (root, call))?;
        Some(self.0.swap_remove(place).purpose)
    }

    /// Removes the calls of a root context that is gone.
    pub(crate) fn abandoned_by(&mut self, root: RootId) {
        self.0.retain(|call| call.root != root);
    }
}
