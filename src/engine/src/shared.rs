//! Owns what the requests of one worker share.

use std::sync::Arc;

use brama_policy::deciding::Moment;
use brama_policy::identity::{Answer, Facts, Lookup, Unavailable};

use crate::breaker::Breakers;
use crate::cache::{CacheKey, CredentialCache};
use crate::feeds::Feeds;
use crate::host::{RootId, StreamId};
use crate::jwks::JwksCache;
use crate::pending_call::{PendingCall, Waiter};
use crate::pending_lookups::PendingLookups;
use crate::sent_calls::{Purpose, SentCalls};

/// State that the requests of one worker share. The worker owns it, and lends it down each callback.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// Cached facts and refusals.
    pub(crate) cache: CredentialCache,
    /// Lookups in progress.
    pub(crate) lookups: PendingLookups,
    /// Circuit breakers of the authorities.
    pub(crate) breakers: Breakers,
    /// JWK sets of the issuers.
    pub(crate) jwks: JwksCache,
    /// Feeds of revocations.
    pub(crate) feeds: Feeds,
    /// What each call that is out is for.
    pub(crate) sent: SentCalls,
}

/// Outcome of a look into the cache.
#[derive(Debug)]
pub(crate) enum CacheLookup {
    /// A cached answer.
    Hit(Answer),
    /// Cached facts that may have been revoked, since their feed is stale.
    FeedStale,
    /// Nothing is cached.
    Miss,
}

impl Shared {
    /// The cached answer to a lookup, where it may be trusted.
    #[must_use]
    pub(crate) fn cached(&mut self, lookup: &Lookup, key: CacheKey, now: Moment) -> CacheLookup {
        match self.cache.get(lookup.kind(), key, now) {
            None => CacheLookup::Miss,
            Some(Answer::Active(facts)) => match lookup.feed() {
                Some(feed) if !self.feeds.is_fresh(feed, now) => CacheLookup::FeedStale,
                Some(_) | None => CacheLookup::Hit(Answer::Active(facts)),
            },
            // A cached refusal needs no fresh feed.
            Some(answer) => CacheLookup::Hit(answer),
        }
    }

    /// Expired facts that the policy lets serve in an outage (`stale_if_unavailable`). Facts that a feed can revoke
    /// need a fresh feed all the same.
    #[must_use]
    pub(crate) fn stale(&mut self, lookup: &Lookup, key: CacheKey, now: Moment) -> Option<Arc<Facts>> {
        let facts = self.cache.get_stale(lookup, key, now)?;
        match lookup.feed() {
            Some(feed) if !self.feeds.is_fresh(feed, now) => None,
            Some(_) | None => Some(facts),
        }
    }

    /// The call of a purpose; `None` where nobody needs it any more.
    pub(crate) fn call(&mut self, purpose: &Purpose) -> Option<&mut PendingCall> {
        match purpose {
            Purpose::Lookup(key) => self.lookups.call(*key),
            Purpose::Feed(fingerprint) => self.feeds.call(*fingerprint),
            Purpose::Keys(fetch) => self.jwks.call(fetch),
        }
    }

    /// Removes a request from those that wait for a call.
    pub(crate) fn leave(&mut self, purpose: &Purpose, stream: StreamId) {
        if let Some(call) = self.call(purpose) {
            call.leave(stream);
        }
    }

    /// Removes the waiters whose time is over, each with what it is told.
    #[must_use]
    pub(crate) fn take_overdue(&mut self, now: Moment) -> Vec<(Waiter, Unavailable)> {
        let of_feeds = self.feeds.calls().map(|call| (call, Unavailable::NoFeed));
        let of_others = self.lookups.calls().chain(self.jwks.calls()).map(|call| (call, Unavailable::NoReply));
        let overdue =
            of_feeds.chain(of_others).flat_map(|(call, told)| call.take_overdue(now).map(move |it| (it, told.clone())));
        overdue.collect()
    }

    /// Forgets the calls that were lost: nobody needs them any more, or they were sent again. A late reply is a stray
    /// one.
    pub(crate) fn forget_lost_calls(&mut self) {
        let mut sent = std::mem::take(&mut self.sent);
        sent.keep(|root, call, purpose| self.call(purpose).is_some_and(|known| known.is_the_call(root, call)));
        self.sent = sent;
    }

    /// Removes a root context that is gone; its calls are gone with it, and due again.
    pub(crate) fn abandoned_by(&mut self, root: RootId) {
        self.sent.abandoned_by(root);
        for call in self.lookups.calls().chain(self.feeds.calls()).chain(self.jwks.calls()) {
            call.abandoned_by(root);
        }
        self.feeds.abandoned_by(root);
        self.jwks.abandoned_by(root);
    }

    /// Tells whether no request waits and no feed is followed.
    #[must_use]
    pub(crate) fn is_idle(&self) -> bool {
        self.lookups.is_empty() && self.jwks.is_idle() && self.feeds.is_empty()
    }
}
