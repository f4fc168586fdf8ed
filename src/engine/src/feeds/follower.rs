//! Owns one feed that a worker follows: its cursor, its age, its deny list, its last revocations.

use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use brama_policy::deciding::{Moment, Monotonic};
use brama_policy::identity::{Cursor, DenyList, Feed, Page, RevocationSet, Unavailable};

use crate::config::Settings;
use crate::host::RootId;
use crate::pending_call::{PendingCall, Waiter};

#[derive(Debug)]
pub(super) struct Follower {
    pub(super) feed: Arc<Feed>,
    /// Settings of the last request that needed it: they hold the secret that authenticates its polls.
    pub(super) settings: Rc<Settings>,
    /// Number of this follower: a feed that is dropped and followed again gets another.
    pub(super) number: u64,
    /// Root contexts whose policies hold JWTs against it.
    pub(super) roots: BTreeSet<RootId>,
    /// End of the time in which there may be facts that it could revoke.
    pub(super) wanted: Monotonic,
    pub(super) cursor: Option<Cursor>,
    /// Time at which the last poll was sent that was answered in full.
    pub(super) as_of: Option<Monotonic>,
    /// Number of pages that revoked something.
    pub(super) pages: u64,
    /// The last of these pages.
    pub(super) recent: VecDeque<Rc<RevocationSet>>,
    /// The deny list, complete once there is an `as_of`.
    pub(super) denied: DenyList,
    /// Failure of the last poll.
    pub(super) is_failing: bool,
    /// The poll, and the requests that wait for the deny list.
    pub(super) call: PendingCall,
}

/// Consequences of a page, or of a failed poll: for the cache, and for those who wait.
#[derive(Debug)]
pub(crate) struct FeedUpdate {
    /// Facts to be dropped from the cache.
    pub(crate) revoked: Rc<RevocationSet>,
    /// JWTs that are refused from now on: their facts are dropped.
    pub(crate) denied: DenyList,
    /// Requests that waited, and can go on.
    pub(crate) waiters: Vec<Waiter>,
}

impl FeedUpdate {
    pub(super) fn none() -> Self {
        Self { revoked: Rc::new(RevocationSet::none()), denied: DenyList::none(), waiters: Vec::new() }
    }
}

impl Follower {
    pub(super) fn new(feed: &Arc<Feed>, settings: &Rc<Settings>, number: u64, now: Moment) -> Self {
        Self {
            feed: Arc::clone(feed),
            settings: Rc::clone(settings),
            number,
            roots: BTreeSet::new(),
            wanted: now.monotonic,
            cursor: None,
            as_of: None,
            pages: 0,
            recent: VecDeque::new(),
            denied: DenyList::none(),
            is_failing: false,
            call: PendingCall::due(now.monotonic),
        }
    }

    /// Tells whether it is still needed.
    pub(super) fn is_wanted(&self, now: Moment) -> bool {
        now.monotonic < self.wanted || !self.roots.is_empty() || self.call.is_awaited()
    }

    /// Tells whether it is as fresh as the policy demands.
    pub(super) fn is_fresh(&self, now: Moment) -> bool {
        self.as_of.and_then(|as_of| as_of.after(self.feed.trusted_for())).is_some_and(|end| now.monotonic < end)
    }

    /// Applies the page that answers a poll sent at this time. More than a worker can keep is an error.
    pub(super) fn apply_page(&mut self, sent: Monotonic, page: Page, now: Moment) -> Result<FeedUpdate, Unavailable> {
        let Page { revoked, denied, reset, next, more } = page;
        let is_empty = revoked.is_none() && denied.is_empty();
        // After a reset the deny list must be read from the start. A feed that resets during that read is unusable.
        if reset && self.feed.has_deny_list() {
            if self.as_of.is_none() {
                return Err(Unavailable::Unusable("it says `reset` before its deny list is whole"));
            }
            self.is_failing = false;
            return Ok(self.restart(now));
        }
        let is_first = self.cursor.is_none();
        let revoked = Rc::new(revoked);
        self.note(&revoked);
        self.cursor = Some(next);
        self.denied.extend(denied.clone(), now.wall);
        // Earlier revocations are unknown, so nothing may be left in the cache from before.
        let (revoked, denied) =
            if is_first { (Rc::new(RevocationSet::all()), DenyList::all()) } else { (revoked, denied) };
        if self.denied.len() > MAX_DENY_LIST {
            return Err(Unavailable::Unusable("the deny list is too long"));
        }
        self.is_failing = false;
        if more {
            // At once, unless the page was empty.
            let pause = if is_empty { SHORT_PAUSE } else { Duration::ZERO };
            self.call.schedule(now.monotonic.after(pause).unwrap_or(now.monotonic));
            return Ok(FeedUpdate { revoked, denied, waiters: Vec::new() });
        }
        self.as_of = Some(sent);
        // A long poll has waited by now; a feed that had entries may have more in a moment.
        let (from, pause) = if is_empty { (sent, self.feed.every()) } else { (now.monotonic, SHORT_PAUSE) };
        self.call.schedule(from.after(pause).unwrap_or(now.monotonic));
        Ok(FeedUpdate { revoked, denied, waiters: self.call.take_waiters() })
    }

    /// Records that a poll was not answered, or not sent.
    ///
    /// An unusable page and a refused cursor would come again and again. So the feed is restarted, and what was missed
    /// is unknown.
    pub(super) fn fail(&mut self, reason: &Unavailable, now: Moment) -> FeedUpdate {
        let is_lost = match reason {
            Unavailable::Unusable(_) => true,
            // The gateway is refused, or asked to wait: a later poll may succeed.
            Unavailable::Status(401 | 403 | 407 | 408 | 425 | 429) => false,
            Unavailable::Status(status) => (400..500).contains(status),
            Unavailable::NotSent
            | Unavailable::NoReply
            | Unavailable::NothingListens
            | Unavailable::Broken
            | Unavailable::BrokenOff
            | Unavailable::NotHttp
            | Unavailable::InItsPlace(_)
            | Unavailable::Overflow
            | Unavailable::NoCluster
            | Unavailable::Shedding
            | Unavailable::CircuitOpen
            | Unavailable::NoKeys
            | Unavailable::NoFeed
            | Unavailable::Keys(_)
            | Unavailable::RevokedInFlight => false,
        };
        self.is_failing = true;
        let update = if is_lost && self.cursor.is_some() { self.restart(now) } else { FeedUpdate::none() };
        self.call.schedule(now.monotonic.after(self.feed.every()).unwrap_or(now.monotonic));
        // Those who wait are told: the next poll may fail as well.
        FeedUpdate { waiters: self.call.take_waiters(), ..update }
    }

    /// Starts over: anything may have been revoked in between.
    fn restart(&mut self, now: Moment) -> FeedUpdate {
        let revoked = Rc::new(RevocationSet::all());
        self.note(&revoked);
        self.cursor = None;
        self.as_of = None;
        self.denied = DenyList::none();
        self.call.schedule(now.monotonic);
        FeedUpdate { revoked, denied: DenyList::all(), waiters: Vec::new() }
    }

    /// Keeps a page's revocations for answers in flight.
    fn note(&mut self, revoked: &Rc<RevocationSet>) {
        if revoked.is_none() {
            return;
        }
        self.pages = self.pages.wrapping_add(1);
        self.recent.push_back(Rc::clone(revoked));
        if self.recent.len() > MAX_RECENT {
            self.recent.pop_front();
        }
    }
}

/// Pages that are kept for answers in flight. Where more came meanwhile, the lookup is sent again.
const MAX_RECENT: usize = 16;

/// Entries of a deny list at most: each worker holds all of them. With more, every JWT is refused.
const MAX_DENY_LIST: usize = 200_000;

/// Time from a page with entries to the next poll.
const SHORT_PAUSE: Duration = Duration::from_millis(50);
