//! Owns a worker: its open requests, what they share, and which of them a reply concerns.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use brama_policy::{Answer, CacheLimits, Facts, Feed, Lookup, Moment, Reply, Unavailable};

use crate::breaker::Breakers;
use crate::cache::{CacheKey, CredentialCache};
use crate::config::Settings;
use crate::failures::{Complaints, Failing};
use crate::feeds::{FeedPoll, FeedPosition, FeedUpdate, Feeds, SentPoll};
use crate::host::{CallId, Counter, RootHost, RootId, StreamId};
use crate::jwks::{Fetched, JwksCache};
use crate::pending_lookups::{CompletedLookup, DueLookup, PendingLookups};
use crate::session::Session;
use crate::waiters::Waiter;

/// One worker of the proxy. It outlives a reload, which makes a new root context in the same worker.
#[derive(Debug, Default)]
pub struct Worker {
    shared: Shared,
    /// Open requests, to be found when their answer comes.
    sessions: RefCell<BTreeMap<StreamId, Weak<RefCell<Session>>>>,
    complaints: Complaints,
}

/// State that the requests of one worker share; clones share it too.
#[derive(Clone, Debug, Default)]
pub struct Shared {
    /// Cached facts and refusals.
    pub cache: CredentialCache,
    /// Lookups in progress.
    pub lookups: PendingLookups,
    /// Circuit breakers of the authorities.
    pub breakers: Breakers,
    /// JWK sets of the issuers.
    pub jwks: JwksCache,
    /// Feeds of revocations.
    pub feeds: Feeds,
}

/// Outcome of a look into the cache.
#[derive(Debug)]
pub enum CacheLookup {
    /// A cached answer.
    Hit(Answer),
    /// Cached facts that may have been revoked, since their feed is stale.
    FeedStale,
    /// Nothing is cached.
    Miss,
}

/// Time at which a root context has to be called again.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextTick {
    /// Soon: a request waits, or a feed is followed.
    Watch,
    /// No request waits, and something is due after this time.
    Until(Duration),
    /// Nothing is due.
    Sleep,
}

impl Shared {
    /// Tells whether no request waits and no feed is followed.
    fn is_idle(&self) -> bool {
        self.lookups.is_idle() && self.jwks.is_idle() && self.feeds.is_idle()
    }

    /// The cached answer to a lookup, where it may be trusted.
    #[must_use]
    pub fn cached(&self, lookup: &Lookup, key: CacheKey, now: Moment) -> CacheLookup {
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
    pub fn stale(&self, lookup: &Lookup, key: CacheKey, now: Moment) -> Option<Arc<Facts>> {
        let facts = self.cache.get_stale(lookup, key, now)?;
        match lookup.feed() {
            Some(feed) if !self.feeds.is_fresh(feed, now) => None,
            Some(_) | None => Some(facts),
        }
    }
}

impl Worker {
    /// Begins a request.
    #[must_use]
    pub fn open(&self, stream: StreamId, settings: Rc<Settings>) -> Rc<RefCell<Session>> {
        let session = Rc::new(RefCell::new(Session::new(stream, settings, self.shared.clone())));
        if let Ok(mut sessions) = self.sessions.try_borrow_mut() {
            sessions.insert(stream, Rc::downgrade(&session));
        }
        session
    }

    /// Ends a request, whatever became of it.
    pub fn close(&self, stream: StreamId) {
        if let Ok(mut sessions) = self.sessions.try_borrow_mut() {
            sessions.remove(&stream);
        }
    }

    /// Registers a root context with its settings; it is to be called soon.
    pub fn follow(&self, root: RootId, settings: &Rc<Settings>, now: Moment) {
        self.shared.jwks.follow(root, settings.policy());
        self.shared.feeds.follow(root, settings, now);
    }

    /// Sends the calls that are due, and answers the requests that have waited too long.
    pub fn on_tick(&self, root: RootId, host: &mut impl RootHost) -> NextTick {
        for due in self.shared.lookups.take_due(host.now()) {
            self.send_lookup(root, host, &due);
        }
        self.poll_feeds(root, host);
        for waiter in self.shared.feeds.overdue(host.now()) {
            self.notify(host, waiter, Answer::Unavailable(Unavailable::NoFeed));
        }
        for waiter in self.shared.lookups.overdue(host.now()) {
            self.notify(host, waiter, Answer::Unavailable(Unavailable::NoReply));
        }
        self.fetch_keys(root, host);
        if self.shared.is_idle() {
            self.shared.jwks.until_due(root, host.now()).map_or(NextTick::Sleep, NextTick::Until)
        } else {
            NextTick::Watch
        }
    }

    /// Sends a lookup, or ends it without a call.
    fn send_lookup(&self, root: RootId, host: &mut impl RootHost, due: &DueLookup) {
        let DueLookup { key, lookup, settings, request_id } = due;
        let answer = match lookup.question(|name| settings.secret(name)) {
            // The answer needs no call, or none can be made.
            Err(answer) => answer,
            Ok(_question) if !self.shared.breakers.admit(lookup, host.now()) => {
                host.count(Counter::CircuitOpen);
                Answer::Unavailable(Unavailable::CircuitOpen)
            }
            Ok(question) => match host.dispatch(&question.for_request(request_id)) {
                Ok(call) => {
                    host.count(Counter::Lookup);
                    let position = self.follow_feed(lookup, settings, lookup.timeout(), host.now());
                    return self.shared.lookups.mark_sent(*key, root, call, position, host.now());
                }
                Err(reason) => {
                    let answer = Answer::Unavailable(reason);
                    self.shared.breakers.note(lookup, &answer, host.now());
                    answer
                }
            },
        };
        if let Some(cancelled) = self.shared.lookups.cancel(*key) {
            self.notify_all(host, &cancelled, &answer);
        }
    }

    /// Takes the reply to a call, or the reason why there is none.
    pub fn on_reply(
        &self,
        root: RootId,
        host: &mut impl RootHost,
        call: CallId,
        reply: Result<Reply<'_>, Unavailable>,
    ) {
        if let Some(fetched) = self.shared.jwks.complete(root, call, &reply, host.now()) {
            return self.on_keys(host, fetched);
        }
        if let Some((key, completed)) = self.shared.lookups.complete(root, call) {
            return self.on_answer(host, key, completed, reply);
        }
        match self.shared.feeds.complete(root, call) {
            Some(poll) => self.on_page(root, host, &poll, reply),
            None => host.count(Counter::StrayReply),
        }
    }

    /// Removes a root context that is gone, and its calls.
    pub fn abandoned_by(&self, root: RootId) {
        self.shared.lookups.abandoned_by(root);
        self.shared.jwks.abandoned_by(root);
        self.shared.feeds.abandoned_by(root);
        // A later policy that has it again is told anew.
        self.complaints.keep(|what| match what {
            Failing::Keys(fetch) => self.shared.jwks.has(fetch),
            Failing::Feed(fingerprint) => self.shared.feeds.is_of_a_root(*fingerprint),
        });
    }

    fn fetch_keys(&self, root: RootId, host: &mut impl RootHost) {
        let keys = &self.shared.jwks;
        for fetch in keys.due(root, host.now()) {
            match host.dispatch(&fetch.question()) {
                Ok(call) => {
                    host.count(Counter::KeyFetch);
                    keys.mark_sent(&fetch, root, call, host.now());
                }
                Err(reason) => {
                    if let Some(fetched) = keys.fail(&fetch, reason, host.now()) {
                        self.on_keys(host, fetched);
                    }
                }
            }
        }
        for waiter in keys.overdue(host.now()) {
            self.notify(host, waiter, Answer::Unavailable(Unavailable::NoReply));
        }
    }

    /// Logs the outcome of a fetch of keys, and wakes those who waited for it.
    fn on_keys(&self, host: &mut impl RootHost, fetched: Fetched) {
        let Fetched { fetch, outcome, left_out, waiters } = fetched;
        let name = format!("the keys of `{}` at `{}`", fetch.authority(), fetch.path());
        for key in left_out {
            host.count(Counter::KeyLeftOut);
            log::warn!("of {name}, one is left out: {key}");
        }
        let (now, what) = (host.now(), Failing::Keys(Arc::clone(&fetch)));
        match outcome {
            Ok(()) => self.complaints.works(&what, now, name),
            Err(reason) => {
                host.count(Counter::KeyFetchFailed);
                self.complaints.fails(what, &reason, now, &format!("{name} did not come"), &fetch.why(&reason));
            }
        }
        self.wake_waiters(host, waiters);
    }

    /// Wakes requests, which find out for themselves how they go on.
    fn wake_waiters(&self, host: &mut impl RootHost, waiters: Vec<Waiter>) {
        let now = host.now();
        for waiter in waiters {
            if waiter.is_overdue(now) {
                self.notify(host, waiter, Answer::Unavailable(Unavailable::NoReply));
            } else {
                self.with_session(host, waiter.stream, |session, stream| session.on_ready(stream, waiter.key));
            }
        }
    }

    fn on_answer(
        &self,
        host: &mut impl RootHost,
        key: CacheKey,
        completed: CompletedLookup,
        reply: Result<Reply<'_>, Unavailable>,
    ) {
        let lookup = completed.lookup();
        let answer = match reply {
            Ok(reply) => lookup.answer(reply),
            Err(reason) => Answer::Unavailable(reason),
        };
        let now = host.now();
        self.shared.breakers.note(lookup, &answer, now);
        match (&answer, lookup.feed(), completed.position()) {
            // It could be revoked unnoticed, so it is not cached.
            (Answer::Active(_), Some(_feed), None) => {}
            (Answer::Active(facts), Some(feed), Some(position)) => {
                if self.shared.feeds.has_revoked(feed, position, &lookup.revocable(), facts) {
                    host.count(Counter::RevokedInFlight);
                    return self.shared.lookups.retry(key, completed);
                }
                self.shared.cache.insert(lookup, key, &answer, now);
                let CacheLimits { ttl, stale_for, .. } = lookup.verifier().cache();
                let _knowing = self.follow_feed(lookup, completed.settings(), ttl.saturating_add(stale_for), now);
            }
            (Answer::Active(_), None, _) | (Answer::Inactive | Answer::Rejected(_) | Answer::Unavailable(_), _, _) => {
                self.shared.cache.insert(lookup, key, &answer, now);
            }
        }
        self.notify_all(host, &completed, &answer);
    }

    /// Follows the feed that can revoke a lookup's answer, for this long at least; returns the feed's position.
    fn follow_feed(
        &self,
        lookup: &Lookup,
        settings: &Rc<Settings>,
        span: Duration,
        now: Moment,
    ) -> Option<FeedPosition> {
        let feed = lookup.feed()?;
        self.shared.feeds.follow_until(feed, settings, now.monotonic.after(span)?, now);
        self.shared.feeds.position(feed)
    }

    fn poll_feeds(&self, root: RootId, host: &mut impl RootHost) {
        for poll in self.shared.feeds.take_due(host.now()) {
            self.poll_feed(root, host, &poll);
        }
    }

    fn poll_feed(&self, root: RootId, host: &mut impl RootHost, poll: &FeedPoll) {
        let FeedPoll { feed, cursor, settings } = poll;
        let now = host.now();
        let question = feed.question(cursor.as_ref(), |name| settings.secret(name));
        match question.and_then(|question| host.dispatch(&question)) {
            Ok(call) => self.shared.feeds.mark_sent(feed, root, call, now),
            Err(reason) => self.on_feed_failure(host, poll.feed.as_ref(), &reason),
        }
    }

    fn on_page(&self, root: RootId, host: &mut impl RootHost, poll: &SentPoll, reply: Result<Reply<'_>, Unavailable>) {
        let page = reply.and_then(|reply| poll.feed.page(reply));
        match page.and_then(|page| self.shared.feeds.apply_page(poll, page, host.now())) {
            Err(reason) => self.on_feed_failure(host, &poll.feed, &reason),
            Ok(update) => {
                host.count(Counter::FeedPage);
                self.complaints.works(&Failing::from(&*poll.feed), host.now(), FeedOf(&poll.feed));
                self.on_feed_update(host, &poll.feed, update);
                // A long list is read page by page, and requests may wait for it.
                self.poll_feeds(root, host);
            }
        }
    }

    fn on_feed_update(&self, host: &mut impl RootHost, feed: &Feed, update: FeedUpdate) {
        let FeedUpdate { revoked, denied, waiters } = update;
        for _credential in 0..self.shared.cache.revoke(feed, &revoked, &denied) {
            host.count(Counter::Revoked);
        }
        self.wake_waiters(host, waiters);
    }

    /// Records that a feed has not answered.
    fn on_feed_failure(&self, host: &mut impl RootHost, feed: &Feed, reason: &Unavailable) {
        host.count(Counter::FeedFailure);
        let update = self.shared.feeds.fail(feed, reason, host.now());
        let words = format!("{} cannot be followed", FeedOf(feed));
        self.complaints.fails(feed.into(), reason, host.now(), &words, &feed.why(reason));
        self.on_feed_update(host, feed, update);
    }

    fn notify_all(&self, host: &mut impl RootHost, completed: &CompletedLookup, answer: &Answer) {
        let now = host.now();
        if let joined @ 1.. = completed.joined() {
            let (kind, id) = (completed.lookup().kind().as_str(), completed.request_id());
            log::info!("lookup={kind} request.id={id} joined={joined}");
        }
        for waiter in completed.waiters() {
            // A late tick changes nothing: a request over its time may hold facts that are too old.
            let is_late = waiter.is_overdue(now);
            let answer = if is_late { Answer::Unavailable(Unavailable::NoReply) } else { answer.clone() };
            self.notify(host, waiter, answer);
        }
    }

    fn notify(&self, host: &mut impl RootHost, waiter: Waiter, answer: Answer) {
        self.with_session(host, waiter.stream, |session, stream| session.on_answer(stream, waiter.key, answer));
    }

    fn with_session<H: RootHost>(
        &self,
        host: &mut H,
        stream: StreamId,
        tell: impl FnOnce(&mut Session, &mut H::Stream<'_>),
    ) {
        let found = self.sessions.try_borrow().ok().and_then(|sessions| sessions.get(&stream)?.upgrade());
        let Some(session) = found else { return };
        // A session that is in the middle of a callback waits for nothing, so this does not happen; and if it did, its
        // request would stay paused, and end by the proxy's timeout.
        let Ok(mut session) = session.try_borrow_mut() else { return };
        if let Some(mut stream) = host.stream(stream) {
            tell(&mut session, &mut stream);
        }
    }
}

/// A feed, as it is told of.
struct FeedOf<'a>(&'a Feed);

impl fmt::Display for FeedOf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the feed of revocations of `{}`", self.0.authority())
    }
}
