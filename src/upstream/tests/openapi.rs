//! The OpenAPI documents and the listeners: neither says or does what the other does not.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::support::{
    CONNECTION, DIVISION, FORM, KEY, Kind, MSP, NOWHERE, Reply, SECRET, Service, TOKEN_AND_KEY, USER,
};
use brama_upstream::listen::Listener;
use brama_upstream::openapi;
use brama_upstream::operations::Operations;
use serde_json::Value;

const LISTENERS: [Listener; 2] = [Listener::Internal, Listener::Public];

const JSON: &str = "application/json";

/// A path, a method, a status, and which of the bodies that it may have.
type Answer = (String, String, String, usize);

/// A listener's document, and which of its answers were seen.
struct Contract {
    listener: Listener,
    document: Value,
    seen: BTreeSet<Answer>,
}

impl Contract {
    fn new(listener: Listener) -> Self {
        Self { listener, document: document(listener), seen: BTreeSet::new() }
    }

    /// Each answer that the document has.
    fn told(&self) -> BTreeSet<Answer> {
        let mut told = BTreeSet::new();
        for (path, methods) in self.document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                for (status, response) in operation["responses"].as_object().unwrap() {
                    let media_types = self.resolved(response)["content"].as_object().into_iter().flatten();
                    let bodies = media_types.map(|(_, content)| self.bodies(&content["schema"]).len()).max();
                    let answer = |body| (path.clone(), method.clone(), status.clone(), body);
                    told.extend((0..bodies.unwrap_or(1)).map(answer));
                }
            }
        }
        told
    }

    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(reference) => self.document.pointer(reference.strip_prefix('#').unwrap()).unwrap(),
            None => value,
        }
    }

    /// The schemas of which a body has to fit one.
    fn bodies<'a>(&self, schema: &'a Value) -> Vec<&'a Value> {
        let any = schema["anyOf"].as_array().or(schema["oneOf"].as_array());
        any.map_or_else(|| vec![schema], |schemas| schemas.iter().collect())
    }

    /// What is wrong with a body by a schema of the document.
    fn complaints(&self, schema: &Value, body: &Value) -> Vec<String> {
        let mut schema = schema.clone();
        // References are to this place.
        schema["components"] = self.document["components"].clone();
        let schema = jsonschema::draft202012::new(&schema).unwrap();
        schema.iter_errors(body).map(|error| error.to_string()).collect()
    }

    /// Holds an answer against the document.
    #[track_caller]
    fn hold(&mut self, method: &str, path: &str, reply: &Reply) {
        let (method, status) = (method.to_lowercase(), reply.status.to_string());
        let place = format!("{} {method} {path} {status}", self.listener);
        let response = self.resolved(&self.document["paths"][path][&method]["responses"][&status]);
        assert!(response.is_object(), "{place}: not in the document: {reply:?}");
        for (name, told) in response["headers"].as_object().into_iter().flatten() {
            assert!(told["required"] == false || reply.header(name).is_some(), "{place}: no {name}");
        }
        for name in ["retry-after", "www-authenticate"] {
            assert!(reply.header(name).is_none() || response["headers"][name].is_object(), "{place}: {name}");
        }
        let mut fitting = 0;
        match response["content"].as_object() {
            None => assert_eq!(reply.text, "", "{place}"),
            Some(content) => {
                let media_type = reply.header("content-type").unwrap();
                let body = match media_type {
                    JSON => reply.json(),
                    _ => reply.text.clone().into(),
                };
                let schema = &content[media_type]["schema"];
                let complaints = self.complaints(schema, &body);
                assert!(complaints.is_empty(), "{place}: {complaints:?}: {reply:?}");
                let fits = |schema: &&Value| self.complaints(schema, &body).is_empty();
                fitting = self.bodies(schema).iter().position(fits).unwrap();
            }
        }
        self.seen.insert((path.to_owned(), method, status, fitting));
    }

    /// All that the document tells of was seen, apart from faults that cannot be provoked from outside.
    fn assert_all_seen(&self) {
        let unseen: Vec<_> = self.told().into_iter().filter(|told| !self.seen.contains(told)).collect();
        assert!(unseen.iter().all(|(.., status, _)| status == "500"), "{}: never seen: {unseen:?}", self.listener);
    }
}

fn document(listener: Listener) -> Value {
    serde_json::from_str(openapi::document(listener)).unwrap()
}

#[test]
fn program_prints_the_documents() {
    for listener in LISTENERS {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_brama-upstream"))
            .args(["openapi", &listener.to_string()])
            .output()
            .unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        assert!(output.stdout == openapi::document(listener).as_bytes(), "{listener}");
        assert_eq!(document(listener)["info"]["version"], env!("CARGO_PKG_VERSION"));
    }
}

#[test]
fn documents_are_openapi_3_1() {
    // https://spec.openapis.org/oas/3.1/schema/2022-10-07
    let schema: Value = serde_json::from_str(include_str!("openapi/oas-3.1.schema.json")).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    for listener in LISTENERS {
        let document = document(listener);
        let complaints: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(complaints.is_empty(), "{listener}: {complaints:?}");
        let mut ids = BTreeSet::new();
        let mut schemas = 0;
        walk(&document, &mut |name, value| match name {
            "operationId" => assert!(ids.insert(value.to_string()), "{value} twice"),
            "schema" => {
                assert!(jsonschema::draft202012::meta::is_valid(value), "{value}");
                schemas += 1;
            }
            _ => {}
        });
        assert!(schemas > ids.len(), "{listener}: {schemas}");
    }
    assert!(!validator.is_valid(&serde_json::json!({ "openapi": "3.1.0", "info": {}, "paths": {} })));
}

fn walk(value: &Value, see: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            see(name, value);
            walk(value, see);
        }),
        Value::Array(items) => items.iter().for_each(|item| walk(item, see)),
        _ => {}
    }
}

#[tokio::test]
async fn paths_have_the_methods_of_the_documents_and_no_others() {
    let service = Service::start(Kind::Sqlite).await;
    let authorization = format!("Bearer {SECRET}");
    for listener in LISTENERS {
        let document = document(listener);
        let schemes = &document["components"]["securitySchemes"];
        let credentials = match listener {
            Listener::Internal => ("authorization", authorization.as_str()),
            Listener::Public => (schemes["identity"]["name"].as_str().unwrap(), USER),
        };
        let ask = async |method: &str, path: &str, headers: &[(&str, &str)]| match listener {
            Listener::Internal => service.internal(method, path, headers, "").await,
            Listener::Public => service.public(method, path, headers).await,
        };
        for (path, operations) in document["paths"].as_object().unwrap() {
            let requested = path.replace(['{', '}'], "");
            for method in ["GET", "PUT", "POST", "DELETE", "OPTIONS", "PATCH", "TRACE"] {
                let reply = ask(method, &requested, &[credentials]).await;
                let operation = operations.get(method.to_lowercase());
                assert_eq!(reply.status != 405, operation.is_some(), "{listener} {method} {path}: {reply:?}");
                let stranger = ask(method, &requested, &[]).await;
                let is_open = operation.is_some_and(|operation| operation["security"] == serde_json::json!([]));
                assert_eq!(stranger.status != 401, is_open, "{listener} {method} {path}: {stranger:?}");
            }
        }
    }
}

#[tokio::test]
async fn bounds_are_those_of_the_document() {
    let service = Service::start(Kind::Sqlite).await;
    let authorization = format!("Bearer {SECRET}");
    let headers = [("authorization", authorization.as_str()), ("content-type", JSON)];
    let document = document(Listener::Internal);
    let schemas = &document["components"]["schemas"];
    let longest = schemas["Text"]["maxLength"].as_u64().unwrap();
    let latest = schemas["Moment"]["maximum"].as_u64().unwrap();
    let wait = document["paths"]["/revocations"]["get"]["parameters"].as_array().unwrap().last().unwrap();
    assert_eq!(wait["name"], "wait");
    let wait = wait["schema"]["maximum"].as_u64().unwrap();
    for (more, status) in [(0, 200), (1, 400)] {
        let text = "ї".repeat(usize::try_from(longest + more).unwrap());
        let moment = latest + more;
        for body in [
            format!(r#"{{"client_id":"{text}"}}"#),
            format!(r#"{{"user_id":"{text}"}}"#),
            format!(r#"{{"jti":"{text}","exp":{latest}}}"#),
            format!(r#"{{"jti":"a","exp":{moment}}}"#),
            format!(r#"{{"user_id":"a","issued_before":{moment}}}"#),
        ] {
            assert_eq!(service.internal("POST", "/revocations", &headers, &body).await.status, status, "{body}");
        }
        let path = format!("/revocations?wait={}", wait + more);
        assert_eq!(service.internal("GET", &path, &headers, "").await.status, status, "{path}");
    }
}

#[tokio::test]
async fn answers_of_the_public_listener_are_those_of_its_document() {
    let mut contract = Contract::new(Listener::Public);
    let (connection, division) =
        ("/api/clients/{client_id}/connections/{connection_id}", "/api/admin/contract_divisions/{id}");
    let to_connection = |id: &str| format!("/api/clients/{MSP}/connections/{id}");
    let to_division = |id: &str| format!("/api/admin/contract_divisions/{id}");
    let operations = Operations::new(1);
    let service = Service::with(Kind::Sqlite, operations.clone()).await;
    let other_type = service
        .database
        .text(
            "SELECT division.id FROM prm_contract_divisions AS division
             JOIN prm_contracts AS contract ON contract.id = division.contract_id
             WHERE contract.type <> 'GB_CBP' AND division.is_active = 1 LIMIT 1",
        )
        .await;

    contract.hold("GET", "/readyz", &service.public("GET", "/readyz", &[]).await);
    for (template, path) in [(connection, to_connection(CONNECTION)), (division, to_division(DIVISION))] {
        contract.hold("DELETE", template, &service.public("DELETE", &path, &[]).await);
        // Locked: one asks the store in vain, and the other finds no place.
        let mut other = service.database.hand().await;
        other.run("BEGIN IMMEDIATE").await.unwrap();
        let crowd = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            service.delete(&path).await
        };
        let (first, second) = tokio::join!(service.delete(&path), crowd);
        other.run("ROLLBACK").await.unwrap();
        for reply in [first, second, service.delete(&path).await, service.delete(&path).await] {
            contract.hold("DELETE", template, &reply);
        }
    }
    contract.hold("DELETE", connection, &service.delete(&to_connection("no-id")).await);
    contract.hold("DELETE", connection, &service.delete(&to_connection(NOWHERE)).await);
    contract.hold("DELETE", division, &service.delete(&to_division(&other_type)).await);
    operations.stop();
    contract.hold("GET", "/readyz", &service.public("GET", "/readyz", &[]).await);
    contract.assert_all_seen();
}

#[tokio::test]
async fn answers_of_the_internal_listener_are_those_of_its_document() {
    let mut contract = Contract::new(Listener::Internal);
    let operations = Operations::new(64);
    let service = Service::with(Kind::Sqlite, operations.clone()).await;
    let authorization = format!("Bearer {SECRET}");
    let ask = async |method: &str, path: &str, media_type: &str, body: &str| {
        let headers = [("authorization", authorization.as_str()), ("content-type", media_type)];
        service.internal(method, path, &headers, body).await
    };
    let long = format!("token={}", "a".repeat(40_000));
    // {"alg":"x"}, with {"exp":4000000000} and with {"jti":""}
    let jwt = "token=eyJhbGciOiJ4In0.eyJleHAiOjQwMDAwMDAwMDB9.c2ln";
    let odd_jwt = "token=eyJhbGciOiJ4In0.eyJqdGkiOiIifQ.c2ln";
    let posted = [
        ("/introspect", FORM, format!("token={TOKEN_AND_KEY}")),
        ("/introspect", FORM, format!("token={KEY}")),
        ("/introspect", FORM, "token=unknown".to_owned()),
        ("/introspect", FORM, String::new()),
        ("/introspect", FORM, long.clone()),
        ("/revocations", JSON, "{\"jti\":\"one\",\"exp\":4000000000}".to_owned()),
        ("/revocations", JSON, format!("{{\"client_id\":\"{MSP}\"}}")),
        ("/revocations", JSON, format!("{{\"user_id\":\"{USER}\"}}")),
        ("/revocations", JSON, "{\"all\":true}".to_owned()),
        ("/revocations", JSON, "{}".to_owned()),
        ("/revocations", JSON, long.clone()),
        ("/revoke", FORM, jwt.to_owned()),
        ("/revoke", FORM, odd_jwt.to_owned()),
        ("/revoke", FORM, format!("token={KEY}&token_type_hint=api_key")),
        ("/revoke", FORM, String::new()),
        ("/revoke", FORM, long),
    ];
    for (path, media_type, body) in &posted {
        contract.hold("POST", path, &ask("POST", path, media_type, body).await);
        contract.hold("POST", path, &service.internal("POST", path, &[], "").await);
    }
    let stopped = [("authorization", authorization.as_str()), ("content-type", FORM), ("content-length", "9")];
    let stopped = |path| service.internal("POST", path, &stopped, "");
    let paths = ["/introspect", "/revocations", "/revoke"];
    let (one, two, three) = tokio::join!(stopped(paths[0]), stopped(paths[1]), stopped(paths[2]));
    for (path, reply) in paths.into_iter().zip([one, two, three]) {
        contract.hold("POST", path, &reply);
    }
    for path in ["/healthz", "/metrics", "/readyz"] {
        contract.hold("GET", path, &ask("GET", path, JSON, "").await);
    }
    // Now the feed has entries of each kind.
    for query in ["", "?from=start", "?after=1380df72-275a-11e7-93ae-92361f002671:0", "?after=7"] {
        contract.hold("GET", "/revocations", &ask("GET", &format!("/revocations{query}"), JSON, "").await);
    }
    contract.hold("GET", "/revocations", &service.internal("GET", "/revocations", &[], "").await);
    let fill = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
                INSERT INTO brama_revoke (kind, subject, expires_at) SELECT 'jti', i, unixepoch() + 60 FROM n";
    service.database.sql(fill).await.unwrap();
    // It is counted once a second.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    contract.hold("POST", "/revocations", &ask("POST", "/revocations", JSON, &posted[5].2).await);
    contract.hold("POST", "/revoke", &ask("POST", "/revoke", FORM, jwt).await);
    operations.stop();
    contract.hold("GET", "/readyz", &ask("GET", "/readyz", JSON, "").await);
    service.database.store.close().await;
    contract.hold("GET", "/metrics", &ask("GET", "/metrics", JSON, "").await);
    contract.hold("GET", "/revocations", &ask("GET", "/revocations", JSON, "").await);
    for (path, body) in [("/introspect", "token=a"), ("/revoke", "token=a")] {
        contract.hold("POST", path, &ask("POST", path, FORM, body).await);
    }
    contract.hold("POST", "/revocations", &ask("POST", "/revocations", JSON, "{\"all\":true}").await);
    contract.assert_all_seen();
}
