//! Owns what a proxy and its requests share: clocks, failures, and who looks on.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use brama_policy::deciding::{Grant, Moment, Monotonic, UnixTime};
use brama_policy::identity::SignatureCheck;

use crate::Request;

/// Surroundings of a worker.
pub struct World {
    pub clock: Cell<Clock>,
    pub failing: Cell<Failing>,
    pub observer: Box<dyn Observer>,
    /// Whether requests stay as they came, without a log: for measurements.
    pub forgets: Cell<bool>,
}

/// Both clocks, since the start of a test.
#[derive(Clone, Copy, Default)]
pub struct Clock {
    pub seconds: u64,
    pub millis: u64,
    /// Seconds by which the wall clock was stepped.
    pub stepped: i64,
}

/// Verbs that the proxy does not carry out.
#[derive(Clone, Copy, Default)]
pub struct Failing {
    pub dispatch: bool,
    pub forward: bool,
    pub identify: bool,
    pub read_trailers: bool,
    pub remove_trailer: bool,
    /// No signature is the key's.
    pub verify: bool,
}

/// A test's own part in what happens.
pub trait Observer {
    /// Looks at a request that was allowed.
    fn allowed(&self, _request: &Request, _grant: &Grant) {}

    /// Verdict on a signature.
    fn verifies(&self, _request: &Request, _check: &SignatureCheck<'_>) -> bool {
        false
    }
}

impl Observer for () {}

impl World {
    pub fn new(observer: impl Observer + 'static) -> Rc<Self> {
        let observer = Box::new(observer);
        Rc::new(Self { clock: Cell::default(), failing: Cell::default(), observer, forgets: Cell::default() })
    }

    pub fn now(&self) -> Moment {
        self.clock.get().moment()
    }
}

impl Clock {
    pub fn moment(self) -> Moment {
        let wall = Duration::from_secs((Self::START + self.seconds).saturating_add_signed(self.stepped));
        Moment {
            wall: UnixTime::since_epoch(wall + Duration::from_millis(self.millis)),
            monotonic: Monotonic::from_origin(Duration::from_secs(1 + self.seconds)),
        }
    }

    /// Seconds of the wall clock at the start.
    pub const START: u64 = 1_700_000_000;
}
