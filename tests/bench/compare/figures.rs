//! Owns what was taken, and how it is summed up.

use std::time::Duration;

/// What a variant took in a round.
#[derive(Default)]
pub struct Taken {
    cpu: Duration,
    waits: Vec<Duration>,
}

impl Taken {
    pub fn add(&mut self, cpu: Duration, waits: Vec<Duration>) {
        self.cpu += cpu;
        self.waits.extend(waits);
    }

    /// Whether nothing was.
    pub fn is_empty(&self) -> bool {
        self.waits.is_empty()
    }

    /// Microseconds of Envoy's on a processor for a request.
    pub fn cpu(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.waits.len() as f64
    }

    /// How long so many of a hundred clients waited at most, in microseconds.
    pub fn wait(&self, percentile: usize) -> f64 {
        let mut waits = self.waits.clone();
        waits.sort();
        waits[(waits.len() * percentile / 100).min(waits.len() - 1)].as_secs_f64() * 1e6
    }
}

/// A middle, and the quarters beside it.
#[derive(Clone, Copy)]
pub struct Spread {
    pub first: f64,
    pub median: f64,
    pub third: f64,
}

impl Spread {
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<_> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let at = |quarter: usize| values[(values.len() - 1) * quarter / 4];
        Self { first: at(1), median: at(2), third: at(3) }
    }

    pub fn written(&self, digits: usize) -> String {
        let Self { first, median, third } = self;
        format!("{median:.digits$} ({first:.digits$} to {third:.digits$})")
    }
}
