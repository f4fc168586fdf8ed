//! Owns times in conditions: whole seconds, as authorities and the caller's clock state them.
//!
//! The interpreter's own would bring a calendar and every time zone of the world into the plugin, and panics where a
//! sum leaves its range. Hours and days are those of UTC.

use std::any::Any;
use std::cmp::Ordering;

use cel::common::traits::{Adder, Comparer, Subtractor};
use cel::common::types::{CelInt, CelString, DURATION_TYPE, INT_TYPE, STRING_TYPE, TIMESTAMP_TYPE, Type};
use cel::common::value::{CowVal, StaticVal, Val};
use cel::{DeclarationError, Env, ExecutionError, Value};

mod meant;

pub(super) use meant::{duration_meant, timestamp_meant};

/// A point in time: seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Timestamp(pub(super) i64);

/// A span of time in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Duration(i64);

type Outcome<'b, 'v> = Result<CowVal<'b, 'v>, ExecutionError>;

/// Adds the functions of times.
pub(super) fn declare(environment: &mut Env) -> Result<(), DeclarationError> {
    environment.add_type(TIMESTAMP_TYPE)?;
    environment.add_type(DURATION_TYPE)?;
    environment.add_overload("timestamp", "string_to_timestamp", vec![STRING_TYPE], |args| {
        converted(&args, |value| timestamp(value.downcast_ref::<CelString>()?.inner()))
    })?;
    environment.add_overload("timestamp", "int64_to_timestamp", vec![INT_TYPE], |args| {
        converted(&args, |value| Timestamp::in_range(Some(*value.downcast_ref::<CelInt>()?.inner())))
    })?;
    environment.add_overload("duration", "string_to_duration", vec![STRING_TYPE], |args| {
        converted(&args, |value| duration(value.downcast_ref::<CelString>()?.inner()))
    })?;
    environment.add_overload("int", "timestamp_to_int64", vec![TIMESTAMP_TYPE], |args| of_timestamp(&args, |at| at))?;
    environment.add_member_overload("getSeconds", "timestamp_to_seconds", TIMESTAMP_TYPE, vec![], |args| {
        of_timestamp(&args, |at| at.rem_euclid(MINUTE))
    })?;
    environment.add_member_overload("getMinutes", "timestamp_to_minutes", TIMESTAMP_TYPE, vec![], |args| {
        of_timestamp(&args, |at| at.rem_euclid(HOUR).div_euclid(MINUTE))
    })?;
    environment.add_member_overload("getHours", "timestamp_to_hours", TIMESTAMP_TYPE, vec![], |args| {
        of_timestamp(&args, |at| at.rem_euclid(DAY).div_euclid(HOUR))
    })?;
    environment.add_member_overload("getDayOfWeek", "timestamp_to_day_of_week", TIMESTAMP_TYPE, vec![], |args| {
        // 1970-01-01 was a Thursday, and Sunday is 0.
        of_timestamp(&args, |at| at.div_euclid(DAY).rem_euclid(7).wrapping_add(4) % 7)
    })
}

/// [RFC 3339, 5.6](https://www.rfc-editor.org/rfc/rfc3339#section-5.6), without fractions of a second.
#[allow(clippy::arithmetic_side_effects, reason = "every number has four digits at most")]
pub(super) fn timestamp(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.split_once('T')?;
    let (clock, offset) = match rest.strip_suffix('Z') {
        Some(clock) => (clock, 0),
        None => {
            let ahead = rest.split_once('+').map(|(clock, offset)| (clock, offset, 1));
            let (clock, offset, sign) =
                ahead.or_else(|| rest.split_once('-').map(|(clock, offset)| (clock, offset, -1)))?;
            let (hours, minutes) = offset.split_once(':')?;
            (clock, sign * (number(hours, 2, 0, 23)? * HOUR + number(minutes, 2, 0, 59)? * MINUTE))
        }
    };
    let mut parts = date.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let (year, month) = (number(year, 4, 1, 9999)?, number(month, 2, 1, 12)?);
    let day = number(day, 2, 1, days_of(year, month))?;
    let mut fields = clock.split(':');
    let (hour, minute, second) = (fields.next()?, fields.next()?, fields.next()?);
    if parts.next().is_some() || fields.next().is_some() {
        return None;
    }
    let second_of_day = number(hour, 2, 0, 23)? * HOUR + number(minute, 2, 0, 59)? * MINUTE + number(second, 2, 0, 59)?;
    Timestamp::in_range(Some(days_before(year, month, day) * DAY + second_of_day - offset))
}

/// Whole hours, minutes and seconds, in that order: `90s`, `1h30m`, `-5m`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let (mut rest, sign) = text.strip_prefix('-').map_or((text, 1), |rest| (rest, -1));
    let mut seconds = 0_i64;
    if rest.is_empty() {
        return None;
    }
    for (unit, length) in [('h', HOUR), ('m', MINUTE), ('s', 1)] {
        if let Some((digits, after)) = rest.split_once(unit) {
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            seconds = digits.parse::<i64>().ok()?.checked_mul(length)?.checked_add(seconds)?;
            rest = after;
        }
    }
    rest.is_empty().then_some(())?;
    Duration::in_range(seconds.checked_mul(sign))
}

/// Exactly so many digits, in a range.
fn number(digits: &str, length: usize, least: i64, most: i64) -> Option<i64> {
    let plain = digits.len() == length && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten().filter(|number| (least..=most).contains(number))
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date of the years 1 to 9999.
#[allow(clippy::arithmetic_side_effects, reason = "every number has four digits at most")]
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let past = year - 1;
    let years = past * 365 + past / 4 - past / 100 + past / 400;
    years + (1..month).map(|month| days_of(year, month)).sum::<i64>() + day - 1 - DAYS_TO_EPOCH
}

impl Timestamp {
    fn in_range(seconds: Option<i64>) -> Option<Self> {
        seconds.filter(|seconds| (FIRST_SECOND..=LAST_SECOND).contains(seconds)).map(Self)
    }
}

impl Duration {
    fn in_range(seconds: Option<i64>) -> Option<Self> {
        seconds.filter(|seconds| (-MAX_DURATION..=MAX_DURATION).contains(seconds)).map(Self)
    }
}

/// What a function makes of its only argument. Overloads are picked by type, so another type does not come here.
fn converted<'b, 'v, T: Val + 'v>(
    arguments: &[CowVal<'b, 'v>],
    convert: impl FnOnce(&(dyn Val + 'v)) -> Option<T>,
) -> Outcome<'b, 'v> {
    let outcome = arguments.first().and_then(|argument| convert(argument.as_ref()));
    outcome.map(CowVal::owned).ok_or_else(|| ExecutionError::function_error("time", "not convertible"))
}

fn of_timestamp<'b, 'v>(arguments: &[CowVal<'b, 'v>], part: impl FnOnce(i64) -> i64) -> Outcome<'b, 'v> {
    converted(arguments, |value| Some(CelInt::from(part(value.downcast_ref::<Timestamp>()?.0))))
}

/// The outcome of an operator: `None` is out of range.
fn outcome<'b, 'v, T: Val + 'v>(value: Option<T>) -> Outcome<'b, 'v> {
    value.map(CowVal::owned).ok_or(ExecutionError::Overflow("time", Value::Null, Value::Null))
}

fn unsupported(operator: &'static str) -> ExecutionError {
    ExecutionError::UnsupportedBinaryOperator(operator, Value::Null, Value::Null)
}

impl Adder for Timestamp {
    fn add<'b, 'v>(&'b self, right: &(dyn Val + 'v)) -> Outcome<'b, 'v>
    where
        Self: 'v,
    {
        match right.downcast_ref::<Duration>() {
            Some(span) => outcome(Self::in_range(self.0.checked_add(span.0))),
            None => Err(unsupported("add")),
        }
    }
}

impl Adder for Duration {
    fn add<'b, 'v>(&'b self, right: &(dyn Val + 'v)) -> Outcome<'b, 'v>
    where
        Self: 'v,
    {
        match (right.downcast_ref::<Self>(), right.downcast_ref::<Timestamp>()) {
            (Some(span), _) => outcome(Self::in_range(self.0.checked_add(span.0))),
            (None, Some(at)) => outcome(Timestamp::in_range(self.0.checked_add(at.0))),
            (None, None) => Err(unsupported("add")),
        }
    }
}

impl Subtractor for Timestamp {
    fn sub<'b, 'v>(&'b self, right: &(dyn Val + 'v)) -> Outcome<'b, 'v>
    where
        Self: 'v,
    {
        match (right.downcast_ref::<Self>(), right.downcast_ref::<Duration>()) {
            (Some(at), _) => outcome(Duration::in_range(self.0.checked_sub(at.0))),
            (None, Some(span)) => outcome(Self::in_range(self.0.checked_sub(span.0))),
            (None, None) => Err(unsupported("sub")),
        }
    }
}

impl Subtractor for Duration {
    fn sub<'b, 'v>(&'b self, right: &(dyn Val + 'v)) -> Outcome<'b, 'v>
    where
        Self: 'v,
    {
        match right.downcast_ref::<Self>() {
            Some(span) => outcome(Self::in_range(self.0.checked_sub(span.0))),
            None => Err(unsupported("sub")),
        }
    }
}

/// Both are values of the interpreter in the same way.
macro_rules! value {
    ($name:ident, $kind:ident) => {
        impl Val for $name {
            fn get_type(&self) -> &Type {
                <Self as Val>::cel_type()
            }

            fn cel_type() -> &'static Type {
                static TYPE: Type = $kind;
                &TYPE
            }

            fn as_adder<'b, 'v>(&'b self) -> Option<&'b (dyn Adder + 'v)>
            where
                Self: 'v,
            {
                Some(self)
            }

            fn as_subtractor<'b, 'v>(&'b self) -> Option<&'b (dyn Subtractor + 'v)>
            where
                Self: 'v,
            {
                Some(self)
            }

            fn as_comparer(&self) -> Option<&dyn Comparer> {
                Some(self)
            }

            fn equals(&self, other: &dyn Val) -> bool {
                other.downcast_ref::<Self>() == Some(self)
            }

            fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
                Box::new(*self)
            }

            fn as_any(&self) -> Option<&dyn Any> {
                Some(self)
            }
        }

        impl StaticVal for $name {}

        impl Comparer for $name {
            fn compare(&self, right: &dyn Val) -> Result<Ordering, ExecutionError> {
                right.downcast_ref::<Self>().map(|right| self.cmp(right)).ok_or_else(|| unsupported("compare"))
            }
        }
    };
}

value!(Timestamp, TIMESTAMP_TYPE);
value!(Duration, DURATION_TYPE);

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Days from 0001-01-01 to 1970-01-01.
const DAYS_TO_EPOCH: i64 = 719_162;

/// 0001-01-01T00:00:00Z, the first time that CEL has.
const FIRST_SECOND: i64 = -DAYS_TO_EPOCH * DAY;

/// 9999-12-31T23:59:59Z, the last one.
const LAST_SECOND: i64 = 253_402_300_799;

/// Ten thousand years, the longest span that any two times of CEL can be apart.
const MAX_DURATION: i64 = 315_576_000_000;

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn timestamps_are_those_of_rfc_3339() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1969-12-31T23:59:59Z", -1),
            ("2000-02-29T12:34:56Z", 951_827_696),
            ("2026-11-25T10:00:00+02:00", 1_795_593_600),
            ("2026-11-25T10:00:00-00:30", 1_795_602_600),
            ("0001-01-01T00:00:00Z", FIRST_SECOND),
            ("9999-12-31T23:59:59Z", LAST_SECOND),
        ] {
            assert_eq!(timestamp(text), Some(Timestamp(seconds)), "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_timestamps() {
        for text in [
            "",
            "T",
            "Z",
            "now",
            "2026-11-25",
            "2026-11-25T10:00:00",
            "2026-11-25 10:00:00Z",
            "2026-11-25T10:00Z",
            "2026-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-11-31T00:00:00Z",
            "2026-11-25T24:00:00Z",
            "2026-11-25T23:59:60Z",
            "2026-11-25T10:00:00.5Z",
            "26-11-25T10:00:00Z",
            "+026-11-25T10:00:00Z",
            "0000-01-01T00:00:00Z",
            "10000-01-01T00:00:00Z",
            "2026-11-25T10:00:00+24:00",
            "2026-11-25T10:00:00+0200",
            "2026-11-25T10:00:00Z+00:00",
            "0001-01-01T00:00:00+01:00",
            "9999-12-31T23:59:59-01:00",
            "2026-11-25T10:00:00é",
            "2026-1١-25T10:00:00Z",
        ] {
            assert_eq!(timestamp(text), None, "{text}");
        }
    }

    #[test]
    fn durations_are_whole_units_in_order() {
        for (text, seconds) in [("0s", 0), ("90s", 90), ("1h30m", 5400), ("-5m", -300), ("24h1s", 86_401), ("007s", 7)]
        {
            assert_eq!(duration(text), Some(Duration(seconds)), "{text}");
        }
        for text in [
            "",
            "-",
            "1",
            "s",
            "h",
            "1.5h",
            "5ms",
            "1s1m",
            "1m1m",
            "1 h",
            " 1h",
            "+1h",
            "--1h",
            "1d",
            "1h-1m",
            "87660001h",
            "9223372036854775807h",
            "99999999999999999999s",
            "é",
            "1é",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
