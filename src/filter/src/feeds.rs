//! Owns what a worker knows of its authorities' feeds of revocations: whether it may trust the facts that it remembers, and
//! whether it may take a JWT.
//!
//! A feed is followed while there are facts that it could revoke, and forgotten afterwards; one that JWTs are held against is
//! followed for as long as a policy says so. Its age counts from when the question was sent that was answered last, and whole:
//! whatever was revoked before that is known.
//!
//! An answer that is on its way while its credential is revoked says what was; so it is held against all that the feed has
//! said since the lookup was sent. A lookup that was sent before the feed was known to stand anywhere cannot be held against
//! it, and its answer is used by those who wait for it, and not remembered.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use brama_policy::{Cursor, Deniable, Facts, Feed, Moment, Monotonic, Page, Revocable, Unavailable};

use crate::config::Settings;
use crate::host::{CallId, RootId};
use crate::waiting::{Seat, Waiter};

mod follower;

pub use follower::News;
use follower::{Follower, State};

/// The feeds that one worker follows; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Feeds(Rc<RefCell<Followed>>);

#[derive(Debug, Default)]
struct Followed {
    /// By the feeds' fingerprints.
    followers: BTreeMap<u64, Follower>,
    /// How many there were.
    begun: u64,
}

/// What a worker knew of a feed when it sent a lookup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    follower: u64,
    pages: u64,
}

/// A question to be sent.
#[derive(Debug)]
pub struct Inquiry {
    /// To which feed.
    pub feed: Arc<Feed>,
    /// From where on.
    pub cursor: Option<Cursor>,
    /// The secret to ask it with.
    pub settings: Rc<Settings>,
}

/// A question that has its answer.
#[derive(Debug)]
pub struct Inquired {
    /// Of which feed.
    pub feed: Arc<Feed>,
    sent: Monotonic,
}

impl Followed {
    /// The follower of a feed under these settings, a new one if need be.
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
    /// A root context is at work under these settings: it has the feeds followed that JWTs are held against.
    pub fn follow(&self, root: RootId, settings: &Rc<Settings>, now: Moment) {
        let Ok(mut followed) = self.0.try_borrow_mut() else { return };
        for feed in settings.policy().deny_list_feeds() {
            followed.follower(feed, settings, now).roots.insert(root);
        }
    }

    /// Follows a feed, until a time at least.
    pub fn want(&self, feed: &Arc<Feed>, settings: &Rc<Settings>, until: Monotonic, now: Moment) {
        let Ok(mut followed) = self.0.try_borrow_mut() else { return };
        let follower = followed.follower(feed, settings, now);
        follower.wanted = follower.wanted.max(until);
    }

    /// Takes a seat for a request that cannot be judged before the feed is known.
    ///
    /// # Errors
    /// The feed does not answer, or too many wait.
    pub fn board(
        &self,
        feed: &Arc<Feed>,
        settings: &Rc<Settings>,
        waiter: Waiter,
        now: Moment,
    ) -> Result<Seat, Unavailable> {
        // A store that is in use is not to be had twice; that cannot be, and refuses.
        let mut followed = self.0.try_borrow_mut().map_err(|_in_use| Unavailable::NoFeed)?;
        let follower = followed.follower(feed, settings, now);
        if follower.is_failing {
            return Err(Unavailable::NoFeed);
        }
        follower.waiting.seat(waiter).ok_or(Unavailable::Shedding)
    }

    /// Whether facts may be trusted that the feed could have revoked, and its deny list is known.
    #[must_use]
    pub fn trusts(&self, feed: &Feed, now: Moment) -> bool {
        self.visit(feed, |follower| follower.is_fresh(now)).unwrap_or(false)
    }

    /// Whether a JWT is on the deny list; where that is not known, it is.
    #[must_use]
    pub fn denies(&self, feed: &Feed, jwt: &Deniable, facts: &Facts) -> bool {
        self.visit(feed, |follower| follower.denied.denies(jwt, facts)).unwrap_or(true)
    }

    /// What is known of the feed now; `None` where it is not known to stand anywhere.
    #[must_use]
    pub fn standing(&self, feed: &Feed) -> Option<Standing> {
        self.visit(feed, |follower| {
            let standing = Standing { follower: follower.number, pages: follower.pages };
            follower.cursor.as_ref().map(|_cursor| standing)
        })?
    }

    /// Whether the feed has revoked, since then, what an answer says; where that is not known any more, it has.
    #[must_use]
    pub fn has_revoked(&self, feed: &Feed, since: Standing, credential: &Revocable, facts: &Facts) -> bool {
        let judge = |follower: &Follower| {
            let news = follower.pages.checked_sub(since.pages).and_then(|news| usize::try_from(news).ok())?;
            if follower.number != since.follower || news > follower.recent.len() {
                return None;
            }
            Some(follower.recent.iter().rev().take(news).any(|revoked| revoked.concerns(credential, facts)))
        };
        self.visit(feed, judge).flatten().unwrap_or(true)
    }

    /// The questions to be sent now. What nobody wants any more is forgotten.
    #[must_use]
    pub fn inquiries(&self, now: Moment) -> Vec<Inquiry> {
        let Ok(mut followed) = self.0.try_borrow_mut() else { return Vec::new() };
        let is_out = |follower: &Follower| matches!(follower.state, State::Out { .. });
        followed.followers.retain(|_, follower| is_out(follower) || follower.is_wanted(now));
        followed.followers.values().filter(|follower| follower.is_due(now)).map(Inquiry::from).collect()
    }

    /// Notes that a root has sent a question.
    pub fn sent(&self, feed: &Feed, root: RootId, call: CallId, now: Moment) {
        let _known = self.change(feed, |follower| follower.state = State::Out { root, call, sent: now.monotonic });
    }

    /// The question of a call.
    #[must_use]
    pub fn land(&self, root: RootId, call: CallId) -> Option<Inquired> {
        let followed = self.0.try_borrow().ok()?;
        followed.followers.values().find_map(|follower| match follower.state {
            State::Out { root: by, call: known, sent } if (by, known) == (root, call) => {
                Some(Inquired { feed: Arc::clone(&follower.feed), sent })
            }
            State::Out { .. } | State::Due(_) => None,
        })
    }

    /// Takes note of a page.
    ///
    /// # Errors
    /// It says more than a worker can hold.
    pub fn turn(&self, inquired: &Inquired, page: Page, now: Moment) -> Result<News, Unavailable> {
        let turned = self.change(&inquired.feed, |follower| follower.turn(inquired.sent, page, now));
        turned.unwrap_or_else(|| Ok(News::none()))
    }

    /// Takes note that a question was not answered, or not sent.
    #[must_use]
    pub fn fail(&self, feed: &Feed, reason: &Unavailable, now: Moment) -> News {
        self.change(feed, |follower| follower.fail(reason, now)).unwrap_or_else(News::none)
    }

    /// Those who have waited as long as they may; they wait no more.
    #[must_use]
    pub fn overdue(&self, now: Moment) -> Vec<Waiter> {
        let Ok(followed) = self.0.try_borrow() else { return Vec::new() };
        followed.followers.values().flat_map(|follower| follower.waiting.overdue(now)).collect()
    }

    /// A root is gone, and its questions with it: they are to be sent again.
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

    /// The feed of this fingerprint is one against which the policy of a root context holds JWTs.
    #[must_use]
    pub fn is_of_a_root(&self, fingerprint: u64) -> bool {
        let is_it = |followed: &Followed| followed.followers.get(&fingerprint).is_some_and(|it| !it.roots.is_empty());
        self.0.try_borrow().is_ok_and(|followed| is_it(&followed))
    }

    /// Whether no feed is followed.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.0.try_borrow().is_ok_and(|followed| followed.followers.is_empty())
    }

    fn visit<T>(&self, feed: &Feed, visit: impl FnOnce(&Follower) -> T) -> Option<T> {
        self.0.try_borrow().ok()?.followers.get(&feed.fingerprint()).map(visit)
    }

    fn change<T>(&self, feed: &Feed, change: impl FnOnce(&mut Follower) -> T) -> Option<T> {
        self.0.try_borrow_mut().ok()?.followers.get_mut(&feed.fingerprint()).map(change)
    }
}

impl From<&Follower> for Inquiry {
    fn from(follower: &Follower) -> Self {
        Self {
            feed: Arc::clone(&follower.feed),
            cursor: follower.cursor.clone(),
            settings: Rc::clone(&follower.settings),
        }
    }
}
