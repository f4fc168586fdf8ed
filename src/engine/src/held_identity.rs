//! Owns the facts of a verified credential while another one of its request is looked up, and tells whether a feed has
//! revoked them meanwhile.

use std::sync::Arc;

use brama_policy::deciding::Moment;
use brama_policy::identity::{CredentialKind, Facts, Feed, Lookup, Verifier};

use crate::feeds::{FeedPosition, Feeds};

/// Facts of a credential, and the position of its feed when they were obtained.
#[derive(Debug)]
pub(crate) struct HeldIdentity {
    lookup: Lookup,
    feed: Arc<Feed>,
    facts: Arc<Facts>,
    /// `None` where the feed's position was unknown: the facts are this request's own answer then, and `max_lag` allows
    /// for its age.
    position: Option<FeedPosition>,
    is_cached: bool,
}

impl HeldIdentity {
    /// Facts obtained now; `None` where no feed can revoke them. `is_cached`: they came from the cache, and are trusted
    /// since the feed is fresh.
    pub(crate) fn new(lookup: Lookup, facts: Arc<Facts>, feeds: &Feeds, is_cached: bool) -> Option<Self> {
        let feed = Arc::clone(lookup.feed()?);
        let position = feeds.position(&feed);
        Some(Self { lookup, feed, facts, position, is_cached })
    }

    /// Tells whether they may have been revoked since.
    pub(crate) fn was_revoked(&self, feeds: &Feeds, now: Moment) -> bool {
        let has_revoked = |since| feeds.has_revoked(&self.feed, since, &self.lookup.revocable(), &self.facts);
        let is_denied = match self.lookup.verifier() {
            Verifier::Introspection(_) | Verifier::Unclaimed(_) => false,
            Verifier::Jwt(jwt) => jwt
                .deniable(self.lookup.credential())
                .map_or(true, |deniable| feeds.denies(&self.feed, &deniable, &self.facts)),
        };
        is_denied || self.position.is_some_and(has_revoked) || (self.is_cached && !feeds.is_fresh(&self.feed, now))
    }

    /// The kind of the credential.
    pub(crate) const fn kind(&self) -> &CredentialKind {
        self.lookup.kind()
    }
}
