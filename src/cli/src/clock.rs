//! Owns the time at which a command judges: that of `--now`, else the machine's clock.

use std::time::SystemTime;

use brama_policy::deciding::UnixTime;

/// The time `now` in seconds since 1970, else the machine's.
///
/// # Errors
/// A machine's clock that shows a time before 1970: no credential would have expired.
pub(crate) fn clock(now: Option<u64>) -> Result<UnixTime, ClockError> {
    match now {
        Some(seconds) => Ok(UnixTime::from_seconds(seconds)),
        None => SystemTime::UNIX_EPOCH.elapsed().map(UnixTime::since_epoch).map_err(|_early| ClockError),
    }
}

/// The error of a machine's clock that shows a time before 1970.
#[derive(Debug, thiserror::Error)]
#[error("the clock shows a time before 1970; say another with `--now`")]
pub(crate) struct ClockError;
