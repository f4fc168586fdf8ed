//! Clients that delete rows one by one while something else goes on: six delete connections and one divisions, with
//! pauses.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use crate::support::client::Client;
use crate::support::database::Database;
use crate::support::rows;
use crate::support::service::Service;

/// Rows that are left to delete.
pub struct Spare {
    connection: AtomicUsize,
    division: AtomicUsize,
}

#[derive(Default)]
pub struct Meanwhile {
    pub connections: Tally,
    pub divisions: Tally,
}

#[derive(Clone, Copy, Default)]
pub struct Tally {
    pub asked: usize,
    pub failed: usize,
    pub longest: Duration,
}

impl Spare {
    /// Inserts the rows. The database has to have twice [`rows::SPARE_CLIENTS`] clients.
    pub fn insert(database: &Database) -> Self {
        rows::spare_connections(database, CONNECTIONS);
        rows::divisions(database, DIVISIONS);
        Self { connection: AtomicUsize::new(0), division: AtomicUsize::new(0) }
    }

    /// Deletes rows for as long as `work` takes.
    pub fn deleted_during<T>(&self, service: &Service, work: impl FnOnce() -> T) -> (T, Meanwhile) {
        let (is_over, meanwhile) = (AtomicBool::new(false), Mutex::new(Meanwhile::default()));
        let delete = |kind: Kind| {
            let mut client = Client::of(&service.public());
            while !is_over.load(SeqCst) {
                let Some(path) = self.next(kind) else { return };
                let begin = Instant::now();
                let is_done = client.delete(&path).is_ok_and(|answer| answer.status == 200);
                let took = begin.elapsed();
                let mut meanwhile = meanwhile.lock().unwrap();
                let tally =
                    if kind == Kind::Connection { &mut meanwhile.connections } else { &mut meanwhile.divisions };
                tally.asked += 1;
                tally.failed += usize::from(!is_done);
                tally.longest = tally.longest.max(took);
                drop(meanwhile);
                sleep(kind.pause());
            }
        };
        let outcome = scope(|threads| {
            for _ in 0..6 {
                threads.spawn(|| delete(Kind::Connection));
            }
            threads.spawn(|| delete(Kind::Division));
            let outcome = work();
            is_over.store(true, SeqCst);
            outcome
        });
        (outcome, meanwhile.into_inner().unwrap())
    }

    fn next(&self, kind: Kind) -> Option<String> {
        match kind {
            Kind::Connection => {
                Some(self.connection.fetch_add(1, SeqCst)).filter(|row| *row < CONNECTIONS).map(rows::path_of_spare)
            }
            Kind::Division => {
                Some(self.division.fetch_add(1, SeqCst)).filter(|row| *row < DIVISIONS).map(rows::path_of_division)
            }
        }
    }
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Kind {
    Connection,
    Division,
}

impl Kind {
    fn pause(self) -> Duration {
        Duration::from_millis(if self == Self::Connection { 50 } else { 100 })
    }
}

impl Meanwhile {
    pub fn report(&self, during: &str) {
        for (name, tally) in [("hard deletes", self.connections), ("deletes of divisions", self.divisions)] {
            super::report::target(
                format_args!("{during}, meanwhile {name}"),
                tally,
                "all 2xx, each < 1 s",
                tally.is_good(),
            );
        }
    }
}

impl Tally {
    pub fn done(&self) -> usize {
        self.asked - self.failed
    }

    fn is_good(&self) -> bool {
        self.failed == 0 && self.longest < Duration::from_secs(1)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} asked for, {} not 2xx, the longest {:.3} s",
            self.asked,
            self.failed,
            self.longest.as_secs_f64()
        )
    }
}

/// Spare connections for more than five minutes.
const CONNECTIONS: usize = 40_000;
const DIVISIONS: usize = 4_000;
