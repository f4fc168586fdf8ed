//! Owns the JWK sets of issuers: fetched ahead of the first token, fetched again in time, and kept while they may be
//! trusted.
//!
//! Each worker has a cache of its own. A root context fetches for the policy it was configured with. A request that
//! finds no key, or names an unknown one, waits for a fetch at the next tick, with all others who wait for the same
//! issuer. Clients cannot make a worker fetch more often than [`MIN_REFETCH`], or [`RETRY_AFTER_FAILURE`] where there
//! are no keys.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use brama_policy::deciding::{Moment, Monotonic, Policy};
use brama_policy::identity::{KeyFetch, KeySet, KeySource, LeftOut, Unavailable, Verifier};

use crate::host::{CallId, RootId};
use crate::pending_call::{Full, PendingCall, Waiter};

/// The JWK sets of one worker.
#[derive(Debug, Default)]
pub(crate) struct JwksCache(HashMap<Arc<KeyFetch>, Issuer>);

#[derive(Debug)]
struct Issuer {
    /// The last good set, and when it came.
    good: Option<(Rc<KeySet>, Monotonic)>,
    /// How and when the last fetch ended.
    last: Option<(Result<(), Unavailable>, Monotonic)>,
    /// Root contexts whose policies have this issuer.
    roots: BTreeSet<RootId>,
    call: PendingCall,
}

/// A fetch that has ended.
#[derive(Debug)]
pub(crate) struct Fetched {
    /// Its outcome.
    pub(crate) outcome: Result<(), Unavailable>,
    /// Keys of the set that were left out; empty where the last set left out the same.
    pub(crate) left_out: Vec<LeftOut>,
    /// Requests that waited for it.
    pub(crate) waiters: Vec<Waiter>,
}

impl JwksCache {
    /// Registers a root context: the key sets that its policy's verifiers need are fetched from now on.
    pub(crate) fn follow(&mut self, root: RootId, policy: &Policy, now: Moment) {
        let fetches = policy.verifiers().filter_map(|verifier| match &**verifier {
            Verifier::Introspection(_) | Verifier::Unclaimed(_) => None,
            Verifier::Jwt(jwt) => match jwt.keys() {
                KeySource::Inline(_) => None,
                KeySource::Fetched(fetch) => Some(fetch),
            },
        });
        for fetch in fetches {
            self.issuer(fetch, now).roots.insert(root);
        }
    }

    /// Removes a root context that is gone. An issuer that no policy has any more is dropped.
    pub(crate) fn abandoned_by(&mut self, root: RootId) {
        for issuer in self.0.values_mut() {
            issuer.roots.remove(&root);
        }
        self.drop_unwanted();
    }

    /// Tells whether a policy needs these keys, or a request waits for them.
    #[must_use]
    pub(crate) fn has(&self, fetch: &KeyFetch) -> bool {
        self.0.contains_key(fetch)
    }

    /// The last good set, while it may be trusted.
    #[must_use]
    pub(crate) fn current(&self, fetch: &KeyFetch, now: Moment) -> Option<Rc<KeySet>> {
        self.0.get(fetch)?.trusted(fetch, now)
    }

    /// Adds a request that waits for a fetch of its issuer's keys.
    ///
    /// # Errors
    /// The last fetch was a moment ago: it succeeded, and the set is as new as can be (`None`), or it failed. Or too
    /// many wait.
    pub(crate) fn join(
        &mut self,
        fetch: &Arc<KeyFetch>,
        waiter: Waiter,
        now: Moment,
    ) -> Result<(), Option<Unavailable>> {
        let issuer = self.issuer(fetch, now);
        match &issuer.last {
            Some((outcome, _at)) if !issuer.call.is_out() && now.monotonic < issuer.may_be_asked(fetch, now) => {
                return Err(outcome.clone().err());
            }
            Some(_) | None => {}
        }
        issuer.call.join(waiter).map_err(|Full| Some(Unavailable::Shedding))
    }

    /// Fetches that this root context has to send now: those that a request waits for, and those that are due by its
    /// own policy. An issuer that nobody needs is dropped.
    #[must_use]
    pub(crate) fn due(&mut self, root: RootId, now: Moment) -> Vec<Arc<KeyFetch>> {
        self.drop_unwanted();
        let due = self.0.iter().filter(|(fetch, issuer)| {
            let is_time = issuer.roots.contains(&root) && issuer.next(fetch, now) <= now.monotonic;
            issuer.call.is_free(now) && (issuer.call.is_awaited() || is_time)
        });
        due.map(|(fetch, _issuer)| Arc::clone(fetch)).collect()
    }

    /// Marks a fetch as sent by a root context.
    pub(crate) fn mark_sent(&mut self, fetch: &KeyFetch, root: RootId, call: CallId, now: Moment) {
        if let Some(call_of_issuer) = self.call(fetch) {
            call_of_issuer.mark_sent(root, call, fetch.timeout().saturating_add(LOST), now);
        }
    }

    /// Takes the outcome of a fetch; `None` where nobody needs it any more.
    ///
    /// A fetch that fails leaves the last good keys. A set without keys is an answer: the issuer has taken back its
    /// last one.
    pub(crate) fn end(&mut self, fetch: &KeyFetch, read: Result<KeySet, Unavailable>, now: Moment) -> Option<Fetched> {
        let issuer = self.0.get_mut(fetch)?;
        let mut left_out = Vec::new();
        let outcome = read.map(|keys| {
            let told = issuer.good.as_ref().map_or(&[][..], |(last, _at)| last.left_out());
            // The order of a set says nothing.
            let is_told = keys.left_out().len() == told.len() && keys.left_out().iter().all(|key| told.contains(key));
            if !is_told {
                left_out = keys.left_out().to_vec();
            }
            issuer.good = Some((Rc::new(keys), now.monotonic));
        });
        issuer.last = Some((outcome.clone(), now.monotonic));
        // When it is due next follows from how and when it ended.
        issuer.call.schedule(now.monotonic);
        Some(Fetched { outcome, left_out, waiters: issuer.call.take_waiters() })
    }

    /// The call of a fetch.
    pub(crate) fn call(&mut self, fetch: &KeyFetch) -> Option<&mut PendingCall> {
        self.0.get_mut(fetch).map(|issuer| &mut issuer.call)
    }

    /// The calls of all fetches.
    pub(crate) fn calls(&mut self) -> impl Iterator<Item = &mut PendingCall> {
        self.0.values_mut().map(|issuer| &mut issuer.call)
    }

    /// Tells whether no request waits.
    #[must_use]
    pub(crate) fn is_idle(&self) -> bool {
        self.0.values().all(|issuer| !issuer.call.is_awaited())
    }

    /// Time until this root context has to fetch again; `None` where it fetches nothing.
    #[must_use]
    pub(crate) fn until_due(&self, root: RootId, now: Moment) -> Option<Duration> {
        let followed = self.0.iter().filter(|(_fetch, issuer)| issuer.roots.contains(&root));
        let spans = followed.map(|(fetch, issuer)| {
            // A reply changes when it is due, and comes without a tick.
            if issuer.call.is_out() {
                fetch.every().min(RETRY_AFTER_FAILURE)
            } else {
                now.monotonic.until(issuer.next(fetch, now))
            }
        });
        spans.min()
    }

    fn issuer(&mut self, fetch: &Arc<KeyFetch>, now: Moment) -> &mut Issuer {
        self.0.entry(Arc::clone(fetch)).or_insert_with(|| Issuer {
            good: None,
            last: None,
            roots: BTreeSet::new(),
            call: PendingCall::due(now.monotonic),
        })
    }

    /// Drops the issuers that no policy has and no request waits for.
    fn drop_unwanted(&mut self) {
        self.0.retain(|_fetch, issuer| !issuer.roots.is_empty() || issuer.call.is_awaited());
    }
}

impl Issuer {
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
            None => now.monotonic,
            Some((Ok(()), _at)) => self.after_last(fetch.every(), now),
            Some((Err(_), _at)) => self.may_be_asked(fetch, now),
        }
    }

    fn after_last(&self, span: Duration, now: Moment) -> Monotonic {
        self.last.as_ref().and_then(|(_outcome, at)| at.after(span)).unwrap_or(now.monotonic)
    }
}

/// Shortest time between fetches for an unknown key: made-up key ids cost an issuer no more than this.
pub const MIN_REFETCH: Duration = Duration::from_secs(5);

/// The same where there are no keys, and every token waits for them.
pub const RETRY_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Time after its timeout when a fetch counts as lost, whatever the proxy reports.
const LOST: Duration = Duration::from_secs(1);
