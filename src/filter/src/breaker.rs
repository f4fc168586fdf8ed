//! Owns the rest that an authority is given which does not answer: for a moment nobody asks it, then one request does.
//!
//! It spares a dead authority a crowd at the moment it comes back, and callers the wait for a timeout.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;
use std::time::Duration;

use brama_policy::{Answer, Lookup, Moment, Monotonic, Unavailable};

/// The breakers of one worker; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Breakers(Rc<RefCell<BTreeMap<u64, Breaker>>>);

/// One verifier's lookups in a row that had no answer; there is none while they have.
///
/// By verifier, not by authority: to ask about a token takes a good API key, so whoever can make the authority fail over API
/// keys ends no token's lookup by it.
#[derive(Debug)]
struct Breaker {
    failures: u32,
    /// Nobody asks before this, where there were enough of them.
    closed_until: Option<Monotonic>,
}

impl Breakers {
    /// Whether a lookup may be sent. Where a rest is over it may, and no other before that one has had its time.
    #[must_use]
    pub fn admits(&self, lookup: &Lookup, now: Moment) -> bool {
        // A store that is in use is not to be had twice; that cannot be, and refuses.
        let Ok(mut breakers) = self.0.try_borrow_mut() else { return false };
        let Some(breaker) = breakers.get_mut(&lookup.verifier().fingerprint()) else { return true };
        match breaker.closed_until {
            Some(until) if now.monotonic < until => false,
            Some(_over) => {
                breaker.closed_until = now.monotonic.after(lookup.patience());
                true
            }
            None => true,
        }
    }

    /// Takes note of how a lookup ended.
    pub fn note(&self, lookup: &Lookup, answer: &Answer, now: Moment) {
        let Ok(mut breakers) = self.0.try_borrow_mut() else { return };
        let verifier = lookup.verifier().fingerprint();
        if !is_outage(answer) {
            breakers.remove(&verifier);
            return;
        }
        let breaker = breakers.entry(verifier).or_insert(Breaker { failures: 0, closed_until: None });
        breaker.failures = breaker.failures.saturating_add(1);
        if breaker.failures >= MOST_FAILURES {
            breaker.closed_until = now.monotonic.after(rest());
        }
    }
}

/// Whether an answer is what a dead authority gives, or one that asks not to be asked. What it says of one credential only, and
/// nobody can read, is no outage: a client could make one.
fn is_outage(answer: &Answer) -> bool {
    match answer {
        Answer::Active(_) | Answer::Inactive => false,
        Answer::Unavailable(reason) => match reason {
            Unavailable::NotSent | Unavailable::NoReply | Unavailable::Status(429 | 500..=599) => true,
            Unavailable::Status(_)
            | Unavailable::Unusable(_)
            | Unavailable::Shedding
            | Unavailable::Resting
            | Unavailable::Overtaken
            | Unavailable::Keys(_)
            | Unavailable::NoKeys
            | Unavailable::NoFeed => false,
        },
    }
}

/// A half to one and a half of the usual one: workers that began together do not come back together.
fn rest() -> Duration {
    // Every one of them has other keys.
    let random = RandomState::new().hash_one(());
    REST / 2 + Duration::from_millis(random % 1_000)
}

/// Lookups in a row without an answer, after which nobody asks.
pub const MOST_FAILURES: u32 = 5;

/// How long nobody asks, on average.
const REST: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_differ_and_are_short() {
        let rests: Vec<_> = (0..100).map(|_| rest()).collect();
        assert!(rests.iter().all(|rest| (500..1_500).contains(&rest.as_millis())));
        assert!(rests.windows(2).any(|pair| pair[0] != pair[1]));
    }
}
