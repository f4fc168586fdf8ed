//! Owns the two clocks a caller states: the core reads neither by itself.

use std::time::Duration;

/// What the caller's two clocks show at one instant.
///
/// Freshness (of facts, of keys, of what is known of a feed) is counted on the monotonic clock, so that a stepped wall clock can
/// neither prolong nor end it; only what an authority dates (`exp`) is compared with the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The wall clock.
    pub wall: UnixTime,
    /// The monotonic clock.
    pub monotonic: Monotonic,
}

/// Whole seconds since 1970-01-01T00:00:00Z, as in `exp` ([RFC 7662, 2.2](https://www.rfc-editor.org/rfc/rfc7662#section-2.2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixTime(u64);

impl UnixTime {
    /// The last there is.
    pub(crate) const END: Self = Self(u64::MAX);

    /// The instant this many seconds after the epoch.
    #[must_use]
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    /// The instant `span` later, or the last there is.
    #[must_use]
    pub(crate) const fn later_by(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span.as_secs()))
    }

    /// The instant `span` earlier, or the epoch.
    #[must_use]
    pub(crate) const fn earlier_by(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(span.as_secs()))
    }

    /// How long until `later`; zero where it has passed.
    #[must_use]
    pub const fn until(self, later: Self) -> Duration {
        Duration::from_secs(later.0.saturating_sub(self.0))
    }
}

/// A reading of a clock that only goes forward; only differences mean something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Monotonic(Duration);

impl Monotonic {
    /// The reading this long after the clock's own origin.
    #[must_use]
    pub const fn from_origin(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// The reading `span` later, or `None` past the clock's end.
    #[must_use]
    pub fn after(self, span: Duration) -> Option<Self> {
        self.0.checked_add(span).map(Self)
    }

    /// How long until `later`; zero where it has passed.
    #[must_use]
    pub const fn until(self, later: Self) -> Duration {
        later.0.saturating_sub(self.0)
    }
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn time_until_the_past_is_zero() {
        let now = UnixTime::from_seconds(10);
        assert_eq!(now.until(UnixTime::from_seconds(9)), Duration::ZERO);
        assert_eq!(now.until(UnixTime::from_seconds(12)), Duration::from_secs(2));
    }

    #[test]
    fn monotonic_clock_has_an_end() {
        assert_eq!(Monotonic::from_origin(Duration::MAX).after(Duration::from_secs(1)), None);
    }
}
