//! Credentials of any name: where those of a line, a log and a case are presented, and what is said of unknown ones.

use std::sync::Arc;

use brama_policy::deciding::{Policy, PolicyDocument, UnixTime};
use brama_replay::{AccessLine, Corpus, NotJudged, RequestLine, Verdict};
use serde_json::{Value, json};
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

const VERIFY: &str = "cache: { ttl: 1s, refused_ttl: 1s, entries: 1 }, verify: [{ introspect: { authority: a, path: /i, hint: k, expect: { /u: k } } }]";
const BEARER: &str = "header: authorization, scheme: Bearer";
const API_KEY: &str = "header: authorization, scheme: ApiKey";
/// The key's first place is the session's only one.
const EITHER: &str = "from: [{ header: authorization, scheme: ApiKey }, { header: x-api-key }]";

/// A policy with a session and a partner's key, and routes for both and for each.
fn policy(partner: &str, session: &str) -> Arc<Policy> {
    let text = format!(
        "version: 1
name: x
authorities: {{ a: {{ cluster: a, host: a, timeout: 1s, auth: {{ bearer_env: S }} }} }}
credentials:
  partner: {{ {partner}, {VERIFY} }}
  session: {{ {session}, {VERIFY} }}
forward: {{ headers: {{ x-partner: partner.client_id }} }}
refusals: {{ format: problem }}
routes:
  - {{ id: both, methods: [GET], path: /both, require: {{ credentials: [partner, session], scopes: none }} }}
  - {{ id: partner, methods: [GET], path: /partner, require: {{ credentials: [partner], scopes: none }} }}
  - {{ id: session, methods: [GET], path: /session, require: {{ credentials: [session], scopes: none }} }}"
    );
    let document: Value = serde_saphyr::from_str(&text).unwrap();
    Arc::new(Policy::compile(&PolicyDocument::read(&document.to_string()).unwrap()).unwrap())
}

/// The credentials among the headers of a line, and the denial.
#[track_caller]
fn presented(policy: &Arc<Policy>, line: Value) -> (Vec<String>, String) {
    let text = line.to_string();
    let line = RequestLine::read(text.as_bytes()).unwrap();
    let headers = line.headers(policy, &line.statements(policy).unwrap());
    let shown = |(name, value): &(String, Vec<u8>)| format!("{name}: {}", String::from_utf8_lossy(value));
    let credentials = headers.iter().filter(|(name, _value)| !name.starts_with(':') || name == ":path").map(shown);
    let decision = line.judge(policy, UnixTime::from_seconds(1_700_000_000)).unwrap();
    (credentials.collect(), Verdict::from(&decision).denial.unwrap_or("allow").to_owned())
}

fn line(path: &str, headers: &[[&str; 2]], told: &[&str]) -> Value {
    let told: serde_json::Map<_, _> =
        told.iter().map(|name| ((*name).to_owned(), json!({ "client_id": "c" }))).collect();
    json!({ "method": "GET", "path": path, "headers": headers, "credentials": told })
}

#[test]
fn each_credential_takes_the_first_place_that_is_free() {
    let cookie = "from: [{ header: authorization, scheme: Bearer }, { cookie: s }, { query: t, because: a test }]";
    for (partner, session, path, headers, told, expected, denial) in [
        (
            EITHER,
            BEARER,
            "/both",
            &[][..],
            &["partner", "session"][..],
            &["x-api-key: replayed", "authorization: Bearer replayed"][..],
            "allow",
        ),
        (EITHER, BEARER, "/partner", &[], &["partner"], &["authorization: ApiKey replayed"], "allow"),
        // Neither has to make room, where one has another place.
        (
            EITHER,
            cookie,
            "/both",
            &[],
            &["partner", "session"],
            &["authorization: ApiKey replayed", "cookie: s=replayed"],
            "allow",
        ),
        (
            API_KEY,
            cookie,
            "/both",
            &[],
            &["partner", "session"],
            &["authorization: ApiKey replayed", "cookie: s=replayed"],
            "allow",
        ),
        // One header has no place for both.
        (
            API_KEY,
            BEARER,
            "/both",
            &[],
            &["partner", "session"],
            &["authorization: ApiKey replayed"],
            "session_missing",
        ),
        // What the request brings itself stays where it is.
        (
            EITHER,
            BEARER,
            "/both",
            &[["authorization", "ApiKey k"]],
            &["partner", "session"],
            &["authorization: ApiKey k"],
            "session_missing",
        ),
        (
            EITHER,
            cookie,
            "/both",
            &[["authorization", "ApiKey k"]],
            &["partner", "session"],
            &["authorization: ApiKey k", "cookie: s=replayed"],
            "allow",
        ),
        (
            EITHER,
            BEARER,
            "/both",
            &[["authorization", "Bearer t"]],
            &["partner", "session"],
            &["authorization: Bearer t", "x-api-key: replayed"],
            "allow",
        ),
        (
            EITHER,
            BEARER,
            "/partner",
            &[["authorization", "Basic b"]],
            &["partner"],
            &["authorization: Basic b", "x-api-key: replayed"],
            "allow",
        ),
        (EITHER, BEARER, "/partner", &[["x-api-key", ""]], &["partner"], &["x-api-key: "], "partner_malformed"),
        (
            API_KEY,
            cookie,
            "/session",
            &[["authorization", "Basic b"], ["cookie", "a=b"]],
            &["session"],
            &["authorization: Basic b", "cookie: a=b; s=replayed"],
            "allow",
        ),
        (
            API_KEY,
            cookie,
            "/session",
            &[["authorization", "ApiKey k"], ["cookie", "s=a; s=b"]],
            &["session"],
            &["authorization: ApiKey k", "cookie: s=a; s=b"],
            "session_repeated",
        ),
    ] {
        let policy = policy(partner, session);
        let (credentials, found) = presented(&policy, line(path, headers, told));
        let credentials: Vec<_> = credentials.into_iter().filter(|header| !header.starts_with(":path")).collect();
        assert_eq!(
            (credentials, &*found),
            (expected.iter().map(|text| (*text).to_owned()).collect(), denial),
            "{path} {headers:?}"
        );
    }
    let query = policy(API_KEY, "from: [{ query: t, because: a test }]");
    assert_eq!(presented(&query, line("/session?a", &[], &["session"])).0, [":path: /session?a&t=replayed"]);
    assert_eq!(presented(&query, line("/session?t=u", &[], &["session"])).0, [":path: /session?t=u"]);
}

fn logged(rule: &str, denial: Option<&str>, facts: Value) -> AccessLine {
    let line = json!({
        "time": "2026-11-22T23:05:32.227Z", "method": "GET", "host": "a", "path": format!("/{rule}"), "status": "200",
        "decision": if denial.is_some() { "refuse" } else { "allow" }, "rule": rule, "denial": denial,
        "identity": facts.to_string(),
    });
    AccessLine::read(line.to_string().as_bytes()).unwrap().unwrap()
}

#[test]
fn line_of_a_log_is_judged_with_both_of_two_that_share_a_header() {
    let both = json!({ "partner.client_id": "c", "session.client_id": "c" });
    let policy = policy(EITHER, BEARER);
    let judged = |line: &AccessLine| {
        line.compares([&policy, &policy])?;
        let decision = line.judge(&policy)?;
        let verdict = Verdict::from(&decision);
        line.agrees(&verdict)?;
        Ok::<_, NotJudged>(verdict.denial.unwrap_or("allow").to_owned())
    };
    assert_eq!(judged(&logged("both", None, both.clone())).unwrap(), "allow");
    assert_eq!(
        judged(&logged("both", Some("session_missing"), json!({ "partner.client_id": "c" }))).unwrap(),
        "session_missing"
    );
    assert_eq!(judged(&logged("both", Some("session_refused"), both.clone())).unwrap(), "session_refused");
    // The one that is told has the first choice, whatever the order of names.
    assert_eq!(judged(&logged("session", None, json!({ "session.client_id": "c" }))).unwrap(), "allow");
    assert_eq!(judged(&logged("partner", None, json!({ "partner.client_id": "c" }))).unwrap(), "allow");
    let unknown = |rule: &str, kind: &str| NotJudged::Unknown { rule: rule.to_owned(), kind: kind.to_owned() };
    assert_eq!(
        judged(&logged("both", None, json!({ "partner.client_id": "c" }))).unwrap_err(),
        unknown("both", "session")
    );
}

#[test]
fn line_of_a_log_does_not_tell_that_a_credential_without_a_place_was_missing() {
    let one_header = policy(API_KEY, BEARER);
    let told = |facts: Value| logged("both", None, facts).judge(&one_header).unwrap_err().to_string();
    assert_eq!(
        told(json!({ "session.client_id": "c" })),
        "rule `both` verifies the partner, of which the log tells nothing"
    );
    assert_eq!(
        told(json!({ "partner.client_id": "c" })),
        "rule `both` verifies the session, of which the log tells nothing"
    );
    let session = logged("session", None, json!({ "session.client_id": "c" })).judge(&one_header).unwrap();
    assert_eq!(Verdict::from(&session).denial, None);
}

#[track_caller]
fn faults(policy: &Policy, identities: &str, request: &str) -> Vec<String> {
    let text = format!(
        "policy: x.yaml\n{identities}\ncases:\n  - {{ name: a, request: {{ method: GET, path: /both, {request} }}, expect: {{ allow: both }} }}\n"
    );
    match Corpus::read(&serde_saphyr::from_str::<Value>(&text).unwrap(), policy) {
        Ok(_corpus) => Vec::new(),
        Err(faults) => faults.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn case_has_a_place_for_each_credential() {
    let request = "credentials: { partner: acme, session: ann }";
    let known = "identities: { partner: { acme: { client_id: c } }, session: { ann: {} } }";
    let fault = "cases[0].request.credentials.session: others stand in each place of `session` \
                 (write the header twice under `headers`, if that is what the case is about)";
    assert_eq!(faults(&policy(API_KEY, BEARER), known, request), [fault]);
    assert_eq!(faults(&policy(API_KEY, BEARER), known, "credentials: { session: ann }"), [""; 0]);
    // Further headers are sent beside: two are what a case can be about.
    assert_eq!(
        faults(
            &policy(API_KEY, BEARER),
            known,
            "credentials: { session: ann }, headers: [[authorization, ApiKey acme]]"
        ),
        [""; 0]
    );
    let policy = policy(EITHER, BEARER);
    assert_eq!(faults(&policy, known, request), [""; 0]);
    let text = format!(
        "policy: x.yaml\n{known}\ncases:\n  - {{ name: a, request: {{ method: GET, path: /both, {request} }}, expect: {{ allow: both, remove: [authorization, x-api-key] }} }}\n"
    );
    let corpus = Corpus::read(&serde_saphyr::from_str::<Value>(&text).unwrap(), &policy).unwrap();
    assert!(corpus.judge(&policy).iter().all(|outcome| outcome.differences().is_empty()));
}

#[test]
fn identities_of_a_credential_that_the_policy_lacks_are_a_fault_even_where_there_are_none() {
    let policy = policy(EITHER, BEARER);
    let fault = |name: &str| format!("identities.{name}: the policy knows no `{name}`");
    assert_eq!(faults(&policy, "identities: { other: {} }", ""), [fault("other")]);
    assert_eq!(
        faults(&policy, "identities: { sesion: {} }", ""),
        [format!("{} (did you mean `session`?)", fault("sesion"))]
    );
    assert_eq!(faults(&policy, "identities: { session: {} }", ""), [""; 0]);
    assert_eq!(faults(&policy, "tokens: {}", ""), [""; 0], "these two are keys of every file");
}

#[test]
fn statement_about_a_credential_that_the_policy_lacks_has_its_form_all_the_same() {
    let policy = policy(EITHER, BEARER);
    let stated = |statement: &str| {
        let line = format!(r#"{{"method":"GET","path":"/a","token":{statement}}}"#);
        RequestLine::read(line.as_bytes()).unwrap().statements(&policy).map(drop).map_err(|error| error.to_string())
    };
    for statement in ["null", "{}", r#"{"any":1}"#, r#""refused""#, r#""unavailable""#] {
        assert_eq!(stated(statement), Ok(()), "{statement}");
    }
    assert!(stated(r#""refuse""#).unwrap_err().starts_with("token: `refuse` is no statement"));
    for statement in ["5", "-5", "true", "1.5", "[]"] {
        assert!(stated(statement).unwrap_err().starts_with("token: a statement is facts"), "{statement}");
    }
    assert!(stated(r#""refused","credentials":{"token":{}}"#).unwrap_err().contains("`token` is stated twice"));
}
