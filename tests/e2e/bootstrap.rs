//! What the shipped bootstrap promises, read off its text; and the least bootstrap, run.

use brama_e2e::client::Call;
use brama_e2e::stack::{Plan, project};
use serde_json::Value;

/// Every list of HTTP filters in the document, those of upgrades included.
fn chains<'a>(value: &'a Value, found: &mut Vec<&'a Vec<Value>>) {
    match value {
        Value::Object(members) => {
            for (key, child) in members {
                match child {
                    Value::Array(filters) if key == "http_filters" || (key == "filters" && is_http(filters)) => {
                        found.push(filters)
                    }
                    _other => {}
                }
                chains(child, found);
            }
        }
        Value::Array(entries) => entries.iter().for_each(|entry| chains(entry, found)),
        _leaf => {}
    }
}

fn is_http(filters: &[Value]) -> bool {
    filters.iter().any(|filter| name(filter).starts_with("envoy.filters.http."))
}

fn name(filter: &Value) -> &str {
    filter["name"].as_str().unwrap_or_default()
}

fn shipped() -> Value {
    let text = std::fs::read_to_string(project().join("envoy/envoy.yaml")).unwrap();
    let number = |text: String, name: &str| text.replace(&format!("${{{name}}}"), "1");
    serde_saphyr::from_str(&number(number(text, "PORT"), "ADMIN_PORT")).unwrap()
}

#[test]
fn every_chain_has_the_filter_and_the_lock_behind_it() {
    let document = shipped();
    let mut found = Vec::new();
    chains(&document, &mut found);
    assert!(!found.is_empty());
    for filters in found {
        let position = |wanted: &str| filters.iter().position(|filter| name(filter) == wanted).unwrap();
        let (filter, lock, router) =
            (position("brama"), position("envoy.filters.http.rbac"), position("envoy.filters.http.router"));
        assert!(filter + 1 == lock && lock < router, "{filters:?}");
        let principal = &filters[lock]["typed_config"]["rules"]["policies"]["allowed_by_brama"]["principals"];
        assert_eq!(
            principal,
            &serde_json::json!([{"filter_state": {"key": "wasm.brama_decision", "string_match": {"exact": "allow"}}}])
        );
        assert_eq!(filters[lock]["typed_config"]["rules"]["action"], "ALLOW");
    }
}

#[test]
fn path_is_passed_on_as_it_was_sent() {
    let document = shipped();
    let manager = &document["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"];
    assert_eq!(manager["normalize_path"], false);
    assert_eq!(manager["merge_slashes"], false);
    assert_eq!(manager["path_with_escaped_slashes_action"], "KEEP_UNCHANGED");
    assert_eq!(manager["common_http_protocol_options"]["headers_with_underscores_action"], "REJECT_REQUEST");
    assert_eq!(manager["always_set_request_id_in_response"], true);
    assert_eq!(manager["stream_idle_timeout"], "2.5s");
}

#[test]
fn least_bootstrap_guards_a_service_in_forty_lines() {
    let text = std::fs::read_to_string(project().join("envoy/minimal.yaml")).unwrap();
    assert!(text.lines().count() <= 40);
    // The places that are an operator's own.
    let port = |number: u16| format!("socket_address: {{ address: 127.0.0.1, port_value: {number} }}");
    let socket = |name: &str| format!("pipe: {{ path: ${{{name}}} }}");
    let own = [
        (port(9901), port(0)),
        (port(8080), port(0)),
        (port(8081), socket("PUBLIC_SOCKET")),
        (port(8082), socket("INTERNAL_SOCKET")),
        ("/etc/brama/ecds.json".to_owned(), "${ECDS_FILE}".to_owned()),
    ];
    let bootstrap = own.iter().fold(text, |text, (shown, real)| {
        assert_eq!(text.matches(shown).count(), 1, "{shown}");
        text.replace(shown, real)
    });
    let gateway = Plan::shipped().bootstrap(bootstrap).start();
    let division = || Call::delete("/api/admin/contract_divisions/x").api_key("uXhEczJ56adsfh3Ri9SUkc4en");
    let known = division().token("0d7b3a5e9c1f4826b4d0a6e2f8c3957e").header("x-consumer-id", "forged");
    gateway.tap.take();
    assert_eq!(known.send(gateway.address()).status, 404);
    let sent = gateway.tap.take();
    assert!(sent.contains("x-consumer-id: ") && !sent.contains("forged"), "{sent}");
    let refused = division().send(gateway.address());
    assert_eq!((refused.status, refused.header("www-authenticate")), (401, Some("Bearer realm=\"ehealth\"")));
    assert_eq!(Call::new("GET", "/nowhere").send(gateway.address()).status, 403);
    assert_eq!(gateway.tap.take(), "");
}
