//! The internal listener: who is told, and what a credential is.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::{
    CONNECTION, FORM, KEY, Kind, MIS_ONE, MIS_TWO, MSP, PREVIOUS, SECRET, Service, TOKEN_AND_KEY, on_both,
};
use brama_upstream::secret::Secret;
use serde_json::{Value, json};

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

impl Service {
    async fn facts(&self, form: &str) -> Value {
        let reply = self.introspect(form).await;
        assert_eq!(reply.status, 200, "{form}: {reply:?}");
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{form}");
        reply.json()
    }

    fn inactive() -> Value {
        json!({ "active": false })
    }
}

async fn access_token_is_its_user_and_client(kind: Kind) {
    let service = Service::start(kind).await;
    let mut facts = service.facts("token=0d7b3a5e9c1f4826b4d0a6e2f8c3957e&token_type_hint=access_token").await;
    let expires = facts["exp"].take().as_u64().unwrap();
    assert!((now() + 86_000..=now() + 86_400).contains(&expires), "{expires}");
    assert_eq!(
        facts,
        json!({
            "active": true,
            "token_use": "access_token",
            "token_type": "Bearer",
            "sub": "05e20000-0000-4000-8000-000000000002",
            "client_id": "c11e0000-0000-4000-8000-000000000013",
            "client_type": "NHS ADMIN",
            "scope": "private_contracts:write connection:delete",
            "exp": null,
        })
    );
}

async fn api_key_is_its_connections_client(kind: Kind) {
    let service = Service::start(kind).await;
    let facts = service.facts(&format!("token={KEY}&token_type_hint=api_key")).await;
    let of = |client: &str, client_type: &str, consumer: &str| {
        json!({
            "active": true,
            "token_use": "api_key",
            "client_id": client,
            "client_type": client_type,
            "scope": "connection:read connection:delete",
            "consumer_id": consumer,
        })
    };
    assert_eq!(facts, of(MIS_ONE, "MIS", MIS_ONE));
    let facts = service.facts("token=demo-msp-connection-secret").await;
    assert_eq!(facts, of(MSP, "MSP", MIS_ONE));
}

async fn hinted_kind_goes_first_and_other_kinds_follow(kind: Kind) {
    let service = Service::start(kind).await;
    for (token, hint, token_use) in [
        (TOKEN_AND_KEY, "", "access_token"),
        (TOKEN_AND_KEY, "&token_type_hint=access_token", "access_token"),
        (TOKEN_AND_KEY, "&token_type_hint=api_key", "api_key"),
        (TOKEN_AND_KEY, "&token_type_hint=", "access_token"),
        (TOKEN_AND_KEY, "&token_type_hint=saml", "access_token"),
        // RFC 7662, 2.1: a wrong hint does not hide the token.
        (KEY, "&token_type_hint=access_token", "api_key"),
        ("demo-mis-token", "&token_type_hint=api_key", "access_token"),
    ] {
        let facts = service.facts(&format!("token={token}{hint}")).await;
        assert_eq!(facts["token_use"], token_use, "{token} {hint}");
    }
    assert_eq!(service.facts(&format!("token={TOKEN_AND_KEY}&token_type_hint=api_key")).await["client_id"], MIS_TWO);
}

async fn credential_that_is_not_good_is_just_inactive(kind: Kind) {
    let service = Service::start(kind).await;
    for token in [
        "unknown",
        "demo-expired-token",
        "demo-refresh-token",
        "demo-2fa-token",
        "demo-blocked-client-token",
        "demo-blocked-api-key",
        "demo-blocked-consumer-api-key",
        // A credential as it is written in the database.
        &Secret::new(KEY).hash().to_hex(),
        "C2778F3064753EA70DE870A53795F5C9",
        "c2778f3064753ea70de870a53795f5c9%20",
        "%00",
        "%FF",
        "' OR '1'='1",
    ] {
        for hint in ["", "&token_type_hint=access_token", "&token_type_hint=api_key"] {
            let facts = service.facts(&format!("token={token}{hint}")).await;
            assert_eq!(facts, Service::inactive(), "{token} {hint}");
        }
    }
}

async fn expired_token_does_not_live_on_as_an_api_key_of_the_same_value(kind: Kind) {
    let service = Service::start(kind).await;
    service.database.sql("UPDATE mithril_tokens SET expires_at = unixepoch()").await.unwrap();
    for hint in ["", "&token_type_hint=access_token"] {
        let facts = service.facts(&format!("token={TOKEN_AND_KEY}{hint}")).await;
        assert_eq!(facts, Service::inactive(), "{hint}");
    }
    // Who asks for the API key gets the API key.
    let facts = service.facts(&format!("token={TOKEN_AND_KEY}&token_type_hint=api_key")).await;
    assert_eq!(facts["token_use"], "api_key");
}

async fn blocking_a_client_ends_its_credentials_at_once(kind: Kind) {
    let service = Service::start(kind).await;
    assert_eq!(service.facts(&format!("token={KEY}")).await["active"], true);
    service
        .database
        .sql("UPDATE mithril_clients SET is_blocked = TRUE WHERE client_type IN ('MIS', 'MSP')")
        .await
        .unwrap();
    for token in [KEY, TOKEN_AND_KEY, "demo-mis-token", "demo-msp-connection-secret"] {
        assert_eq!(service.facts(&format!("token={token}")).await, Service::inactive(), "{token}");
    }
}

async fn deleting_a_connection_ends_its_api_key(kind: Kind) {
    let service = Service::start(kind).await;
    let form = "token=demo-msp-connection-secret&token_type_hint=api_key";
    assert_eq!(service.facts(form).await["active"], true);
    let reply = service.delete(&format!("/api/clients/{MSP}/connections/{CONNECTION}")).await;
    assert_eq!(reply.status, 200);
    assert_eq!(service.facts(form).await, Service::inactive());
}

async fn form_is_percent_decoded_and_read_strictly(kind: Kind) {
    let service = Service::start(kind).await;
    let facts = service.facts("ignored=1&%74oken=uXhEczJ56adsfh3Ri9SUkc4%65n&token_type_hint=api%5Fkey").await;
    assert_eq!(facts["token_use"], "api_key");

    for form in [
        "",
        "token",
        "token=",
        "Token=a",
        "token_type_hint=api_key",
        "token=a&token=a",
        "token=a&%74oken=b",
        "token=a&token_type_hint=api_key&token_type_hint=access_token",
        "{\"token\":\"a\"}",
    ] {
        let reply = service.introspect(form).await;
        assert_eq!((reply.status, reply.json()), (400, json!({ "error": "invalid_request" })), "{form}");
    }

    // The longest credential of the gateway's, each byte encoded as three, is asked about like any other.
    let reply = service.introspect(&format!("token={}&token_type_hint=api_key", "%2F".repeat(8192))).await;
    assert_eq!((reply.status, reply.json()), (200, json!({ "active": false })));
    let reply = service.introspect(&format!("token={}", "a".repeat(40_000))).await;
    assert_eq!((reply.status, reply.json()), (413, json!({ "error": "invalid_request" })));

    let authorization = format!("Bearer {SECRET}");
    for content_type in ["application/json", "text/plain", "multipart/form-data"] {
        let headers = [("authorization", authorization.as_str()), ("content-type", content_type)];
        let reply = service.internal("POST", "/introspect", &headers, "token=a").await;
        assert_eq!((reply.status, reply.json()), (400, json!({ "error": "invalid_request" })), "{content_type}");
    }
}

async fn only_the_current_and_the_previous_secret_open_the_listener(kind: Kind) {
    let service = Service::start(kind).await;
    let ask = async |authorizations: &[String], path: &str| {
        let mut headers: Vec<(&str, &str)> = authorizations.iter().map(|value| ("authorization", &**value)).collect();
        headers.push(("content-type", FORM));
        service.internal("POST", path, &headers, "token=a").await
    };
    for secret in [SECRET, PREVIOUS] {
        for scheme in ["Bearer", "bearer"] {
            assert_eq!(ask(&[format!("{scheme} {secret}")], "/introspect").await.status, 200, "{scheme} {secret}");
        }
    }
    for authorizations in [
        vec![],
        vec![String::new()],
        vec!["Bearer ".to_owned()],
        vec![format!("Basic {SECRET}")],
        vec![SECRET.to_owned()],
        vec![format!("Bearer {SECRET}x")],
        vec![format!("Bearer {}", SECRET.to_uppercase())],
        vec![format!("Bearer {SECRET}"), format!("Bearer {SECRET}")],
        vec![format!("Bearer {SECRET},Bearer {SECRET}")],
    ] {
        // A path that is not there does not say so to strangers.
        for path in ["/introspect", "/nowhere", "/healthz", "/readyz"] {
            let reply = ask(&authorizations, path).await;
            assert_eq!(reply.status, 401, "{authorizations:?} {path}");
            assert!(reply.header("www-authenticate").unwrap().starts_with("Bearer"));
            assert_eq!(reply.json(), json!({ "error": "invalid_token" }));
        }
    }
    assert_eq!(ask(&[format!("Bearer {SECRET}")], "/nowhere").await.status, 404);
    assert_eq!(ask(&[format!("Bearer {SECRET}")], "/healthz").await.status, 405);
}

async fn health_and_readiness_need_no_secret(kind: Kind) {
    let service = Service::start(kind).await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(service.internal("GET", path, &[], "").await.status, 200, "{path}");
    }
    service.database.store.close().await;
    assert_eq!(service.internal("GET", "/healthz", &[], "").await.status, 200);
    let reply = service.internal("GET", "/readyz", &[], "").await;
    assert_eq!((reply.status, reply.json()), (503, json!({ "error": "temporarily_unavailable" })));
}

async fn unanswered_question_is_never_an_inactive_token(kind: Kind) {
    let service = Service::start(kind).await;
    service.database.sql("DROP TABLE mithril_tokens").await.unwrap();
    let reply = service.introspect(&format!("token={TOKEN_AND_KEY}")).await;
    assert_eq!((reply.status, reply.json()), (503, json!({ "error": "temporarily_unavailable" })));
}

on_both![
    access_token_is_its_user_and_client,
    api_key_is_its_connections_client,
    hinted_kind_goes_first_and_other_kinds_follow,
    credential_that_is_not_good_is_just_inactive,
    expired_token_does_not_live_on_as_an_api_key_of_the_same_value,
    blocking_a_client_ends_its_credentials_at_once,
    deleting_a_connection_ends_its_api_key,
    form_is_percent_decoded_and_read_strictly,
    only_the_current_and_the_previous_secret_open_the_listener,
    health_and_readiness_need_no_secret,
    unanswered_question_is_never_an_inactive_token,
];
