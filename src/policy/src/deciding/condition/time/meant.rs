//! Owns which time was probably meant by a text that is none here.

use super::{duration, timestamp};

/// A text that is no timestamp, as the one that was perhaps meant: without a fraction of a second, with a `T`, with a
/// time.
pub(in crate::deciding::condition) fn timestamp_meant(text: &str) -> Option<String> {
    let spaced = text.replacen(' ', "T", 1);
    let whole = match spaced.split_once('.') {
        None => spaced.clone(),
        Some((seconds, rest)) => {
            let zone = rest.trim_start_matches(|digit: char| digit.is_ascii_digit());
            format!("{seconds}{zone}")
        }
    };
    let candidates = [whole.clone(), format!("{whole}Z"), format!("{whole}T00:00:00Z")];
    candidates.into_iter().find(|candidate| timestamp(candidate).is_some()).map(|meant| format!("write `{meant}`"))
}

/// A text that is no duration, as the one that was perhaps meant: in other units, or with a fraction.
pub(in crate::deciding::condition) fn duration_meant(text: &str) -> Option<String> {
    let (mut rest, mut milliseconds) = (text, 0_u64);
    while !rest.is_empty() {
        let digits = rest.trim_start_matches(|sign: char| sign.is_ascii_digit() || sign == '.');
        let number = rest.strip_suffix(digits)?;
        let after = digits.trim_start_matches(|sign: char| sign.is_ascii_lowercase());
        let unit = match digits.strip_suffix(after)? {
            "d" => 86_400_000_u64,
            "h" => 3_600_000,
            "m" => 60_000,
            "s" | "" => 1_000,
            "ms" => 1,
            _ => return None,
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let part = |digits: &str| digits.parse::<u64>().ok();
        let mut span = part(whole)?.checked_mul(unit)?;
        if !fraction.is_empty() {
            let places = u32::try_from(fraction.len()).ok().filter(|places| *places < 10)?;
            span = span.checked_add(part(fraction)?.checked_mul(unit)?.checked_div(10_u64.checked_pow(places)?)?)?;
        }
        milliseconds = milliseconds.checked_add(span)?;
        rest = after;
    }
    let seconds = milliseconds.checked_div(1_000).filter(|seconds| seconds.checked_mul(1_000) == Some(milliseconds))?;
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let meant: String =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}")).collect();
    duration(&meant).map(|_read| format!("write `{meant}`"))
}
