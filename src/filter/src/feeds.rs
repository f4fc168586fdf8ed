//! Owns what a worker knows of its authorities' feeds of revocations: whether it may trust the facts that it remembers.
//!
//! A feed is followed while there are facts that it could revoke, and forgotten afterwards. Its age counts from when the
//! question was sent that was answered last, and whole: whatever was revoked before that is known.
//!
//! An answer that is on its way while its credential is revoked says what was; so it is held against all that the feed has
//! said since the lookup was sent. A lookup that was sent before the feed was known to stand anywhere cannot be held against
//! it, and its answer is used by those who wait for it, and not remembered.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use brama_policy::{Cursor, Facts, Feed, Moment, Monotonic, Page, Revocable, Revoked, Unavailable};

use crate::config::Settings;
use crate::host::{CallId, RootId};

/// The feeds that one worker follows; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Feeds(Rc<RefCell<Followed>>);

#[derive(Debug, Default)]
struct Followed {
    /// By the feeds' fingerprints.
    followers: BTreeMap<u64, Follower>,
    /// How many there were: a feed that is followed again is another one.
    begun: u64,
}

#[derive(Debug)]
struct Follower {
    feed: Arc<Feed>,
    /// Those of the last request that wanted it: they hold the secret it is asked with.
    settings: Rc<Settings>,
    number: u64,
    /// Until when there may be facts that it could revoke.
    wanted: Monotonic,
    cursor: Option<Cursor>,
    /// When the question was sent that was answered last, and whole.
    as_of: Option<Monotonic>,
    state: State,
    /// How many pages have revoked something.
    pages: u64,
    /// The last of them.
    recent: VecDeque<Rc<Revoked>>,
    /// Whether the last question was not answered.
    is_failing: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It is asked at the first tick after this.
    Due(Monotonic),
    /// A root has asked.
    Out { root: RootId, call: CallId, sent: Monotonic },
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

/// What a question that was not answered means.
#[derive(Debug)]
pub struct Failed {
    /// Whether the one before was answered.
    pub is_news: bool,
    /// What can be trusted no more.
    pub revoked: Revoked,
}

impl Feeds {
    /// Follows a feed, until a time at least.
    pub fn want(&self, feed: &Arc<Feed>, settings: &Rc<Settings>, until: Monotonic, now: Moment) {
        let Ok(mut followed) = self.0.try_borrow_mut() else { return };
        let Followed { followers, begun } = &mut *followed;
        let follower = followers.entry(feed.fingerprint()).or_insert_with(|| {
            *begun = begun.wrapping_add(1);
            Follower {
                feed: Arc::clone(feed),
                settings: Rc::clone(settings),
                number: *begun,
                wanted: until,
                cursor: None,
                as_of: None,
                state: State::Due(now.monotonic),
                pages: 0,
                recent: VecDeque::new(),
                is_failing: false,
            }
        });
        follower.settings = Rc::clone(settings);
        follower.wanted = follower.wanted.max(until);
    }

    /// Whether facts may be trusted that the feed could have revoked.
    #[must_use]
    pub fn trusts(&self, feed: &Feed, now: Moment) -> bool {
        let Ok(followed) = self.0.try_borrow() else { return false };
        let as_of = followed.followers.get(&feed.fingerprint()).and_then(|follower| follower.as_of);
        as_of.and_then(|as_of| as_of.after(feed.trust())).is_some_and(|end| now.monotonic < end)
    }

    /// What is known of the feed now; `None` where it is not known to stand anywhere.
    #[must_use]
    pub fn standing(&self, feed: &Feed) -> Option<Standing> {
        let followed = self.0.try_borrow().ok()?;
        let follower = followed.followers.get(&feed.fingerprint())?;
        follower.cursor.as_ref().map(|_cursor| Standing { follower: follower.number, pages: follower.pages })
    }

    /// Whether the feed has revoked, since then, what an answer says; where that is not known any more, it has.
    #[must_use]
    pub fn has_revoked(&self, feed: &Feed, since: Standing, credential: &Revocable, facts: &Facts) -> bool {
        let Ok(followed) = self.0.try_borrow() else { return true };
        let follower = followed.followers.get(&feed.fingerprint()).filter(|known| known.number == since.follower);
        let Some(follower) = follower else { return true };
        let Some(news) = follower.pages.checked_sub(since.pages).and_then(|news| usize::try_from(news).ok()) else {
            return true;
        };
        news > follower.recent.len()
            || follower.recent.iter().rev().take(news).any(|revoked| revoked.concerns(credential, facts))
    }

    /// The questions to be sent now. What nobody wants any more is forgotten.
    #[must_use]
    pub fn inquiries(&self, now: Moment) -> Vec<Inquiry> {
        let Ok(mut followed) = self.0.try_borrow_mut() else { return Vec::new() };
        let is_out = |follower: &Follower| matches!(follower.state, State::Out { .. });
        followed.followers.retain(|_, follower| is_out(follower) || now.monotonic < follower.wanted);
        // The proxy tells of every call how it ends. If it did not, the feed would be asked nothing any more.
        let is_lost = |sent: Monotonic, feed: &Feed| {
            sent.after(feed.patience().saturating_add(SLACK)).is_none_or(|end| end <= now.monotonic)
        };
        let is_due = |follower: &&Follower| match follower.state {
            State::Due(at) => at <= now.monotonic,
            State::Out { sent, .. } => is_lost(sent, &follower.feed),
        };
        followed.followers.values().filter(is_due).map(Inquiry::from).collect()
    }

    /// Notes that a root has sent a question.
    pub fn sent(&self, feed: &Feed, root: RootId, call: CallId, now: Moment) {
        self.set(feed, |follower| follower.state = State::Out { root, call, sent: now.monotonic });
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
    pub fn turn(&self, inquired: &Inquired, page: Page, now: Moment) -> Rc<Revoked> {
        let Page { revoked, next, more } = page;
        let revoked = Rc::new(revoked);
        self.set(&inquired.feed, |follower| {
            follower.is_failing = false;
            follower.cursor = Some(next);
            follower.note(&revoked);
            if more {
                follower.state = State::Due(now.monotonic);
                return;
            }
            follower.as_of = Some(inquired.sent);
            // An authority that waits for news has waited by now; one that has some may have more in a moment.
            let (from, pause) =
                if revoked.is_none() { (inquired.sent, inquired.feed.every()) } else { (now.monotonic, BREATH) };
            follower.state = State::Due(from.after(pause).unwrap_or(now.monotonic));
        });
        revoked
    }

    /// Takes note that a question was not answered, or not sent, and says what that revokes.
    ///
    /// A page that cannot be used, and a cursor that is refused, would come again and again. The feed is begun anew then,
    /// and nobody knows what was missed.
    pub fn fail(&self, feed: &Feed, reason: &Unavailable, now: Moment) -> Failed {
        let is_lost = match reason {
            Unavailable::Unusable(_) => true,
            // The gateway is not let in, or asked to wait: another time it may be.
            Unavailable::Status(401 | 403 | 407 | 408 | 425 | 429) => false,
            Unavailable::Status(status) => (400..500).contains(status),
            Unavailable::NotSent
            | Unavailable::NoReply
            | Unavailable::Shedding
            | Unavailable::NoKeys
            | Unavailable::Keys(_)
            | Unavailable::Overtaken => false,
        };
        let mut failed = Failed { is_news: false, revoked: Revoked::none() };
        self.set(feed, |follower| {
            failed.is_news = !std::mem::replace(&mut follower.is_failing, true);
            follower.state = State::Due(now.monotonic.after(feed.every()).unwrap_or(now.monotonic));
            if is_lost && follower.cursor.take().is_some() {
                follower.as_of = None;
                follower.note(&Rc::new(Revoked::all()));
                failed.revoked = Revoked::all();
            }
        });
        failed
    }

    /// A root is gone, and its questions with it: they are to be sent again.
    pub fn abandoned_by(&self, root: RootId) {
        let Ok(mut followed) = self.0.try_borrow_mut() else { return };
        for follower in followed.followers.values_mut() {
            if let State::Out { root: by, sent, .. } = follower.state
                && by == root
            {
                follower.state = State::Due(sent);
            }
        }
    }

    /// Whether no feed is followed.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.0.try_borrow().is_ok_and(|followed| followed.followers.is_empty())
    }

    fn set(&self, feed: &Feed, change: impl FnOnce(&mut Follower)) {
        let Ok(mut followed) = self.0.try_borrow_mut() else { return };
        if let Some(follower) = followed.followers.get_mut(&feed.fingerprint()) {
            change(follower);
        }
    }
}

impl Follower {
    /// Remembers what was revoked, for answers that are on their way.
    fn note(&mut self, revoked: &Rc<Revoked>) {
        if revoked.is_none() {
            return;
        }
        self.pages = self.pages.wrapping_add(1);
        self.recent.push_back(Rc::clone(revoked));
        if self.recent.len() > MOST_RECENT {
            self.recent.pop_front();
        }
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

/// Pages that are kept for answers that are on their way. Where more came meanwhile, the lookup is sent again.
const MOST_RECENT: usize = 16;

/// Beyond its patience: the ticks in which a question is sent and answered.
const SLACK: Duration = Duration::from_secs(1);

/// From news to the next question.
const BREATH: Duration = Duration::from_millis(50);
