//! Owns the feeds of revocations that a worker follows: whether cached facts may be trusted, and whether a JWT is on a
//! deny list.
//!
//! A feed is followed while there are facts that it could revoke, and dropped afterwards; a feed with a deny list is
//! followed as long as a policy holds JWTs against it. Its age counts from the sending of the last poll that was
//! answered in full: all revocations before that are known.
//!
//! An answer can be in flight while its credential is revoked. So it is compared with all revocations that the feed has
//! told since the lookup was sent. A lookup that was sent before the feed had a position cannot be compared: its answer
//! serves the requests that wait for it, and is not cached.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use brama_policy::deciding::{Moment, Monotonic};
use brama_policy::identity::{Cursor, DenyListKeys, Facts, Feed, Page, RevocationKeys, Unavailable};

use crate::config::Settings;
use crate::host::{CallId, RootId};
use crate::pending_call::{Full, PendingCall, Waiter};

mod follower;

pub(crate) use follower::FeedUpdate;
use follower::Follower;

/// The feeds that one worker follows.
#[derive(Debug, Default)]
pub(crate) struct Feeds {
    /// By the feeds' fingerprints.
    followers: BTreeMap<u64, Follower>,
    /// Number of followers that were ever begun.
    begun: u64,
}

/// Position in a feed: the follower, and its number of pages that revoked something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FeedPosition {
    follower: u64,
    pages: u64,
}

/// A poll to be sent.
#[derive(Debug)]
pub(crate) struct FeedPoll {
    /// The feed.
    pub(crate) feed: Arc<Feed>,
    /// Cursor to read from; `None` for the feed's start.
    pub(crate) cursor: Option<Cursor>,
    /// Settings with the secret that authenticates the call.
    pub(crate) settings: Rc<Settings>,
}

impl Feeds {
    /// Registers a root context: the feeds that serve as JWT deny lists in its policy are followed.
    pub(crate) fn follow(&mut self, root: RootId, settings: &Rc<Settings>, now: Moment) {
        for feed in settings.policy().deny_list_feeds() {
            self.follower(feed, settings, now).roots.insert(root);
        }
    }

    /// Follows a feed, until this time at least.
    pub(crate) fn follow_until(&mut self, feed: &Arc<Feed>, settings: &Rc<Settings>, until: Monotonic, now: Moment) {
        let follower = self.follower(feed, settings, now);
        follower.wanted = follower.wanted.max(until);
    }

    /// Adds a request that waits for the feed's deny list.
    ///
    /// # Errors
    /// The feed does not answer, or too many wait.
    pub(crate) fn join(
        &mut self,
        feed: &Arc<Feed>,
        settings: &Rc<Settings>,
        waiter: Waiter,
        now: Moment,
    ) -> Result<(), Unavailable> {
        let follower = self.follower(feed, settings, now);
        if follower.is_failing {
            return Err(Unavailable::NoFeed);
        }
        follower.call.join(waiter).map_err(|Full| Unavailable::Shedding)
    }

    /// Tells whether the feed is fresh: facts that it could have revoked may be trusted, and its deny list is known.
    #[must_use]
    pub(crate) fn is_fresh(&self, feed: &Feed, now: Moment) -> bool {
        self.get(feed).is_some_and(|follower| follower.is_fresh(now))
    }

    /// Tells whether a JWT is on the deny list; `true` where that is unknown.
    #[must_use]
    pub(crate) fn denies(&self, feed: &Feed, jwt: &DenyListKeys, facts: &Facts) -> bool {
        self.get(feed).is_none_or(|follower| follower.denied.denies(jwt, facts))
    }

    /// The feed's position; `None` where it is unknown.
    #[must_use]
    pub(crate) fn position(&self, feed: &Feed) -> Option<FeedPosition> {
        let follower = self.get(feed)?;
        follower.cursor.as_ref().map(|_cursor| FeedPosition { follower: follower.number, pages: follower.pages })
    }

    /// Tells whether the feed has revoked an answer since this position; `true` where that is unknown.
    #[must_use]
    pub(crate) fn has_revoked(
        &self,
        feed: &Feed,
        since: FeedPosition,
        credential: &RevocationKeys,
        facts: &Facts,
    ) -> bool {
        let judge = |follower: &Follower| {
            let news = follower.pages.checked_sub(since.pages).and_then(|news| usize::try_from(news).ok())?;
            if follower.number != since.follower || news > follower.recent.len() {
                return None;
            }
            Some(follower.recent.iter().rev().take(news).any(|revoked| revoked.concerns(credential, facts)))
        };
        self.get(feed).and_then(judge).unwrap_or(true)
    }

    /// Polls to be sent now. A feed that is not needed any more is dropped.
    #[must_use]
    pub(crate) fn due(&mut self, now: Moment) -> Vec<FeedPoll> {
        self.followers.retain(|_, follower| follower.call.is_out() || follower.is_wanted(now));
        self.followers.values().filter(|follower| follower.call.is_due(now)).map(FeedPoll::from).collect()
    }

    /// Marks a poll as sent by a root context.
    pub(crate) fn mark_sent(&mut self, feed: &Feed, root: RootId, call: CallId, now: Moment) {
        if let Some(follower) = self.followers.get_mut(&feed.fingerprint()) {
            follower.call.mark_sent(root, call, feed.poll_timeout().saturating_add(LOST), now);
        }
    }

    /// The feed of this fingerprint.
    #[must_use]
    pub(crate) fn feed(&self, fingerprint: u64) -> Option<Arc<Feed>> {
        self.followers.get(&fingerprint).map(|follower| Arc::clone(&follower.feed))
    }

    /// Applies the page that answers a poll sent at this time.
    ///
    /// # Errors
    /// The page holds more than a worker can keep.
    pub(crate) fn apply_page(
        &mut self,
        feed: &Feed,
        sent: Monotonic,
        page: Page,
        now: Moment,
    ) -> Result<FeedUpdate, Unavailable> {
        let follower = self.followers.get_mut(&feed.fingerprint());
        follower.map_or_else(|| Ok(FeedUpdate::none()), |follower| follower.apply_page(sent, page, now))
    }

    /// Records that a poll was not answered, or not sent.
    #[must_use]
    pub(crate) fn fail(&mut self, feed: &Feed, reason: &Unavailable, now: Moment) -> FeedUpdate {
        let follower = self.followers.get_mut(&feed.fingerprint());
        follower.map_or_else(FeedUpdate::none, |follower| follower.fail(reason, now))
    }

    /// Removes a root context that is gone.
    pub(crate) fn abandoned_by(&mut self, root: RootId) {
        for follower in self.followers.values_mut() {
            follower.roots.remove(&root);
        }
    }

    /// Tells whether the feed of this fingerprint serves as a deny list in a root context's policy.
    #[must_use]
    pub(crate) fn is_of_a_root(&self, fingerprint: u64) -> bool {
        self.followers.get(&fingerprint).is_some_and(|follower| !follower.roots.is_empty())
    }

    /// The call of a feed.
    pub(crate) fn call(&mut self, fingerprint: u64) -> Option<&mut PendingCall> {
        self.followers.get_mut(&fingerprint).map(|follower| &mut follower.call)
    }

    /// The calls of all feeds.
    pub(crate) fn calls(&mut self) -> impl Iterator<Item = &mut PendingCall> {
        self.followers.values_mut().map(|follower| &mut follower.call)
    }

    /// Tells whether no feed is followed.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.followers.is_empty()
    }

    fn get(&self, feed: &Feed) -> Option<&Follower> {
        self.followers.get(&feed.fingerprint())
    }

    /// The follower of a feed, with these settings from now on; a new one if need be.
    fn follower(&mut self, feed: &Arc<Feed>, settings: &Rc<Settings>, now: Moment) -> &mut Follower {
        let Self { followers, begun } = self;
        let follower = followers.entry(feed.fingerprint()).or_insert_with(|| {
            *begun = begun.wrapping_add(1);
            Follower::new(feed, settings, *begun, now)
        });
        follower.settings = Rc::clone(settings);
        follower
    }
}

impl From<&Follower> for FeedPoll {
    fn from(follower: &Follower) -> Self {
        Self {
            feed: Arc::clone(&follower.feed),
            cursor: follower.cursor.clone(),
            settings: Rc::clone(&follower.settings),
        }
    }
}

/// Time after its timeout when a poll counts as lost, whatever the proxy reports.
const LOST: Duration = Duration::from_secs(1);
