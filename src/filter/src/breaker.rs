//! Owns the rest that an authority is given which does not answer: for a moment nobody asks it, then one request does.
//!
//! It spares a dead authority a crowd at the moment it comes back, and callers the wait for a timeout.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;
use std::time::Duration;

use brama_policy::{Answer, CredentialKind, Lookup, Moment, Monotonic};

/// The breakers of one worker; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Breakers(Rc<RefCell<BTreeMap<Asked, Breaker>>>);

/// Lookups in a row that had no answer; there is none while they have.
///
/// By kind of credential and verifier, not by authority: to ask about a token takes a good API key, so whoever can make the
/// authority fail over API keys ends no token's lookup by it.
#[derive(Debug)]
struct Breaker {
    failures: u32,
    /// Nobody asks before this, where there were enough of them.
    rests_until: Option<Monotonic>,
}

impl Breakers {
    /// Lets a lookup be sent, or not. Once a rest is over it lets one, and no other before that one has had its time.
    #[must_use]
    pub fn admit(&self, lookup: &Lookup, now: Moment) -> bool {
        // A store that is in use is not to be had twice; that cannot be, and refuses.
        let Ok(mut breakers) = self.0.try_borrow_mut() else { return false };
        let Some(breaker) = breakers.get_mut(&asked(lookup)) else { return true };
        match breaker.rests_until {
            Some(until) if now.monotonic < until => false,
            Some(_over) => {
                breaker.rests_until = now.monotonic.after(lookup.patience());
                true
            }
            None => true,
        }
    }

    /// Takes note of how a lookup ended.
    pub fn note(&self, lookup: &Lookup, answer: &Answer, now: Moment) {
        let Ok(mut breakers) = self.0.try_borrow_mut() else { return };
        let asked = asked(lookup);
        match answer {
            Answer::Unavailable(reason) if reason.is_outage() => {}
            // Somebody is there.
            Answer::Active(_) | Answer::Inactive | Answer::Rejected(_) | Answer::Unavailable(_) => {
                breakers.remove(&asked);
                return;
            }
        }
        let breaker = breakers.entry(asked).or_insert(Breaker { failures: 0, rests_until: None });
        breaker.failures = breaker.failures.saturating_add(1);
        if breaker.failures >= MOST_FAILURES {
            breaker.rests_until = now.monotonic.after(rest());
        }
    }
}

/// What is asked, of whom: a kind of credential, by its verifier.
pub(crate) type Asked = (CredentialKind, u64);

pub(crate) fn asked(lookup: &Lookup) -> Asked {
    (lookup.kind(), lookup.verifier().fingerprint())
}

/// A half to one and a half of a second: workers that began together do not come back together.
fn rest() -> Duration {
    // Every one of them has other keys.
    let random = RandomState::new().hash_one(());
    Duration::from_millis(500).saturating_add(Duration::from_millis(random % 1_000))
}

/// Lookups in a row without an answer, after which nobody asks.
pub const MOST_FAILURES: u32 = 5;

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
