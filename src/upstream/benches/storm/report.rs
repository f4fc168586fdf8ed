//! Lines of the report: what was measured and, where there is one, the target.

use std::fmt::Display;
use std::time::Duration;

pub fn figure(what: impl Display, figure: impl Display) {
    println!("{what}: {figure}");
}

pub fn target(what: impl Display, figure: impl Display, target: &str, is_met: bool) {
    println!("{what}: {figure}; target: {target}: {}", if is_met { "met" } else { "MISSED" });
}

/// Prints a figure whose target is a second; `None`: it never happened.
pub fn within_a_second(what: impl Display, took: Option<Duration>) {
    let figure = took.map_or_else(|| "never".to_owned(), seconds);
    target(what, figure, "< 1 s", took.is_some_and(|took| took < Duration::from_secs(1)));
}

pub fn seconds(time: Duration) -> String {
    format!("{:.3} s", time.as_secs_f64())
}

pub fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}
