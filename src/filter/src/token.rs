//! Owns the verification of a token that speaks for itself: with the keys at hand, or after waiting for them.

use std::rc::Rc;
use std::sync::Arc;

use brama_policy::{
    Answer, Facts, Feed, Jwt, KeyFetch, KeySet, KeySource, Lookup, Moment, Monotonic, NoKey, Rejected, Unavailable,
};

use crate::config::Settings;
use crate::host::{Counter, Host, StreamId};
use crate::memory::{Key, Signed};
use crate::signature;
use crate::waiting::{SLACK, Seat, Waiter};
use crate::worker::Learnt;

/// A token of one request, to be verified.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'a> {
    pub(crate) stream: StreamId,
    /// Those of the request.
    pub(crate) settings: &'a Rc<Settings>,
    pub(crate) key: Key,
    pub(crate) lookup: &'a Lookup,
    pub(crate) jwt: &'a Jwt,
}

/// What is known of a token now.
#[derive(Debug)]
pub(crate) enum Known {
    /// All that will be.
    Answer(Answer),
    /// Keys are being fetched for it, or what was revoked.
    Later(Seat),
}

impl Token<'_> {
    pub(crate) fn verify(self, learnt: &Learnt, host: &mut impl Host, now: Moment) -> Known {
        self.judge(learnt, host, now).unwrap_or_else(|rejected| Known::Answer(rejected.into()))
    }

    fn judge(self, learnt: &Learnt, host: &mut impl Host, now: Moment) -> Result<Known, Rejected> {
        if let Some(feed) = self.jwt.feed()
            && !learnt.feeds.trusts(feed, now)
        {
            self.check_without_keys(now)?;
            return Ok(self.wait_for_feed(feed, learnt, host, now));
        }
        let fetch = match self.jwt.keys() {
            KeySource::Inline(keys) => return self.verify_with(keys, learnt, host, now).map(vouched),
            KeySource::Fetched(fetch) => fetch,
        };
        let Some(keys) = learnt.keys.at_hand(fetch, now) else {
            self.check_without_keys(now)?;
            return Ok(self.wait_for_keys(fetch, Answer::Unavailable(Unavailable::NoKeys), learnt, host, now));
        };
        match self.verify_with(&keys, learnt, host, now) {
            // A newer set may have its key.
            Err(rejected @ Rejected::NoKey(NoKey::UnknownKid)) => {
                Ok(self.wait_for_keys(fetch, rejected.into(), learnt, host, now))
            }
            outcome => outcome.map(vouched),
        }
    }

    /// Only facts are remembered, with the key that vouches for them: to refuse is cheap, and a key that nobody knows now may
    /// be known in a moment.
    fn verify_with(
        self,
        keys: &KeySet,
        learnt: &Learnt,
        host: &mut impl Host,
        now: Moment,
    ) -> Result<Arc<Facts>, Rejected> {
        if let Some(facts) = learnt.memory.recall_signed(self.lookup.kind(), self.key, keys, now) {
            host.count(Counter::Recalled);
            return Ok(facts);
        }
        let opened = self.jwt.open(self.lookup.credential())?;
        opened.check_claims(now.wall)?;
        let verified = opened.check_with(keys)?.verified_by(|check| signature::is_the_keys(check, host))?;
        let facts = Arc::new(verified.accept(now.wall)?);
        let deniable = match self.jwt.feed() {
            None => None,
            Some(feed) => {
                let deniable = verified.deniable()?;
                if learnt.feeds.denies(feed, &deniable, &facts) {
                    return Err(Rejected::Denied);
                }
                Some(deniable)
            }
        };
        let signed = Signed { facts: Arc::clone(&facts), by: verified.key(), deniable };
        learnt.memory.remember_signed(self.lookup, self.key, signed, now);
        Ok(facts)
    }

    /// Whether it could be good, before anything is waited for.
    fn check_without_keys(self, now: Moment) -> Result<(), Rejected> {
        self.jwt.open(self.lookup.credential())?.check_claims(now.wall)
    }

    /// Waits until what was revoked is known.
    fn wait_for_feed(self, feed: &Arc<Feed>, learnt: &Learnt, host: &mut impl Host, now: Moment) -> Known {
        let seat = match now.monotonic.after(feed.timeout().saturating_add(SLACK)) {
            Some(until) => learnt.feeds.board(feed, self.settings, self.waiter(until), now),
            None => Err(Unavailable::NoFeed),
        };
        match seat {
            Ok(seat) => {
                host.wake();
                Known::Later(seat)
            }
            Err(reason) => Known::Answer(Answer::Unavailable(reason)),
        }
    }

    /// Waits for keys; `otherwise` is the answer where those that are there are as new as can be.
    fn wait_for_keys(
        self,
        fetch: &Arc<KeyFetch>,
        otherwise: Answer,
        learnt: &Learnt,
        host: &mut impl Host,
        now: Moment,
    ) -> Known {
        let seat = match now.monotonic.after(fetch.timeout().saturating_add(SLACK)) {
            Some(until) => learnt.keys.board(fetch, self.waiter(until), now),
            None => Err(Some(Unavailable::NoKeys)),
        };
        match seat {
            Ok(seat) => {
                host.wake();
                Known::Later(seat)
            }
            Err(Some(reason)) => Known::Answer(Answer::Unavailable(reason)),
            Err(None) => Known::Answer(otherwise),
        }
    }

    const fn waiter(self, until: Monotonic) -> Waiter {
        Waiter { stream: self.stream, key: self.key, until }
    }
}

fn vouched(facts: Arc<Facts>) -> Known {
    Known::Answer(Answer::Active(facts))
}
