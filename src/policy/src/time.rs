//! Owns the two clocks a caller states: the core reads neither by itself.

use std::time::Duration;

use serde_json::Value;

/// What the caller's two clocks show at one instant.
///
/// Freshness (of facts, of keys, of what is known of a feed) is counted on the monotonic clock, so that a stepped wall
/// clock can neither prolong nor end it; only what an authority dates (`exp`) is compared with the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The wall clock.
    pub wall: UnixTime,
    /// The monotonic clock.
    pub monotonic: Monotonic,
}

/// Milliseconds since 1970-01-01T00:00:00Z, which is as finely as gateways need to read a clock or a date such as
/// `exp`.
///
/// What is finer is cut off, of the clock as of the dates: whoever uses a token in the millisecond in which it was
/// issued is not too early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixTime(u64);

impl UnixTime {
    /// The last there is.
    pub(crate) const END: Self = Self(u64::MAX);

    /// The instant this many seconds after the epoch, or the last there is.
    #[must_use]
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1_000))
    }

    /// The instant this long after the epoch, or the last there is.
    #[must_use]
    pub fn since_epoch(span: Duration) -> Self {
        Self(millis(span))
    }

    /// The instant `span` later, or the last there is.
    #[must_use]
    pub(crate) fn later_by(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }

    /// The instant `span` earlier, or the epoch.
    #[must_use]
    pub(crate) fn earlier_by(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(millis(span)))
    }

    /// How long until `later`; zero where it has passed.
    #[must_use]
    pub const fn until(self, later: Self) -> Duration {
        Duration::from_millis(later.0.saturating_sub(self.0))
    }
}

/// The instant of a NumericDate ([RFC 7519, 2](https://www.rfc-editor.org/rfc/rfc7519#section-2)): seconds since 1970,
/// with a fraction if the issuer likes; `None` for what is none.
pub(crate) fn numeric_date(stated: &Value) -> Option<UnixTime> {
    let Value::Number(number) = stated else { return None };
    if let Some(seconds) = number.as_u64() {
        return Some(UnixTime::from_seconds(seconds));
    }
    let span = number.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())?;
    // A double is off by less than half a microsecond, so that `.123` may be read as `.122999`.
    Some(UnixTime::since_epoch(span.saturating_add(Duration::from_nanos(500))))
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
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

    use serde_json::json;

    use super::*;

    #[test]
    fn time_until_the_past_is_zero() {
        let now = UnixTime::from_seconds(10);
        assert_eq!(now.until(UnixTime::from_seconds(9)), Duration::ZERO);
        assert_eq!(now.until(UnixTime::from_seconds(12)), Duration::from_secs(2));
    }

    #[test]
    fn wall_clock_is_read_to_the_millisecond_and_has_an_end() {
        let at = UnixTime::since_epoch(Duration::from_micros(1_700_000_000_123_999));
        assert_eq!(UnixTime::from_seconds(1_700_000_000).until(at), Duration::from_millis(123));
        assert_eq!(at.earlier_by(Duration::from_millis(123)), UnixTime::from_seconds(1_700_000_000));
        for end in [UnixTime::from_seconds(u64::MAX), UnixTime::since_epoch(Duration::MAX), at.later_by(Duration::MAX)]
        {
            assert_eq!(end, UnixTime::END);
        }
    }

    #[test]
    fn dates_are_read_to_the_millisecond() {
        for (number, millis) in [
            (json!(0), 0),
            (json!(1_700_000_000), 1_700_000_000_000),
            (json!(1_700_000_000.0), 1_700_000_000_000),
            (json!(1_700_000_000.5), 1_700_000_000_500),
            (json!(1_700_000_000.123), 1_700_000_000_123),
            (json!(1_700_000_000.123_999), 1_700_000_000_123),
            (json!(1.7e9), 1_700_000_000_000),
            (json!(0.999), 999),
            (json!(0.000_4), 0),
            (json!(u64::MAX), u64::MAX),
            (json!(1e19), u64::MAX),
        ] {
            assert_eq!(numeric_date(&number), Some(UnixTime(millis)), "{number}");
        }
        for millis in (0..1_000).map(|rest| 1_764_342_000_000 + rest) {
            let text = format!("{}.{:03}", millis / 1_000, millis % 1_000);
            assert_eq!(numeric_date(&serde_json::from_str(&text).unwrap()), Some(UnixTime(millis)), "{text}");
        }
        for other in [json!("1700000000"), json!(-1), json!(-0.5), json!(1e300), json!([1]), json!(null), json!(true)] {
            assert_eq!(numeric_date(&other), None, "{other}");
        }
    }

    #[test]
    fn monotonic_clock_has_an_end() {
        assert_eq!(Monotonic::from_origin(Duration::MAX).after(Duration::from_secs(1)), None);
    }
}
