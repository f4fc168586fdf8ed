//! Owns what the requests of one worker share, and who is told when an answer comes.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use brama_policy::{Answer, CacheLimits, Facts, Feed, Lookup, Moment, Reply, Unavailable};

use crate::breaker::Breakers;
use crate::complaints::{Complaints, Failing};
use crate::config::Settings;
use crate::feeds::{Feeds, Inquired, Inquiry, News, Standing};
use crate::flights::{Departure, Flights, Landed};
use crate::host::{CallId, Counter, RootHost, RootId, StreamId};
use crate::keys::{Fetched, Keys};
use crate::memory::{Key, Memory};
use crate::session::Session;
use crate::waiting::Waiter;

/// One worker of the proxy. It outlives a reload, which makes a new root context in the same worker.
#[derive(Debug, Default)]
pub struct Worker {
    learnt: Learnt,
    /// The requests that are open, to be found when their answer comes.
    sessions: RefCell<BTreeMap<StreamId, Weak<RefCell<Session>>>>,
    complaints: Complaints,
}

/// What the requests of one worker share; clones share it too.
#[derive(Clone, Debug, Default)]
pub struct Learnt {
    /// What authorities have said.
    pub memory: Memory,
    /// What they are being asked.
    pub flights: Flights,
    /// Which of them are not asked for a moment.
    pub breakers: Breakers,
    /// The keys of those whose tokens speak for themselves.
    pub keys: Keys,
    /// What they have revoked.
    pub feeds: Feeds,
}

/// What is remembered of a lookup.
#[derive(Debug)]
pub enum Recalled {
    /// An answer.
    Answer(Answer),
    /// Facts that may have been revoked, since their feed is stale.
    Distrusted,
    /// Nothing.
    Nothing,
}

/// Whether a root context has to be called again.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextTick {
    /// Somebody waits, and has to be told if no answer comes; or a feed is followed.
    Watch,
    /// Nobody does, and there is something to do by then.
    Until(Duration),
    /// Nobody does.
    Sleep,
}

impl Learnt {
    /// Whether nobody waits for anything, and nothing is followed from tick to tick.
    fn is_idle(&self) -> bool {
        self.flights.is_idle() && self.keys.is_idle() && self.feeds.is_idle()
    }

    /// The answer to a lookup, if one is remembered that may be trusted.
    #[must_use]
    pub fn recall(&self, lookup: &Lookup, key: Key, now: Moment) -> Recalled {
        match self.memory.recall(lookup.kind(), key, now) {
            None => Recalled::Nothing,
            Some(Answer::Active(facts)) => match lookup.feed() {
                Some(feed) if !self.feeds.trusts(feed, now) => Recalled::Distrusted,
                Some(_) | None => Recalled::Answer(Answer::Active(facts)),
            },
            // A refusal needs no trust.
            Some(answer) => Recalled::Answer(answer),
        }
    }

    /// Facts older than they should be, of a credential that nobody can say anything of, where the policy has them serve. What
    /// could have been revoked needs a fresh feed all the same.
    #[must_use]
    pub fn stale(&self, lookup: &Lookup, key: Key, now: Moment) -> Option<Arc<Facts>> {
        let facts = self.memory.stale(lookup, key, now)?;
        match lookup.feed() {
            Some(feed) if !self.feeds.trusts(feed, now) => None,
            Some(_) | None => Some(facts),
        }
    }
}

impl Worker {
    /// Begins a request.
    #[must_use]
    pub fn open(&self, stream: StreamId, settings: Rc<Settings>) -> Rc<RefCell<Session>> {
        let session = Rc::new(RefCell::new(Session::new(stream, settings, self.learnt.clone())));
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

    /// A root context is at work under these settings, and is to be called soon.
    pub fn follow(&self, root: RootId, settings: &Rc<Settings>, now: Moment) {
        self.learnt.keys.follow(root, settings.policy());
        self.learnt.feeds.follow(root, settings, now);
    }

    /// Sends what is to be sent, and tells those who have waited too long.
    pub fn on_tick(&self, root: RootId, host: &mut impl RootHost) -> NextTick {
        for departure in self.learnt.flights.departures(host.now()) {
            self.depart(root, host, &departure);
        }
        self.inquire_all(root, host);
        for waiter in self.learnt.feeds.overdue(host.now()) {
            self.tell(host, waiter, Answer::Unavailable(Unavailable::NoFeed));
        }
        for waiter in self.learnt.flights.overdue(host.now()) {
            self.tell(host, waiter, Answer::Unavailable(Unavailable::NoReply));
        }
        self.fetch_keys(root, host);
        if self.learnt.is_idle() {
            self.learnt.keys.until_due(root, host.now()).map_or(NextTick::Sleep, NextTick::Until)
        } else {
            NextTick::Watch
        }
    }

    /// Sends a flight, or ends it.
    fn depart(&self, root: RootId, host: &mut impl RootHost, departure: &Departure) {
        let Departure { key, lookup, settings, request_id } = departure;
        let answer = match lookup.question(|name| settings.secret(name)) {
            // Known without asking, or not to be asked.
            Err(answer) => answer,
            Ok(_question) if !self.learnt.breakers.admit(lookup, host.now()) => {
                host.count(Counter::Rested);
                Answer::Unavailable(Unavailable::Resting)
            }
            Ok(question) => match host.ask(&question.for_request(request_id)) {
                Ok(call) => {
                    host.count(Counter::Lookup);
                    let knowing = self.follow_feed(lookup, settings, lookup.patience(), host.now());
                    return self.learnt.flights.sent(*key, root, call, knowing, host.now());
                }
                Err(reason) => {
                    let answer = Answer::Unavailable(reason);
                    self.learnt.breakers.note(lookup, &answer, host.now());
                    answer
                }
            },
        };
        if let Some(cancelled) = self.learnt.flights.cancel(*key) {
            self.tell_all(host, &cancelled, &answer);
        }
    }

    /// The reply to a call has come, or will not.
    pub fn on_reply(
        &self,
        root: RootId,
        host: &mut impl RootHost,
        call: CallId,
        reply: Result<Reply<'_>, Unavailable>,
    ) {
        if let Some(fetched) = self.learnt.keys.land(root, call, &reply, host.now()) {
            return self.tell_of_keys(host, fetched);
        }
        if let Some((key, landed)) = self.learnt.flights.land(root, call) {
            return self.on_answer(host, key, landed, reply);
        }
        match self.learnt.feeds.land(root, call) {
            Some(inquired) => self.on_page(root, host, &inquired, reply),
            None => host.count(Counter::StrayReply),
        }
    }

    /// A root context is gone, and its calls with it.
    pub fn abandoned_by(&self, root: RootId) {
        self.learnt.flights.abandoned_by(root);
        self.learnt.keys.abandoned_by(root);
        self.learnt.feeds.abandoned_by(root);
        // What a later policy has again is told of anew.
        self.complaints.keep(|what| match what {
            Failing::Keys(fetch) => self.learnt.keys.has(fetch),
            Failing::Feed(fingerprint) => self.learnt.feeds.is_of_a_root(*fingerprint),
        });
    }

    fn fetch_keys(&self, root: RootId, host: &mut impl RootHost) {
        let keys = &self.learnt.keys;
        for fetch in keys.due(root, host.now()) {
            match host.ask(&fetch.question()) {
                Ok(call) => {
                    host.count(Counter::KeyFetch);
                    keys.sent(&fetch, root, call, host.now());
                }
                Err(reason) => {
                    if let Some(fetched) = keys.not_sent(&fetch, reason, host.now()) {
                        self.tell_of_keys(host, fetched);
                    }
                }
            }
        }
        for waiter in keys.overdue(host.now()) {
            self.tell(host, waiter, Answer::Unavailable(Unavailable::NoReply));
        }
    }

    /// Those who waited for keys go on with what there is now.
    fn tell_of_keys(&self, host: &mut impl RootHost, fetched: Fetched) {
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
        self.tell_ready(host, waiters);
    }

    /// Those who waited judge for themselves what they can do now.
    fn tell_ready(&self, host: &mut impl RootHost, waiters: Vec<Waiter>) {
        let now = host.now();
        for waiter in waiters {
            if waiter.is_overdue(now) {
                self.tell(host, waiter, Answer::Unavailable(Unavailable::NoReply));
            } else {
                self.visit(host, waiter.stream, |session, stream| session.on_ready(stream, waiter.key));
            }
        }
    }

    fn on_answer(&self, host: &mut impl RootHost, key: Key, landed: Landed, reply: Result<Reply<'_>, Unavailable>) {
        let lookup = landed.lookup();
        let answer = match reply {
            Ok(reply) => lookup.answer(reply),
            Err(reason) => Answer::Unavailable(reason),
        };
        let now = host.now();
        self.learnt.breakers.note(lookup, &answer, now);
        match (&answer, lookup.feed(), landed.knowing()) {
            // It can be revoked, and nobody would know.
            (Answer::Active(_), Some(_feed), None) => {}
            (Answer::Active(facts), Some(feed), Some(knowing)) => {
                if self.learnt.feeds.has_revoked(feed, knowing, &lookup.revocable(), facts) {
                    host.count(Counter::Overtaken);
                    return self.learnt.flights.again(key, landed);
                }
                self.learnt.memory.remember(lookup, key, &answer, now);
                let CacheLimits { ttl, stale_for, .. } = lookup.verifier().cache();
                let _knowing = self.follow_feed(lookup, landed.settings(), ttl.saturating_add(stale_for), now);
            }
            (Answer::Active(_), None, _) | (Answer::Inactive | Answer::Rejected(_) | Answer::Unavailable(_), _, _) => {
                self.learnt.memory.remember(lookup, key, &answer, now);
            }
        }
        self.tell_all(host, &landed, &answer);
    }

    /// Follows the feed that can revoke what a lookup brings, for a time at least; what is known of it now.
    fn follow_feed(&self, lookup: &Lookup, settings: &Rc<Settings>, span: Duration, now: Moment) -> Option<Standing> {
        let feed = lookup.feed()?;
        self.learnt.feeds.want(feed, settings, now.monotonic.after(span)?, now);
        self.learnt.feeds.standing(feed)
    }

    fn inquire_all(&self, root: RootId, host: &mut impl RootHost) {
        for inquiry in self.learnt.feeds.inquiries(host.now()) {
            self.inquire(root, host, &inquiry);
        }
    }

    fn inquire(&self, root: RootId, host: &mut impl RootHost, inquiry: &Inquiry) {
        let Inquiry { feed, cursor, settings } = inquiry;
        let now = host.now();
        let question = feed.question(cursor.as_ref(), |name| settings.secret(name));
        match question.and_then(|question| host.ask(&question)) {
            Ok(call) => self.learnt.feeds.sent(feed, root, call, now),
            Err(reason) => self.on_silence(host, inquiry.feed.as_ref(), &reason),
        }
    }

    fn on_page(
        &self,
        root: RootId,
        host: &mut impl RootHost,
        inquired: &Inquired,
        reply: Result<Reply<'_>, Unavailable>,
    ) {
        let page = reply.and_then(|reply| inquired.feed.page(reply));
        match page.and_then(|page| self.learnt.feeds.turn(inquired, page, host.now())) {
            Err(reason) => self.on_silence(host, &inquired.feed, &reason),
            Ok(news) => {
                host.count(Counter::FeedPage);
                self.complaints.works(&Failing::from(&*inquired.feed), host.now(), FeedOf(&inquired.feed));
                self.on_news(host, &inquired.feed, news);
                // A long list is read page by page, and requests may wait for it.
                self.inquire_all(root, host);
            }
        }
    }

    fn on_news(&self, host: &mut impl RootHost, feed: &Feed, news: News) {
        let News { revoked, denied, waiters } = news;
        for _credential in 0..self.learnt.memory.revoke(feed, &revoked, &denied) {
            host.count(Counter::Revoked);
        }
        self.tell_ready(host, waiters);
    }

    /// A feed has not answered.
    fn on_silence(&self, host: &mut impl RootHost, feed: &Feed, reason: &Unavailable) {
        host.count(Counter::FeedFailure);
        let news = self.learnt.feeds.fail(feed, reason, host.now());
        let words = format!("{} cannot be followed", FeedOf(feed));
        self.complaints.fails(feed.into(), reason, host.now(), &words, &feed.why(reason));
        self.on_news(host, feed, news);
    }

    fn tell_all(&self, host: &mut impl RootHost, landed: &Landed, answer: &Answer) {
        let now = host.now();
        if let joined @ 1.. = landed.joined() {
            let (kind, id) = (landed.lookup().kind().as_str(), landed.request_id());
            log::info!("lookup={kind} request.id={id} joined={joined}");
        }
        for waiter in landed.waiters() {
            // A tick that is late changes nothing: what a request has learnt before is too old by then.
            let is_late = waiter.is_overdue(now);
            let answer = if is_late { Answer::Unavailable(Unavailable::NoReply) } else { answer.clone() };
            self.tell(host, waiter, answer);
        }
    }

    fn tell(&self, host: &mut impl RootHost, waiter: Waiter, answer: Answer) {
        self.visit(host, waiter.stream, |session, stream| session.on_answer(stream, waiter.key, answer));
    }

    fn visit<H: RootHost>(&self, host: &mut H, stream: StreamId, tell: impl FnOnce(&mut Session, &mut H::Stream<'_>)) {
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
