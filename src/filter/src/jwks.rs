//! Owns the JWK sets of issuers: fetched ahead of the first token, fetched again in time, and kept while they may be
//! trusted.
//!
//! Each worker has a cache of its own. A root context fetches for the policy it was configured with. A request that
//! finds no key, or names an unknown one, waits for a fetch at the next tick, with all others who wait for the same
//! issuer. Clients cannot make a worker fetch more often than [`MIN_REFETCH`], or [`RETRY_AFTER_FAILURE`] where there
//! are no keys.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use brama_policy::{KeyFetch, KeySet, KeySource, LeftOut, Moment, Monotonic, Policy, Reply, Unavailable, Verifier};

use crate::host::{CallId, RootId};
use crate::waiters::{Waiter, WaiterGuard, Waiters};

/// The JWK sets of one worker; clones share them.
#[derive(Clone, Debug, Default)]
pub struct JwksCache(Rc<RefCell<HashMap<Arc<KeyFetch>, Issuer>>>);

#[derive(Debug, Default)]
struct Issuer {
    /// The last good set, and when it came.
    good: Option<(Rc<KeySet>, Monotonic)>,
    /// How and when the last fetch ended.
    last: Option<(Result<(), Unavailable>, Monotonic)>,
    /// The fetch in progress, and when it was sent.
    out: Option<(RootId, CallId, Monotonic)>,
    /// Root contexts whose policies have this issuer.
    roots: BTreeSet<RootId>,
    waiting: Waiters,
}

/// A fetch that has ended.
#[derive(Debug)]
pub struct Fetched {
    /// The fetch.
    pub fetch: Arc<KeyFetch>,
    /// Its outcome.
    pub outcome: Result<(), Unavailable>,
    /// Keys of the set that were left out; empty where the last set left out the same.
    pub left_out: Vec<LeftOut>,
    /// Requests that waited for it.
    pub waiters: Vec<Waiter>,
}

impl JwksCache {
    /// Registers a root context: the key sets that its policy's verifiers need are fetched from now on.
    pub fn follow(&self, root: RootId, policy: &Policy) {
        let Ok(mut issuers) = self.0.try_borrow_mut() else { return };
        let fetches = policy.verifiers().filter_map(|verifier| match &**verifier {
            Verifier::Introspection(_) => None,
            Verifier::Jwt(jwt) => match jwt.keys() {
                KeySource::Inline(_) => None,
                KeySource::Fetched(fetch) => Some(fetch),
            },
        });
        for fetch in fetches {
            issuers.entry(Arc::clone(fetch)).or_default().roots.insert(root);
        }
    }

    /// Removes a root context that is gone, and its calls. An issuer that no policy has any more is dropped.
    pub fn abandoned_by(&self, root: RootId) {
        let Ok(mut issuers) = self.0.try_borrow_mut() else { return };
        for issuer in issuers.values_mut() {
            issuer.roots.remove(&root);
            issuer.out = issuer.out.filter(|(by, _call, _sent)| *by != root);
        }
        issuers.retain(|_fetch, issuer| issuer.is_wanted());
    }

    /// Tells whether a policy needs these keys, or a request waits for them.
    #[must_use]
    pub fn has(&self, fetch: &KeyFetch) -> bool {
        self.0.try_borrow().is_ok_and(|issuers| issuers.contains_key(fetch))
    }

    /// The last good set, while it may be trusted.
    #[must_use]
    pub fn current(&self, fetch: &KeyFetch, now: Moment) -> Option<Rc<KeySet>> {
        let issuers = self.0.try_borrow().ok()?;
        issuers.get(fetch)?.trusted(fetch, now)
    }

    /// Adds a request that waits for a fetch of its issuer's keys.
    ///
    /// # Errors
    /// The last fetch was a moment ago: it succeeded, and the set is as new as can be (`None`), or it failed. Or too
    /// many wait.
    pub fn join(&self, fetch: &Arc<KeyFetch>, waiter: Waiter, now: Moment) -> Result<WaiterGuard, Option<Unavailable>> {
        // A store that is in use is not to be had twice; that cannot be, and refuses.
        let mut issuers = self.0.try_borrow_mut().map_err(|_in_use| Some(Unavailable::NoKeys))?;
        let issuer = issuers.entry(Arc::clone(fetch)).or_default();
        match &issuer.last {
            Some((outcome, _at)) if issuer.out.is_none() && now.monotonic < issuer.may_be_asked(fetch, now) => {
                return Err(outcome.clone().err());
            }
            Some(_) | None => {}
        }
        issuer.waiting.join(waiter).ok_or(Some(Unavailable::Shedding))
    }

    /// Fetches that this root context has to send now.
    #[must_use]
    pub fn due(&self, root: RootId, now: Moment) -> Vec<Arc<KeyFetch>> {
        let Ok(issuers) = self.0.try_borrow() else { return Vec::new() };
        let due = issuers.iter().filter(|(fetch, issuer)| {
            let is_wanted = !issuer.waiting.is_empty();
            let is_time = issuer.roots.contains(&root) && issuer.next(fetch, now) <= now.monotonic;
            issuer.is_free(fetch, now) && (is_wanted || is_time)
        });
        due.map(|(fetch, _issuer)| Arc::clone(fetch)).collect()
    }

    /// Marks a fetch as sent by a root context.
    pub fn mark_sent(&self, fetch: &KeyFetch, root: RootId, call: CallId, now: Moment) {
        let Ok(mut issuers) = self.0.try_borrow_mut() else { return };
        if let Some(issuer) = issuers.get_mut(fetch) {
            issuer.out = Some((root, call, now.monotonic));
        }
    }

    /// Completes the fetch of a call, with its reply or without; `None` where the call is no fetch.
    #[must_use]
    pub fn complete(
        &self,
        root: RootId,
        call: CallId,
        reply: &Result<Reply<'_>, Unavailable>,
        now: Moment,
    ) -> Option<Fetched> {
        let mut issuers = self.0.try_borrow_mut().ok()?;
        let (fetch, issuer) = issuers
            .iter_mut()
            .find(|(_fetch, issuer)| issuer.out.is_some_and(|(by, known, _sent)| (by, known) == (root, call)))?;
        let read = reply.clone().and_then(|reply| fetch.read(reply));
        Some(issuer.end(fetch, read, now))
    }

    /// Completes a fetch that could not be sent.
    #[must_use]
    pub fn fail(&self, fetch: &KeyFetch, reason: Unavailable, now: Moment) -> Option<Fetched> {
        let mut issuers = self.0.try_borrow_mut().ok()?;
        let (fetch, _issuer) = issuers.get_key_value(fetch)?;
        let fetch = Arc::clone(fetch);
        Some(issuers.get_mut(&fetch)?.end(&fetch, Err(reason), now))
    }

    /// Removes the waiters whose time is over.
    #[must_use]
    pub fn overdue(&self, now: Moment) -> Vec<Waiter> {
        let Ok(mut issuers) = self.0.try_borrow_mut() else { return Vec::new() };
        let overdue = issuers.values().flat_map(|issuer| issuer.waiting.overdue(now)).collect();
        issuers.retain(|_fetch, issuer| issuer.is_wanted());
        overdue
    }

    /// Tells whether no request waits.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.0.try_borrow().is_ok_and(|issuers| issuers.values().all(|issuer| issuer.waiting.is_empty()))
    }

    /// Time until this root context has to fetch again; `None` where it fetches nothing.
    #[must_use]
    pub fn until_due(&self, root: RootId, now: Moment) -> Option<Duration> {
        let issuers = self.0.try_borrow().ok()?;
        let followed = issuers.iter().filter(|(_fetch, issuer)| issuer.roots.contains(&root));
        let spans = followed.map(|(fetch, issuer)| match issuer.out {
            // Its reply changes when it is due, and comes without a tick.
            Some(_) => fetch.every().min(RETRY_AFTER_FAILURE),
            None => now.monotonic.until(issuer.next(fetch, now)),
        });
        spans.min()
    }
}

impl Issuer {
    /// Tells whether a policy has it, or a request waits for it.
    fn is_wanted(&self) -> bool {
        !self.roots.is_empty() || !self.waiting.is_empty()
    }

    /// Tells whether no fetch is in progress. The proxy reports the end of each call; if it ever failed to, keys would
    /// never come again.
    fn is_free(&self, fetch: &KeyFetch, now: Moment) -> bool {
        self.out.is_none_or(|(_root, _call, sent)| {
            sent.after(fetch.timeout().saturating_add(LOST)).is_none_or(|end| end <= now.monotonic)
        })
    }

    fn trusted(&self, fetch: &KeyFetch, now: Moment) -> Option<Rc<KeySet>> {
        let (keys, at) = self.good.as_ref()?;
        let until = at.after(fetch.max_stale())?;
        (now.monotonic < until).then(|| Rc::clone(keys))
    }

    /// Time of the next fetch that a request may cause.
    fn may_be_asked(&self, fetch: &KeyFetch, now: Moment) -> Monotonic {
        let span = if self.trusted(fetch, now).is_some() { MIN_REFETCH } else { RETRY_AFTER_FAILURE };
        self.after_last(fetch.every().min(span), now)
    }

    /// Time of the next fetch that happens by itself.
    fn next(&self, fetch: &KeyFetch, now: Moment) -> Monotonic {
        match self.last {
            Some((Ok(()), _at)) => self.after_last(fetch.every(), now),
            Some((Err(_), _at)) => self.may_be_asked(fetch, now),
            None => now.monotonic,
        }
    }

    fn after_last(&self, span: Duration, now: Moment) -> Monotonic {
        self.last.as_ref().and_then(|(_outcome, at)| at.after(span)).unwrap_or(now.monotonic)
    }

    /// A fetch that fails leaves the last good keys. A set without keys is an answer: the issuer has taken back its
    /// last one.
    fn end(&mut self, fetch: &Arc<KeyFetch>, read: Result<KeySet, Unavailable>, now: Moment) -> Fetched {
        self.out = None;
        let mut left_out = Vec::new();
        let outcome = read.map(|keys| {
            let told = self.good.as_ref().map_or(&[][..], |(last, _at)| last.left_out());
            // The order of a set says nothing.
            let is_told = keys.left_out().len() == told.len() && keys.left_out().iter().all(|key| told.contains(key));
            if !is_told {
                left_out = keys.left_out().to_vec();
            }
            self.good = Some((Rc::new(keys), now.monotonic));
        });
        self.last = Some((outcome.clone(), now.monotonic));
        Fetched { fetch: Arc::clone(fetch), outcome, left_out, waiters: self.waiting.take() }
    }
}

/// Shortest time between fetches for an unknown key: made-up key ids cost an issuer no more than this.
pub const MIN_REFETCH: Duration = Duration::from_secs(5);

/// The same where there are no keys, and every token waits for them.
pub const RETRY_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Time after its timeout when a call counts as lost, whatever the proxy reports.
const LOST: Duration = Duration::from_secs(1);
