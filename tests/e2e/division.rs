//! Delete contract division: the exchanges its specification promises.

use std::path::Path;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use brama_e2e::authority::Mode;
use brama_e2e::client::{Call, Reply};
use brama_e2e::stack::{Gateway, Plan};
use serde_json::{Value, json};

const DIVISION: &str = "b075f148-7f93-4fc2-b2ec-2d81b19a9b7b";
const API_KEY: &str = "c2778f3064753ea70de870a53795f5c9";
const NHS_ADMIN: &str = "0d7b3a5e9c1f4826b4d0a6e2f8c3957e";
const NOT_FOUND: &str = "Contract division with such id is not found";

fn delete(id: &str) -> Call {
    Call::delete(&format!("/api/admin/contract_divisions/{id}"))
}

fn allowed(id: &str) -> Call {
    delete(id).api_key(API_KEY).token(NHS_ADMIN)
}

/// Sends a request that must not get through, and finds the division as it was.
#[track_caller]
fn stopped(gateway: &Gateway, call: &Call) -> Reply {
    let before = gateway.database.division(DIVISION);
    let reply = call.send(gateway.address());
    assert_eq!(gateway.tap.take(), "", "{reply:?}");
    assert_eq!(gateway.database.division(DIVISION), before);
    reply
}

#[test]
fn specified_request_without_a_token_is_401() {
    let gateway = Gateway::start();
    let printed = delete(DIVISION).header("Content-Type", "application/json").api_key(API_KEY);
    stopped(&gateway, &printed).is_unauthenticated();
}

#[test]
fn nhs_admin_deletes_a_division_softly() {
    let gateway = Gateway::start();
    let before = gateway.database.division(DIVISION);
    assert_eq!(before[0], "1");
    let reply = allowed(DIVISION).send(gateway.address());
    let body = reply.envelope();
    assert_eq!(reply.status, 200, "{body}");
    assert_eq!(body["data"], serde_json::json!({}));
    let after = gateway.database.division(DIVISION);
    assert_eq!((after[0].as_str(), after[2].as_str()), ("0", "05e20000-0000-4000-8000-000000000002"));
    assert!(after[1] > before[1], "{before:?} {after:?}");
    let age = age_in_seconds(&after[1]);
    assert!((0..60).contains(&age), "updated {age} s ago: {after:?}");

    allowed(DIVISION).send(gateway.address()).is_error(404, "not_found", NOT_FOUND);
    assert_eq!(gateway.database.division(DIVISION), after);
}

/// Seconds since an ISO 8601 instant in UTC, within a day.
fn age_in_seconds(instant: &str) -> i64 {
    let clock = |text: &str| -> i64 {
        let parts: Vec<i64> = text.split(':').map(|part| part[..2].parse().unwrap()).collect();
        parts[0] * 3600 + parts[1] * 60 + parts[2]
    };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64 % 86_400;
    (now - clock(&instant[11..19])).rem_euclid(86_400)
}

#[test]
fn divisions_that_are_not_there_are_404() {
    let gateway = Gateway::start();
    for id in [
        "00000000-0000-4000-8000-000000000000",
        "d1710000-0000-4000-8000-000000000003",
        "d1710000-0000-4000-8000-000000000004",
        "no-uuid",
        "1",
        "B075F148-7F93-4FC2-B2EC-2D81B19A9B7B",
        "%27%20OR%201=1",
    ] {
        println!("{id}");
        allowed(id).send(gateway.address()).is_error(404, "not_found", NOT_FOUND);
    }
    assert_eq!(gateway.database.division(DIVISION)[0], "1");
}

#[test]
fn other_contract_types_are_409() {
    let gateway = Gateway::start();
    for id in ["d1710000-0000-4000-8000-000000000001", "d1710000-0000-4000-8000-000000000002"] {
        let before = gateway.database.division(id);
        let reply = allowed(id).send(gateway.address());
        reply.is_error(409, "request_conflict", "Only contract divisions for contract with type GB_CBP can be deleted");
        assert_eq!(gateway.database.division(id), before);
    }
}

#[test]
fn api_key_is_judged_before_the_token() {
    let gateway = Gateway::start();
    for call in [
        delete(DIVISION),
        delete(DIVISION).token(NHS_ADMIN),
        delete(DIVISION).api_key("unknown").token(NHS_ADMIN),
        delete(DIVISION).api_key("unknown").token("unknown"),
    ] {
        stopped(&gateway, &call).is_unauthenticated();
        let lookups = gateway.authority.take();
        assert!(lookups.iter().all(|form| form.contains("token_type_hint=api_key")), "{lookups:?}");
    }
    stopped(&gateway, &delete(DIVISION).api_key(API_KEY).token("unknown")).is_unauthenticated();
    assert_eq!(gateway.authority.take().len(), 2);
}

#[test]
fn token_without_the_scope_is_403() {
    let gateway = Gateway::start();
    for token in ["demo-nhs-admin-no-write-token", "demo-mis-token"] {
        let reply = stopped(&gateway, &delete(DIVISION).api_key(API_KEY).token(token));
        reply.is_error(403, "forbidden", "Invalid scopes");
        assert!(reply.header("www-authenticate").unwrap().ends_with("scope=\"private_contracts:write\""));
    }
}

#[test]
fn fifty_concurrent_deletions_are_one() {
    let gateway = Arc::new(Gateway::start());
    let together = Arc::new(Barrier::new(50));
    let senders: Vec<_> = (0..50)
        .map(|_| {
            let (gateway, together) = (Arc::clone(&gateway), Arc::clone(&together));
            thread::spawn(move || {
                together.wait();
                let mut unanswered = 0;
                loop {
                    let reply = allowed(DIVISION).send(gateway.address());
                    reply.envelope();
                    // Nobody could be asked in time; it may have been carried out or not.
                    if !matches!(reply.status, 503 | 504) {
                        return (reply.status, unanswered);
                    }
                    unanswered += 1;
                }
            })
        })
        .collect();
    let ends: Vec<_> = senders.into_iter().map(|sender| sender.join().unwrap()).collect();
    let count = |wanted| ends.iter().filter(|(status, _)| *status == wanted).count();
    let unanswered: u32 = ends.iter().map(|(_, unanswered)| unanswered).sum();
    assert_eq!(count(200) + count(404), 50, "{ends:?}");
    assert!(count(200) == 1 || (count(200) == 0 && unanswered > 0), "{ends:?}");
    assert_eq!(gateway.database.division(DIVISION)[0], "0");
}

/// What nothing looks at harms nothing. What is needed and cannot be read is the credential's fault, and is remembered
/// as that.
#[test]
fn odd_answer_is_judged_by_what_is_needed_of_it_and_asked_for_once() {
    let gateway = Plan::shipped().without_feed().one_worker().plugin(remember_refusals).start();
    let stated = |odd: Value| {
        let stated = json!({
            "active": true, "token_use": "access_token", "sub": "05e20000-0000-4000-8000-000000000001",
            "client_id": "c11e0000-0000-4000-8000-000000000004", "client_type": "NHS ADMIN",
            "scope": "private_contracts:write",
        });
        brama_kit::signer::merged(stated, odd).to_string()
    };
    let in_ten_minutes = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64() + 600.5;
    for (at, (odd, status)) in [
        (json!({}), 404),
        (json!({ "username": 7, "aud": { "a": 1 }, "iat": "now" }), 404),
        (json!({ "client_type": [7] }), 401),
        (json!({ "scope": "private_contracts:write \u{456}\u{43d}\u{448}\u{435} \" a" }), 404),
        (json!({ "exp": in_ten_minutes }), 404),
        (json!({ "sub": { "id": 7 } }), 401),
        (json!({ "client_id": "two words\n" }), 401),
        (json!({ "scope": "\u{456}\u{43d}\u{448}\u{435}" }), 403),
        (json!({ "exp": "tomorrow" }), 401),
    ]
    .into_iter()
    .enumerate()
    {
        let token = format!("odd-{at}");
        gateway.authority.set(Mode::Double(format!("token={token}"), stated(odd.clone())));
        gateway.authority.take();
        for _ in 0..5 {
            let call = Call::delete("/api/admin/contract_divisions/x").api_key(API_KEY).token(&token);
            let reply = call.header("x-request-id", &token).send(gateway.address());
            assert_eq!(reply.status, status, "{odd}: {}", gateway.logged(&token));
        }
        let lookups = gateway.authority.take();
        assert_eq!(lookups.iter().filter(|form| form.contains(&token)).count(), 1, "{odd}: {lookups:?}");
    }
}

/// For longer than any machine takes for five requests.
fn remember_refusals(config: &mut Value, _folder: &Path) {
    let configuration = &mut config["configuration"]["value"];
    let mut policy: Value = serde_json::from_str(configuration.as_str().unwrap()).unwrap();
    policy["credentials"]["token"]["cache"]["refused_ttl"] = "60s".into();
    *configuration = policy.to_string().into();
}
