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
    /// Failures in a row.
    failures: u64,
    /// When the next one is told.
    due: Monotonic,
    /// From that to the one after it.
    pause: Duration,
}

impl Complaints {
    /// Takes note of a failure: how many there were in a row, where it is to be told.
    pub(crate) fn failed(&self, what: &str, now: Moment) -> Option<u64> {
        // A store that is in use is not to be had twice; that cannot be, and then each is told.
        let Ok(mut complaints) = self.0.try_borrow_mut() else { return Some(1) };
        if let Some(known) = complaints.get_mut(what) {
            known.failures = known.failures.saturating_add(1);
            if now.monotonic < known.due {
                return None;
            }
            known.due = now.monotonic.after(known.pause).unwrap_or(now.monotonic);
            known.pause = known.pause.saturating_mul(GROWTH).min(LONGEST);
            return Some(known.failures);
        }
        let due = now.monotonic.after(FIRST).unwrap_or(now.monotonic);
        complaints.insert(what.to_owned(), Complaint { failures: 1, due, pause: FIRST.saturating_mul(GROWTH) });
        Some(1)
    }

    /// Takes note that it works: how often in a row it has failed before; `None` where it had not.
    pub(crate) fn worked(&self, what: &str) -> Option<u64> {
        self.0.try_borrow_mut().ok()?.remove(what).map(|complaint| complaint.failures)
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
    use brama_policy::UnixTime;

    use super::*;

    fn at(seconds: u64) -> Moment {
        let monotonic = Monotonic::from_origin(Duration::from_secs(seconds));
        Moment { wall: UnixTime::from_seconds(seconds), monotonic }
    }

    #[test]
    fn failure_that_goes_on_is_told_at_growing_intervals() {
        let complaints = Complaints::default();
        let told: Vec<_> = (0..8000).filter(|second| complaints.failed("x", at(*second)).is_some()).collect();
        assert_eq!(told, [0, 10, 40, 130, 400, 1210, 3640, 7240]);
        assert_eq!(complaints.worked("x"), Some(8000));
        assert_eq!(complaints.worked("x"), None);
    }

    #[test]
    fn failure_after_it_worked_is_told_at_once() {
        let complaints = Complaints::default();
        assert_eq!(complaints.failed("x", at(1)), Some(1));
        assert_eq!(complaints.failed("x", at(2)), None);
        assert_eq!(complaints.failed("y", at(2)), Some(1), "another thing that fails");
        assert_eq!(complaints.worked("x"), Some(2));
        assert_eq!(complaints.failed("x", at(3)), Some(1));
    }
}
