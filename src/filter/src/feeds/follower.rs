//! Owns what a worker knows of one feed: where it stands in it, and what it has said.

use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use brama_policy::{Cursor, Denied, Feed, Moment, Monotonic, Page, Revoked, Unavailable};

use crate::config::Settings;
use crate::host::{CallId, RootId};
use crate::waiting::{Room, Waiter};

#[derive(Debug)]
pub(super) struct Follower {
    pub(super) feed: Arc<Feed>,
    /// Those that wanted it last: they hold the secret it is asked with.
    pub(super) settings: Rc<Settings>,
    /// A feed that is followed again has another one.
    pub(super) number: u64,
    /// The root contexts whose policies hold JWTs against it.
    pub(super) roots: BTreeSet<RootId>,
    /// Until when there may be facts that it could revoke.
    pub(super) wanted: Monotonic,
    pub(super) cursor: Option<Cursor>,
    /// When the question was sent that was answered last, and whole.
    pub(super) as_of: Option<Monotonic>,
    pub(super) state: State,
    /// How many pages have revoked something.
    pub(super) pages: u64,
    /// The last of them.
    pub(super) recent: VecDeque<Rc<Revoked>>,
    /// The deny list, whole once there is an `as_of`.
    pub(super) denied: Denied,
    /// Whether the last question was not answered.
    pub(super) is_failing: bool,
    /// Requests that cannot be judged before the deny list is known.
    pub(super) waiting: Room,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It is asked at the first tick after this.
    Due(Monotonic),
    /// A root has asked.
    Out { root: RootId, call: CallId, sent: Monotonic },
}

/// What a page, or its lack, means for what is remembered, and for those who wait.
#[derive(Debug)]
pub struct News {
    /// Which facts have to be asked for again.
    pub revoked: Rc<Revoked>,
    /// Which JWTs are refused now: their facts are forgotten.
    pub denied: Denied,
    /// Who waited, and can go on.
    pub waiters: Vec<Waiter>,
}

impl News {
    pub(super) fn none() -> Self {
        Self { revoked: Rc::new(Revoked::none()), denied: Denied::none(), waiters: Vec::new() }
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
            state: State::Due(now.monotonic),
            pages: 0,
            recent: VecDeque::new(),
            denied: Denied::none(),
            is_failing: false,
            waiting: Room::default(),
        }
    }

    /// Whether anybody has to know what it says.
    pub(super) fn is_wanted(&self, now: Moment) -> bool {
        now.monotonic < self.wanted || !self.roots.is_empty() || !self.waiting.is_empty()
    }

    /// Whether it is to be asked now. The proxy tells of every call how it ends; if it did not, the feed would be asked
    /// nothing any more.
    pub(super) fn is_due(&self, now: Moment) -> bool {
        let at = match self.state {
            State::Due(at) => Some(at),
            State::Out { sent, .. } => sent.after(self.feed.patience().saturating_add(SLACK)),
        };
        at.is_none_or(|at| at <= now.monotonic)
    }

    /// Whether what is known of it is no older than the policy lets it be.
    pub(super) fn is_fresh(&self, now: Moment) -> bool {
        self.as_of.and_then(|as_of| as_of.after(self.feed.trust())).is_some_and(|end| now.monotonic < end)
    }

    /// Takes note of the page that answers a question sent then. What is more than can be held has to fail.
    pub(super) fn turn(&mut self, sent: Monotonic, page: Page, now: Moment) -> Result<News, Unavailable> {
        let Page { revoked, denied, reset, next, more } = page;
        let is_empty = revoked.is_none() && denied.is_empty();
        // Where it is to go on is behind the deny list, which has to be read from its start; and what says so while it is
        // read, or again and again, has none.
        if reset && self.feed.has_deny_list() {
            if self.as_of.is_none() {
                return Err(Unavailable::Unusable("it says `reset` before its deny list is whole"));
            }
            self.is_failing = false;
            return Ok(self.begin_anew(now));
        }
        let is_first = self.cursor.is_none();
        let revoked = Rc::new(revoked);
        self.note(&revoked);
        self.cursor = Some(next);
        self.denied.extend(denied.clone(), now.wall);
        // Nobody knows what was revoked before, so nothing may be left from then.
        let (revoked, denied) = if is_first { (Rc::new(Revoked::all()), Denied::all()) } else { (revoked, denied) };
        if self.denied.len() > MOST_DENIED {
            return Err(Unavailable::Unusable("the deny list is too long"));
        }
        self.is_failing = false;
        if more {
            // At once, unless it has nothing to say.
            let pause = if is_empty { BREATH } else { Duration::ZERO };
            self.state = State::Due(now.monotonic.after(pause).unwrap_or(now.monotonic));
            return Ok(News { revoked, denied, waiters: Vec::new() });
        }
        self.as_of = Some(sent);
        // An authority that waits for news has waited by now; one that has some may have more in a moment.
        let (from, pause) = if is_empty { (sent, self.feed.every()) } else { (now.monotonic, BREATH) };
        self.state = State::Due(from.after(pause).unwrap_or(now.monotonic));
        Ok(News { revoked, denied, waiters: self.waiting.take() })
    }

    /// Takes note that a question was not answered, or not sent.
    ///
    /// A page that cannot be used, and a cursor that is refused, would come again and again. The feed is begun anew then,
    /// and nobody knows what was missed.
    pub(super) fn fail(&mut self, reason: &Unavailable, now: Moment) -> News {
        let is_lost = match reason {
            Unavailable::Unusable(_) => true,
            // The gateway is not let in, or asked to wait: another time it may be.
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
            | Unavailable::Resting
            | Unavailable::NoKeys
            | Unavailable::NoFeed
            | Unavailable::Keys(_)
            | Unavailable::Overtaken => false,
        };
        self.is_failing = true;
        let news = if is_lost && self.cursor.is_some() { self.begin_anew(now) } else { News::none() };
        self.state = State::Due(now.monotonic.after(self.feed.every()).unwrap_or(now.monotonic));
        // Whoever waits is told so: the next question may fail as well.
        News { waiters: self.waiting.take(), ..news }
    }

    /// What was missed is not known: everything may have been revoked.
    fn begin_anew(&mut self, now: Moment) -> News {
        let revoked = Rc::new(Revoked::all());
        self.note(&revoked);
        self.cursor = None;
        self.as_of = None;
        self.denied = Denied::none();
        self.state = State::Due(now.monotonic);
        News { revoked, denied: Denied::all(), waiters: Vec::new() }
    }

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

/// Pages that are kept for answers that are on their way. Where more came meanwhile, the lookup is sent again.
const MOST_RECENT: usize = 16;

/// Entries of a deny list: each worker holds it whole. With more of them no JWT is taken.
const MOST_DENIED: usize = 200_000;

/// Beyond its patience: the ticks in which a question is sent and answered.
const SLACK: Duration = Duration::from_secs(1);

/// From news to the next question.
const BREATH: Duration = Duration::from_millis(50);
