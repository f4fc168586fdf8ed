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

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use brama_policy::{Cursor, DenyListKeys, Facts, Feed, Moment, Monotonic, Page, RevocationKeys, Unavailable};

use crate::config::Settings;
use crate::host::{CallId, RootId};
use crate::waiters::{Waiter, WaiterGuard};

mod follower;

pub use follower::FeedUpdate;
use follower::{Follower, State};

/// The feeds that one worker follows; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Feeds(Rc<RefCell<Followed>>);

#[derive(Debug, Default)]
struct Followed {
    /// By the feeds' fingerprints.
    followers: BTreeMap<u64, Follower>,
    /// Number of followers that were ever begun.
    begun: u64,
}

/// Position in a feed: the follower, and its number of pages that revoked something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedPosition {
    follower: u64,
    pages: u64,
}

/// A poll to be sent.
#[derive(Debug)]
pub struct FeedPoll {
    /// The feed.
    pub feed: Arc<Feed>,
    /// Cursor to read from; `None` for the feed's start.
    pub cursor: Option<Cursor>,
    /// Settings with the secret that authenticates the call.
    pub settings: Rc<Settings>,
}

/// A poll that was sent.
#[derive(Debug)]
pub struct SentPoll {
    /// The feed.
    pub feed: Arc<Feed>,
    sent: Monotonic,
}

impl Followed {
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

impl Feeds {
    /// Registers a root context: the feeds that serve as JWT deny lists in its policy are followed.
    pub fn follow(&self, root: RootId, settings: &Rc<Settings>, now: Moment) {
        let Ok(mut followed) = self.0.try_borrow_mut() else { return };
        for feed in settings.policy().deny_list_feeds() {
            followed.follower(feed, settings, now).roots.insert(root);
        }
    }

    /// Follows a feed, until this time at least.
    pub fn follow_until(&self, feed: &Arc<Feed>, settings: &Rc<Settings>, until: Monotonic, now: Moment) {
        let Ok(mut followed) = self.0.try_borrow_mut() else { return };
        let follower = followed.follower(feed, settings, now);
        follower.wanted = follower.wanted.max(until);
    }

    /// Adds a request that waits for the feed's deny list.
    ///
    /// # Errors
    /// The feed does not answer, or too many wait.
    pub fn join(
        &self,
        feed: &Arc<Feed>,
        settings: &Rc<Settings>,
        waiter: Waiter,
        now: Moment,
    ) -> Result<WaiterGuard, Unavailable> {
        // A store that is in use is not to be had twice; that cannot be, and refuses.
        let mut followed = self.0.try_borrow_mut().map_err(|_in_use| Unavailable::NoFeed)?;
        let follower = followed.follower(feed, settings, now);
        if follower.is_failing {
            return Err(Unavailable::NoFeed);
        }
        follower.waiting.join(waiter).ok_or(Unavailable::Shedding)
    }

    /// Tells whether the feed is fresh: facts that it could have revoked may be trusted, and its deny list is known.
    #[must_use]
    pub fn is_fresh(&self, feed: &Feed, now: Moment) -> bool {
        self.read(feed, |follower| follower.is_fresh(now)).unwrap_or(false)
    }

    /// Tells whether a JWT is on the deny list; `true` where that is unknown.
    #[must_use]
    pub fn denies(&self, feed: &Feed, jwt: &DenyListKeys, facts: &Facts) -> bool {
        self.read(feed, |follower| follower.denied.denies(jwt, facts)).unwrap_or(true)
    }

    /// The feed's position; `None` where it is unknown.
    #[must_use]
    pub fn position(&self, feed: &Feed) -> Option<FeedPosition> {
        self.read(feed, |follower| {
            let position = FeedPosition { follower: follower.number, pages: follower.pages };
            follower.cursor.as_ref().map(|_cursor| position)
        })?
    }

    /// Tells whether the feed has revoked an answer since this position; `true` where that is unknown.
    #[must_use]
    pub fn has_revoked(&self, feed: &Feed, since: FeedPosition, credential: &RevocationKeys, facts: &Facts) -> bool {
        let judge = |follower: &Follower| {
            let news = follower.pages.checked_sub(since.pages).and_then(|news| usize::try_from(news).ok())?;
            if follower.number != since.follower || news > follower.recent.len() {
                return None;
            }
            Some(follower.recent.iter().rev().take(news).any(|revoked| revoked.concerns(credential, facts)))
        };
        self.read(feed, judge).flatten().unwrap_or(true)
    }

    /// Polls to be sent now. A feed that is not needed any more is dropped.
    #[must_use]
    pub fn take_due(&self, now: Moment) -> Vec<FeedPoll> {
        let Ok(mut followed) = self.0.try_borrow_mut() else { return Vec::new() };
        let is_out = |follower: &Follower| matches!(follower.state, State::Out { .. });
        followed.followers.retain(|_, follower| is_out(follower) || follower.is_wanted(now));
        followed.followers.values().filter(|follower| follower.is_due(now)).map(FeedPoll::from).collect()
    }

    /// Marks a poll as sent by a root context.
    pub fn mark_sent(&self, feed: &Feed, root: RootId, call: CallId, now: Moment) {
        let _known = self.change(feed, |follower| follower.state = State::Out { root, call, sent: now.monotonic });
    }

    /// The poll of a call; `None` where the call is no poll.
    #[must_use]
    pub fn complete(&self, root: RootId, call: CallId) -> Option<SentPoll> {
        let followed = self.0.try_borrow().ok()?;
        followed.followers.values().find_map(|follower| match follower.state {
            State::Out { root: by, call: known, sent } if (by, known) == (root, call) => {
                Some(SentPoll { feed: Arc::clone(&follower.feed), sent })
            }
            State::Out { .. } | State::Due(_) => None,
        })
    }

    /// Applies a page.
    ///
    /// # Errors
    /// The page holds more than a worker can keep.
    pub fn apply_page(&self, poll: &SentPoll, page: Page, now: Moment) -> Result<FeedUpdate, Unavailable> {
        let turned = self.change(&poll.feed, |follower| follower.apply_page(poll.sent, page, now));
        turned.unwrap_or_else(|| Ok(FeedUpdate::none()))
    }

    /// Records that a poll was not answered, or not sent.
    #[must_use]
    pub fn fail(&self, feed: &Feed, reason: &Unavailable, now: Moment) -> FeedUpdate {
        self.change(feed, |follower| follower.fail(reason, now)).unwrap_or_else(FeedUpdate::none)
    }

    /// Removes the waiters whose time is over.
    #[must_use]
    pub fn overdue(&self, now: Moment) -> Vec<Waiter> {
        let Ok(followed) = self.0.try_borrow() else { return Vec::new() };
        followed.followers.values().flat_map(|follower| follower.waiting.overdue(now)).collect()
    }

    /// Marks the polls of a root context that is gone as due again: its calls are gone with it.
    pub fn abandoned_by(&self, root: RootId) {
        let Ok(mut followed) = self.0.try_borrow_mut() else { return };
        for follower in followed.followers.values_mut() {
            follower.roots.remove(&root);
            if let State::Out { root: by, sent, .. } = follower.state
                && by == root
            {
                follower.state = State::Due(sent);
            }
        }
    }

    /// Tells whether the feed of this fingerprint serves as a deny list in a root context's policy.
    #[must_use]
    pub fn is_of_a_root(&self, fingerprint: u64) -> bool {
        let is_it = |followed: &Followed| followed.followers.get(&fingerprint).is_some_and(|it| !it.roots.is_empty());
        self.0.try_borrow().is_ok_and(|followed| is_it(&followed))
    }

    /// Tells whether no feed is followed.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.0.try_borrow().is_ok_and(|followed| followed.followers.is_empty())
    }

    fn read<T>(&self, feed: &Feed, read: impl FnOnce(&Follower) -> T) -> Option<T> {
        self.0.try_borrow().ok()?.followers.get(&feed.fingerprint()).map(read)
    }

    fn change<T>(&self, feed: &Feed, change: impl FnOnce(&mut Follower) -> T) -> Option<T> {
        self.0.try_borrow_mut().ok()?.followers.get_mut(&feed.fingerprint()).map(change)
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
