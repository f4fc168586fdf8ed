//! Conditions as part of a policy: what they see, and where every outcome leads. (What they can say is tested beside
//! them.)

use std::sync::Arc;

use crate::support::{headers, judge, policy};
use brama_policy::deciding::{Decision, Policy, PolicyDocument};
use brama_policy::identity::{Answer, Facts};
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn text(condition: &str, route: &str) -> String {
    format!(
        r#"
version: 1
name: x
authorities: {{ a: {{ cluster: a, host: a, timeout: 1s, auth: {{ bearer_env: S }} }} }}
credentials:
  token: {{ header: authorization, scheme: Bearer, cache: {{ ttl: 1s, refused_ttl: 1s, entries: 1 }},
    verify: [{{ introspect: {{ authority: a, path: /i, hint: t, expect: {{ /u: t }}, facts: {{ further: {{ tenant: /tenant }} }} }} }}] }}
forward: {{ headers: {{}} }}
refusals: {{ format: ehealth }}
routes:
  - id: r
    methods: [GET, PUT]
    path: '/{{tenant}}/{{n:int}}'
    require: {{ credentials: [token], scopes: none, conditions: ['{condition}'] }}
    {route}"#
    )
}

/// The outcome of `GET /t1/7` by a token of tenant `t1`.
fn outcome(condition: &str, further: &[(&str, &str)]) -> String {
    code(&policy(&text(condition, "")), further)
}

/// What is wrong with a policy that has this condition.
fn fault(condition: &str) -> String {
    fault_of(&text(condition, ""))
}

fn fault_of(yaml: &str) -> String {
    let value: serde_json::Value = serde_saphyr::from_str(yaml).unwrap();
    Policy::compile(&PolicyDocument::read(&value.to_string()).unwrap()).unwrap_err().to_string()
}

fn code(policy: &Arc<Policy>, further: &[(&str, &str)]) -> String {
    let sent = [&[("authorization", "Bearer secret")], further].concat();
    let facts = Facts {
        subject: Some("u".parse().unwrap()),
        scope: "read".parse().unwrap(),
        further: vec![("tenant".into(), "t1".parse().unwrap())],
        ..Facts::none()
    };
    match judge(policy, &headers("GET", "/t1/7", &sent), |_| Answer::Active(Arc::new(facts.clone()))) {
        Decision::Allow(grant) => {
            grant.would_refuse().map_or("allowed".to_owned(), |denial| format!("would refuse {}", denial.code()))
        }
        Decision::Refuse(refused) => {
            assert_eq!((refused.denial().status(), refused.rule().unwrap().as_str()), (403, "r"));
            refused.denial().code().to_owned()
        }
    }
}

#[test]
fn condition_decides_over_request_captures_identity_and_time() {
    for (condition, wanted) in [
        ("params.tenant == token.tenant", "allowed"),
        ("params.n < 8 && request.method == \"GET\" && request.host == \"api.example\"", "allowed"),
        ("request.path == \"/t1/7\" && \"read\" in token.scopes", "allowed"),
        ("now >= timestamp(\"2023-11-14T22:13:20Z\") && now < timestamp(\"2023-11-14T22:13:21Z\")", "allowed"),
        ("request.headers[\"x-a\"] == \"1, 2\"", "allowed"),
        ("params.n == 8", "condition_false"),
        ("token.tenant == \"t2\"", "condition_false"),
        ("token.client_id == \"c\"", "condition_failed"),
        ("request.headers[\"x-b\"] == \"1\"", "condition_failed"),
        ("params.n / (params.n - params.n) == 1", "condition_failed"),
    ] {
        assert_eq!(outcome(condition, &[("x-a", "1"), ("X-A", "2")]), wanted, "{condition}");
    }
}

#[test]
fn conditions_never_see_the_credential() {
    for name in ["authorization", "Authorization"] {
        let fault = fault(&format!("!({name:?} in request.headers)"));
        assert!(fault.contains("it carries a credential, which conditions never see"), "{fault}");
    }
    assert_eq!(outcome("request.headers.exists(n, request.headers[n].contains(\"secret\"))", &[]), "condition_false");
}

#[test]
fn conditions_never_see_what_a_client_must_not_send() {
    let forged = [("x-role", "admin"), ("x_role", "admin"), ("x-trusted-a", "1")];
    let strict = text("request.headers.exists(n, n.contains(\"role\") || n.startsWith(\"x-trusted\"))", "")
        .replace("forward: { headers: {} }", "forward: { headers: {}, fixed: { x-role: none }, strip: [x-trusted-*] }");
    assert_eq!(code(&policy(&strict), &forged), "condition_false");
}

#[test]
fn headers_that_never_come_to_a_condition_are_faults_with_the_reason() {
    for (name, reason) in [
        ("x-role", "the gateway sets it by `forward`"),
        ("x_role", "the gateway sets it by `forward`"),
        ("x-trusted-a", "`forward.strip` removes it"),
        ("x-http-method-override", "a request that has it is refused before any condition"),
        ("upgrade", "a request that has it is refused before any condition"),
        ("forwarded", "it names a second host, and is removed where routes name hosts"),
        ("host", "Envoy keeps it as the authority, which is `request.host`"),
        ("connection", "Envoy takes it off, for it is about one connection only"),
        ("keep-alive", "Envoy takes it off, for it is about one connection only"),
        ("proxy-connection", "Envoy takes it off, for it is about one connection only"),
        ("transfer-encoding", "Envoy takes it off, for it is about one connection only"),
    ] {
        let text = text(&format!("!({name:?} in request.headers)"), "hosts: [api.example]").replace(
            "forward: { headers: {} }",
            "forward: { headers: {}, fixed: { x-role: none }, strip: [x-trusted-*] }",
        );
        let fault = fault_of(&text);
        assert!(fault.contains(reason), "{name}: {fault}");
    }
}

#[test]
fn header_that_envoy_leaves_is_seen() {
    for name in ["te", "content-length", "x-request-id"] {
        assert_eq!(outcome(&format!("{name:?} in request.headers"), &[(name, "trailers")]), "allowed", "{name}");
    }
}

#[test]
fn condition_of_one_outcome_is_told() {
    for (condition, message) in [
        ("1 == 1", Some("this condition always holds")),
        ("request.method in [\"GET\", \"PUT\"]", Some("this condition always holds")),
        (
            "token.tenant != \"a\" || token.tenant != \"b\"",
            Some("this condition is never false: it holds, or it fails since something is absent or out of range"),
        ),
        ("token.tenant == \"a\" && token.tenant == \"b\"", Some("this condition never holds, so that nobody may pass")),
        ("!has(token.tenant) && now < now", Some("this condition never holds, so that nobody may pass")),
        (
            "params.n + 1 > 0",
            Some("this condition is never false: it holds, or it fails since something is absent or out of range"),
        ),
        ("params.n - 1 >= -1 && size(request.path) > 3", Some("this condition always holds")),
        ("token.tenant == \"a\"", None),
    ] {
        let value: serde_json::Value = serde_saphyr::from_str(&text(condition, "")).unwrap();
        let document = PolicyDocument::read(&value.to_string()).unwrap();
        let lints = Policy::compile(&document).unwrap().lints(&document);
        let found = lints.iter().find(|lint| lint.code == "condition_constant");
        assert_eq!(found.map(|lint| lint.message.as_str()), message, "{condition}");
        assert!(found.is_none_or(|lint| lint.path == "routes[0].require.conditions[0]"));
    }
}

#[test]
fn headers_that_are_no_text_fail_the_conditions_that_read_them() {
    let policy = policy(&text("!(\"x-a\" in request.headers)", ""));
    let mut sent = headers("GET", "/t1/7", &[("authorization", "Bearer t")]);
    sent.push(("x-b".to_owned(), vec![0xff]));
    let decision = judge(&policy, &sent, |_| Answer::Active(Arc::new(Facts::none())));
    let Decision::Refuse(refused) = decision else { panic!("allowed") };
    assert_eq!(refused.denial().code(), "condition_failed");
}

#[test]
fn every_condition_must_hold_and_shadow_mode_only_marks() {
    let two = "true\", \"params.n == 8";
    let text = text(two, "").replace('\'', "\"").replace("\"/{", "'/{").replace("int}\"", "int}'");
    assert_eq!(code(&policy(&text), &[]), "condition_false");
    let shadow = text.replace("    path:", "    mode: shadow\n    path:");
    assert_eq!(code(&policy(&shadow), &[]), "would refuse condition_false");
}

#[test]
fn condition_that_cannot_be_judged_is_a_fault_with_its_place() {
    for (condition, fault) in [
        ("params.x == \"1\"", "`params.x` can never exist; there are `tenant`, `n`"),
        ("token.tenat == \"1\"", "`token.tenat` can never exist"),
        ("api_key.subject == \"1\"", "`api_key` is no variable; there are `request`, `params`, `token`, `now`"),
        ("params.n == \"7\"", "`==` between a number and a string can mean nothing"),
        ("request.method.matches(\"G.*\")", "`matches` is no function of conditions"),
        ("request.method == ", "`request.method == ` does not parse"),
        ("params.n", "`params.n` is a number, and no bool"),
        ("params.n == 1 // && params.n == 2", "`params.n == 1 // && params.n == 2` holds a comment"),
        ("(token.scopes + token.scopes).size() == 2", "there is no joining of lists"),
        ("1 / 0 == 1", "`1 / 0` always fails: a number or a time is out of range"),
    ] {
        let value: serde_json::Value = serde_saphyr::from_str(&text(condition, "")).unwrap();
        let faults = Policy::compile(&PolicyDocument::read(&value.to_string()).unwrap()).unwrap_err().to_string();
        assert!(faults.starts_with(&format!("routes[0].require.conditions[0]: {fault}")), "{faults}");
    }
}

#[test]
fn slashes_in_a_literal_are_no_comment() {
    assert_eq!(outcome(r#"token.subject != "https://id.example""#, &[]), "allowed");
}

#[test]
fn conditions_of_a_route_are_few() {
    let many = vec!["true"; 17].join("\", \"");
    let yaml = text(&many, "").replace("['true", "[\"true").replace("true']", "true\"]");
    let value: serde_json::Value = serde_saphyr::from_str(&yaml).unwrap();
    let faults = Policy::compile(&PolicyDocument::read(&value.to_string()).unwrap()).unwrap_err().to_string();
    assert_eq!(faults, "routes[0].require.conditions: 17 conditions are more than 16");
}

/// Searches of a whole header: as many as a list of words needs, and not as many as would hold up a worker.
#[test]
fn searches_of_a_route_are_bounded() {
    let of = |times: usize, part: &str| {
        let search = format!("!request.headers[\"user-agent\"].contains({part})");
        let one = vec![search.as_str(); times.div_ceil(16)].join(" && ");
        let conditions = vec![format!("'{one}'"); 16].join(", ");
        text("x", "").replace("conditions: ['x']", &format!("conditions: [{conditions}]"))
    };
    let _policy = policy(&of(96, "\"curl/\""));
    let _policy = policy(&of(16, "params.tenant"));
    for text in [of(160, "\"curl/\""), of(48, "params.tenant"), of(48, &format!("\"{}\"", "a".repeat(33)))] {
        let fault = fault_of(&text);
        assert!(fault.contains("could take longer than a request may"), "{fault}");
    }
}
