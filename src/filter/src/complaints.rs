//! Owns how often a failure that goes on is told: at once, then at growing intervals; and that it is over, once.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use brama_policy::{Moment, Monotonic};

/// What fails in one worker, by what it is; clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Complaints(Rc<RefCell<BTreeMap<String, Complaint>>>);

#[derive(Debug)]
struct Complaint {
    since: Monotonic,
    /// When each reason is told again: another one is news.
    told: BTreeMap<String, Told>,
}

#[derive(Debug)]
struct Told {
    due: Monotonic,
    /// From that to the time after it.
    pause: Duration,
}

impl Complaints {
    /// Takes note of a failure: for how long it has failed, where it is to be told.
    pub(crate) fn failed(&self, what: &str, why: &str, now: Moment) -> Option<Duration> {
        // A store that is in use is not to be had twice; that cannot be, and then each is told.
        let Ok(mut complaints) = self.0.try_borrow_mut() else { return Some(Duration::ZERO) };
        let complaint = complaints
            .entry(what.to_owned())
            .or_insert_with(|| Complaint { since: now.monotonic, told: BTreeMap::new() });
        match complaint.told.get_mut(why) {
            Some(told) if now.monotonic < told.due => return None,
            Some(told) => {
                told.due = now.monotonic.after(told.pause).unwrap_or(now.monotonic);
                told.pause = told.pause.saturating_mul(GROWTH).min(LONGEST);
            }
            None => {
                if complaint.told.len() >= MOST_REASONS {
                    complaint.told.clear();
                }
                let due = now.monotonic.after(FIRST).unwrap_or(now.monotonic);
                complaint.told.insert(why.to_owned(), Told { due, pause: FIRST.saturating_mul(GROWTH) });
            }
        }
        Some(complaint.since.until(now.monotonic))
    }

    /// Takes note that it works: for how long it has failed before; `None` where it had not.
    pub(crate) fn worked(&self, what: &str, now: Moment) -> Option<Duration> {
        let complaint = self.0.try_borrow_mut().ok()?.remove(what)?;
        Some(complaint.since.until(now.monotonic))
    }
}

/// Reasons of one failure that are remembered; there are fewer.
const MOST_REASONS: usize = 16;

/// From the first line to the second.
const FIRST: Duration = Duration::from_secs(10);

/// By how much each interval is longer than the one before.
const GROWTH: u32 = 3;

/// An outage of a day is some thirty lines.
const LONGEST: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use brama_policy::UnixTime;

    use super::*;

    fn at(seconds: u64) -> Moment {
        let monotonic = Monotonic::from_origin(Duration::from_secs(seconds));
        Moment { wall: UnixTime::from_seconds(seconds), monotonic }
    }

    #[test]
    fn failure_that_goes_on_is_told_at_growing_intervals() {
        let complaints = Complaints::default();
        let told: Vec<_> = (0..8000).filter_map(|second| complaints.failed("x", "late", at(second))).collect();
        assert_eq!(told, [0, 10, 40, 130, 400, 1210, 3640, 7240].map(Duration::from_secs));
        assert_eq!(complaints.worked("x", at(8000)), Some(Duration::from_secs(8000)));
        assert_eq!(complaints.worked("x", at(8001)), None);
    }

    #[test]
    fn news_are_told_at_once() {
        let complaints = Complaints::default();
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(complaints.failed("x", "late", at(1)), seconds(0));
        assert_eq!(complaints.failed("x", "late", at(2)), None);
        assert_eq!(complaints.failed("y", "late", at(2)), seconds(0), "another thing that fails");
        assert_eq!(complaints.failed("x", "gone", at(3)), seconds(2), "for another reason");
        assert_eq!(complaints.failed("x", "late", at(4)), None, "reasons that come by turns are no news");
        assert_eq!(complaints.failed("x", "gone", at(5)), None);
        assert_eq!(complaints.worked("x", at(6)), seconds(5));
        assert_eq!(complaints.failed("x", "late", at(7)), seconds(0));
    }
}
