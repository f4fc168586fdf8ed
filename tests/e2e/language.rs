//! What the policy language says beyond the shipped policy, through Envoy: shadow mode, preflight, hosts, conditions,
//! formats.

use std::path::PathBuf;

use brama_e2e::client::Call;
use brama_e2e::stack::{Gateway, Plan, project};
use serde_json::Value;
use tempfile::TempDir;

const API_KEY: &str = "uXhEczJ56adsfh3Ri9SUkc4en";
const NHS_ADMIN: &str = "0d7b3a5e9c1f4826b4d0a6e2f8c3957e";

/// The shipped policy with some of its text replaced.
fn variant(edits: &[(&str, &str)]) -> (TempDir, PathBuf) {
    let mut text = std::fs::read_to_string(project().join("policies/ehealth.yaml")).unwrap();
    for (from, to) in edits {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("variant.yaml");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

fn start(edits: &[(&str, &str)]) -> (TempDir, Gateway) {
    let (folder, policy) = variant(edits);
    (folder, Plan::with_policy(policy).start())
}

fn division() -> Call {
    Call::delete("/api/admin/contract_divisions/x")
}

#[test]
fn rule_in_shadow_mode_is_judged_counted_marked_and_not_enforced() {
    let (_folder, gateway) =
        start(&[("  - id: delete_contract_division\n", "  - id: delete_contract_division\n    mode: shadow\n")]);
    // The launcher's own request is allowed too.
    let allowed_before = gateway.counter("wasmcustom.brama_allowed");
    let would_refuse = |id: &str| gateway.logged(id)["would_refuse"].clone();

    let strangers = division().header("x-consumer-id", "forged").header("x-request-id", "stranger");
    // The service itself wants an identity, and is told none.
    assert_eq!(strangers.send(gateway.address()).status, 401);
    let sent = gateway.tap.take();
    assert!(!sent.is_empty() && !sent.contains("forged") && !sent.contains("x-consumer-id"), "{sent}");
    assert_eq!(would_refuse("stranger"), "api_key_missing");
    assert_eq!(gateway.logged("stranger")["decision"], "allow");

    let unknown = division().api_key(API_KEY).token("nobody-knows-it").header("x-request-id", "unknown");
    assert_eq!(unknown.send(gateway.address()).status, 401);
    assert_eq!(would_refuse("unknown"), "token_refused");
    assert!(!gateway.tap.take().contains("nobody-knows-it"));

    let good = division().api_key(API_KEY).token(NHS_ADMIN).header("x-request-id", "good");
    assert_eq!(good.send(gateway.address()).status, 404);
    assert_eq!(would_refuse("good"), Value::Null);
    assert!(gateway.tap.take().contains("x-consumer-id: "));

    assert_eq!(gateway.counter("wasmcustom.brama_would_refuse_api_key_missing"), 1);
    assert_eq!(gateway.counter("wasmcustom.brama_would_refuse_token_refused"), 1);
    assert_eq!(gateway.counter("wasmcustom.brama_allowed"), allowed_before + 3);

    // What is ambiguous is refused all the same, and so are other rules' requests.
    for (call, status) in [
        (division().api_key("a").api_key("b"), 400),
        (Call::delete("/api/admin//contract_divisions/x"), 400),
        (Call::delete("/API/admin/contract_divisions/x"), 400),
        (division().token("a b"), 401),
        (Call::delete("/elsewhere"), 403),
    ] {
        assert_eq!(call.send(gateway.address()).status, status);
    }
    assert_eq!(gateway.tap.take(), "");
}

#[test]
fn preflight_request_reaches_the_cors_filter_and_no_further() {
    const CORS: &str = "
                  - name: envoy.filters.http.cors
                    typed_config:
                      \"@type\": type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors

                  - name: envoy.filters.http.buffer
";
    const ALLOWED: &str = "                        - match: { prefix: \"/\" }
                          typed_per_filter_config:
                            envoy.filters.http.cors:
                              \"@type\": type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy
                              allow_origin_string_match: [{ exact: https://console.example }]
                              allow_methods: DELETE
";
    let setting = "  - id: delete_contract_division\n    preflight: { because: the CORS filter answers it }\n";
    let (_folder, policy) = variant(&[("  - id: delete_contract_division\n", setting)]);
    let gateway = Plan::with_policy(policy)
        .edit("\n                  - name: envoy.filters.http.buffer\n", CORS)
        .edit("                        - match: { prefix: \"/\" }\n", ALLOWED)
        .start();
    let preflight = |path: &str, method: &str| {
        Call::new("OPTIONS", path)
            .header("Origin", "https://console.example")
            .header("Access-Control-Request-Method", method)
            .send(gateway.address())
    };
    let reply = preflight("/api/admin/contract_divisions/x", "DELETE");
    assert_eq!((reply.status, reply.header("access-control-allow-methods")), (200, Some("DELETE")));
    for (path, method) in [("/api/admin/contract_divisions/x", "PUT"), ("/readyz", "GET"), ("/elsewhere", "DELETE")] {
        assert_eq!(preflight(path, method).status, 403, "{method} {path}");
    }
    assert_eq!(gateway.tap.take(), "");
    // A request is no preflight for having an origin.
    let reply = division().header("Origin", "https://console.example").send(gateway.address());
    assert_eq!(reply.status, 401);
}

#[test]
fn host_and_the_rest_of_a_path_choose_the_route() {
    let docs = "routes:\n  - id: docs\n    methods: [GET]\n    hosts: ['*.docs.example']\n    path: /{_page...}\n    \
                public: { because: everybody may read them }\n";
    let (_folder, gateway) = start(&[("routes:\n", docs)]);
    let rule = |number: usize, host: &str, path: &str| {
        let id = format!("page-{number}");
        Call::new("GET", path).header("Host", host).header("x-request-id", &id).send(gateway.address());
        let entry = gateway.logged(&id);
        (entry["decision"].as_str().unwrap().to_owned(), entry["rule"].as_str().unwrap().to_owned())
    };
    for (number, (host, path, decision, name)) in [
        ("a.docs.example", "/guide/start", "allow", "docs"),
        ("A.Docs.Example:8080", "/guide/", "allow", "docs"),
        ("a.docs.example", "/readyz", "allow", "docs"),
        ("docs.example", "/guide/start", "refuse", "-"),
        ("adocs.example", "/guide/start", "refuse", "-"),
        ("docs.example", "/readyz", "allow", "readyz"),
        ("a.docs.example", "/guide/../start", "refuse", "-"),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(rule(number, host, path), (decision.to_owned(), name.to_owned()), "{host}{path}");
    }
}

#[test]
fn conditions_look_at_headers_at_captures_and_at_the_clock() {
    let conditions = "private_contracts:write\"] }\n      conditions:\n        \
                      - 'request.headers[\"x-reason\"].startsWith(\"audit \")'\n        \
                      - 'params.id != \"frozen\"'\n        \
                      - 'params.id != \"past\" || now < timestamp(\"2020-01-01T00:00:00Z\")'\n        \
                      - 'params.id != \"future\" || now < timestamp(\"9999-01-01T00:00:00Z\")'\n";
    let (_folder, gateway) = start(&[
        ("contract_divisions/{_id}", "contract_divisions/{id}"),
        ("private_contracts:write\"] }\n", conditions),
    ]);
    for (number, (id, reason, denial)) in [
        ("x", Some("audit 7"), None),
        ("future", Some("audit 7"), None),
        ("x", Some("none"), Some("condition_false")),
        // A header that is not there is no text to begin with anything.
        ("x", None, Some("condition_failed")),
        ("frozen", Some("audit 7"), Some("condition_false")),
        ("past", Some("audit 7"), Some("condition_false")),
    ]
    .into_iter()
    .enumerate()
    {
        let request = format!("condition-{number}");
        let call = Call::delete(&format!("/api/admin/contract_divisions/{id}")).api_key(API_KEY).token(NHS_ADMIN);
        let call = call.header("x-request-id", &request);
        let call = match reason {
            Some(reason) => call.header("x-reason", reason),
            None => call,
        };
        let reply = call.send(gateway.address());
        match denial {
            // No division has such an id, says the service.
            None => assert_eq!(reply.status, 404, "{id} {reason:?}"),
            Some(_) => reply.is_error(403, "forbidden", "Forbidden"),
        }
        assert_eq!(gateway.logged(&request)["denial"], Value::from(denial), "{id} {reason:?}");
    }
    assert_eq!(gateway.counter("wasmcustom.brama_refused_condition_failed"), 1);
    assert_eq!(gateway.counter("wasmcustom.brama_refused_condition_false"), 3);
}

#[test]
fn refusals_are_worded_as_the_policy_says() {
    let words = "{ format: problem, messages: { scope_missing: \"Missing allowances: {missing_scopes}\" } }";
    let (_folder, gateway) = start(&[("{ format: ehealth }", words), ("private_contracts:write", "other:write")]);
    let reply = division().api_key(API_KEY).token(NHS_ADMIN).header("x-request-id", "p1").send(gateway.address());
    assert_eq!((reply.status, reply.header("content-type")), (403, Some("application/problem+json")));
    let body: Value = serde_json::from_str(&reply.text()).unwrap();
    assert_eq!(body["detail"], "Missing allowances: other:write");
    assert_eq!((&body["status"], &body["request_id"]), (&Value::from(403), &Value::from("p1")));

    let (_folder, gateway) = start(&[("{ format: ehealth }", "{ format: bare }")]);
    let reply = division().api_key(API_KEY).send(gateway.address());
    assert_eq!((reply.status, reply.text().as_str()), (401, ""));
    assert_eq!(reply.header("www-authenticate"), Some("Bearer realm=\"ehealth\""));
    assert_eq!(reply.header("content-type"), None);
}
