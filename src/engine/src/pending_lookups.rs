//! Owns the lookups in progress: one for each unknown credential ("single flight"), who waits for it, and how many
//! there may be.
//!
//! The first request that needs a credential's facts starts a lookup; later ones join it as waiters. The plugin's root
//! context sends lookups at its next tick, a millisecond later: a call that belongs to a request would end with that
//! request, and its waiters would wait in vain. When a root context goes, its lookups are sent again by another.
//!
//! Limits are per verifier of a kind of credential, and for tokens per API key too: a flood of random keys leaves room to look up the
//! tokens of good callers, and one caller's flood of tokens leaves room for others. So does the rate at which lookups
//! begin, which the policy sets (`rate`). A request over a limit is refused at once; there is no queue. A lookup that
//! was sent counts until it completes, also when all its waiters have gone: resetting requests causes no further
//! lookups.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use brama_policy::deciding::Moment;
use brama_policy::identity::Lookup;

use crate::breaker::breaker_key;
use crate::cache::CacheKey;
use crate::config::Settings;
use crate::feeds::FeedPosition;
use crate::host::{CallId, RootId, StreamId};
use crate::pending_call::{Full, PendingCall, SLACK, Waiter};
use crate::rate::Rates;

/// The lookups in progress of one worker.
#[derive(Debug, Default)]
pub(crate) struct PendingLookups {
    lookups: BTreeMap<CacheKey, PendingLookup>,
    rates: Rates,
}

/// A lookup in progress.
#[derive(Debug)]
pub(crate) struct PendingLookup {
    pub(crate) lookup: Lookup,
    /// Settings of the request that started it: they hold the secret that authenticates the call.
    pub(crate) settings: Rc<Settings>,
    /// Id of the request that started it.
    pub(crate) request_id: String,
    /// Number of requests that joined it.
    pub(crate) joined: usize,
    /// Position of the authority's feed when the call was sent; `None` where that was unknown.
    pub(crate) position: Option<FeedPosition>,
    /// Cache key of the first credential of the request, where that is verified.
    behind: Option<CacheKey>,
    pub(crate) call: PendingCall,
}

/// A lookup that a request needs.
#[derive(Debug)]
pub(crate) struct LookupRequest<'a> {
    /// The request.
    pub(crate) stream: StreamId,
    /// Cache key of the credential.
    pub(crate) key: CacheKey,
    /// Cache key of the first credential of the request, where that is verified.
    pub(crate) behind: Option<CacheKey>,
    /// The lookup.
    pub(crate) lookup: &'a Lookup,
    /// The settings of the request.
    pub(crate) settings: &'a Rc<Settings>,
    /// The id of the request.
    pub(crate) request_id: &'a str,
}

/// Whether a request is the first that waits for a lookup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Joined {
    /// It started the lookup.
    Started,
    /// The lookup was in progress.
    InProgress,
}

impl PendingLookups {
    /// Joins the lookup in progress for the request's credential, or starts one.
    ///
    /// # Errors
    /// A limit was reached.
    pub(crate) fn join_or_start(&mut self, request: LookupRequest<'_>, now: Moment) -> Result<Joined, Full> {
        let LookupRequest { stream, key, behind, lookup, settings, request_id } = request;
        let until = now.monotonic.after(lookup.timeout().saturating_add(SLACK)).ok_or(Full)?;
        let waiter = Waiter { stream, key, until };
        if let Some(pending) = self.lookups.get_mut(&key) {
            pending.call.join(waiter)?;
            pending.joined = pending.joined.saturating_add(1);
            return Ok(Joined::InProgress);
        }
        // One authority that is slow takes nothing from the others of the same kind of credential.
        let asked = breaker_key(lookup);
        let alike = || self.lookups.values().filter(|pending| breaker_key(&pending.lookup) == asked);
        let of_verifier = alike().count();
        let of_caller = behind.map_or(0, |caller| alike().filter(|pending| pending.behind == Some(caller)).count());
        // The rate is checked last, since admission counts against it.
        if of_verifier >= MAX_LOOKUPS || of_caller >= MAX_LOOKUPS_OF_A_KEY || !self.rates.admit(lookup, behind, now) {
            return Err(Full);
        }
        let mut pending = PendingLookup {
            lookup: lookup.clone(),
            settings: Rc::clone(settings),
            request_id: request_id.to_owned(),
            joined: 0,
            position: None,
            behind,
            call: PendingCall::due(now.monotonic),
        };
        pending.call.join(waiter)?;
        self.lookups.insert(key, pending);
        Ok(Joined::Started)
    }

    /// The lookups to be sent now, by their cache keys. One that is due and for which nobody waits is dropped.
    #[must_use]
    pub(crate) fn due(&mut self, now: Moment) -> Vec<CacheKey> {
        self.lookups.retain(|_key, pending| pending.call.is_awaited() || !pending.call.is_due(now));
        self.lookups.iter().filter(|(_key, pending)| pending.call.is_due(now)).map(|(key, _pending)| *key).collect()
    }

    /// A lookup in progress.
    #[must_use]
    pub(crate) fn get(&self, key: CacheKey) -> Option<&PendingLookup> {
        self.lookups.get(&key)
    }

    /// Marks a lookup as sent by a root context, when its authority's feed stood at this position.
    pub(crate) fn mark_sent(
        &mut self,
        key: CacheKey,
        (root, call): (RootId, CallId),
        position: Option<FeedPosition>,
        now: Moment,
    ) {
        if let Some(pending) = self.lookups.get_mut(&key) {
            pending.position = position;
            pending.call.mark_sent(root, call, pending.lookup.timeout().saturating_add(LOST), now);
        }
    }

    /// Ends the lookup of a call; `None` where that was not its call.
    #[must_use]
    pub(crate) fn complete(&mut self, key: CacheKey, root: RootId, call: CallId) -> Option<PendingLookup> {
        let _sent = self.lookups.get_mut(&key)?.call.complete(root, call)?;
        self.lookups.remove(&key)
    }

    /// Puts a lookup back to be sent again, since its answer is out of date.
    pub(crate) fn retry(&mut self, key: CacheKey, pending: PendingLookup) {
        self.lookups.insert(key, pending);
    }

    /// Removes a lookup that could not be sent.
    #[must_use]
    pub(crate) fn cancel(&mut self, key: CacheKey) -> Option<PendingLookup> {
        self.lookups.remove(&key)
    }

    /// The call of a lookup.
    pub(crate) fn call(&mut self, key: CacheKey) -> Option<&mut PendingCall> {
        self.lookups.get_mut(&key).map(|pending| &mut pending.call)
    }

    /// The calls of all lookups.
    pub(crate) fn calls(&mut self) -> impl Iterator<Item = &mut PendingCall> {
        self.lookups.values_mut().map(|pending| &mut pending.call)
    }

    /// Tells whether no lookup is in progress.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.lookups.is_empty()
    }
}

/// Lookups in progress of one verifier of a kind of credential, per worker. This, times the verifiers that ask an
/// authority, times the workers, has to fit into the circuit breaker of its cluster; otherwise that one sheds, and does not tell the
/// kinds apart.
pub const MAX_LOOKUPS: usize = 100;

/// Lookups in progress of tokens that came with one API key, per worker: a caller's flood leaves half of the room to
/// others.
pub const MAX_LOOKUPS_OF_A_KEY: usize = 50;

/// Time after its timeout when a lookup counts as lost, whatever the proxy reports.
const LOST: Duration = Duration::from_secs(2);
