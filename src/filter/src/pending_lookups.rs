//! Owns the lookups in progress: one for each unknown credential ("single flight"), who waits for it, and how many
//! there may be.
//!
//! The first request that needs a credential's facts starts a lookup; later ones join it as waiters. The plugin's root
//! context sends lookups at its next tick, a millisecond later: a call that belongs to a request would end with that
//! request, and its waiters would wait in vain. When a root context goes, its lookups are sent again by another.
//!
//! Limits are per kind of credential, and for tokens per API key too: a flood of random keys leaves room to look up the
//! tokens of good callers, and one caller's flood of tokens leaves room for others. So does the rate at which lookups
//! begin, which the policy sets (`rate`). A request over a limit is refused at once; there is no queue. A lookup that
//! was sent counts until it completes, also when all its waiters have gone: resetting requests causes no further
//! lookups.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use brama_policy::{Lookup, Moment, Monotonic};

use crate::cache::CacheKey;
use crate::config::Settings;
use crate::feeds::FeedPosition;
use crate::host::{CallId, RootId, StreamId};
use crate::rate::Rates;
use crate::waiters::{SLACK, Waiter, WaiterGuard, Waiters};

/// The lookups in progress of one worker; clones share them.
#[derive(Clone, Debug, Default)]
pub struct PendingLookups(Rc<RefCell<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    lookups: BTreeMap<CacheKey, PendingLookup>,
    rates: Rates,
}

#[derive(Debug)]
struct PendingLookup {
    lookup: Lookup,
    /// Settings of the request that started it: they hold the secret that authenticates the call.
    settings: Rc<Settings>,
    /// Id of the request that started it.
    request_id: String,
    /// Number of requests that joined it.
    joined: usize,
    /// The API key in front of a token.
    api_key: Option<CacheKey>,
    state: State,
    waiting: Waiters,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It is to be sent at the next tick.
    Due,
    /// A root context has sent it, when the authority's feed stood at this position.
    Out { root: RootId, call: CallId, sent: Monotonic, position: Option<FeedPosition> },
}

/// A lookup that a request needs.
#[derive(Debug)]
pub struct LookupRequest {
    /// The request.
    pub stream: StreamId,
    /// Cache key of the credential.
    pub key: CacheKey,
    /// Cache key of the API key that came with a token.
    pub api_key: Option<CacheKey>,
    /// The lookup.
    pub lookup: Lookup,
    /// The settings of the request.
    pub settings: Rc<Settings>,
    /// The id of the request.
    pub request_id: String,
}

/// A lookup to be sent at this tick.
#[derive(Debug)]
pub struct DueLookup {
    /// Cache key of the credential.
    pub key: CacheKey,
    /// The lookup.
    pub lookup: Lookup,
    /// Settings with the secret that authenticates the call.
    pub settings: Rc<Settings>,
    /// Id of the request that started it.
    pub request_id: String,
}

/// A lookup that has its answer.
#[derive(Debug)]
pub struct CompletedLookup {
    pending: PendingLookup,
}

/// A limit was reached: of lookups in progress, of their rate, or of waiters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl PendingLookups {
    /// Joins the lookup in progress for the request's credential (`true`), or starts one.
    ///
    /// # Errors
    /// A limit was reached.
    pub fn join_or_start(&self, ticket: LookupRequest, now: Moment) -> Result<(WaiterGuard, bool), Full> {
        let LookupRequest { stream, key, api_key, lookup, settings, request_id } = ticket;
        // A store that is in use is not to be had twice; that cannot be, and refuses.
        let mut inner = self.0.try_borrow_mut().map_err(|_in_use| Full)?;
        let Inner { lookups, rates } = &mut *inner;
        let until = now.monotonic.after(lookup.timeout().saturating_add(SLACK)).ok_or(Full)?;
        let waiter = Waiter { stream, key, until };
        if let Some(pending) = lookups.get_mut(&key) {
            let guard = pending.waiting.join(waiter).ok_or(Full)?;
            pending.joined = pending.joined.saturating_add(1);
            return Ok((guard, true));
        }
        let kind = lookup.kind();
        let of_kind = lookups.values().filter(|pending| pending.lookup.kind() == kind).count();
        let of_caller =
            api_key.map_or(0, |caller| lookups.values().filter(|pending| pending.api_key == Some(caller)).count());
        if of_kind >= MAX_LOOKUPS || of_caller >= MAX_LOOKUPS_OF_A_KEY {
            return Err(Full);
        }
        // The rate is checked last, since admission counts against it.
        if !rates.admit(&lookup, api_key, now) {
            return Err(Full);
        }
        let (state, waiting) = (State::Due, Waiters::default());
        let pending = PendingLookup { lookup, settings, request_id, joined: 0, api_key, state, waiting };
        let guard = pending.waiting.join(waiter).ok_or(Full)?;
        lookups.insert(key, pending);
        Ok((guard, false))
    }

    /// Lookups to be sent now. Those without waiters are dropped.
    #[must_use]
    pub fn take_due(&self, now: Moment) -> Vec<DueLookup> {
        let Ok(mut inner) = self.0.try_borrow_mut() else { return Vec::new() };
        let lookups = &mut inner.lookups;
        for pending in lookups.values_mut().filter(|pending| pending.is_lost(now)) {
            pending.state = State::Due;
        }
        lookups.retain(|_key, pending| !pending.waiting.is_empty() || pending.state != State::Due);
        let boarding = lookups.iter().filter(|(_key, pending)| pending.state == State::Due);
        boarding
            .map(|(key, pending)| DueLookup {
                key: *key,
                lookup: pending.lookup.clone(),
                settings: Rc::clone(&pending.settings),
                request_id: pending.request_id.clone(),
            })
            .collect()
    }

    /// Marks a lookup as sent by a root context.
    pub fn mark_sent(&self, key: CacheKey, root: RootId, call: CallId, position: Option<FeedPosition>, now: Moment) {
        let Ok(mut inner) = self.0.try_borrow_mut() else { return };
        if let Some(pending) = inner.lookups.get_mut(&key) {
            pending.state = State::Out { root, call, sent: now.monotonic, position };
        }
    }

    /// Removes the lookup of a call that has completed; `None` where the call is no lookup.
    #[must_use]
    pub fn complete(&self, root: RootId, call: CallId) -> Option<(CacheKey, CompletedLookup)> {
        let lookups = &mut self.0.try_borrow_mut().ok()?.lookups;
        let is_it = |pending: &PendingLookup| matches!(pending.state, State::Out { root: by, call: known, .. } if (by, known) == (root, call));
        let key = *lookups.iter().find(|(_key, pending)| is_it(pending))?.0;
        Some((key, CompletedLookup { pending: lookups.remove(&key)? }))
    }

    /// Puts a completed lookup back to be sent again, since its answer is out of date.
    pub fn retry(&self, key: CacheKey, completed: CompletedLookup) {
        let Ok(mut inner) = self.0.try_borrow_mut() else { return };
        inner.lookups.insert(key, PendingLookup { state: State::Due, ..completed.pending });
    }

    /// Removes a lookup that could not be sent.
    #[must_use]
    pub fn cancel(&self, key: CacheKey) -> Option<CompletedLookup> {
        self.0.try_borrow_mut().ok()?.lookups.remove(&key).map(|pending| CompletedLookup { pending })
    }

    /// Removes the waiters whose time is over.
    #[must_use]
    pub fn overdue(&self, now: Moment) -> Vec<Waiter> {
        let Ok(inner) = self.0.try_borrow() else { return Vec::new() };
        inner.lookups.values().flat_map(|pending| pending.waiting.overdue(now)).collect()
    }

    /// Marks the lookups of a root context that is gone as due again: its calls are gone with it.
    pub fn abandoned_by(&self, root: RootId) {
        let Ok(mut inner) = self.0.try_borrow_mut() else { return };
        for pending in inner
            .lookups
            .values_mut()
            .filter(|pending| matches!(pending.state, State::Out { root: by, .. } if by == root))
        {
            pending.state = State::Due;
        }
    }

    /// Tells whether no lookup is in progress.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.0.try_borrow().is_ok_and(|inner| inner.lookups.is_empty())
    }
}

impl PendingLookup {
    /// Tells whether its call is lost. The proxy reports the end of each call; if it ever failed to, the lookup would
    /// never end, nor would those of requests that join it.
    fn is_lost(&self, now: Moment) -> bool {
        match self.state {
            State::Due => false,
            State::Out { sent, .. } => {
                let end = sent.after(self.lookup.timeout().saturating_add(LOST));
                end.is_none_or(|end| end <= now.monotonic)
            }
        }
    }
}

impl CompletedLookup {
    /// The lookup.
    #[must_use]
    pub const fn lookup(&self) -> &Lookup {
        &self.pending.lookup
    }

    /// Settings of the request that started it.
    #[must_use]
    pub const fn settings(&self) -> &Rc<Settings> {
        &self.pending.settings
    }

    /// Id of the request that started it.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.pending.request_id
    }

    /// Number of requests that joined it.
    #[must_use]
    pub const fn joined(&self) -> usize {
        self.pending.joined
    }

    /// Removes all its waiters.
    #[must_use]
    pub fn waiters(&self) -> Vec<Waiter> {
        self.pending.waiting.take()
    }

    /// Position of the authority's feed when the lookup was sent; `None` where that was unknown.
    #[must_use]
    pub const fn position(&self) -> Option<FeedPosition> {
        match self.pending.state {
            State::Due => None,
            State::Out { position, .. } => position,
        }
    }
}

/// Lookups in progress of one kind of credential, per worker. Twice this, times the workers, has to fit into the
/// circuit breaker of the authority's cluster; otherwise that one sheds, and does not tell the kinds apart.
pub const MAX_LOOKUPS: usize = 100;

/// Lookups in progress of tokens that came with one API key, per worker: a caller's flood leaves half of the room to
/// others.
pub const MAX_LOOKUPS_OF_A_KEY: usize = 50;

/// Time after its timeout when a call counts as lost, whatever the proxy reports.
const LOST: Duration = Duration::from_secs(2);
