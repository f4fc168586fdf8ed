//! Owns the circuit breakers: after several failed lookups an authority is not called for a moment; then one lookup
//! tries it.
//!
//! That spares an authority which comes back a crowd, and callers the wait for a timeout.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use brama_policy::deciding::{Moment, Monotonic};
use brama_policy::identity::{Answer, CredentialKind, Lookup};

/// The circuit breakers of one worker.
#[derive(Debug, Default)]
pub(crate) struct Breakers(BTreeMap<BreakerKey, Breaker>);

/// Consecutive failed lookups. No entry exists while lookups succeed.
///
/// Counted by kind of credential and verifier, not by authority: a lookup of a token often needs a good API key first,
/// so whoever makes the authority fail over API keys stops no lookup of a token.
#[derive(Debug)]
struct Breaker {
    failures: u32,
    /// End of the time in which the circuit is open; `None` while it is closed.
    open_until: Option<Monotonic>,
}

impl Breakers {
    /// Tells whether a lookup may be sent. When the open time is over one may, and no other until that one's timeout.
    #[must_use]
    pub(crate) fn admit(&mut self, lookup: &Lookup, now: Moment) -> bool {
        let Some(breaker) = self.0.get_mut(&breaker_key(lookup)) else { return true };
        match breaker.open_until {
            Some(until) if now.monotonic < until => false,
            Some(_over) => {
                breaker.open_until = now.monotonic.after(lookup.timeout());
                true
            }
            None => true,
        }
    }

    /// Records how a lookup ended.
    pub(crate) fn note(&mut self, lookup: &Lookup, answer: &Answer, now: Moment) {
        let asked = breaker_key(lookup);
        match answer {
            Answer::Unavailable(reason) if reason.is_outage() => {}
            // The authority has answered.
            Answer::Active(_) | Answer::Inactive | Answer::Rejected(_) | Answer::Unavailable(_) => {
                self.0.remove(&asked);
                return;
            }
        }
        let breaker = self.0.entry(asked).or_insert(Breaker { failures: 0, open_until: None });
        breaker.failures = breaker.failures.saturating_add(1);
        if breaker.failures >= MAX_FAILURES {
            breaker.open_until = now.monotonic.after(open_for());
        }
    }
}

/// A kind of credential, and the fingerprint of its verifier.
pub(crate) type BreakerKey = (CredentialKind, u64);

pub(crate) fn breaker_key(lookup: &Lookup) -> BreakerKey {
    (lookup.kind().clone(), lookup.verifier().fingerprint())
}

/// Open time, 0.5 to 1.5 s at random: workers that opened together do not close together.
fn open_for() -> Duration {
    // Each `RandomState` has keys of its own.
    let random = RandomState::new().hash_one(());
    Duration::from_millis(500).saturating_add(Duration::from_millis(random % 1_000))
}

/// Consecutive failures that open the circuit.
pub const MAX_FAILURES: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_differ_and_are_short() {
        let rests: Vec<_> = (0..100).map(|_| open_for()).collect();
        assert!(rests.iter().all(|rest| (500..1_500).contains(&rest.as_millis())));
        assert!(rests.windows(2).any(|pair| pair[0] != pair[1]));
    }
}
