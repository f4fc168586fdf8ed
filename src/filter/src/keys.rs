//! Owns the keys of issuers: fetched ahead of the first token, fetched again in time, and kept while they may be trusted.
//!
//! Each worker has its own. A root context fetches for the policy it was configured with; a request that finds no key, or
//! names one that nobody knows, takes a seat and has them fetched at the next tick, with all others who wait for the same
//! issuer. What a client sends cannot make a worker ask more often than [`AGAIN`], or [`RETRY`] where there are no keys.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use brama_policy::{KeyFetch, KeySet, KeySource, LeftOut, Moment, Monotonic, Policy, Reply, Unavailable, Verifier};

use crate::host::{CallId, RootId};
use crate::waiting::{Room, Seat, Waiter};

/// The keys that one worker has; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Keys(Rc<RefCell<HashMap<Arc<KeyFetch>, Issuer>>>);

#[derive(Debug, Default)]
struct Issuer {
    /// The last good set, and when it came.
    good: Option<(Rc<KeySet>, Monotonic)>,
    /// How and when the last fetch ended.
    last: Option<(Result<(), Unavailable>, Monotonic)>,
    /// The fetch that is out, and since when.
    out: Option<(RootId, CallId, Monotonic)>,
    /// The root contexts whose policies have this issuer.
    roots: BTreeSet<RootId>,
    waiting: Room,
}

/// A fetch that has ended.
#[derive(Debug)]
pub struct Fetched {
    /// What was fetched.
    pub fetch: Arc<KeyFetch>,
    /// Whether there are keys.
    pub outcome: Result<(), Unavailable>,
    /// The keys of the set that verify nothing, where they are not those that were left out of the last one.
    pub left_out: Vec<LeftOut>,
    /// Who waited for them.
    pub waiters: Vec<Waiter>,
}

impl Keys {
    /// A root context is at work under this policy: it has the keys that the policy's verifiers need fetched.
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

    /// A root context is gone, and its calls with it. An issuer that no policy has any more is forgotten.
    pub fn abandoned_by(&self, root: RootId) {
        let Ok(mut issuers) = self.0.try_borrow_mut() else { return };
        for issuer in issuers.values_mut() {
            issuer.roots.remove(&root);
            issuer.out = issuer.out.filter(|(by, _call, _sent)| *by != root);
        }
        issuers.retain(|_fetch, issuer| issuer.is_wanted());
    }

    /// Whether a policy has these keys fetched, or a request waits for them.
    #[must_use]
    pub fn has(&self, fetch: &KeyFetch) -> bool {
        self.0.try_borrow().is_ok_and(|issuers| issuers.contains_key(fetch))
    }

    /// The keys that are there and may be trusted.
    #[must_use]
    pub fn at_hand(&self, fetch: &KeyFetch, now: Moment) -> Option<Rc<KeySet>> {
        let issuers = self.0.try_borrow().ok()?;
        issuers.get(fetch)?.trusted(fetch, now)
    }

    /// Takes a seat for a request whose key is not at hand.
    ///
    /// # Errors
    /// The keys were asked for a moment ago: they are as new as can be (`None`), or the fetch failed. Or too many wait.
    pub fn board(&self, fetch: &Arc<KeyFetch>, waiter: Waiter, now: Moment) -> Result<Seat, Option<Unavailable>> {
        // A store that is in use is not to be had twice; that cannot be, and refuses.
        let mut issuers = self.0.try_borrow_mut().map_err(|_in_use| Some(Unavailable::NoKeys))?;
        let issuer = issuers.entry(Arc::clone(fetch)).or_default();
        match &issuer.last {
            Some((outcome, _at)) if issuer.out.is_none() && now.monotonic < issuer.may_be_asked(fetch, now) => {
                return Err(outcome.clone().err());
            }
            Some(_) | None => {}
        }
        issuer.waiting.seat(waiter).ok_or(Some(Unavailable::Shedding))
    }

    /// The fetches that this root context has to send now.
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

    /// Notes that a root context has sent a fetch.
    pub fn sent(&self, fetch: &KeyFetch, root: RootId, call: CallId, now: Moment) {
        let Ok(mut issuers) = self.0.try_borrow_mut() else { return };
        if let Some(issuer) = issuers.get_mut(fetch) {
            issuer.out = Some((root, call, now.monotonic));
        }
    }

    /// Ends the fetch of a call with its reply, or without; `None` where the call is no fetch.
    #[must_use]
    pub fn land(
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

    /// Ends a fetch that could not be sent.
    #[must_use]
    pub fn not_sent(&self, fetch: &KeyFetch, reason: Unavailable, now: Moment) -> Option<Fetched> {
        let mut issuers = self.0.try_borrow_mut().ok()?;
        let (fetch, _issuer) = issuers.get_key_value(fetch)?;
        let fetch = Arc::clone(fetch);
        Some(issuers.get_mut(&fetch)?.end(&fetch, Err(reason), now))
    }

    /// Those who have waited as long as they may; they wait no more.
    #[must_use]
    pub fn overdue(&self, now: Moment) -> Vec<Waiter> {
        let Ok(mut issuers) = self.0.try_borrow_mut() else { return Vec::new() };
        let overdue = issuers.values().flat_map(|issuer| issuer.waiting.overdue(now)).collect();
        issuers.retain(|_fetch, issuer| issuer.is_wanted());
        overdue
    }

    /// Whether nobody waits.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.0.try_borrow().is_ok_and(|issuers| issuers.values().all(|issuer| issuer.waiting.is_empty()))
    }

    /// How long this root context has until it has to fetch again; `None` where it fetches nothing.
    #[must_use]
    pub fn until_due(&self, root: RootId, now: Moment) -> Option<Duration> {
        let issuers = self.0.try_borrow().ok()?;
        let followed = issuers.iter().filter(|(_fetch, issuer)| issuer.roots.contains(&root));
        let spans = followed.map(|(fetch, issuer)| match issuer.out {
            // Its reply changes when it is due, and comes without a tick.
            Some(_) => fetch.every().min(RETRY),
            None => now.monotonic.until(issuer.next(fetch, now)),
        });
        spans.min()
    }
}

impl Issuer {
    /// Whether a policy has it, or a request that began under one.
    fn is_wanted(&self) -> bool {
        !self.roots.is_empty() || !self.waiting.is_empty()
    }

    /// Whether no fetch is out. The proxy tells of every call how it ends; if it did not, keys would never come again.
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

    /// When it may be asked again, whoever wants it.
    fn may_be_asked(&self, fetch: &KeyFetch, now: Moment) -> Monotonic {
        let span = if self.trusted(fetch, now).is_some() { AGAIN } else { RETRY };
        self.after_last(fetch.every().min(span), now)
    }

    /// When it is to be asked again though nobody waits for it.
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

    /// A fetch that fails leaves the last good keys. A set without keys is an answer: the issuer has taken back its last one.
    fn end(&mut self, fetch: &Arc<KeyFetch>, read: Result<KeySet, Unavailable>, now: Moment) -> Fetched {
        self.out = None;
        let mut left_out = Vec::new();
        let outcome = read.map(|keys| {
            let told = self.good.as_ref().map_or(&[][..], |(last, _at)| last.left_out());
            // Their order is nobody's news.
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

/// A key that nobody knows is asked for at most this often: whoever makes up names of keys costs an issuer no more.
pub const AGAIN: Duration = Duration::from_secs(5);

/// And where there are no keys, or the last fetch failed without any: every token waits for them.
pub const RETRY: Duration = Duration::from_secs(1);

/// Beyond its timeout: after so long a fetch is out no more, whatever the proxy says.
const LOST: Duration = Duration::from_secs(1);
