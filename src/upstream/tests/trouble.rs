//! Behaviour under trouble: too many requests, a database that is locked or gone, bodies that nobody asked for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::{CONNECTION, FORM, KEY, Kind, MSP, READERS, SECRET, Service, WRITERS};
use brama_upstream::operations::Operations;
use serde_json::json;
use tokio::task::JoinSet;

const UNAVAILABLE: (u16, &str, &str) = (503, "internal_error", "Service unavailable");

fn connection() -> String {
    format!("/api/clients/{MSP}/connections/{CONNECTION}")
}

fn authorization() -> String {
    format!("Bearer {SECRET}")
}

#[tokio::test]
async fn what_finds_no_place_is_refused_at_once_and_the_rest_goes_on() {
    let service = Service::with(Kind::Sqlite, Operations::new(1)).await;
    let mut other = service.database.hand().await;
    other.run("BEGIN IMMEDIATE").await.unwrap();
    let path = connection();
    let first = service.delete(&path);
    let second = async {
        service.until(WRITERS, "1").await;
        let reply = service.delete(&path).await;
        // Each listener has its own places.
        let introspection = service.introspect(&format!("token={KEY}")).await;
        other.run("ROLLBACK").await.unwrap();
        (reply, introspection.status)
    };
    let (first, (second, introspection)) = tokio::join!(first, second);
    second.assert_error(UNAVAILABLE.0, UNAVAILABLE.1, UNAVAILABLE.2);
    assert_eq!(second.header("retry-after"), Some("1"));
    assert_eq!((first.status, introspection), (200, 200), "{first:?}");
    // The place is free again.
    assert_eq!(service.delete(&path).await.status, 404);
}

#[tokio::test]
async fn caller_that_gives_up_keeps_its_place_until_its_work_is_done() {
    let service = Service::with(Kind::Sqlite, Operations::new(1)).await;
    let mut other = service.database.hand().await;
    other.run("BEGIN IMMEDIATE").await.unwrap();
    let path = connection();
    tokio::select! {
        reply = service.delete(&path) => panic!("the database is locked: {reply:?}"),
        () = service.until(WRITERS, "1") => {}
    }
    assert_eq!(service.delete(&path).await.status, 503);
    other.run("ROLLBACK").await.unwrap();
    service.until(WRITERS, "0").await;
    assert_eq!(service.delete(&path).await.status, 404, "what was begun was done");
}

#[tokio::test]
async fn crowd_at_the_authority_is_refused_apart_from_health_and_readers_of_the_feed() {
    let service = Service::with(Kind::Sqlite, Operations::new(1)).await;
    let mut other = service.database.hand().await;
    other.run("BEGIN IMMEDIATE").await.unwrap();
    let authorization = authorization();
    let headers = [("authorization", authorization.as_str()), ("content-type", FORM)];
    let first = service.internal("POST", "/revoke", &headers, "token=a.b.c");
    let rest = async {
        service.until(WRITERS, "1").await;
        let second = service.introspect("token=a").await;
        assert_eq!((second.status, second.json()), (503, json!({ "error": "temporarily_unavailable" })));
        assert_eq!(second.header("retry-after"), Some("1"));
        for path in ["/healthz", "/readyz", "/revocations"] {
            assert_eq!(service.internal("GET", path, &headers, "").await.status, 200, "{path}");
        }
        // Strangers are told nothing, not even that there are too many.
        assert_eq!(service.internal("POST", "/introspect", &[], "").await.status, 401);
        other.run("ROLLBACK").await.unwrap();
    };
    let (first, ()) = tokio::join!(first, rest);
    assert_eq!(first.status, 200);
    assert_eq!(service.introspect("token=a").await.status, 200);
}

#[tokio::test]
async fn gateways_that_wait_for_news_take_no_place_of_others() {
    let service = Service::with(Kind::Sqlite, Operations::new(1)).await;
    let authorization = authorization();
    let headers = [("authorization", authorization.as_str())];
    let page = service.internal("GET", "/revocations", &headers, "").await.json();
    let path = format!("/revocations?wait=20000&after={}", page["next"].as_str().unwrap());
    let wait = || service.internal("GET", &path, &headers, "");
    let meanwhile = async {
        service.until(READERS, "3").await;
        let status = service.introspect("token=a").await.status;
        // News, so that nobody has to wait to the end.
        service.database.sql("INSERT INTO brama_revoke (kind, subject) VALUES ('client', 'nobody')").await.unwrap();
        status
    };
    let (one, two, three, introspection) = tokio::join!(wait(), wait(), wait(), meanwhile);
    assert_eq!([one.status, two.status, three.status, introspection], [200; 4]);
}

#[tokio::test]
async fn authority_over_a_locked_or_broken_database_is_unavailable_and_recovers_by_itself() {
    let service = Service::start(Kind::Sqlite).await;
    let authorization = authorization();
    let headers = [("authorization", authorization.as_str()), ("content-type", FORM)];
    let mut other = service.database.hand().await;

    other.run("BEGIN IMMEDIATE").await.unwrap();
    let reply = service.internal("POST", "/revoke", &headers, "token=demo-mis-token").await;
    assert_eq!((reply.status, reply.json()), (503, json!({ "error": "temporarily_unavailable" })));
    assert_eq!(reply.header("retry-after"), Some("1"));
    // Who writes keeps nobody from reading.
    assert_eq!(service.introspect("token=demo-mis-token").await.json()["active"], true);
    other.run("ROLLBACK").await.unwrap();
    assert_eq!(service.internal("POST", "/revoke", &headers, "token=demo-mis-token").await.status, 200);
    assert_eq!(service.introspect("token=demo-mis-token").await.json()["active"], false);

    let api_key = format!("token={KEY}&token_type_hint=api_key");
    service.database.sql("ALTER TABLE mithril_connections RENAME TO away").await.unwrap();
    let reply = service.introspect(&api_key).await;
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("1")), "{reply:?}");
    assert_eq!(service.delete(&connection()).await.status, 503);
    service.database.sql("ALTER TABLE away RENAME TO mithril_connections").await.unwrap();
    assert_eq!(service.introspect(&api_key).await.json()["active"], true);
    assert_eq!(service.delete(&connection()).await.status, 200);
}

#[tokio::test]
async fn reader_that_hangs_up_frees_its_place() {
    for kind in [Kind::Postgres, Kind::Sqlite] {
        let service = Arc::new(Service::start(kind).await);
        let authorization = authorization();
        let headers = [("authorization", authorization.as_str())];
        let page = service.internal("GET", "/revocations", &headers, "").await.json();
        let path = format!("/revocations?wait=20000&after={}", page["next"].as_str().unwrap());
        let mut crowd = JoinSet::new();
        for _ in 0..20 {
            let (service, path, authorization) = (Arc::clone(&service), path.clone(), authorization.clone());
            crowd.spawn(async move { service.internal("GET", &path, &[("authorization", &authorization)], "").await });
        }
        service.until(READERS, "20").await;
        crowd.shutdown().await;
        let left = Instant::now();
        service.until(READERS, "0").await;
        // Far below the twenty seconds that they asked to wait.
        assert!(left.elapsed() < Duration::from_secs(10), "{:?}", left.elapsed());
    }
}

#[tokio::test]
async fn body_on_the_public_listener_is_not_waited_for() {
    let service = Service::start(Kind::Sqlite).await;
    // Announced, and never sent.
    for (name, value) in [("content-length", "10000000000"), ("transfer-encoding", "chunked")] {
        let headers = [("x-consumer-id", crate::support::USER), (name, value)];
        let reply = service.public("DELETE", &connection(), &headers).await;
        assert!([200, 404].contains(&reply.status), "{name}: {reply:?}");
    }
}

#[tokio::test]
async fn body_that_stops_half_way_is_given_up_and_takes_no_place() {
    let service = Service::with(Kind::Sqlite, Operations::new(1)).await;
    let authorization = authorization();
    let headers = [("authorization", authorization.as_str()), ("content-type", FORM), ("content-length", "100")];
    let stopped = service.internal("POST", "/introspect", &headers, "");
    let meanwhile = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        service.introspect("token=a").await.status
    };
    let (stopped, meanwhile) = tokio::join!(stopped, meanwhile);
    assert_eq!((stopped.status, stopped.json()), (408, json!({ "error": "invalid_request" })));
    assert_eq!(meanwhile, 200);
    // Strangers are not waited for: their answer is no 408.
    let headers = [("content-type", FORM), ("content-length", "100")];
    assert_eq!(service.internal("POST", "/introspect", &headers, "").await.status, 401);
}

#[tokio::test]
async fn service_that_is_to_stop_is_alive_and_not_ready() {
    let operations = Operations::new(1);
    let service = Service::with(Kind::Sqlite, operations.clone()).await;
    operations.stop();
    assert_eq!(service.internal("GET", "/healthz", &[], "").await.status, 200);
    let reply = service.internal("GET", "/readyz", &[], "").await;
    assert_eq!((reply.status, reply.json()), (503, json!({ "error": "temporarily_unavailable" })));
    let reply = service.public("GET", "/readyz", &[]).await;
    reply.assert_error(UNAVAILABLE.0, UNAVAILABLE.1, UNAVAILABLE.2);
    // What arrives is served until the listeners go.
    assert_eq!(service.delete(&connection()).await.status, 200);
}
