//! Owns the facts of a request's API key while its token is looked up, and tells whether a feed has revoked them
//! meanwhile.

use std::sync::Arc;

use brama_policy::{Facts, Feed, Moment, Step, Verifier};

use crate::feeds::{FeedPosition, Feeds};

/// Facts of an API key, and the position of its feed when they were obtained.
#[derive(Debug)]
pub(crate) struct HeldApiKey {
    feed: Arc<Feed>,
    facts: Arc<Facts>,
    /// `None` where the feed's position was unknown: the facts are this request's own answer then, and `max_lag` allows
    /// for its age.
    position: Option<FeedPosition>,
    is_cached: bool,
}

impl HeldApiKey {
    /// Facts obtained now. `is_cached`: they came from the cache, and are trusted since the feed is fresh.
    pub(crate) fn new(feed: Arc<Feed>, facts: Arc<Facts>, feeds: &Feeds, is_cached: bool) -> Self {
        let position = feeds.position(&feed);
        Self { feed, facts, position, is_cached }
    }

    /// Tells whether they may have been revoked since. `first` is the request's own first step, the lookup of its API
    /// key.
    pub(crate) fn was_revoked(&self, first: &Step, feeds: &Feeds, now: Moment) -> bool {
        let Step::Ask(lookup, _awaiting) = first else { return true };
        let has_revoked = |since| feeds.has_revoked(&self.feed, since, &lookup.revocable(), &self.facts);
        let is_denied = match lookup.verifier() {
            Verifier::Introspection(_) => false,
            Verifier::Jwt(jwt) => jwt
                .deniable(lookup.credential())
                .map_or(true, |deniable| feeds.denies(&self.feed, &deniable, &self.facts)),
        };
        is_denied || self.position.is_some_and(has_revoked) || (self.is_cached && !feeds.is_fresh(&self.feed, now))
    }
}
