//! Times and spans against `jiff`, which reads more: what it reads beyond is written out here.

use jiff::civil::{DateTime, date};
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::deciding::condition::time::{duration, timestamp};

/// Seconds of 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z, between which CEL has times.
fn seconds() -> std::ops::RangeInclusive<i64> {
    let of = |it: DateTime| it.duration_since(EPOCH).as_secs();
    of(date(1, 1, 1).at(0, 0, 0, 0))..=of(DateTime::MAX)
}

/// Shape of a time: `0000-00-00T00:00:00Z` or `0000-00-00T00:00:00+00:00`, with any digits and either sign.
fn has_the_shape(text: &str) -> bool {
    let digits = text.replace(|letter: char| letter.is_ascii_digit(), "0");
    ["Z", "+00:00", "-00:00"].iter().any(|zone| digits.strip_suffix(zone) == Some("0000-00-00T00:00:00"))
}

/// Assertion that both read a text as the same time, but for the differences written out here.
#[track_caller]
fn is_read_alike(text: &str) {
    let ours = timestamp(text).map(|at| at.0);
    // `jiff` also reads fractions, other letters between the parts, parts left out, and much else.
    if !has_the_shape(text) {
        assert_eq!(ours, None, "{text:?}");
        return;
    }
    let part = |from: usize, to: usize| text.get(from..to).unwrap().parse::<i64>().unwrap();
    let zone_hours = if text.ends_with('Z') { 0 } else { part(20, 22) };
    match text.parse::<Timestamp>() {
        Ok(theirs) => {
            // CEL begins with the year 1. `jiff` reads the second 60 as 59, and zones up to 25:59.
            let both = part(0, 4) > 0 && part(17, 19) < 60 && zone_hours < 24;
            let theirs = Some(theirs.as_second()).filter(|second| both && seconds().contains(second));
            assert_eq!(ours, theirs, "{text:?}");
        }
        // `jiff` ends a day earlier, so that each of its times can be written in each zone.
        Err(_) => assert!(ours.is_none_or(|second| second > Timestamp::MAX.as_second()), "{text:?}"),
    }
}

#[test]
fn times_that_only_jiff_reads_are_these() {
    for text in [
        "2026-11-25T10:00:00.5Z",
        "2026-11-25T10:00:00,5Z",
        "2026-11-25T10:00:00.0Z",
        "2026-11-25 10:00:00Z",
        "2026-11-25t10:00:00z",
        "2026-11-25T10:00Z",
        "2026-11-25T10Z",
        "20261125T100000Z",
        "+002026-11-25T10:00:00Z",
        "2026-11-25T10:00:00+02",
        "2026-11-25T10:00:00+0200",
        "2026-11-25T10:00:00+02:00:00",
        "2026-11-25T10:00:00+24:00",
        "2026-11-25T10:00:00Z[UTC]",
        "2016-12-31T23:59:60Z",
        "0000-12-31T23:59:59Z",
        "-000001-12-31T23:59:59Z",
        "0001-01-01T00:00:00+00:01",
    ] {
        assert!(text.parse::<Timestamp>().is_ok(), "{text}");
        assert_eq!(timestamp(text), None, "{text}");
    }
    // A time that is only read here.
    let last = "9999-12-31T23:59:59Z";
    assert!(last.parse::<Timestamp>().is_err());
    assert_eq!(timestamp(last).map(|at| at.0), Some(*seconds().end()));
}

#[test]
fn spans_that_only_jiff_reads_are_these() {
    for text in ["1 h", "1h 30m", "1h, 30m", "1.5h", "5ms", "+1h", "1hour", "90min", "PT1H", "5m ago", "1:30:00"] {
        assert!(text.parse::<SignedDuration>().is_ok(), "{text}");
        assert_eq!(duration(text), None, "{text}");
    }
}

/// A text of the shape, whose numbers are mostly those of a time.
fn shaped() -> impl Strategy<Value = String> {
    let year = prop_oneof![0..=9999, select(vec![0, 1, 4, 100, 400, 1900, 1970, 2000, 2100, 9998, 9999])];
    let month = prop_oneof![4 => 0..=13, 1 => Just(2)];
    let day = prop_oneof![2 => 0..=32, 1 => 28..=31];
    let zone = prop_oneof![
        Just("Z".to_owned()),
        (select(vec!['+', '-']), 0..=26, 0..=61)
            .prop_map(|(sign, hours, minutes)| format!("{sign}{hours:02}:{minutes:02}")),
    ];
    (year, month, day, 0..=24, 0..=60, 0..=61, zone).prop_map(|(year, month, day, hour, minute, second, zone)| {
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{zone}")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4096) })]

    #[test]
    fn every_second_is_read(second in seconds()) {
        let text = format!("{}Z", EPOCH + SignedDuration::from_secs(second));
        prop_assert_eq!(timestamp(&text).map(|at| at.0), Some(second), "{}", text);
    }

    #[test]
    fn what_jiff_writes_is_read(second in *seconds().start()..=Timestamp::MAX.as_second(), minutes in -1439..=1439) {
        let zone = Offset::from_seconds(minutes * 60).unwrap();
        is_read_alike(&Timestamp::from_second(second).unwrap().display_with_offset(zone).to_string());
    }

    #[test]
    fn texts_of_the_shape_are_read_alike(text in shaped()) {
        is_read_alike(&text);
    }

    #[test]
    fn texts_near_the_shape_are_read_alike(
        text in shaped(),
        at in 0..26_usize,
        cut in 0..2_usize,
        put in "[0-9TtZz:+. é-]?",
    ) {
        let before: String = text.chars().take(at).collect();
        let after: String = text.chars().skip(at + cut).collect();
        is_read_alike(&format!("{before}{put}{after}"));
    }

    #[test]
    fn parts_are_those_of_the_calendar(second in seconds()) {
        let at = EPOCH + SignedDuration::from_secs(second);
        let day = at.weekday().to_sunday_zero_offset();
        let text = format!(
            "timestamp({second}).getHours() == {} && timestamp({second}).getMinutes() == {} && \
             timestamp({second}).getSeconds() == {} && timestamp({second}).getDayOfWeek() == {day}",
            at.hour(),
            at.minute(),
            at.second(),
        );
        prop_assert_eq!(judge(&text), Ok(true), "{}", text);
    }

    #[test]
    fn spans_of_units_in_order_are_read_alike(
        sign in "-?",
        counts in proptest::collection::vec((0..100_000_u32, 0..2_u32), 3),
    ) {
        let written = counts.iter().zip(["h", "m", "s"]).filter(|((_, is_there), _)| *is_there > 0);
        let text = sign + &written.map(|((count, _), unit)| format!("{count}{unit}")).collect::<String>();
        let theirs = text.parse::<SignedDuration>().ok().map(|span| format!("{}s", span.as_secs()));
        prop_assert_eq!(duration(&text), theirs.as_deref().and_then(duration), "{}", text);
        prop_assert_eq!(duration(&text).is_some(), theirs.is_some(), "{}", text);
    }
}

const EPOCH: DateTime = date(1970, 1, 1).at(0, 0, 0, 0);
