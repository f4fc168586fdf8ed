//! Owns the verification of a token that speaks for itself: with the keys at hand, or after waiting for them.

use std::rc::Rc;
use std::sync::Arc;

use brama_policy::{
    Answer, Facts, Feed, Jwt, KeyFetch, KeySet, KeySource, Lookup, Moment, NoKey, Rejected, Unavailable,
};

use crate::config::Settings;
use crate::guest;
use crate::host::{Counter, Host, StreamId};
use crate::memory::{Key, Signed};
use crate::waiting::{Seat, Waiter};
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
        if let Some(feed) = self.jwt.feed()
            && !learnt.feeds.trusts(feed, now)
        {
            return match self.could_do(now) {
                Ok(()) => self.wait_for(feed, learnt, host, now),
                Err(rejected) => told(Err(rejected)),
            };
        }
        let fetch = match self.jwt.keys() {
            KeySource::Inline(keys) => return told(self.verify_with(keys, learnt, host, now)),
            KeySource::Fetched(fetch) => fetch,
        };
        let Some(keys) = learnt.keys.at_hand(fetch, now) else {
            return match self.could_do(now) {
                Ok(()) => self.wait(fetch, Answer::Unavailable(Unavailable::NoKeys), learnt, host, now),
                Err(rejected) => told(Err(rejected)),
            };
        };
        match self.verify_with(&keys, learnt, host, now) {
            // A newer set may have its key.
            Err(rejected @ Rejected::NoKey(NoKey::UnknownKid)) => self.wait(fetch, rejected.into(), learnt, host, now),
            outcome => told(outcome),
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
        let verified = opened.check_with(keys)?.verified_by(|check| guest::is_the_keys(check, host))?;
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

    /// Whether keys could make anything of it.
    fn could_do(self, now: Moment) -> Result<(), Rejected> {
        self.jwt.open(self.lookup.credential())?.check_claims(now.wall)
    }

    /// Waits until what was revoked is known.
    fn wait_for(self, feed: &Arc<Feed>, learnt: &Learnt, host: &mut impl Host, now: Moment) -> Known {
        let no_feed = || Known::Answer(Answer::Unavailable(Unavailable::NoFeed));
        let Some(until) = now.monotonic.after(feed.patience()) else { return no_feed() };
        let waiter = Waiter { stream: self.stream, key: self.key, until };
        match learnt.feeds.board(feed, self.settings, waiter, now) {
            Ok(seat) => {
                host.wake();
                Known::Later(seat)
            }
            Err(reason) => Known::Answer(Answer::Unavailable(reason)),
        }
    }

    /// Waits for keys; `otherwise` is the answer where those that are there are as new as can be.
    fn wait(
        self,
        fetch: &Arc<KeyFetch>,
        otherwise: Answer,
        learnt: &Learnt,
        host: &mut impl Host,
        now: Moment,
    ) -> Known {
        match learnt.keys.board(fetch, self.stream, self.key, now) {
            Ok(seat) => {
                host.wake();
                Known::Later(seat)
            }
            Err(Some(reason)) => Known::Answer(Answer::Unavailable(reason)),
            Err(None) => Known::Answer(otherwise),
        }
    }
}

fn told(outcome: Result<Arc<Facts>, Rejected>) -> Known {
    Known::Answer(outcome.map_or_else(Answer::from, Answer::Active))
}
