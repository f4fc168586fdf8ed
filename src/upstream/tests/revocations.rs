//! The revocation feed and what revokes, on the internal listener.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::support::{
    CONNECTION, FORM, KEEP, KEY, Kind, MIS_ONE, MIS_TWO, MSP, READERS, Reply, SECRET, Service, TOKEN_AND_KEY, on_both,
};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use brama_upstream::secret::Secret;
use serde_json::{Value, json};
use tokio::task::JoinSet;

const JSON: &str = "application/json";

impl Service {
    async fn get(&self, query: &str) -> Reply {
        let authorization = format!("Bearer {SECRET}");
        self.internal("GET", &format!("/revocations{query}"), &[("authorization", authorization.as_str())], "").await
    }

    async fn page(&self, query: &str) -> Value {
        let reply = self.get(query).await;
        assert_eq!(reply.status, 200, "{query}: {reply:?}");
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{query}");
        reply.json()
    }

    /// A cursor at the head.
    async fn cursor(&self) -> String {
        self.page("").await["next"].as_str().unwrap().to_owned()
    }

    async fn entries(&self, cursor: &str) -> Vec<Value> {
        let page = self.page(&format!("?after={cursor}")).await;
        assert_eq!((&page["more"], &page["reset"]), (&json!(false), &json!(false)), "{page}");
        page["entries"].as_array().unwrap().clone()
    }

    async fn post(&self, path: &str, content_type: &str, body: &str) -> Reply {
        let authorization = format!("Bearer {SECRET}");
        let headers = [("authorization", authorization.as_str()), ("content-type", content_type)];
        self.internal("POST", path, &headers, body).await
    }

    async fn revoke(&self, document: &Value) -> Value {
        let reply = self.post("/revocations", JSON, &document.to_string()).await;
        assert_eq!(reply.status, 200, "{document}: {reply:?}");
        reply.json()
    }

    async fn is_active(&self, token: &str, hint: &str) -> bool {
        let reply = self.introspect(&format!("token={token}&token_type_hint={hint}")).await;
        reply.json()["active"].as_bool().unwrap()
    }

    /// Waits until the rows of what was revoked are gone.
    async fn is_swept(&self) {
        let give_up = Instant::now() + Duration::from_secs(60);
        while self.database.number("SELECT count(*) FROM brama_cutoffs WHERE NOT is_swept").await > 0 {
            assert!(Instant::now() < give_up, "rows are left");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn delete_connection(&self) {
        let reply = self.delete(&format!("/api/clients/{MSP}/connections/{CONNECTION}")).await;
        assert_eq!(reply.status, 200, "{reply:?}");
    }
}

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

fn sha256(credential: &str) -> String {
    Secret::new(credential).hash().to_hex()
}

fn jwt(claims: &Value) -> String {
    let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.c2lnbmF0dXJl", part(r#"{"alg":"ES256","typ":"at+jwt"}"#), part(&claims.to_string()))
}

/// The kinds of entries and whether they concern JWTs, in order.
fn kinds(entries: &[Value]) -> Vec<(&str, bool)> {
    entries.iter().map(|entry| (entry["kind"].as_str().unwrap(), entry.get("until").is_some())).collect()
}

async fn deleted_connection_is_told_with_its_api_keys_hash(kind: Kind) {
    let service = Service::start(kind).await;
    let page = service.page("").await;
    let feed = page["feed"].as_str().unwrap();
    let expected = json!({
        "feed": feed, "head": 0, "entries": [], "more": false, "next": format!("{feed}:0"), "reset": false,
    });
    assert_eq!(page, expected);

    service.delete_connection().await;
    let mut page = service.page(&format!("?after={feed}:0")).await;
    let at = page["entries"][0]["at"].take().as_i64().unwrap();
    assert!((now() - 5..=now()).contains(&at), "{at}");
    let entry =
        json!({ "number": 1, "kind": "credential", "sha256": sha256("demo-msp-connection-secret"), "at": null });
    let expected = json!({
        "feed": feed, "head": 1, "entries": [entry], "more": false, "next": format!("{feed}:1"), "reset": false,
    });
    assert_eq!(page, expected);
    assert!(!service.is_active("demo-msp-connection-secret", "api_key").await);
}

async fn reader_without_a_place_begins_at_the_head_or_with_the_deny_list(kind: Kind) {
    let service = Service::start(kind).await;
    service.delete_connection().await;
    service.revoke(&json!({ "user_id": "a user", "issued_before": 1000 })).await;
    for query in ["", "?from=head", "?from=head&wait=20000"] {
        let page = service.page(query).await;
        assert_eq!((&page["head"], &page["entries"]), (&json!(2), &json!([])), "{query}");
    }
    let page = service.page("?from=start").await;
    let entry = &page["entries"][0];
    let at = entry["at"].as_i64().unwrap();
    let until = at + i64::try_from(KEEP.longest_jwt.as_secs()).unwrap() + 3600;
    let expected =
        json!({ "number": 2, "kind": "user", "user_id": "a user", "issued_before": 1000, "at": at, "until": until });
    assert_eq!((entry, page["entries"].as_array().unwrap().len()), (&expected, 1));
    assert_eq!(page["next"], service.cursor().await);
}

async fn reader_that_may_have_missed_something_is_reset(kind: Kind) {
    let service = Service::start(kind).await;
    service.delete_connection().await;
    let here = service.page("").await;
    let feed = here["feed"].as_str().unwrap();
    for cursor in [format!("{MSP}:1"), format!("{feed}:2"), format!("{feed}:2:1")] {
        // News to be told at once, however long the reader would wait.
        let page = service.page(&format!("?after={cursor}&wait=20000")).await;
        let expected = json!({
            "feed": feed, "head": 1, "entries": [], "more": false, "next": format!("{feed}:1"), "reset": true,
        });
        assert_eq!(page, expected, "{cursor}");
    }
}

async fn odd_question_is_refused_with_the_place(kind: Kind) {
    let service = Service::start(kind).await;
    for (query, place) in [
        ("?after=7", "after: not a cursor of this feed's making"),
        ("?after=", "after: not a cursor of this feed's making"),
        ("?from=middle", "from: neither head nor start"),
        ("?wait=20001", "wait: not a number of milliseconds from 0 to 20000"),
        ("?since=7", "query: a parameter other than after, from and wait"),
    ] {
        let reply = service.get(query).await;
        let expected = json!({ "error": "invalid_request", "error_description": place });
        assert_eq!((reply.status, reply.json()), (400, expected), "{query}");
    }
    assert_eq!(service.post("/revocations?after=7", JSON, "{}").await.status, 400);
    assert_eq!(
        service.internal("DELETE", "/revocations", &[("authorization", &format!("Bearer {SECRET}"))], "").await.status,
        405
    );
}

async fn secret_is_required(kind: Kind) {
    let service = Service::start(kind).await;
    for (method, path) in [("GET", "/revocations"), ("POST", "/revocations"), ("POST", "/revoke")] {
        for headers in [&[][..], &[("authorization", "Bearer wrong-secret-of-tests")]] {
            let reply = service.internal(method, path, headers, "").await;
            assert_eq!((reply.status, reply.json()), (401, json!({ "error": "invalid_token" })), "{method} {path}");
        }
    }
    assert_eq!(service.page("").await["head"], 0);
}

async fn who_waits_is_told_at_once_and_at_the_deadline_otherwise(kind: Kind) {
    let service = Service::start(kind).await;
    for round in 0..4 {
        let cursor = service.cursor().await;
        let query = format!("?after={cursor}&wait=20000");
        let told = async { (service.page(&query).await, Instant::now()) };
        let revoked = async {
            service.until(READERS, "1").await;
            // By the service, and by a hand, of which the service hears nothing.
            if round % 2 == 0 {
                service.revoke(&json!({ "client_id": "nobody" })).await;
            } else {
                let insert = "INSERT INTO brama_revoke (kind, subject) VALUES ('client', 'nobody')";
                service.database.sql(insert).await.unwrap();
            }
            Instant::now()
        };
        let ((page, told), revoked) = tokio::join!(told, revoked);
        assert_eq!(kinds(page["entries"].as_array().unwrap()), [("client", round % 2 == 0)]);
        // Far below the twenty seconds that it would wait.
        let delay = told.saturating_duration_since(revoked);
        assert!(delay < Duration::from_secs(15), "{delay:?}");
    }

    let cursor = service.cursor().await;
    let asked = Instant::now();
    let page = service.page(&format!("?after={cursor}&wait=300")).await;
    let took = asked.elapsed();
    assert!(took >= Duration::from_millis(300), "{took:?}");
    assert_eq!((&page["next"], &page["entries"]), (&json!(cursor), &json!([])));
}

async fn crowd_that_waits_is_told_whole(kind: Kind) {
    let service = Arc::new(Service::start(kind).await);
    let cursor = service.cursor().await;
    let mut crowd = JoinSet::new();
    for _ in 0..200 {
        let (service, query) = (Arc::clone(&service), format!("?after={cursor}&wait=20000"));
        crowd.spawn(async move { (service.page(&query).await, Instant::now()) });
    }
    service.until(READERS, "200").await;
    assert!(crowd.try_join_next().is_none(), "all of them wait");
    service.delete_connection().await;
    let deleted = Instant::now();
    let answers = crowd.join_all().await;
    assert_eq!(answers.len(), 200);
    for (page, told) in answers {
        assert_eq!(kinds(page["entries"].as_array().unwrap()), [("credential", false)]);
        let delay = told.saturating_duration_since(deleted);
        assert!(delay < Duration::from_secs(15), "{delay:?}");
    }
}

async fn answer_that_was_asked_for_after_a_revocation_is_inactive(kind: Kind) {
    let service = Service::start(kind).await;
    for token in ["demo-msp-read-token", "demo-mis-token", "demo-nhs-token", "demo-pharmacy-token"] {
        assert!(service.is_active(token, "access_token").await, "{token}");
        let query = format!("?after={}&wait=20000", service.cursor().await);
        let told = async {
            let page = service.page(&query).await;
            (page["entries"][0]["sha256"].clone(), service.is_active(token, "access_token").await)
        };
        let revoked = async { service.post("/revoke", FORM, &format!("token={token}")).await };
        let (told, revoked) = tokio::join!(told, revoked);
        assert_eq!((revoked.status, revoked.text.as_str()), (200, ""));
        assert_eq!(told, (json!(sha256(token)), false), "{token}");
    }
}

async fn revoke_is_of_rfc_7009(kind: Kind) {
    let service = Service::start(kind).await;
    for (form, status, error) in [
        ("token=unknown", 200, None),
        ("token=demo-mis-token&token_type_hint=refresh_token", 200, None),
        ("token=demo-mis-token", 200, None),
        ("token=demo-nhs-token&token_type_hint=api_key", 200, None),
        ("token=demo-refresh-token", 200, None),
        ("token=a.b.c", 200, None),
        ("token=uXhEczJ56adsfh3Ri9SUkc4en", 400, Some("unsupported_token_type")),
        ("token=uXhEczJ56adsfh3Ri9SUkc4en&token_type_hint=access_token", 400, Some("unsupported_token_type")),
        ("token=c2778f3064753ea70de870a53795f5c9&token_type_hint=api_key", 400, Some("unsupported_token_type")),
        ("", 400, Some("invalid_request")),
        ("token=", 400, Some("invalid_request")),
        ("token=a&token=b", 400, Some("invalid_request")),
        ("token_type_hint=access_token", 400, Some("invalid_request")),
    ] {
        let reply = service.post("/revoke", FORM, form).await;
        let told = if reply.text.is_empty() { Value::Null } else { reply.json()["error"].clone() };
        assert_eq!((reply.status, told), (status, json!(error)), "{form}");
    }
    assert!(service.is_active(KEY, "api_key").await);
    assert!(service.is_active(TOKEN_AND_KEY, "access_token").await);
    assert_eq!(service.page("").await["head"], 2, "two access tokens were known");
    let count = "SELECT count(*) FROM mithril_tokens WHERE name = 'refresh_token'";
    assert_eq!(service.database.number(count).await, 0);
}

async fn revoked_jwt_is_denied_until_it_ends(kind: Kind) {
    let service = Service::start(kind).await;
    let start = service.cursor().await;
    let (soon, later) = (now() + 600, now() + i64::try_from(KEEP.longest_jwt.as_secs()).unwrap());
    let (named, nameless) = (jwt(&json!({ "jti": "j-1", "exp": soon })), jwt(&json!({ "sub": "s" })));
    let dead = jwt(&json!({ "jti": "j-2", "exp": now() - 4000 }));
    // A second time changes nothing.
    for token in [&named, &named, &nameless, &dead] {
        assert_eq!(service.post("/revoke", FORM, &format!("token={token}")).await.status, 200, "{token}");
    }
    let entries = service.entries(&start).await;
    assert_eq!(kinds(&entries), [("credential", true), ("jti", true), ("credential", true)]);
    assert_eq!((&entries[0]["sha256"], &entries[0]["until"]), (&json!(sha256(&named)), &json!(soon + 3600)));
    assert_eq!((&entries[1]["jti"], &entries[1]["until"]), (&json!("j-1"), &json!(soon + 3600)));
    assert_eq!(entries[2]["sha256"], sha256(&nameless));
    let until = entries[2]["until"].as_i64().unwrap();
    assert!((later + 3600..later + 3610).contains(&until), "{until}");
    assert_eq!(service.page("?from=start").await["entries"], json!(entries));

    let long = jwt(&json!({ "jti": "j".repeat(513), "exp": soon }));
    let reply = service.post("/revoke", FORM, &format!("token={long}")).await;
    assert_eq!((reply.status, &reply.json()["error"]), (400, &json!("invalid_request")));
}

async fn client_is_revoked_whole(kind: Kind) {
    let service = Service::start(kind).await;
    let start = service.cursor().await;
    let answer = service.revoke(&json!({ "client_id": MSP })).await;
    assert_eq!(answer, json!({ "next": service.cursor().await }));
    for (credential, hint) in [("demo-msp-read-token", "access_token"), ("demo-msp-spare-1", "api_key")] {
        assert!(!service.is_active(credential, hint).await, "{credential}");
    }
    let entries = service.entries(&start).await;
    // One entry for all that the client has; a connection that it only uses is another client's.
    let client = &entries[0];
    assert_eq!((&client["kind"], &client["client_id"]), (&json!("client"), &json!(MSP)), "{entries:?}");
    assert_eq!(client["issued_before"].as_i64().unwrap(), client["at"].as_i64().unwrap() + 1);
    assert!(entries[1..].iter().all(|entry| entry["kind"] == "credential"), "{entries:?}");
    service.is_swept().await;
    for rows in [
        format!("mithril_connections WHERE '{MSP}' IN (client_id, consumer_id)"),
        format!("mithril_tokens WHERE client_id = '{MSP}'"),
    ] {
        assert_eq!(service.database.number(&format!("SELECT count(*) FROM {rows}")).await, 0, "{rows}");
    }
    assert_eq!(service.entries(&start).await, entries, "the rows go without a word");

    // A consumer's key belongs to a connection of somebody else's.
    service.revoke(&json!({ "client_id": MIS_TWO })).await;
    assert!(!service.is_active("demo-pharmacy-spare-2", "api_key").await);
    assert!(service.is_active("demo-pharmacy-spare-1", "api_key").await);
    assert!(service.is_active(KEY, "api_key").await, "{MIS_ONE}");
}

async fn everything_is_revoked_but_api_keys(kind: Kind) {
    let service = Service::start(kind).await;
    let old = service.cursor().await;
    service.revoke(&json!({ "all": true })).await;
    assert!(!service.is_active("demo-mis-token", "access_token").await);
    service.is_swept().await;
    assert_eq!(service.database.number("SELECT count(*) FROM mithril_tokens").await, 0);
    assert_eq!(kinds(&service.entries(&old).await), [("all", true)]);
    assert_eq!(kinds(service.page("?from=start").await["entries"].as_array().unwrap()), [("all", true)]);
    assert!(!service.is_active("demo-mis-token", "access_token").await);
    assert!(service.is_active(KEY, "api_key").await);
}

async fn odd_revocation_revokes_nothing(kind: Kind) {
    let service = Service::start(kind).await;
    for (document, place) in [
        ("", "body: "),
        ("[]", "body: "),
        ("{}", "body: "),
        (r#"{"all":false}"#, "body: "),
        (r#"{"all":true,"client_id":"a"}"#, "body: "),
        (r#"{"client_id":"a","user_id":"a"}"#, "body: "),
        (r#"{"client_id":"a","issued_before":1}"#, "body: "),
        (r#"{"issued_before":1}"#, "body: "),
        (r#"{"jti":"a"}"#, "body: "),
        (r#"{"all":true} {}"#, "body: "),
        (r#"{"client_id":""}"#, "client_id: "),
        (r#"{"client_id":7}"#, "client_id: "),
        (r#"{"client_id":"a\u0000"}"#, "client_id: "),
        (r#"{"user_id":"a","issued_before":-1}"#, "issued_before: "),
        (r#"{"user_id":"a","issued_before":1.5}"#, "issued_before: "),
        (r#"{"jti":"a","exp":9223372036854775807}"#, "exp: "),
        (r#"{"user_id":"a","issued_before":null}"#, "issued_before: "),
        (r#"{"client_id":"a","all":null}"#, "all: "),
        (r#"{"all":true,"all":true}"#, "body: "),
        (r#"{"everything":true}"#, "everything"),
    ] {
        let reply = service.post("/revocations", JSON, document).await;
        let description = reply.json()["error_description"].as_str().unwrap().to_owned();
        assert_eq!(reply.status, 400, "{document}");
        assert!(description.starts_with(place), "{document}: {description}");
    }
    assert_eq!(service.post("/revocations", FORM, r#"{"all":true}"#).await.status, 400);
    assert_eq!(service.post("/revocations", JSON, &" ".repeat(40_000)).await.status, 413);
    assert_eq!(service.page("").await["head"], 0);
}

on_both![
    deleted_connection_is_told_with_its_api_keys_hash,
    reader_without_a_place_begins_at_the_head_or_with_the_deny_list,
    reader_that_may_have_missed_something_is_reset,
    odd_question_is_refused_with_the_place,
    secret_is_required,
    who_waits_is_told_at_once_and_at_the_deadline_otherwise,
    crowd_that_waits_is_told_whole,
    answer_that_was_asked_for_after_a_revocation_is_inactive,
    revoke_is_of_rfc_7009,
    revoked_jwt_is_denied_until_it_ends,
    client_is_revoked_whole,
    everything_is_revoked_but_api_keys,
    odd_revocation_revokes_nothing,
];
