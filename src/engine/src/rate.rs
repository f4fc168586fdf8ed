//! Owns the rate limits of lookups: so many a second, and a second's worth of them at once.
//!
//! Limits are per kind of credential and verifier, and for credentials that are verified after another one per that one
//! too: one caller's flood leaves room for others, and a flood of API keys leaves room for tokens.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use brama_policy::deciding::{Moment, Monotonic};
use brama_policy::identity::Lookup;

use crate::breaker::{BreakerKey, breaker_key};
use crate::cache::CacheKey;

/// The rates at which one worker's lookups begin.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    of_verifiers: BTreeMap<BreakerKey, Bucket>,
    of_callers: BTreeMap<(CacheKey, BreakerKey), Bucket>,
    /// When the full buckets were last thrown away.
    swept: Option<Monotonic>,
}

/// A bucket that holds a second's worth of lookups, told by when it will be full again: nothing else has to be known of
/// it (the generic cell rate algorithm, ITU-T I.371). None is as good as a full one.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    full: Monotonic,
}

impl Rates {
    /// Tells whether one more lookup may begin, and counts it.
    #[must_use]
    pub(crate) fn admit(&mut self, lookup: &Lookup, behind: Option<CacheKey>, now: Moment) -> bool {
        let now = now.monotonic;
        let Some(rate) = lookup.rate() else { return false };
        self.sweep(now);
        let verifier = breaker_key(lookup);
        let Some(of_verifier) = Bucket::take(self.of_verifiers.get(&verifier), rate.per_second, now) else {
            return false;
        };
        if let Some(caller) = behind.map(|caller| (caller, verifier.clone())) {
            let Some(of_caller) = Bucket::take(self.of_callers.get(&caller), rate.per_second_behind_a_key, now) else {
                return false;
            };
            self.of_callers.insert(caller, of_caller);
        }
        self.of_verifiers.insert(verifier, of_verifier);
        true
    }

    /// Throws full buckets away, once a second: those that are left are no more than have begun lookups meanwhile.
    fn sweep(&mut self, now: Monotonic) {
        let is_due = self.swept.and_then(|swept| swept.after(SECOND)).is_none_or(|due| due <= now);
        if is_due {
            self.of_callers.retain(|_caller, bucket| now < bucket.full);
            self.of_verifiers.retain(|_verifier, bucket| now < bucket.full);
            self.swept = Some(now);
        }
    }
}

impl Bucket {
    /// The bucket without one lookup; `None` where it has none.
    fn take(bucket: Option<&Self>, per_second: NonZeroU32, now: Monotonic) -> Option<Self> {
        let one = SECOND.checked_div(per_second.get())?;
        // The capacity is a whole number of intervals: the rest of the second would hold a lookup beyond the rate.
        let whole = one.checked_mul(per_second.get())?;
        let full = bucket.map_or(now, |bucket| bucket.full.max(now)).after(one)?;
        (now.until(full) <= whole).then_some(Self { full })
    }
}

const SECOND: Duration = Duration::from_secs(1);

// Draws from the system's randomness, which plain Wasm has not.
#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod oracle;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Monotonic {
        Monotonic::from_origin(Duration::from_millis(milliseconds))
    }

    /// How many lookups a bucket gives at this time.
    fn all(bucket: &mut Option<Bucket>, per_second: u32, now: u64) -> usize {
        let per_second = NonZeroU32::new(per_second).unwrap();
        std::iter::from_fn(|| Bucket::take(bucket.as_ref(), per_second, at(now)).map(|taken| *bucket = Some(taken)))
            .count()
    }

    #[test]
    fn bucket_holds_a_seconds_worth_and_fills_with_time() {
        let mut bucket = None;
        assert_eq!(all(&mut bucket, 10, 0), 10);
        for (now, given) in [(99, 0), (100, 1), (350, 2), (400, 1), (900, 5), (10_000, 10), (10_000, 0)] {
            assert_eq!(all(&mut bucket, 10, now), given, "{now}");
        }
    }

    #[test]
    fn rate_over_a_long_time_is_the_one_written() {
        let mut bucket = None;
        let given: usize = (0..100_000).map(|now| all(&mut bucket, 7, now)).sum();
        assert_eq!(given, 7 * 100 + 6);
    }

    #[test]
    fn bucket_at_the_end_of_time_gives_nothing() {
        let end = Monotonic::from_origin(Duration::MAX);
        assert!(Bucket::take(None, NonZeroU32::MIN, end).is_none());
    }
}
