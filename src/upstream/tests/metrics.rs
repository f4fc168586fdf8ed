//! The metrics: what is counted, and what is never told.

use std::collections::BTreeSet;

use crate::support::{CONNECTION, KEY, Kind, MSP, READERS, SECRET, Service, USER, WRITERS};
use brama_upstream::operations::Operations;

impl Service {
    async fn metrics(&self) -> String {
        let reply = self.internal("GET", "/metrics", &[], "").await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        assert_eq!(reply.header("content-type"), Some(media_type));
        assert!(reply.text.ends_with("# EOF\n"), "{reply:?}");
        reply.text
    }
}

/// The value of a sample, of the text of metrics.
#[track_caller]
fn value(metrics: &str, sample: &str) -> f64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix("brama_upstream_")?.strip_prefix(sample));
    line.unwrap_or_else(|| panic!("no {sample}: {metrics}")).trim().parse().unwrap()
}

fn answered(listener: &str, method: &str, route: &str, class: &str) -> String {
    format!(
        "request_duration_seconds_count{{listener=\"{listener}\",method=\"{method}\",route=\"{route}\",class=\"{class}\"}}"
    )
}

#[tokio::test]
async fn requests_are_counted_by_route_and_class_and_name_nobody() {
    let service = Service::start(Kind::Sqlite).await;
    let before = value(&service.metrics().await, "revocations_total");
    let path = format!("/api/clients/{MSP}/connections/{CONNECTION}");
    assert_eq!(service.delete(&path).await.status, 200);
    assert_eq!(service.delete(&path).await.status, 404);
    assert_eq!(service.public("BREW", "/secret-path?secret=1", &[("x-consumer-id", USER)]).await.status, 404);
    assert_eq!(service.introspect(&format!("token={KEY}")).await.status, 200);
    assert_eq!(service.internal("POST", "/introspect", &[], "").await.status, 401);

    let metrics = service.metrics().await;
    let connections = "/api/clients/{client_id}/connections/{connection_id}";
    for (sample, expected) in [
        (answered("public", "DELETE", connections, "2xx"), 1.0),
        (answered("public", "DELETE", connections, "4xx"), 1.0),
        (answered("public", "other", "none", "4xx"), 1.0),
        (answered("internal", "POST", "/introspect", "2xx"), 1.0),
        (answered("internal", "POST", "/introspect", "4xx"), 1.0),
        (answered("internal", "GET", "/metrics", "2xx"), 1.0),
        ("requests_in_work{listener=\"public\"}".to_owned(), 0.0),
        ("requests_in_work{listener=\"internal\"}".to_owned(), 1.0),
        ("requests_refused_total{listener=\"public\"}".to_owned(), 0.0),
        ("store_failures_total{kind=\"timeout\"}".to_owned(), 0.0),
        ("store_failures_total{kind=\"failed\"}".to_owned(), 0.0),
        ("feed_readers_waiting".to_owned(), 0.0),
        ("database_up".to_owned(), 1.0),
        (format!("build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION")), 1.0),
    ] {
        assert_eq!(value(&metrics, &sample), expected, "{sample}: {metrics}");
    }
    assert!(value(&metrics, "revocations_total") > before, "{metrics}");
    for secret in [KEY, SECRET, USER, MSP, CONNECTION, "BREW", "secret-path"] {
        assert!(!metrics.contains(secret), "{secret}: {metrics}");
    }
}

#[tokio::test]
async fn trouble_is_counted() {
    let service = Service::with(Kind::Sqlite, Operations::new(1)).await;
    let mut other = service.database.hand().await;
    other.run("BEGIN IMMEDIATE").await.unwrap();
    let path = format!("/api/clients/{MSP}/connections/{CONNECTION}");
    let second = async {
        service.until(WRITERS, "1").await;
        let status = service.delete(&path).await.status;
        (status, service.metrics().await)
    };
    let (first, (second, meanwhile)) = tokio::join!(service.delete(&path), second);
    assert_eq!((first.status, second), (503, 503));
    for (state, expected) in [("idle", 0.0), ("used", 1.0)] {
        let connections = format!("database_connections{{pool=\"writers\",state=\"{state}\"}}");
        assert_eq!(value(&meanwhile, &connections), expected, "{meanwhile}");
    }
    let metrics = service.metrics().await;
    assert_eq!(value(&metrics, "requests_refused_total{listener=\"public\"}"), 1.0, "{metrics}");
    // SQLite gives the lock up a moment before the store does; on a loaded machine the store may be first.
    let failures =
        ["failed", "timeout"].map(|kind| value(&metrics, &format!("store_failures_total{{kind=\"{kind}\"}}")));
    assert_eq!(failures.iter().sum::<f64>(), 1.0, "{metrics}");

    service.database.store.close().await;
    let metrics = service.metrics().await;
    assert_eq!(value(&metrics, "database_up"), 0.0);
    assert!(!metrics.contains("revocations_total"), "an unknown feed is no new one: {metrics}");
}

#[tokio::test]
async fn gateways_that_wait_are_counted() {
    let service = Service::start(Kind::Sqlite).await;
    let authorization = format!("Bearer {SECRET}");
    let headers = [("authorization", authorization.as_str())];
    let page = service.internal("GET", "/revocations", &headers, "").await.json();
    let path = format!("/revocations?wait=20000&after={}", page["next"].as_str().unwrap());
    let waiting = service.internal("GET", &path, &headers, "");
    let metrics = async {
        service.until(READERS, "1").await;
        service.database.sql("INSERT INTO brama_revoke (kind, subject) VALUES ('client', 'nobody')").await.unwrap();
    };
    tokio::join!(waiting, metrics);
    assert_eq!(value(&service.metrics().await, "feed_readers_waiting"), 0.0);
}

/// The names in the document, and those of a service that has answered something.
#[tokio::test]
async fn every_metric_is_in_the_document() {
    let document = include_str!("../../../docs/metrics.md");
    let (_before, section) = document.split_once("\n## The upstream\n").unwrap();
    let names = section.lines().filter_map(|line| line.strip_prefix("| `brama_upstream_")?.split_once('`'));
    let documented: BTreeSet<_> = names.map(|(name, _)| name).collect();

    let service = Service::start(Kind::Sqlite).await;
    service.internal("GET", "/readyz", &[], "").await;
    let metrics = service.metrics().await;
    let samples = metrics.lines().filter_map(|line| line.strip_prefix("brama_upstream_")?.split_once([' ', '{']));
    // A histogram has three.
    let name =
        |sample| ["_count", "_sum", "_bucket"].iter().find_map(|end| str::strip_suffix(sample, end)).unwrap_or(sample);
    let told: BTreeSet<_> = samples.map(|(sample, _)| name(sample)).collect();
    assert_eq!(told, documented);
}
