//! Owns how often a failure that goes on is told: each reason at once, then at growing intervals; and that it is over,
//! once.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use brama_policy::deciding::{Moment, Monotonic};
use brama_policy::identity::{Feed, KeyFetch, Unavailable};

/// The failures in one worker that concern no request, so that no request's line tells them.
#[derive(Debug, Default)]
pub(crate) struct Complaints(HashMap<Failing, Complaint>);

/// The thing that fails. Authorities of one name in two policies are two.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Failing {
    /// A fetch of keys.
    Keys(Arc<KeyFetch>),
    /// A feed, by its fingerprint.
    Feed(u64),
}

#[derive(Debug)]
struct Complaint {
    /// When it failed first of those times in a row.
    since: Monotonic,
    told: Vec<Told>,
}

#[derive(Debug)]
struct Told {
    reason: Unavailable,
    /// When it is told next.
    due: Monotonic,
    /// From that to the time after it.
    pause: Duration,
}

impl Complaints {
    /// Tells that it fails, unless this reason was told not long ago.
    pub(crate) fn fails(&mut self, what: Failing, reason: &Unavailable, now: Moment, words: &str, why: &str) {
        match self.failed(what, reason, now).map(|span| span.as_secs()) {
            None => {}
            Some(0) => log::warn!("{words}: {why}"),
            Some(seconds) => log::warn!("{words}, for {seconds} s now: {why}"),
        }
    }

    /// Tells that what failed works again.
    pub(crate) fn works(&mut self, what: &Failing, now: Moment, name: impl fmt::Display) {
        if let Some(span) = self.worked(what, now) {
            log::info!("{name} came again, after {} s", span.as_secs());
        }
    }

    /// Forgets what is not there any more.
    pub(crate) fn keep(&mut self, is_there: impl Fn(&Failing) -> bool) {
        self.0.retain(|what, _complaint| is_there(what));
    }

    /// For how long it has failed, where that is to be told.
    fn failed(&mut self, what: Failing, reason: &Unavailable, now: Moment) -> Option<Duration> {
        let now = now.monotonic;
        let Complaint { since, told } =
            self.0.entry(what).or_insert_with(|| Complaint { since: now, told: Vec::new() });
        let after = |pause| now.after(pause).unwrap_or(now);
        match told.iter_mut().find(|told| told.reason == *reason) {
            Some(told) if now < told.due => return None,
            Some(told) => {
                told.due = after(told.pause);
                told.pause = told.pause.saturating_mul(GROWTH).min(LONGEST);
            }
            // As many as there are statuses, at most: a reason quotes nothing.
            None => {
                told.push(Told { reason: reason.clone(), due: after(FIRST), pause: FIRST.saturating_mul(GROWTH) });
            }
        }
        Some(since.until(now))
    }

    /// For how long it had failed before; `None` where it had not.
    fn worked(&mut self, what: &Failing, now: Moment) -> Option<Duration> {
        let complaint = self.0.remove(what)?;
        Some(complaint.since.until(now.monotonic))
    }
}

impl From<&Feed> for Failing {
    fn from(feed: &Feed) -> Self {
        Self::Feed(feed.fingerprint())
    }
}

/// From the first line to the second.
const FIRST: Duration = Duration::from_secs(10);

/// By how much each interval is longer than the one before.
const GROWTH: u32 = 3;

/// An outage of a day is some thirty lines.
const LONGEST: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use brama_policy::deciding::UnixTime;

    use super::*;

    const X: Failing = Failing::Feed(1);
    const SILENT: Unavailable = Unavailable::NoReply;

    fn at(seconds: u64) -> Moment {
        let monotonic = Monotonic::from_origin(Duration::from_secs(seconds));
        Moment { wall: UnixTime::from_seconds(seconds), monotonic }
    }

    fn seconds(span: u64) -> Option<Duration> {
        Some(Duration::from_secs(span))
    }

    #[test]
    fn failure_that_goes_on_is_told_at_growing_intervals() {
        let mut complaints = Complaints::default();
        let told: Vec<_> = (0..8000).filter(|second| complaints.failed(X, &SILENT, at(*second)).is_some()).collect();
        assert_eq!(told, [0, 10, 40, 130, 400, 1210, 3640, 7240]);
        assert_eq!(complaints.worked(&X, at(8000)), seconds(8000));
        assert_eq!(complaints.worked(&X, at(8000)), None);
    }

    #[test]
    fn new_reason_is_told_at_once_and_two_in_turns_are_not_told_each_time() {
        let mut complaints = Complaints::default();
        let reasons = [SILENT, Unavailable::Status(500)];
        let told: Vec<_> = (0..50)
            .zip(reasons.iter().cycle())
            .filter_map(|(second, reason)| complaints.failed(X, reason, at(second)).map(|span| span.as_secs()))
            .collect();
        assert_eq!(told, [0, 1, 10, 11, 40, 41]);
    }

    #[test]
    fn failure_after_it_worked_is_told_at_once() {
        let mut complaints = Complaints::default();
        assert_eq!(complaints.failed(X, &SILENT, at(1)), seconds(0));
        assert_eq!(complaints.failed(X, &SILENT, at(2)), None);
        assert_eq!(complaints.failed(Failing::Feed(2), &SILENT, at(2)), seconds(0), "another thing that fails");
        assert_eq!(complaints.worked(&X, at(3)), seconds(2));
        assert_eq!(complaints.failed(X, &SILENT, at(3)), seconds(0));
    }

    #[test]
    fn what_is_not_there_any_more_is_forgotten() {
        let mut complaints = Complaints::default();
        assert_eq!(complaints.failed(X, &SILENT, at(1)), seconds(0));
        complaints.keep(|what| *what != X);
        assert_eq!(complaints.failed(X, &SILENT, at(2)), seconds(0));
        complaints.keep(|_what| true);
        assert_eq!(complaints.failed(X, &SILENT, at(3)), None);
    }
}
