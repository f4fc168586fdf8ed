//! What is sound and probably not meant: each lint is found where it should be, and nowhere else.

use brama_policy::authoring::Lint;
use brama_policy::deciding::{Policy, PolicyDocument};
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

const SHIPPED: &str = include_str!("../../../policies/ehealth.yaml");

#[track_caller]
fn lints(yaml: &str) -> Vec<Lint> {
    let value: serde_json::Value = serde_saphyr::from_str(yaml).unwrap();
    let document = PolicyDocument::read(&value.to_string()).unwrap();
    Policy::compile(&document).unwrap_or_else(|faults| panic!("{faults}")).lints(&document)
}

/// The codes, places and messages found in a policy of these public routes, a line a route.
#[track_caller]
fn of_routes(routes: &[&str]) -> Vec<String> {
    let routes: String = routes.iter().map(|route| format!("  - {{ {route} }}\n")).collect();
    let found = lints(&format!(
        "version: 1\nname: x\nforward: {{ headers: {{}} }}\nrefusals: {{ format: ehealth }}\nroutes:\n{routes}"
    ));
    found.into_iter().map(|Lint { code, path, message, .. }| format!("{code} {path}: {message}")).collect()
}

#[test]
fn shipped_policy_has_no_lint() {
    assert_eq!(lints(SHIPPED), []);
}

/// In the shipped policy, the first text replaced by the second, and the lint that follows, with its place.
const TABLE: &[(&str, &str, &str, &str)] = &[
    // An ordinary name says nothing of the caller; one of a fact, or one that another route compares, does.
    ("{_connection_id}", "{connection_id}", "", ""),
    ("{_connection_id}", "{subject}", "capture_unused", "routes[0].path"),
    ("contract_divisions/{_id}", "contract_divisions/{client_id}", "capture_unused", "routes[1].path"),
    ("contract_divisions/{_id}", "contract_divisions/{_client_id}", "", ""),
    ("path: /readyz", "path: '/readyz/{client_id}'", "", ""),
    ("/readyz\n", "/api/clients/{_x}/connections/{_y}\n", "", ""),
    ("[GET]", "[DELETE]", "", ""),
    ("[GET]\n    path: /readyz", "[DELETE]\n    path: /{_all...}", "public_overlaps_guarded", "routes[2].path"),
    (
        "[GET]\n    path: /readyz",
        "[DELETE]\n    path: /api/admin/{_x}/{_y}",
        "public_overlaps_guarded",
        "routes[2].path",
    ),
    ("[GET]", "[GET, FETCH]", "method_unknown", "routes[2].methods[1]"),
    (
        "authorities:\n",
        "authorities:\n  spare: { cluster: b, host: b, timeout: 1s, auth: { bearer_env: B } }\n",
        "authority_unused",
        "authorities.spare",
    ),
    (
        "hint: access_token",
        "hint: access_token\n          facts: { further: { tenant: /t } }",
        "fact_unused",
        "credentials.token.verify[0].introspect.facts.further.tenant",
    ),
    ("hint: access_token", "hint: access_token\n          facts: { further: { jti: /jti } }", "", ""),
    (
        "hint: access_token",
        "hint: access_token\n          facts: { further: { jti: /id } }",
        "fact_misses_revocations",
        "credentials.token.verify[0].introspect.facts.further.jti",
    ),
    (
        "hint: api_key",
        "hint: api_key\n          facts: { client_id: /consumer_id }",
        "fact_misses_revocations",
        "credentials.api_key.verify[0].introspect.facts.client_id",
    ),
    ("hint: access_token", "hint: access_token\n          inactive_on: [404, 422]", "", ""),
    (
        "hint: access_token",
        "hint: access_token\n          inactive_on: [404, 401]",
        "inactive_on_hides_outage",
        "credentials.token.verify[0].introspect.inactive_on[1]",
    ),
    (
        "format: ehealth",
        "format: ehealth, messages: { token_refused: Invalid access token }",
        "refusals_tell_credentials_apart",
        "refusals.messages",
    ),
];

#[test]
fn every_lint_is_told_with_its_place() {
    for (from, to, code, path) in TABLE {
        assert!(SHIPPED.contains(from), "{from}");
        let found = lints(&SHIPPED.replacen(from, to, 1));
        let found: Vec<_> = found.iter().map(|lint| (lint.code, lint.path.as_str())).collect();
        let wanted: Vec<_> = [(*code, *path)].into_iter().filter(|(code, _)| !code.is_empty()).collect();
        assert!(wanted.iter().all(|lint| found.contains(lint)) && found.len() <= 2, "{to}: {found:?}");
        assert_eq!(found.is_empty(), wanted.is_empty(), "{to}: {found:?}");
    }
}

#[test]
fn credential_that_no_route_requires_is_told() {
    let only_keys = SHIPPED
        .replace("[api_key, token]", "[api_key]")
        .replace("equals: token.client_id", "equals: api_key.client_id");
    let found: Vec<_> = lints(&only_keys).into_iter().map(|lint| lint.path).collect();
    assert_eq!(found, ["credentials.token"]);
}

#[test]
fn route_that_no_request_reaches_is_told() {
    let because = "public: { because: a test }";
    // A more exact host goes before a more exact path.
    assert_eq!(
        of_routes(&[
            &format!("id: all, methods: [GET], hosts: [a.example], path: '/{{_x...}}', {because}"),
            &format!("id: one, methods: [GET], path: /b, {because}"),
        ]),
        ["route_unreachable routes[1].path: no request reaches this route on `a.example`: route `all` takes them all"]
    );
    // Whoever does not heed the case of letters takes no more from it than it gives.
    assert_eq!(
        of_routes(&[
            &format!("id: a, methods: [GET], path: '/b/{{_x}}', {because}"),
            &format!("id: b, methods: [GET], path: '/b/{{_x}}/{{_y...}}', {because}"),
            &format!("id: c, methods: [GET], path: '/B/{{_x...}}', {because}"),
        ]),
        [""; 0]
    );
    assert_eq!(
        of_routes(&[
            &format!("id: a, methods: [GET], path: '/a/{{_x}}', {because}"),
            &format!("id: b, methods: [GET], path: '/a/{{_x:int}}', {because}"),
            &format!("id: c, methods: [GET], path: '/a/{{_x...}}', {because}"),
            &format!("id: d, methods: [GET], hosts: ['*.e'], path: '/a/{{_x}}', {because}"),
            &format!("id: e, methods: [GET], hosts: [f.e], path: '/a/%20/{{_x:uuid}}', {because}"),
        ]),
        ["route_unreachable routes[1].path: no request reaches this route on `*.e`: route `d` takes them all"]
    );
}

#[test]
fn route_that_differs_from_stricter_ones_in_letter_case_only_is_told() {
    let require = "require: { credentials: [token], scopes: none }";
    let policy = format!(
        "{SHIPPED}
  - {{ id: a, methods: [PUT], path: '/b/{{_x}}', {require} }}
  - {{ id: b, methods: [PUT], path: '/b/{{_x}}/{{_y...}}', {require} }}
  - {{ id: c, methods: [PUT], path: '/B/{{_x...}}', public: {{ because: a test }} }}"
    );
    let found: Vec<_> = lints(&policy).into_iter().filter(|lint| lint.code == "route_unreachable").collect();
    let found: Vec<_> = found.iter().map(|lint| (lint.path.as_str(), lint.message.as_str())).collect();
    let message =
        "no request reaches this route: all are refused, for they differ from a stricter route's in letter case only";
    assert_eq!(found, [("routes[5].path", message)]);
}
