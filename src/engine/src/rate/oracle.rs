//! Buckets against `governor`, of the same algorithm: the same lookups are given at the same times.

use governor::clock::FakeRelativeClock;
use governor::{Quota, RateLimiter};
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// Numbers of lookups that both give after each pause, when they are asked as often as it says.
fn given(per_second: u32, pauses: &[(Duration, usize)]) -> Vec<usize> {
    let per_second = NonZeroU32::new(per_second).unwrap();
    let clock = FakeRelativeClock::default();
    let limiter = RateLimiter::direct_with_clock(Quota::per_second(per_second), clock.clone());
    let (mut bucket, mut elapsed) = (None, Duration::ZERO);
    let mut admits = |now| {
        let ours = Bucket::take(bucket.as_ref(), per_second, Monotonic::from_origin(now));
        bucket = ours.or(bucket);
        assert_eq!(ours.is_some(), limiter.check().is_ok(), "{per_second} a second, {now:?}, {pauses:?}");
        ours.is_some()
    };
    let after = |(pause, asked): &(Duration, usize)| {
        elapsed += *pause;
        clock.advance(*pause);
        (0..*asked).filter(|_| admits(elapsed)).count()
    };
    pauses.iter().map(after).collect()
}

/// Capacity of a full bucket, also at rates whose interval does not divide a second.
#[test]
fn full_bucket_holds_what_is_written() {
    for per_second in [1, 3, 7, 1_000, 31_623, 50_001, 99_991] {
        let most = usize::try_from(per_second).unwrap();
        let pauses = [(Duration::ZERO, most + 9), (SECOND, most + 9), (SECOND * 5, most + 9)];
        assert_eq!(given(per_second, &pauses), [most; 3], "{per_second}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1024) })]

    #[test]
    fn lookups_are_given_as_governor_gives_them(
        per_second in prop_oneof![1..20_u32, 1..=1_000_000_u32, select(vec![1, 7, 31_623, 999_001, 1_000_000])],
        // In twelfths of the time from one lookup to the next, and nanoseconds beside them; then how often is asked.
        pauses in prop::collection::vec(
            (prop_oneof![Just(0), 0..40_u32, 0..12_000_u32], -2..=2_i64, 0..25_usize),
            1..40,
        ),
    ) {
        let interval = 1_000_000_000 / u64::from(per_second);
        let pauses = pauses.into_iter().map(|(twelfths, off, asked)| {
            let nanos = (interval * u64::from(twelfths) / 12).saturating_add_signed(off);
            (Duration::from_nanos(nanos), asked)
        });
        given(per_second, &pauses.collect::<Vec<_>>());
    }
}
