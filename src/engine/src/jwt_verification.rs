//! Owns the verification of a JWT: with the current JWK set, or after waiting for a fetch or for the deny list.

use std::rc::Rc;
use std::sync::Arc;

use brama_policy::deciding::{Moment, Monotonic};
use brama_policy::identity::{
    Answer, Facts, Feed, Jwt, JwtRejection, KeyFetch, KeySet, KeySource, Lookup, NoKey, Unavailable,
};

use crate::cache::{CacheKey, SignedFacts};
use crate::config::Settings;
use crate::host::{Counter, Host, StreamId};
use crate::pending_call::{SLACK, Waiter};
use crate::sent_calls::Purpose;
use crate::shared::Shared;
use crate::signature;

/// The JWT of one request, to be verified.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JwtVerification<'a> {
    pub(crate) stream: StreamId,
    /// Settings of the request.
    pub(crate) settings: &'a Rc<Settings>,
    pub(crate) key: CacheKey,
    pub(crate) lookup: &'a Lookup,
    pub(crate) jwt: &'a Jwt,
}

/// Outcome of a verification.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The answer.
    Ready(Answer),
    /// It waits for keys, or for the deny list.
    Pending(Purpose),
}

impl JwtVerification<'_> {
    pub(crate) fn verify(self, shared: &mut Shared, host: &mut impl Host, now: Moment) -> Outcome {
        self.judge(shared, host, now).unwrap_or_else(|rejected| Outcome::Ready(rejected.into()))
    }

    fn judge(self, shared: &mut Shared, host: &mut impl Host, now: Moment) -> Result<Outcome, JwtRejection> {
        if let Some(feed) = self.jwt.feed()
            && !shared.feeds.is_fresh(feed, now)
        {
            self.check_without_keys(now)?;
            return Ok(self.wait_for_feed(feed, shared, host, now));
        }
        let fetch = match self.jwt.keys() {
            KeySource::Inline(keys) => return self.verify_with(keys, shared, host, now).map(active),
            KeySource::Fetched(fetch) => fetch,
        };
        let Some(keys) = shared.jwks.current(fetch, now) else {
            self.check_without_keys(now)?;
            return Ok(self.wait_for_keys(fetch, Answer::Unavailable(Unavailable::NoKeys), shared, host, now));
        };
        match self.verify_with(&keys, shared, host, now) {
            // A newer set may have its key.
            Err(rejected @ JwtRejection::NoKey(NoKey::UnknownKid)) => {
                Ok(self.wait_for_keys(fetch, rejected.into(), shared, host, now))
            }
            outcome => outcome.map(active),
        }
    }

    /// Only facts are cached, with the key that signed them: a refusal is cheap to repeat, and a key that is unknown
    /// now may come with the next set.
    fn verify_with(
        self,
        keys: &KeySet,
        shared: &mut Shared,
        host: &mut impl Host,
        now: Moment,
    ) -> Result<Arc<Facts>, JwtRejection> {
        if let Some(facts) = shared.cache.get_signed(self.lookup.kind(), self.key, keys, now) {
            host.count(Counter::CacheHit);
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
                if shared.feeds.denies(feed, &deniable, &facts) {
                    return Err(JwtRejection::Denied);
                }
                Some(deniable)
            }
        };
        let signed = SignedFacts { facts: Arc::clone(&facts), by: verified.key(), deniable };
        shared.cache.insert_signed(self.lookup, self.key, signed, now);
        Ok(facts)
    }

    /// Checks all but the signature, before the request waits for anything.
    fn check_without_keys(self, now: Moment) -> Result<(), JwtRejection> {
        self.jwt.open(self.lookup.credential())?.check_claims(now.wall)
    }

    /// Waits until the deny list is known.
    fn wait_for_feed(self, feed: &Arc<Feed>, shared: &mut Shared, host: &mut impl Host, now: Moment) -> Outcome {
        let joined = match now.monotonic.after(feed.timeout().saturating_add(SLACK)) {
            Some(until) => shared.feeds.join(feed, self.settings, self.waiter(until), now),
            None => Err(Unavailable::NoFeed),
        };
        match joined {
            Ok(()) => {
                host.request_tick();
                Outcome::Pending(Purpose::Feed(feed.fingerprint()))
            }
            Err(reason) => Outcome::Ready(Answer::Unavailable(reason)),
        }
    }

    /// Waits for keys; `otherwise` is the answer where the set is as new as can be.
    fn wait_for_keys(
        self,
        fetch: &Arc<KeyFetch>,
        otherwise: Answer,
        shared: &mut Shared,
        host: &mut impl Host,
        now: Moment,
    ) -> Outcome {
        let joined = match now.monotonic.after(fetch.timeout().saturating_add(SLACK)) {
            Some(until) => shared.jwks.join(fetch, self.waiter(until), now),
            None => Err(Some(Unavailable::NoKeys)),
        };
        match joined {
            Ok(()) => {
                host.request_tick();
                Outcome::Pending(Purpose::Keys(Arc::clone(fetch)))
            }
            Err(Some(reason)) => Outcome::Ready(Answer::Unavailable(reason)),
            Err(None) => Outcome::Ready(otherwise),
        }
    }

    const fn waiter(self, until: Monotonic) -> Waiter {
        Waiter { stream: self.stream, key: self.key, until }
    }
}

fn active(facts: Arc<Facts>) -> Outcome {
    Outcome::Ready(Answer::Active(facts))
}
