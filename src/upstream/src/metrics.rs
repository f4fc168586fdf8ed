//! Owns the metrics: their names, their labels, and when each moves.
//!
//! `docs/metrics.md` lists them. No label has a value from a request, so neither a secret nor an identifier gets there, and
//! nobody can make series without number.

use std::fmt;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::listen::Listener;
use crate::store::{PoolUse, StoreError};

/// The metrics of one service.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Labels<4>, Histogram, fn() -> Histogram>,
    in_work: Family<Labels<1>, Gauge>,
    refused: Family<Labels<1>, Counter>,
    store_failures: Family<Labels<1>, Counter>,
}

/// What is found out when metrics are asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Findings {
    pub(crate) feed_readers_waiting: usize,
    pub(crate) feed_pages_read: u64,
    /// The last number of the feed, if the database answered.
    pub(crate) revocations: Option<i64>,
    pub(crate) pools: [PoolUse; 3],
    pub(crate) log_lines_lost: u64,
    pub(crate) housekeeping_failures: u64,
}

type Labels<const N: usize> = [(&'static str, String); N];

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let metrics = Self {
            requests: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            in_work: Family::default(),
            refused: Family::default(),
            store_failures: Family::default(),
            registry: Registry::default(),
        };
        registry.register("build", "The program", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        let help = "How long requests took that were answered";
        registry.register_with_unit("request_duration", help, Unit::Seconds, metrics.requests.clone());
        registry.register("requests_in_work", "Requests begun and not done", metrics.in_work.clone());
        registry.register("requests_refused", "Requests for which there was no place", metrics.refused.clone());
        let help = "Requests that the store did not answer";
        registry.register("store_failures", help, metrics.store_failures.clone());
        // What is counted only when it happens is there from the start, so that its first rise is seen.
        for kind in [TIMEOUT, FAILED] {
            drop(metrics.store_failures.get_or_create(&[("kind", kind.to_owned())]));
        }
        Self { registry, ..metrics }
    }

    /// A request was answered.
    pub(crate) fn answered(
        &self,
        listener: Listener,
        method: &Method,
        route: Option<&str>,
        status: StatusCode,
        took: Duration,
    ) {
        let method = match *method {
            Method::DELETE | Method::GET | Method::HEAD | Method::POST => method.as_str(),
            // Anybody can invent methods.
            _ => "other",
        };
        let class = match status.as_u16() {
            ..200 => "1xx",
            200..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            500.. => "5xx",
        };
        let labels = [
            ("listener", listener.to_string()),
            ("method", method.to_owned()),
            ("route", route.unwrap_or("none").to_owned()),
            ("class", class.to_owned()),
        ];
        self.requests.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// A request was not answered by the store.
    pub(crate) fn store_failed(&self, error: &StoreError) {
        let kind = match error {
            StoreError::Timeout => TIMEOUT,
            _ => FAILED,
        };
        self.store_failures.get_or_create(&[("kind", kind.to_owned())]).inc();
    }

    /// The requests in work at a listener.
    pub(crate) fn in_work(&self, listener: Listener) -> Gauge {
        self.in_work.get_or_create_owned(&[("listener", listener.to_string())])
    }

    /// The requests that found no place at a listener.
    pub(crate) fn refused(&self, listener: Listener) -> Counter {
        self.refused.get_or_create_owned(&[("listener", listener.to_string())])
    }

    /// All metrics, in the text format of OpenMetrics, which Prometheus reads.
    pub(crate) fn write(&self, findings: Findings) -> Result<String, fmt::Error> {
        let Findings { feed_readers_waiting, feed_pages_read, revocations, pools, .. } = findings;
        let mut now = Registry::with_prefix(PREFIX);
        let waiting = ConstGauge::new(i64::try_from(feed_readers_waiting).unwrap_or(i64::MAX));
        now.register("feed_readers_waiting", "Gateways that wait for news of the feed", waiting);
        let read = ConstCounter::new(feed_pages_read);
        now.register("feed_pages_read", "Pages of the feed that were read from the database", read);
        let up = ConstGauge::new(i64::from(revocations.is_some()));
        now.register("database_up", "Whether the database answered this question for metrics", up);
        let lost = ConstCounter::new(findings.log_lines_lost);
        now.register("log_lines_lost", "Lines of the log that could not be written", lost);
        let failures = ConstCounter::new(findings.housekeeping_failures);
        now.register("housekeeping_failures", "Times that what is needed no more could not be removed", failures);
        let connections = Family::<Labels<2>, Gauge>::default();
        now.register("database_connections", "Connections to the database", connections.clone());
        for PoolUse { pool, idle, used } in pools {
            for (state, number) in [("idle", idle), ("used", used)] {
                let labels = [("pool", pool.to_owned()), ("state", state.to_owned())];
                connections.get_or_create(&labels).set(i64::try_from(number).unwrap_or(i64::MAX));
            }
        }
        // A feed that is not known is left out: a zero would look like a new one.
        if let Some(number) = revocations.and_then(|number| u64::try_from(number).ok()) {
            now.register("revocations", "Entries ever written to the feed", ConstCounter::new(number));
        }
        let mut written = String::new();
        text::encode_registry(&mut written, &self.registry)?;
        text::encode_registry(&mut written, &now)?;
        text::encode_eof(&mut written)?;
        Ok(written)
    }
}

/// The media type of what is written.
pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// In seconds: from an answer out of memory, past the store's time-out of 0.9, to the longest wait for news and the
/// longest revocation.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

const FAILED: &str = "failed";

const PREFIX: &str = "brama_upstream";

const TIMEOUT: &str = "timeout";
