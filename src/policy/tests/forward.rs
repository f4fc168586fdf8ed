//! What the service is told on each route: `forward` of a route, `missing`, `pass`.

use std::sync::Arc;

use crate::support::{headers, judge, policy};
use brama_policy::deciding::{Decision, Grant, Policy, PolicyDocument};
use brama_policy::identity::{Answer, Facts};
use serde_json::Value;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

const DOCUMENT: &str = r#"
version: 1
name: x
authorities: { a: { cluster: a, host: a, timeout: 1s, auth: { bearer_env: S } } }
credentials:
  api_key: { header: x-api-key, cache: { ttl: 1s, refused_ttl: 1s, entries: 1 }, verify: [{ introspect: { authority: a, path: /i, hint: k, expect: { /u: k } } }] }
  token: { header: authorization, scheme: Bearer, cache: { ttl: 1s, refused_ttl: 1s, entries: 1 },
    verify: [{ introspect: { authority: a, path: /i, hint: t, expect: { /u: t }, facts: { further: { orgs: { list: /orgs } } } } }] }
forward:
  headers: { x-user: token.subject }
  fixed: { x-gateway: brama }
refusals: { format: bare }
routes:
  - { id: user, methods: [GET], path: /user, require: { credentials: [token], scopes: none } }
  - id: machine
    methods: [GET]
    path: /machine
    require: { credentials: [token], scopes: none }
    forward:
      headers: { x-client: token.client_id, x-maybe: { fact: token.subject, missing: omit }, x-orgs: { fact: token.orgs, separator: ",", missing: omit } }
      json: { x-caller: { client: token.client_id, user: { fact: token.subject, missing: omit } }, x-person: { user: { fact: token.subject, missing: omit } } }
  - { id: silent, methods: [GET], path: /silent, require: { credentials: [token], scopes: none }, forward: { headers: {} } }
  - { id: login, methods: [POST], path: /oauth/token, public: { because: clients log in }, pass: [authorization] }
  - { id: basic, methods: [GET], path: /basic, require: { credentials: [api_key], scopes: none }, pass: [authorization] }
"#;

fn facts(subject: Option<&str>) -> Answer {
    Answer::Active(Arc::new(Facts {
        subject: subject.map(|text| text.parse().unwrap()),
        client_id: Some("c".parse().unwrap()),
        ..Facts::none()
    }))
}

fn ask(policy: &Arc<Policy>, method: &str, path: &str, sent: &[(&str, &str)], facts: &Answer) -> Decision {
    judge(policy, &headers(method, path, sent), |_lookup| facts.clone())
}

#[track_caller]
fn granted(decision: Decision) -> Grant {
    match decision {
        Decision::Allow(grant) => grant,
        Decision::Refuse(refused) => panic!("{refused:?}"),
    }
}

fn code(decision: &Decision) -> &str {
    match decision {
        Decision::Allow(_) => "allowed",
        Decision::Refuse(refused) => refused.denial().code(),
    }
}

fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

const TOKEN: [(&str, &str); 1] = [("authorization", "Bearer t")];

#[test]
fn route_says_what_is_told_there_in_the_place_of_the_document() {
    let policy = policy(DOCUMENT);
    let told = |path: &str, facts: &Answer| granted(ask(&policy, "GET", path, &TOKEN, facts)).set().to_vec();
    assert_eq!(told("/user", &facts(Some("u"))), pairs(&[("x-gateway", "brama"), ("x-user", "u")]));
    assert_eq!(told("/silent", &facts(Some("u"))), pairs(&[("x-gateway", "brama")]));
    assert_eq!(
        told("/machine", &facts(Some("u"))),
        pairs(&[
            ("x-gateway", "brama"),
            ("x-client", "c"),
            ("x-maybe", "u"),
            ("x-caller", r#"{"client":"c","user":"u"}"#),
            ("x-person", r#"{"user":"u"}"#),
        ])
    );
}

#[test]
fn fact_that_is_not_stated_is_left_out_where_that_is_written_and_refuses_elsewhere() {
    let policy = policy(DOCUMENT);
    assert_eq!(code(&ask(&policy, "GET", "/user", &TOKEN, &facts(None))), "fact_missing");
    let grant = granted(ask(&policy, "GET", "/machine", &TOKEN, &facts(None)));
    let told = pairs(&[("x-gateway", "brama"), ("x-client", "c"), ("x-caller", r#"{"client":"c"}"#)]);
    assert_eq!(grant.set(), told);
    let nobody = Answer::Active(Arc::new(Facts::none()));
    assert_eq!(code(&ask(&policy, "GET", "/machine", &TOKEN, &nobody)), "fact_missing");
}

#[test]
fn header_of_one_route_comes_from_no_client_on_any() {
    let policy = policy(DOCUMENT);
    for name in ["x-client", "X-Maybe", "x_orgs", "x-caller", "x-user", "x-gateway"] {
        for path in ["/user", "/machine", "/silent"] {
            let sent = [TOKEN[0], (name, "forged")];
            let grant = granted(ask(&policy, "GET", path, &sent, &facts(Some("u"))));
            assert!(grant.remove().iter().any(|removed| removed == name), "{path} {name}");
        }
        assert!(policy.strips(name), "{name}");
    }
}

#[test]
fn header_passes_where_the_route_says_so_and_nowhere_else() {
    let policy = policy(DOCUMENT);
    let basic = ("authorization", "Basic dTpw");
    let removed = |method: &str, path: &str, sent: &[(&str, &str)]| {
        granted(ask(&policy, method, path, sent, &facts(Some("u")))).remove().to_vec()
    };
    assert_eq!(removed("POST", "/oauth/token", &[basic]), [""; 0]);
    assert_eq!(removed("POST", "/oauth/token", &[basic, ("x-api-key", "k")]), ["x-api-key"]);
    assert_eq!(removed("GET", "/basic", &[basic, ("x-api-key", "k")]), ["x-api-key"]);
    assert_eq!(removed("GET", "/user", &TOKEN), ["authorization"]);
    // What is only like it could be taken for it.
    let key = DOCUMENT.replace("pass: [authorization] }\n  - { id: basic", "pass: [x-api-key] }\n  - { id: basic");
    let key = crate::support::policy(&key);
    let alone = ask(&key, "POST", "/oauth/token", &[("x-api_key", "k"), basic], &facts(None));
    assert_eq!(granted(alone).remove(), ["authorization", "x-api_key"]);
    let both = ask(&key, "POST", "/oauth/token", &[("x-api_key", "k"), ("x-api-key", "k")], &facts(None));
    assert_eq!(granted(both).remove(), ["x-api_key"]);
    // A comma is a part of other schemes.
    let digest = ("authorization", "Digest username=\"u\", realm=\"r\"");
    assert_eq!(removed("POST", "/oauth/token", &[digest]), [""; 0]);
    // A preflight request has no credentials.
    let preflight = "pass: [authorization], preflight: { because: pages } }\n  - { id: basic";
    let text = DOCUMENT.replace("pass: [authorization] }\n  - { id: basic", preflight);
    let asks = [("origin", "https://a.example"), ("access-control-request-method", "POST"), basic, basic];
    let grant = granted(ask(&crate::support::policy(&text), "OPTIONS", "/oauth/token", &asks, &facts(None)));
    assert_eq!(grant.remove(), ["authorization"]);
    assert_eq!(grant.rule().map(|rule| rule.as_str()), Some("login"));
    // What it is, and how often, is not looked at.
    for twice in [[basic, basic], [basic, TOKEN[0]]] {
        assert_eq!(removed("POST", "/oauth/token", &twice), [""; 0]);
    }
}

#[test]
fn identity_of_a_second_reading_is_that_of_the_first_or_the_path_is_refused() {
    let policy = policy(&DOCUMENT.replace("path: /user,", "path: '/{page}',"));
    let decision = ask(&policy, "GET", "/Machine", &TOKEN, &facts(Some("u")));
    assert_eq!(code(&decision), "path_ambiguous");
    // As little may more go on.
    let open = "path: '/wiki/{page...}', public: { because: all }, pass: [authorization] }";
    let closed = "{ id: closed, methods: [GET], path: /wiki/status, public: { because: all } }";
    let user = "path: /user, require: { credentials: [token], scopes: none } }";
    assert!(DOCUMENT.contains(user));
    let policy = crate::support::policy(&DOCUMENT.replace(user, &format!("{open}\n  - {closed}")));
    for (path, outcome) in [
        ("/wiki/a", "allowed"),
        ("/wiki/status", "allowed"),
        ("/wiki/Status", "path_ambiguous"),
        ("/wiki/status/", "path_ambiguous"),
    ] {
        assert_eq!(code(&ask(&policy, "GET", path, &TOKEN, &facts(None))), outcome, "{path}");
    }
}

#[test]
fn faults_name_their_place() {
    for (from, to, fault) in [
        ("forward: { headers: {} }", "forward: {}", "missing key `headers`"),
        (
            "forward: { headers: {} }",
            "forward: { headers: { x-gateway: token.subject } }",
            "forward.headers.x-gateway: `x-gateway` is set for every request",
        ),
        (
            "forward: { headers: {} }",
            "forward: { headers: { host: token.subject } }",
            "forward.headers.host: `host` has a meaning",
        ),
        ("forward: { headers: {} }", "forward: { headers: { x-a: token.x } }", "`x` is no fact of `token`"),
        (
            "x-maybe: { fact: token.subject, missing: omit }",
            "x-maybe: { fact: token.subject, missing: keep }",
            "unknown word `keep`",
        ),
        (
            "user: { fact: token.subject, missing: omit } }, x-person",
            "user: { fact: token.subject } }, x-person",
            "missing key `missing`",
        ),
        (
            "pass: [authorization] }\n  - { id: basic",
            "pass: [authorization], forward: { headers: {} } }\n  - { id: basic",
            "a public route has no caller",
        ),
        ("pass: [authorization] }\n  - { id: basic", "pass: [] }\n  - { id: basic", "pass: write at least one header"),
        (
            "pass: [authorization] }\n  - { id: basic",
            "pass: [x-api-key, x-api-key] }\n  - { id: basic",
            "`x-api-key` is written twice",
        ),
        (
            "pass: [authorization] }\n  - { id: basic",
            "pass: [x-other] }\n  - { id: basic",
            "`x-other` carries no credential",
        ),
        (
            "[api_key], scopes: none }, pass: [authorization]",
            "[api_key], scopes: none }, pass: [x-api-key]",
            "this route verifies `api_key`",
        ),
        (
            "scopes: none }, forward: { headers: {} }",
            "scopes: none }, forward: { headers: { x-c: api_key.client_id } }",
            "forward.headers.x-c: this route does not require `api_key`",
        ),
        ("fixed: { x-gateway: brama }", "keep: [token]", "`forward.keep` lets `token` go on already"),
        ("fixed: { x-gateway: brama }", "strip: [auth*]", "`forward.strip` removes it with `auth*`"),
    ] {
        assert!(DOCUMENT.contains(from), "{from}");
        let told = told(&DOCUMENT.replacen(from, to, 1));
        assert!(told.contains(fault) && told.is_empty() == fault.is_empty(), "{to}: {told}");
    }
}

#[test]
fn header_that_names_a_second_host_does_not_pass() {
    let aliased = DOCUMENT
        .replace("header: x-api-key", "header: x-host")
        .replace("pass: [authorization] }\n  - { id: basic", "pass: [x-host] }\n  - { id: basic");
    assert_eq!(told(&aliased), "");
    let hosted = aliased.replace("path: /user,", "path: /user, hosts: [a.example],");
    assert!(told(&hosted).contains("pass[0]: `x-host` names a second host"), "{}", told(&hosted));
}

#[test]
fn facts_that_no_route_forwards_are_told_and_refuse_nobody() {
    let own = DOCUMENT.replace(
        "path: /user, require: { credentials: [token], scopes: none } }",
        "path: /user, require: { credentials: [token], scopes: none }, forward: { headers: {} } }",
    );
    let own = own.replace("path: /basic, require", "path: /basic, forward: { headers: {} }, require");
    let document: Value = serde_saphyr::from_str(&own).unwrap();
    let document = PolicyDocument::read(&document.to_string()).unwrap();
    let policy = Policy::compile(&document).unwrap();
    let lints = policy.lints(&document);
    assert!(lints.iter().any(|lint| (lint.code, &*lint.path) == ("without_effect", "forward")), "{lints:?}");
    let document: Value = serde_saphyr::from_str(DOCUMENT).unwrap();
    let document = PolicyDocument::read(&document.to_string()).unwrap();
    let lints = Policy::compile(&document).unwrap().lints(&document);
    assert!(lints.iter().all(|lint| lint.path != "forward"), "{lints:?}");
}

/// The faults of a document; nothing of a sound one.
fn told(yaml: &str) -> String {
    let yaml: Value = serde_saphyr::from_str(yaml).unwrap();
    match PolicyDocument::read(&yaml.to_string()).and_then(|document| Policy::compile(&document)) {
        Ok(_policy) => String::new(),
        Err(faults) => faults.to_string(),
    }
}
