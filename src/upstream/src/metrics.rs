//! Owns the metrics: their names, their labels, and when each moves.
//!
//! `docs/metrics.md` lists them. Label values never come from a request. So labels are free of secrets and identifiers,
//! and the number of series is bounded.

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

use crate::feed::Feed;
use crate::listen::Listener;
use crate::log;
use crate::store::{PoolUse, StoreError};

/// The metrics of one service.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Labels<4>, Histogram>,
    in_work: Family<Labels<1>, Gauge>,
    refused: Family<Labels<1>, Counter>,
    store_failures: Family<Labels<1>, Counter>,
}

type Labels<const N: usize> = [(&'static str, String); N];

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        registry.register("build", "The program", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        let requests: Family<_, _> = Family::new_with_constructor(|| Histogram::new(BUCKETS));
        let help = "How long requests took that were answered";
        registry.register_with_unit("request_duration", help, Unit::Seconds, requests.clone());
        let in_work = Family::default();
        registry.register("requests_in_work", "Requests begun and not done", in_work.clone());
        let refused = Family::default();
        registry.register("requests_refused", "Requests for which there was no place", refused.clone());
        let store_failures = Family::<Labels<1>, Counter>::default();
        registry.register("store_failures", "Requests that the store did not answer", store_failures.clone());
        // Counters of failures are there from the start, so that their first increase is seen.
        for kind in [TIMEOUT, FAILED] {
            drop(store_failures.get_or_create(&[("kind", kind.to_owned())]));
        }
        Self { registry, requests, in_work, refused, store_failures }
    }

    /// Records an answered request.
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
        let labels = [
            ("listener", listener.to_string()),
            ("method", method.to_owned()),
            ("route", route.unwrap_or("none").to_owned()),
            ("class", format!("{}xx", status.as_u16() / 100)),
        ];
        self.requests.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// Records a request that the store did not answer.
    pub(crate) fn store_failed(&self, error: &StoreError) {
        let kind = match error {
            StoreError::Timeout => TIMEOUT,
            StoreError::Shared(error) => return self.store_failed(error),
            _ => FAILED,
        };
        self.store_failures.get_or_create(&[("kind", kind.to_owned())]).inc();
    }

    /// Gauge of the requests in progress at a listener.
    pub(crate) fn in_work(&self, listener: Listener) -> Gauge {
        self.in_work.get_or_create_owned(&[("listener", listener.to_string())])
    }

    /// Counter of the requests that found no place at a listener.
    pub(crate) fn refused(&self, listener: Listener) -> Counter {
        self.refused.get_or_create_owned(&[("listener", listener.to_string())])
    }

    /// All metrics in the text format of OpenMetrics, which Prometheus reads. Those of the feed and the database are
    /// read now.
    pub(crate) async fn write(&self, feed: &Feed) -> Result<String, fmt::Error> {
        // Read before the query that follows, which uses a connection itself.
        let pools = feed.store().pool_use();
        let head = feed.store().revocation_head().await.ok();
        let mut now = Registry::with_prefix(PREFIX);
        let waiting = ConstGauge::new(i64::try_from(feed.readers_waiting()).unwrap_or(i64::MAX));
        now.register("feed_readers_waiting", "Gateways that wait for news of the feed", waiting);
        let read = ConstCounter::new(feed.pages_read());
        now.register("feed_pages_read", "Pages of the feed that were read from the database", read);
        let up = ConstGauge::new(i64::from(head.is_some()));
        now.register("database_up", "Whether the database answered this question for metrics", up);
        now.register("log_lines_lost", "Lines of the log that could not be written", ConstCounter::new(log::lost()));
        let failures = ConstCounter::new(feed.housekeeping_failures());
        now.register("housekeeping_failures", "Times that what is needed no more could not be removed", failures);
        let connections = Family::<Labels<2>, Gauge>::default();
        now.register("database_connections", "Connections to the database", connections.clone());
        for PoolUse { pool, idle, used } in pools {
            for (state, number) in [("idle", idle), ("used", used)] {
                let labels = [("pool", pool.to_owned()), ("state", state.to_owned())];
                connections.get_or_create(&labels).set(i64::try_from(number).unwrap_or(i64::MAX));
            }
        }
        // Left out while the head is unknown: a zero would look like a new feed.
        if let Some(number) = head.and_then(|head| u64::try_from(head.number).ok()) {
            now.register("revocations", "Entries ever written to the feed", ConstCounter::new(number));
        }
        let mut written = String::new();
        text::encode_registry(&mut written, &self.registry)?;
        text::encode_registry(&mut written, &now)?;
        text::encode_eof(&mut written)?;
        Ok(written)
    }
}

/// Media type of the metrics.
pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Bounds of the buckets, in seconds: from an answer out of memory, past the store's time-out of 0.9, to the longest
/// poll and the longest revocation.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

const FAILED: &str = "failed";

const PREFIX: &str = "brama_upstream";

const TIMEOUT: &str = "timeout";
