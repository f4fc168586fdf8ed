//! The public listener: the real router on a real socket over a real database.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::{CONNECTION, DIVISION, Kind, MSP, NOWHERE, OTHER_MSP, Service, USER, on_both};
use serde_json::json;

const NO_CONNECTION: (u16, &str, &str) = (404, "not_found", "Connection is not found");
const NO_DIVISION: (u16, &str, &str) = (404, "not_found", "Contract division with such id is not found");

fn connection(client: &str, id: &str) -> String {
    format!("/api/clients/{client}/connections/{id}")
}

fn division(id: &str) -> String {
    format!("/api/admin/contract_divisions/{id}")
}

async fn connection_is_deleted_for_good(kind: Kind) {
    let service = Service::start(kind).await;
    let path = connection(MSP, CONNECTION);
    let headers = [
        ("x-consumer-id", USER),
        ("x-forwarded-proto", "https"),
        ("x-request-id", "6617aeec-15e2-4d6f-b9bd-53559c358f97#17810"),
    ];
    let reply = service.public("DELETE", &format!("{path}?secret=1"), &headers).await;

    // The specification's own answer: `meta`, and no `data`.
    let expected = json!({ "meta": {
        "code": 200,
        "url": format!("https://gateway.example{path}"),
        "type": "object",
        "request_id": "6617aeec-15e2-4d6f-b9bd-53559c358f97#17810",
    }});
    assert_eq!((reply.status, reply.json()), (200, expected));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("x-request-id"), Some("6617aeec-15e2-4d6f-b9bd-53559c358f97#17810"));

    let count = format!("SELECT count(*) FROM mithril_connections WHERE id = '{CONNECTION}'");
    assert_eq!(service.database.number(&count).await, 0);
    let again = service.delete(&path).await;
    again.assert_error(NO_CONNECTION.0, NO_CONNECTION.1, NO_CONNECTION.2);
    assert_eq!(again.json()["meta"]["request_id"], json!(null));
    assert_eq!(again.json()["meta"]["url"], format!("http://gateway.example{path}"));
}

async fn connection_that_the_client_has_not_is_not_found(kind: Kind) {
    let service = Service::start(kind).await;
    let before = service.database.number("SELECT count(*) FROM mithril_connections").await;
    for (client, id) in [
        (OTHER_MSP, CONNECTION),
        (MSP, NOWHERE),
        (NOWHERE, CONNECTION),
        (MSP, "E5372365-D47A-467F-81D0-F35117864352"),
        ("1380DF72-275A-11E7-93AE-92361F002671", CONNECTION),
        (MSP, "e5372365d47a467f81d0f35117864352"),
        (MSP, "%7Be5372365-d47a-467f-81d0-f35117864352%7D"),
        (MSP, "e5372365-d47a-467f-81d0-f35117864352%20"),
        (MSP, "e5372365-d47a-467f-81d0-f35117864352%00"),
        (MSP, "%FF"),
        (MSP, "'%20OR%201=1"),
        (MSP, "7"),
    ] {
        let reply = service.delete(&connection(client, id)).await;
        assert_eq!(reply.status, 404, "{client} {id}");
        reply.assert_error(NO_CONNECTION.0, NO_CONNECTION.1, NO_CONNECTION.2);
    }
    assert_eq!(service.database.number("SELECT count(*) FROM mithril_connections").await, before);
}

async fn division_becomes_inactive_in_the_name_of_the_user(kind: Kind) {
    let service = Service::start(kind).await;
    let long_ago = "UPDATE prm_contract_divisions SET inserted_at = '2020-01-01T00:00:00.000Z', updated_at = '2020-01-01T00:00:00.000Z'";
    service.database.sql(long_ago).await.unwrap();
    let reply = service.delete(&division(DIVISION)).await;
    let expected = json!({
        "meta": {
            "code": 200,
            "url": format!("http://gateway.example{}", division(DIVISION)),
            "type": "object",
            "request_id": null,
        },
        "data": {},
    });
    assert_eq!((reply.status, reply.json()), (200, expected));
    let row = format!(
        "SELECT CASE WHEN is_active THEN 'active' ELSE 'inactive' END || ' ' || CAST(updated_by AS TEXT)
             || CASE WHEN updated_at > '2025-01-01' THEN ' now' ELSE ' before' END
         FROM prm_contract_divisions WHERE id = '{DIVISION}'"
    );
    assert_eq!(service.database.text(&row).await, format!("inactive {USER} now"));

    let again = service.delete(&division(DIVISION)).await;
    again.assert_error(NO_DIVISION.0, NO_DIVISION.1, NO_DIVISION.2);
}

async fn division_of_another_contract_type_is_a_conflict_and_unchanged(kind: Kind) {
    let service = Service::start(kind).await;
    for id in ["d1710000-0000-4000-8000-000000000001", "d1710000-0000-4000-8000-000000000002"] {
        service.delete(&division(id)).await.assert_error(
            409,
            "request_conflict",
            "Only contract divisions for contract with type GB_CBP can be deleted",
        );
    }
    let changed = "SELECT count(*) FROM prm_contract_divisions WHERE updated_by IS NOT NULL";
    assert_eq!(service.database.number(changed).await, 0);
}

async fn division_that_is_not_active_is_not_found(kind: Kind) {
    let service = Service::start(kind).await;
    for id in [
        NOWHERE,
        // Inactive; the second one is of another contract type, too: 404 goes before 409.
        "d1710000-0000-4000-8000-000000000003",
        "d1710000-0000-4000-8000-000000000004",
        "B075F148-7F93-4FC2-B2EC-2D81B19A9B7B",
        "b075f1487f934fc2b2ec2d81b19a9b7b",
        "urn:uuid:b075f148-7f93-4fc2-b2ec-2d81b19a9b7b",
        "%FF",
        "1",
    ] {
        let reply = service.delete(&division(id)).await;
        reply.assert_error(NO_DIVISION.0, NO_DIVISION.1, NO_DIVISION.2);
    }
}

async fn request_without_identity_is_refused_before_it_is_routed(kind: Kind) {
    let service = Service::start(kind).await;
    let path = connection(MSP, CONNECTION);
    for headers in [
        &[][..],
        &[("x-consumer-id", "")],
        &[("x-consumer-id", "admin")],
        &[("x-consumer-id", "05E20000-0000-4000-8000-0000000000FF")],
        &[("x-consumer-id", USER), ("x-consumer-id", USER)],
        &[("x-consumer-id", USER), ("x-consumer-id", NOWHERE)],
        &[("x_consumer_id", USER)],
        &[("x-consumer-client-id", MSP), ("x-consumer-scope", "connection:delete")],
    ] {
        for (method, path) in [
            ("DELETE", path.as_str()),
            ("GET", &path),
            ("DELETE", &division(DIVISION)),
            ("GET", "/"),
            ("GET", "/nowhere"),
            ("POST", "/readyz"),
            ("HEAD", "/readyz"),
            ("GET", "/readyz/"),
            ("OPTIONS", "*"),
        ] {
            let reply = service.public(method, path, headers).await;
            assert_eq!(reply.status, 401, "{method} {path} {headers:?}");
            assert!(reply.header("www-authenticate").is_some());
            if method != "HEAD" {
                reply.assert_error(401, "access_denied", "Access denied");
            }
        }
    }
    assert_eq!(service.delete(&path).await.status, 200, "nothing was deleted before");
}

async fn other_paths_and_methods_are_enveloped_refusals(kind: Kind) {
    let service = Service::start(kind).await;
    for path in ["/", "/api", "/api/clients", "//api/admin/contract_divisions/1", "/introspect", "/healthz"] {
        service.delete(path).await.assert_error(404, "not_found", "Not found");
    }
    for path in [connection(MSP, CONNECTION), division(DIVISION), "/readyz".to_owned()] {
        let reply = service.public("PUT", &path, &[("x-consumer-id", USER)]).await;
        reply.assert_error(405, "request_malformed", "Method is not allowed");
        // RFC 9110, 15.5.6: with the methods that are.
        assert!(reply.header("allow").is_some(), "{reply:?}");
    }
}

async fn readiness_needs_no_identity(kind: Kind) {
    let service = Service::start(kind).await;
    let reply = service.public("GET", "/readyz", &[]).await;
    assert_eq!((reply.status, &reply.json()["meta"]["code"]), (200, &json!(200)));
    service.database.store.close().await;
    let reply = service.public("GET", "/readyz", &[]).await;
    reply.assert_error(503, "internal_error", "Service unavailable");
}

async fn of_fifty_equal_deletions_one_succeeds(kind: Kind) {
    let service = Arc::new(Service::start(kind).await);
    for path in [connection(MSP, CONNECTION), division(DIVISION)] {
        let mut requests = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let (service, path) = (service.clone(), path.clone());
            requests.spawn(async move { service.delete(&path).await.status });
        }
        let mut statuses = requests.join_all().await;
        statuses.sort_unstable();
        let mut expected = vec![404; 49];
        expected.insert(0, 200);
        assert_eq!(statuses, expected, "{path}");
    }
}

async fn locked_database_is_unavailable_in_bounded_time_and_nothing_happens(kind: Kind) {
    let service = Service::start(kind).await;
    let mut other = service.database.hand().await;
    other.hold_feed().await;
    // SQLite has one lock for everything.
    if kind == Kind::Postgres {
        other.run("LOCK TABLE prm_contract_divisions").await.unwrap();
    }
    for path in [connection(MSP, CONNECTION), division(DIVISION)] {
        let started = Instant::now();
        let reply = service.delete(&path).await;
        reply.assert_error(503, "internal_error", "Service unavailable");
        assert_eq!(reply.header("retry-after"), Some("1"));
        // The lock is held for ever: whatever is answered is answered in bounded time.
        assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    }
    other.run("ROLLBACK").await.unwrap();
    for path in [connection(MSP, CONNECTION), division(DIVISION)] {
        assert_eq!(service.delete(&path).await.status, 200, "{path}");
    }
}

async fn broken_database_tells_the_client_nothing(kind: Kind) {
    let service = Service::start(kind).await;
    service.database.sql("DROP TABLE prm_contract_divisions").await.unwrap();
    let reply = service.delete(&division(DIVISION)).await;
    reply.assert_error(503, "internal_error", "Service unavailable");
    assert!(!reply.text.contains("prm_"), "{reply:?}");
}

on_both![
    connection_is_deleted_for_good,
    connection_that_the_client_has_not_is_not_found,
    division_becomes_inactive_in_the_name_of_the_user,
    division_of_another_contract_type_is_a_conflict_and_unchanged,
    division_that_is_not_active_is_not_found,
    request_without_identity_is_refused_before_it_is_routed,
    other_paths_and_methods_are_enveloped_refusals,
    readiness_needs_no_identity,
    of_fifty_equal_deletions_one_succeeds,
    locked_database_is_unavailable_in_bounded_time_and_nothing_happens,
    broken_database_tells_the_client_nothing,
];
