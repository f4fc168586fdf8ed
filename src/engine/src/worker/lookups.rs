//! Owns the lookups of a worker: how they are sent, and what an answer is good for.

use std::rc::Rc;
use std::time::Duration;

use brama_policy::deciding::Moment;
use brama_policy::identity::{Answer, CacheLimits, Lookup, Reply, Unavailable};

use super::Worker;
use crate::cache::CacheKey;
use crate::config::Settings;
use crate::feeds::FeedPosition;
use crate::host::{CallId, Counter, RootHost, RootId};
use crate::pending_lookups::PendingLookup;
use crate::sent_calls::Purpose;
use crate::shared::Shared;

impl Worker {
    /// Sends the lookups that are due, or ends them without a call.
    pub(super) fn send_lookups(&mut self, root: RootId, host: &mut impl RootHost) {
        for key in self.shared.lookups.due(host.now()) {
            let Err(answer) = self.send_lookup(root, host, key) else { continue };
            if let Some(cancelled) = self.shared.lookups.cancel(key) {
                self.notify_all(host, cancelled, &answer);
            }
        }
    }

    /// Sends a lookup.
    ///
    /// # Errors
    /// The answer, where it needs no call or none can be made.
    fn send_lookup(&mut self, root: RootId, host: &mut impl RootHost, key: CacheKey) -> Result<(), Answer> {
        // Those before it in this tick may have ended it.
        let Some(PendingLookup { lookup, settings, request_id, .. }) = self.shared.lookups.get(key) else {
            return Ok(());
        };
        let question = lookup.question(|name| settings.secret(name))?;
        if !self.shared.breakers.admit(lookup, host.now()) {
            host.count(Counter::CircuitOpen);
            return Err(Answer::Unavailable(Unavailable::CircuitOpen));
        }
        match host.dispatch(&question.for_request(request_id)) {
            Ok(call) => {
                host.count(Counter::Lookup);
                let (now, lookup, settings) = (host.now(), lookup.clone(), Rc::clone(settings));
                let position = self.shared.follow_feed(&lookup, &settings, lookup.timeout(), now);
                self.shared.sent.insert(root, call, Purpose::Lookup(key));
                self.shared.lookups.mark_sent(key, (root, call), position, now);
                Ok(())
            }
            Err(reason) => {
                let answer = Answer::Unavailable(reason);
                self.shared.breakers.note(lookup, &answer, host.now());
                Err(answer)
            }
        }
    }

    /// Takes the reply to a lookup; `false` where nobody needs it any more.
    pub(super) fn on_lookup_reply(
        &mut self,
        host: &mut impl RootHost,
        key: CacheKey,
        (root, call): (RootId, CallId),
        reply: Result<Reply<'_>, Unavailable>,
    ) -> bool {
        let Some(completed) = self.shared.lookups.complete(key, root, call) else { return false };
        let lookup = &completed.lookup;
        let answer = match reply {
            Ok(reply) => lookup.answer(reply),
            Err(reason) => Answer::Unavailable(reason),
        };
        let (now, shared) = (host.now(), &mut self.shared);
        shared.breakers.note(lookup, &answer, now);
        match (&answer, lookup.feed(), completed.position) {
            // It could be revoked unnoticed, so it is not cached.
            (Answer::Active(_), Some(_feed), None) => {}
            (Answer::Active(facts), Some(feed), Some(position)) => {
                if shared.feeds.has_revoked(feed, position, &lookup.revocable(), facts) {
                    host.count(Counter::RevokedInFlight);
                    shared.lookups.retry(key, completed);
                    return true;
                }
                shared.cache.insert(lookup, key, &answer, now);
                let CacheLimits { ttl, stale_for, .. } = lookup.verifier().cache();
                let _position = shared.follow_feed(lookup, &completed.settings, ttl.saturating_add(stale_for), now);
            }
            (Answer::Active(_), None, _) | (Answer::Inactive | Answer::Rejected(_) | Answer::Unavailable(_), _, _) => {
                shared.cache.insert(lookup, key, &answer, now);
            }
        }
        self.notify_all(host, completed, &answer);
        true
    }

    fn notify_all(&mut self, host: &mut impl RootHost, mut completed: PendingLookup, answer: &Answer) {
        let now = host.now();
        if let joined @ 1.. = completed.joined {
            let (kind, id) = (completed.lookup.kind().as_str(), &completed.request_id);
            log::info!("lookup={kind} request.id={id} joined={joined}");
        }
        for waiter in completed.call.take_waiters() {
            // A late tick changes nothing: a request over its time may hold facts that are too old.
            let is_late = waiter.is_overdue(now);
            let answer = if is_late { Answer::Unavailable(Unavailable::NoReply) } else { answer.clone() };
            self.notify(host, waiter, answer);
        }
    }
}

impl Shared {
    /// Follows the feed that can revoke a lookup's answer, for this long at least; returns the feed's position.
    fn follow_feed(
        &mut self,
        lookup: &Lookup,
        settings: &Rc<Settings>,
        span: Duration,
        now: Moment,
    ) -> Option<FeedPosition> {
        let feed = lookup.feed()?;
        self.feeds.follow_until(feed, settings, now.monotonic.after(span)?, now);
        self.feeds.position(feed)
    }
}
