//! What a line of a replay may say, and what is said of one that says something else.

use std::sync::Arc;

use brama_policy::deciding::{Policy, PolicyDocument, UnixTime};
use brama_replay::{InvalidLine, RequestLine, Verdict};
use serde_json::{Value, json};
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

const OWN: &str = "/api/clients/1380df72-275a-11e7-93ae-92361f002671/connections/c1";

fn ehealth() -> Arc<Policy> {
    let document: Value = serde_saphyr::from_str(include_str!("../../../policies/ehealth.yaml")).unwrap();
    Arc::new(Policy::compile(&PolicyDocument::read(&document.to_string()).unwrap()).unwrap())
}

fn verdict(line: &[u8]) -> Result<Value, InvalidLine> {
    let decision = RequestLine::read(line)?.judge(&ehealth(), UnixTime::from_seconds(1_700_000_000))?;
    Ok(serde_json::to_value(Verdict::from(&decision)).unwrap())
}

#[track_caller]
fn outcome(token: &str, rest: &str) -> String {
    let line = format!(r#"{{"method":"DELETE","path":"{OWN}","api_key":{{}},"token":{token}{rest}}}"#);
    let verdict = verdict(line.as_bytes()).unwrap();
    verdict["denial"].as_str().unwrap_or("allow").to_owned()
}

#[test]
fn beginning_is_stated_where_a_verifier_can() {
    let jwt = r#"{"jwt": {"issuer": "i", "audiences": ["a"], "types": ["at+jwt"], "algorithms": ["ES256"],
        "keys": {"authority": "mithril", "path": "/jwks", "every": "5m", "max_stale": "60m"}}}"#;
    let mut document: Value = serde_saphyr::from_str(include_str!("../../../policies/ehealth.yaml")).unwrap();
    // What a feed revokes is not held against JWTs.
    document["authorities"]["mithril"].as_object_mut().unwrap().remove("revocations");
    document["credentials"]["token"]["verify"] = json!([serde_json::from_str::<Value>(jwt).unwrap()]);
    let policy = Arc::new(Policy::compile(&PolicyDocument::read(&document.to_string()).unwrap()).unwrap());
    let denial = |policy, begin: u64| {
        let line = format!(r#"{{"method":"DELETE","path":"{OWN}","api_key":{{}},"token":{{"not_before":{begin}}}}}"#);
        let decision = RequestLine::read(line.as_bytes())?.judge(policy, UnixTime::from_seconds(1_700_000_000))?;
        Ok::<_, InvalidLine>(serde_json::to_value(Verdict::from(&decision)).unwrap()["denial"].clone())
    };
    assert_eq!(denial(&policy, 1_700_000_001).unwrap(), "token_not_yet_valid");
    assert_eq!(denial(&policy, 1_700_000_000).unwrap(), "scope_missing");
    assert!(denial(&ehealth(), 0).unwrap_err().to_string().contains("`not_before` is no fact of `token`"));
    for (policy, can) in [(&policy, true), (&ehealth(), false)] {
        assert_eq!(policy.denials().iter().any(|code| code == "token_not_yet_valid"), can);
    }
}

#[track_caller]
fn error(line: impl AsRef<[u8]>) -> String {
    verdict(line.as_ref()).unwrap_err().to_string()
}

#[test]
fn statement_is_what_the_authority_says() {
    let facts = r#""subject":"s","client_id":"1380df72-275a-11e7-93ae-92361f002671","scope":"connection:delete""#;
    for (token, rest, expected) in [
        (format!("{{{facts}}}"), "", "allow"),
        (format!(r#"{{{facts},"expires":1700000001}}"#), "", "allow"),
        (format!(r#"{{{facts},"expires":1700000000}}"#), "", "token_expired"),
        (format!(r#"{{{facts},"expires":1700000001}}"#), r#","now":1700000001"#, "token_expired"),
        (format!(r#"{{{facts}}}"#), r#","headers":[["Authorization","Bearer x"]]"#, "allow"),
        (
            format!(r#"{{{facts}}}"#),
            r#","headers":[["authorization","Bearer x"],["authorization","Bearer y"]]"#,
            "token_repeated",
        ),
        (r#"{"\u0073cope":"connection\u003adelete","client_id":"x"}"#.to_owned(), "", "not_owner"),
        ("{}".to_owned(), "", "scope_missing"),
        (r#""refused""#.to_owned(), "", "token_refused"),
        (r#""unavailable""#.to_owned(), "", "token_unavailable"),
        ("null".to_owned(), "", "token_missing"),
        ("null".to_owned(), r#","headers":[["authorization","Bearer x"]]"#, "token_refused"),
    ] {
        assert_eq!(outcome(&token, rest), expected, "{token} {rest}");
    }
}

#[test]
fn verdict_tells_what_is_forwarded_and_what_is_removed() {
    let line = format!(
        r#"{{"method":"DELETE","path":"{OWN}","headers":[["X-Person-Id","me"],["accept","*/*"]],"api_key":{{}},
        "token":{{"subject":"s","client_id":"1380df72-275a-11e7-93ae-92361f002671","scope":"connection:delete"}}}}"#
    );
    let expected = json!({
        "decision": "allow",
        "status": null,
        "denial": null,
        "rule": "delete_client_connection",
        "forward": {
            "x-consumer-id": "s",
            "x-consumer-client-id": "1380df72-275a-11e7-93ae-92361f002671",
            "x-consumer-scope": "connection:delete",
        },
        "remove": ["X-Person-Id", "api-key", "authorization"],
    });
    assert_eq!(verdict(line.as_bytes()).unwrap(), expected);
}

#[test]
fn odd_line_is_an_error_that_names_the_column() {
    for (line, expected) in [
        ("", "a request is a JSON object"),
        ("[\"GET\",\"a\",\"/\"]", "a request is a JSON object"),
        ("{\"method\":\"GET\"}", "this is no request: missing field `path` at column 16"),
        (
            "{\"method\":\"GET\",\"path\":\"/\",\"method\":\"PUT\"}",
            "this is no request: duplicate field `method` at column 35",
        ),
        (
            "{\"method\":\"GET\",\"path\":\"/\",\"headers\":[[\"Host\",\"a\"]]}",
            "`host` is no further header: Envoy keeps it as the authority; write the request's `host`",
        ),
        ("{\"method\":\"GET\",\"path\":\"/\",\"body\":1}", "this is no request: unknown field `body`"),
        ("{\"method\":\"GET\",\"path\":\"/\"} {}", "this is no request: trailing characters at column 29"),
        ("{\"method\":\"GET\",\"path\":\"/\",\"headers\":[[\"a\"]]}", "this is no request: invalid length 1"),
        ("{\"method\":\"GET\",\"path\":\"/\",\"headers\":{\"a\":\"b\"}}", "this is no request: invalid type: map"),
        ("{\"method\":\"GET\",\"path\":\"/\",\"host\":null}", "this is no request: invalid type: null"),
        ("{\"method\":\"GET\",\"path\":\"/\",\"now\":-1}", "this is no request: invalid value: integer `-1`"),
        ("{\"method\":\"GET\",\"path\":\"/\",\"token\":5}", "token: a statement is facts"),
        ("{\"method\":\"GET\",\"path\":\"/\",\"token\":[{}]}", "token: a statement is facts"),
        ("{\"method\":\"GET\",\"path\":\"/\",\"token\":\"maybe\"}", "token: `maybe` is no statement"),
        (
            "{\"method\":\"GET\",\"path\":\"/\",\"api_key\":{\"tenant\":\"t\"}}",
            "api_key: `tenant` is no fact of `api_key`",
        ),
        (
            "{\"method\":\"GET\",\"path\":\"/\",\"token\":{\"subject\":null}}",
            "token: `subject` must be a text of 1 to 256 bytes",
        ),
        (
            "{\"method\":\"GET\",\"path\":\"/\",\"token\":{\"subject\":\"a\\n\"}}",
            "token: `subject` must be a text of 1 to 256 bytes",
        ),
        (
            "{\"method\":\"GET\",\"path\":\"/\",\"token\":{\"scope\":\"a\\n\"}}",
            "token: `scope` must be a list of scopes",
        ),
        ("{\"method\":\"GET\",\"path\":\"/\",\"token\":{\"expires\":1.5}}", "token: `expires` must be a whole number"),
        (
            "{\"method\":\"GET\",\"path\":\"/\",\"token\":{\"scope\":\"a\",\"sub\":{},\"scope\":\"b\"}}",
            "this is no request: member `scope` is written twice",
        ),
        (
            "{\"method\":\"GET\",\"path\":\"/\",\"token\":{\"x\":{\"y\":1,\"\\u0079\":2}}}",
            "this is no request: member `y` is written twice",
        ),
    ] {
        let found = error(line);
        assert!(found.starts_with(expected) && !found.contains(" at line "), "{line}: {found}");
    }
}

#[test]
fn hostile_line_is_an_error() {
    let with = |token: &str| format!(r#"{{"method":"GET","path":"/","token":{token}}}"#);
    assert!(error(b"{\"method\":\"GET\",\"path\":\"\xff\"}").contains("invalid unicode"));
    assert!(error(with(&"[".repeat(100_000))).contains("recursion limit"));
    assert!(error(with(&"{\"a\":".repeat(100_000))).contains("recursion limit"));
    let many: Vec<String> = (0..100_000).map(|number| format!(r#""f{}":"v""#, number % 99_999)).collect();
    assert!(error(with(&format!("{{{}}}", many.join(",")))).contains("member `f0` is written twice"));
}
