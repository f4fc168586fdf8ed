//! `brama explain`: every step of a judgement is told, and no secret is.

mod input;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

/// A policy in which everything can be lacking: in shadow mode, but for what says otherwise.
const EVERYTHING: &str = "\
version: 1
name: x
mode: { shadow: { because: a trial } }
authorities: { a: { cluster: a, host: a.internal, timeout: 1s, auth: { bearer_env: SECRET } } }
credentials:
  api_key:
    header: api-key
    verify: [{ introspect: { authority: a, path: /i, hint: h, expect: { /use: key }, facts: { further: { tenant: /t } } } }]
    cache: { ttl: 1s, refused_ttl: 1s, entries: 10 }
  token:
    header: authorization
    scheme: Bearer
    verify: [{ introspect: { authority: a, path: /i, hint: h, expect: { /use: token } } }]
    cache: { ttl: 1s, refused_ttl: 1s, entries: 10 }
forward: { headers: { x-tenant: api_key.tenant, x-user: token.subject }, keep: [token] }
refusals: { format: problem }
routes:
  - id: note
    methods: [PUT]
    path: /notes/{owner}/{_number:int}
    preflight: { because: browsers ask }
    require:
      credentials: [api_key, token]
      bind: { token: client_id, api_key: client_id }
      scopes: { any: [a, b], of: [api_key, token] }
      owner: { param: owner, equals: token.subject, except_client_types: [ADMIN] }
  - { id: list, methods: [GET], hosts: [a.example], mode: enforce, path: /notes, require: { credentials: [token], scopes: none } }
  - { id: draft, methods: [PUT], mode: enforce, path: '/notes/{_owner}/{_name}', public: { because: \"drafts \\e[31m\" } }
";

fn policies() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies")
}

fn explain(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_brama")).arg("explain").args(arguments).current_dir(folder).output().unwrap()
}

/// The exit code and the explanation; nothing is on standard error.
#[track_caller]
fn explained(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let Output { status, stdout, stderr } = explain(folder, arguments);
    assert!(stderr.is_empty(), "{}", String::from_utf8_lossy(&stderr));
    (status.code().unwrap(), String::from_utf8(stdout).unwrap())
}

/// The explanation of a request under [`EVERYTHING`].
#[track_caller]
fn everything(arguments: &str) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.yaml"), EVERYTHING).unwrap();
    let arguments: Vec<_> = ["x.yaml"].into_iter().chain(arguments.split(' ')).collect();
    explained(folder.path(), &arguments)
}

#[test]
fn allowed_request_is_explained_to_what_is_forwarded() {
    let path = "/api/clients/1380df72-275a-11e7-93ae-92361f002671/connections/c1?token=s3cret";
    let expected = "\
DELETE http://localhost/api/clients/1380df72-275a-11e7-93ae-92361f002671/connections/c1
 1   request      one reading: method DELETE, host localhost, path /api/clients/1380df72-275a-11e7-93ae-92361f002671/connections/c1
 2   route        delete_client_connection  /api/clients/{client_id:uuid}/connections/{_connection_id}
                  client_id = 1380df72-275a-11e7-93ae-92361f002671
                  _connection_id = c1
 3   credentials  api_key in `api-key`: there, once and well formed
                  token in `authorization`: there, once and well formed
 4   verified     api_key: client_id 7a1f0e3c-94a5-4b5e-8a50-2f1f3d1f0001, client_type MIS, scope \"connection:delete\"
                  token: subject 9b2f0e3c-94a5-4b5e-8a50-2f1f3d1f0001, client_id 1380df72-275a-11e7-93ae-92361f002671, client_type MSP, scope \"connection:delete\"
 5   binding      nothing required
 6   scopes       token needs connection:delete; it has connection:delete: enough
 7   owner        client_id is 1380df72-275a-11e7-93ae-92361f002671, token.client_id is 1380df72-275a-11e7-93ae-92361f002671: the caller's own
 8   conditions   nothing required
 9   forward      removed: api-key, authorization, x-consumer-id
                  set x-consumer-client-id: 1380df72-275a-11e7-93ae-92361f002671
                  set x-consumer-id: 9b2f0e3c-94a5-4b5e-8a50-2f1f3d1f0001
                  set x-consumer-scope: connection:delete

ALLOWED by rule delete_client_connection
";
    let arguments = ["ehealth.yaml", "--method", "DELETE", "--path", path, "--api-key", "@mis", "--token", "@msp"];
    let header = ["--header", "X-Consumer-Id: s3cret"];
    assert_eq!(explained(&policies(), &[&arguments[..], &header].concat()), (0, expected.to_owned()));
}

#[test]
fn refused_request_is_explained_to_its_answer() {
    let path = "/api/clients/1380df72-275a-11e7-93ae-92361f002671/connections/c1";
    let expected = "\
DELETE http://api.example/api/clients/1380df72-275a-11e7-93ae-92361f002671/connections/c1
 1   request      one reading: method DELETE, host api.example, path /api/clients/1380df72-275a-11e7-93ae-92361f002671/connections/c1
 2   route        delete_client_connection  /api/clients/{client_id:uuid}/connections/{_connection_id}
                  client_id = 1380df72-275a-11e7-93ae-92361f002671
                  _connection_id = c1
 3   credentials  api_key in `api-key`: there, once and well formed
                  token in `authorization`: there, once and well formed
 4   verified     api_key: client_id 7a1f0e3c-94a5-4b5e-8a50-2f1f3d1f0001, client_type MIS, scope \"connection:delete\"
                  token: subject 9b2f0e3c-94a5-4b5e-8a50-2f1f3d1f0002, client_id 1380df72-275a-11e7-93ae-92361f002671, client_type MSP, scope \"Connection:delete connection:delete2 connection:read\"
 5   binding      nothing required
 6   scopes       token needs connection:delete; it has Connection:delete, connection:delete2, connection:read: missing connection:delete
 7-9 owner, conditions, forward: not reached

REFUSED scope_missing, rule delete_client_connection: token lacks `connection:delete`

HTTP/1.1 403 Forbidden
content-type: application/json
www-authenticate: Bearer realm=\"ehealth\", error=\"insufficient_scope\", scope=\"connection:delete\"

{\"meta\":{\"code\":403,\"url\":\"http://api.example/api/clients/1380df72-275a-11e7-93ae-92361f002671/connections/c1\",\"type\":\"object\",\"request_id\":\"r-1\"},\"error\":{\"type\":\"forbidden\",\"message\":\"Invalid scopes\"}}
";
    let arguments =
        ["ehealth.yaml", "--method", "DELETE", "--path", path, "--api-key", "@mis", "--token", "@msp_reader"];
    let further = ["--host", "api.example", "--header", "x-request-id: r-1"];
    assert_eq!(explained(&policies(), &[&arguments[..], &further].concat()), (1, expected.to_owned()));
}

/// A flag's word for what a case names.
fn statement(named: &Value) -> String {
    match named.as_str() {
        None => "none".to_owned(),
        Some("unknown") => "refused".to_owned(),
        Some(name) => format!("@{name}"),
    }
}

/// Runs every case of the shipped policy, and compares the verdict with what the case expects.
#[test]
fn every_case_has_an_explanation_that_agrees_with_it() {
    let cases = std::fs::read_to_string(policies().join("ehealth.cases.yaml")).unwrap();
    let cases: Value = serde_saphyr::from_str(&cases).unwrap();
    let mut codes = BTreeSet::new();
    for case in cases["cases"].as_array().unwrap() {
        let (request, expect) = (&case["request"], &case["expect"]);
        let text = |name: &str| request[name].as_str();
        let further = request["headers"].as_array().into_iter().flatten();
        let headers: Vec<_> =
            further.map(|pair| format!("{}: {}", pair[0].as_str().unwrap(), pair[1].as_str().unwrap())).collect();
        let (token, api_key) = (statement(&request["token"]), statement(&request["api_key"]));
        let mut arguments = vec!["ehealth.yaml", "--method", text("method").unwrap(), "--path", text("path").unwrap()];
        arguments.extend(["--token", &token, "--api-key", &api_key]);
        arguments.extend(text("host").into_iter().flat_map(|host| ["--host", host]));
        // The cases present a second credential beside the one that is stated; the command leaves the request's own.
        let repeats =
            headers.iter().filter(|_| expect["refuse"].as_str().is_some_and(|code| code.ends_with("_repeated")));
        arguments.extend(headers.iter().chain(repeats).flat_map(|header| ["--header", header]));
        let (code, shown) = explained(&policies(), &arguments);
        let verdict = shown.lines().find(|line| line.starts_with("ALLOWED") || line.starts_with("REFUSED")).unwrap();
        match (expect["refuse"].as_str(), expect["allow"].as_str()) {
            (Some(denial), None) => {
                let rule = expect["rule"].as_str().map_or("no rule".to_owned(), |rule| format!("rule {rule}"));
                assert!(verdict.starts_with(&format!("REFUSED {denial}, {rule}: ")), "{}: {shown}", case["name"]);
                assert!(shown.contains(&format!("\nHTTP/1.1 {}", expect["status"])), "{}: {shown}", case["name"]);
                codes.insert(denial.to_owned());
            }
            (None, Some(rule)) => assert_eq!(verdict, format!("ALLOWED by rule {rule}"), "{}", case["name"]),
            other => panic!("{}: {other:?}", case["name"]),
        }
        assert_eq!(code, i32::from(expect["allow"].is_null()), "{}", case["name"]);
        assert!(headers.iter().all(|header| !shown.contains(header.split_once(": ").unwrap().1)), "{shown}");
    }
    assert!(codes.len() >= 14, "{codes:?}");
}

#[test]
fn every_denial_of_a_rule_is_told_in_a_sentence() {
    const CALLER: &str = r#"{"subject":"u","client_id":"c","scope":"b"}"#;
    let key = r#"{"client_id":"c","scope":"a","tenant":"t"}"#;
    for (path, api_key, token, sentence) in [
        (
            "/notes/u/1",
            "none",
            CALLER,
            "would refuse api_key_missing, rule note in shadow mode: api_key: no header `api-key` was sent",
        ),
        ("/notes/u/1", "refused", CALLER, "api_key: nobody vouches for it"),
        ("/notes/u/1", key, "unavailable", "token: no answer within 1s from cluster `"),
        (
            "/notes/u/1",
            key,
            r#"{"expires":5}"#,
            "would refuse token_expired, rule note in shadow mode: token: it has ended",
        ),
        ("/notes/u/1", key, r#"{"expires":5}"#, "token: it has ended, at 5; now is 1000"),
        (
            "/notes/u/1",
            key,
            r#"{"subject":"u"}"#,
            "token.client_id is not stated and api_key.client_id is c: not equal",
        ),
        ("/notes/u/1", key, r#"{"client_id":"d"}"#, "would refuse not_bound"),
        ("/notes/u/1", key, r#"{"client_id":"c"}"#, "token needs any of a, b; it has none: missing a, b"),
        ("/notes/v/1", key, CALLER, "owner is v, token.subject is u: somebody else's"),
        ("/notes/v/1", key, CALLER, "would refuse not_owner"),
        (
            "/notes/u/1",
            r#"{"client_id":"c","scope":"a"}"#,
            CALLER,
            "`api_key.tenant` is to be forwarded, and is not stated",
        ),
        (
            "/notes/v/1",
            key,
            r#"{"subject":"u","client_id":"c","scope":"b","client_type":"ADMIN"}"#,
            "client type ADMIN may act on anybody's",
        ),
        ("/notes/u/1", key, CALLER, "set x-tenant: t"),
        ("/nowhere", key, CALLER, "would refuse route_unknown, no rule in shadow mode: "),
    ] {
        let shown = everything(&format!("--method PUT --now 1000 --path {path} --api-key {api_key} --token {token}"));
        assert!(shown.1.contains(sentence), "{sentence}: {}", shown.1);
        assert!(shown.1.contains("\nALLOWED"), "{}", shown.1);
        assert_eq!(shown.0, 0);
    }
}

#[test]
fn near_routes_are_told_with_what_is_in_the_way() {
    for (arguments, words) in [
        ("--method DELETE --path /notes/u/1", "not note  /notes/{owner}/{_number:int}: it is for PUT"),
        ("--method GET --path /notes --host b", "not list  /notes: it is for a.example"),
        ("--method GET --path /notes/ --host a.example", "not list  /notes: its path has no slash at the end"),
        ("--method GET --path /note --host a.example", "not list  /notes: its path has `notes` for `note`"),
        (
            "--method PUT --path /notes/u/01",
            "_number takes a whole number without sign or leading zeros, and `01` is none",
        ),
        (
            "--method PUT --path /notes/u/1 --token refused",
            "not draft  /notes/{_owner}/{_name}: it matches too, and is less specific",
        ),
    ] {
        let (_code, shown) = everything(arguments);
        assert!(shown.contains(words), "{words}: {shown}");
    }
}

#[test]
fn what_was_not_judged_is_told() {
    for (arguments, words) in [
        (
            "--method PUT --path /notes/u/x",
            "3-8 credentials, verified, binding, scopes, owner, conditions: nothing required: public, drafts ␛[31m",
        ),
        (
            "--method GET --path /notes --host a.example",
            "4-9 verified, binding, scopes, owner, conditions, forward: not reached",
        ),
        (
            "--method GET --path //notes",
            "1   request      the path has an empty segment: byte 2 of the path, 0x2F\n 2-9 route, credentials",
        ),
        (
            "--method OPTIONS --path /notes/u/1 --header origin:x --header access-control-request-method:PUT",
            "note lets preflight requests pass: browsers ask",
        ),
    ] {
        let (_code, shown) = everything(arguments);
        assert!(shown.contains(words), "{words}: {shown}");
        assert!(!shown.contains('\u{1b}'), "{shown}");
    }
}

#[test]
fn json_has_every_step_the_verdict_and_the_answer() {
    let (code, text) = everything("--json --method GET --path /notes --host a.example --token refused");
    let shown: Value = serde_json::from_str(&text).unwrap();
    let steps: Vec<_> =
        shown["steps"].as_array().unwrap().iter().map(|step| (&step["step"], &step["outcome"])).collect();
    let expected = [
        ("request", "passed"),
        ("route", "passed"),
        ("credentials", "passed"),
        ("verified", "lacking"),
        ("binding", "not_reached"),
        ("scopes", "not_reached"),
        ("owner", "not_reached"),
        ("conditions", "not_reached"),
        ("forward", "not_reached"),
    ]
    .map(|(step, outcome)| (json!(step), json!(outcome)));
    assert_eq!(steps, expected.iter().map(|(step, outcome)| (step, outcome)).collect::<Vec<_>>());
    assert_eq!(shown["steps"][3]["detail"], json!({ "lack": "token_refused" }));
    assert_eq!(shown["verdict"]["denial"], "token_refused");
    assert_eq!(shown["answer"]["headers"]["www-authenticate"], "Bearer realm=\"x\"");
    assert_eq!((code, &shown["answer"]["status"]), (1, &json!(401)));
    let (code, text) = everything("--json --method PUT --path /notes/u/x");
    let shown: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &shown["answer"], &shown["verdict"]["rule"]), (0, &Value::Null, &json!("draft")));
}

#[test]
fn conditions_are_told_with_their_outcome() {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(policies().join("ehealth.yaml")).unwrap();
    let conditions = "      conditions: ['request.method == \"DELETE\"', 'token.client_type == \"MIS\"']\n      owner:";
    std::fs::write(folder.path().join("x.yaml"), text.replacen("      owner:", conditions, 1)).unwrap();
    let facts = |kind: &str| {
        format!(
            r#"{{"subject":"u","client_id":"1380df72-275a-11e7-93ae-92361f002671"{kind},"scope":"connection:delete"}}"#
        )
    };
    for (kind, told, code) in [
        (r#","client_type":"MIS""#, "token.client_type == \"MIS\": holds", 0),
        (r#","client_type":"MSP""#, "token.client_type == \"MIS\": does not hold", 1),
        ("", "token.client_type == \"MIS\": cannot be judged, it reads something that is absent", 1),
    ] {
        let path = "/api/clients/1380df72-275a-11e7-93ae-92361f002671/connections/c1";
        let token = facts(kind);
        let request = ["x.yaml", "--method", "DELETE", "--path", path, "--api-key", "{}", "--token", &token];
        let (found, shown) = explained(folder.path(), &request);
        assert_eq!(found, code, "{shown}");
        assert!(shown.contains("request.method == \"DELETE\": holds") && shown.contains(told), "{shown}");
    }
}
