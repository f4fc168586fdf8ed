//! Introspection all the time, by eight clients, each with one request after the other.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread::scope;
use std::time::{Duration, Instant};

use crate::support::client::Client;
use crate::support::service::Service;

/// One introspection: the time of its answer, how long it took, and whether it was right.
struct Sample {
    at: Instant,
    took: Duration,
    is_right: bool,
}

pub struct Samples(Vec<Sample>);

/// Figures of some of the samples: the rate a second, the median, the 99th percentile, the number of wrong answers.
pub struct Figures {
    pub rate: f64,
    pub half: Duration,
    pub most: Duration,
    pub wrong: usize,
}

/// Introspects good tokens for as long as `work` takes.
pub fn during<T>(service: &Service, tokens: &[String], work: impl FnOnce() -> T) -> (T, Samples) {
    let (is_over, samples) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    let outcome = scope(|threads| {
        for first in 0..AT_ONCE {
            let (is_over, samples) = (&is_over, &samples);
            threads.spawn(move || {
                let (mut client, mut own) = (Client::of(&service.internal()), Vec::new());
                for token in tokens.iter().cycle().skip(first * tokens.len() / AT_ONCE) {
                    if is_over.load(SeqCst) {
                        break;
                    }
                    let begin = Instant::now();
                    let is_right = client.is_active(token) == Some(true);
                    own.push(Sample { at: Instant::now(), took: begin.elapsed(), is_right });
                }
                samples.lock().unwrap().append(&mut own);
            });
        }
        let outcome = work();
        is_over.store(true, SeqCst);
        outcome
    });
    (outcome, Samples(samples.into_inner().unwrap()))
}

impl Samples {
    /// Figures of the answers between two moments.
    pub fn figures(&self, from: Instant, to: Instant) -> Figures {
        let within: Vec<&Sample> = self.0.iter().filter(|sample| (from..to).contains(&sample.at)).collect();
        let mut times: Vec<Duration> = within.iter().map(|sample| sample.took).collect();
        times.sort();
        // Without an answer, all clients waited all the time.
        let at = |share: f64| times.get((times.len() as f64 * share) as usize).copied().unwrap_or(to - from);
        Figures {
            rate: times.len() as f64 / (to - from).as_secs_f64(),
            half: at(0.5),
            most: at(0.99),
            wrong: within.iter().filter(|sample| !sample.is_right).count(),
        }
    }
}

const AT_ONCE: usize = 8;
