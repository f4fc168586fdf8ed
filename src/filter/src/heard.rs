//! Owns what a request has learnt of its API key while its token is asked for: whether a feed has revoked it meanwhile.

use std::sync::Arc;

use brama_policy::{Facts, Feed, Moment, Step, Verifier};

use crate::feeds::{Feeds, Standing};

/// Facts of an API key, and what was known of its feed then.
#[derive(Debug)]
pub(crate) struct Heard {
    feed: Arc<Feed>,
    facts: Arc<Facts>,
    /// `None` where it was not known where the feed stands: the facts are this request's own answer then, and its age is
    /// what `max_lag` allows for.
    knowing: Option<Standing>,
    is_recalled: bool,
}

impl Heard {
    /// Facts that were learnt now. `is_recalled`: they were remembered, and trusted since the feed is fresh.
    pub(crate) fn new(feed: Arc<Feed>, facts: Arc<Facts>, feeds: &Feeds, is_recalled: bool) -> Self {
        let knowing = feeds.standing(&feed);
        Self { feed, facts, knowing, is_recalled }
    }

    /// Whether they may have been revoked since. `first` is the request's own first step, the lookup of its API key.
    pub(crate) fn is_overtaken(&self, first: &Step, feeds: &Feeds, now: Moment) -> bool {
        let Step::Ask(lookup, _awaiting) = first else { return true };
        let has_revoked = |since| feeds.has_revoked(&self.feed, since, &lookup.revocable(), &self.facts);
        let is_denied = match lookup.verifier() {
            Verifier::Introspection(_) => false,
            Verifier::Jwt(jwt) => jwt
                .deniable(lookup.credential())
                .map_or(true, |deniable| feeds.denies(&self.feed, &deniable, &self.facts)),
        };
        is_denied || self.knowing.is_some_and(has_revoked) || (self.is_recalled && !feeds.trusts(&self.feed, now))
    }
}
