//! Owns Brama's filters: the plugin under a policy, and the lock behind it.

use std::process::Command;

use brama_run::Settings;
use serde_json::{Value, json};

use super::envoys::{AUDIENCE, ISSUER, rbac};

/// `policies/ehealth.yaml`.
pub fn shipped() -> Value {
    serde_saphyr::from_str(include_str!("../../../policies/ehealth.yaml")).unwrap()
}

/// The same, with tokens that speak for themselves.
pub fn with_jwt(policy: &Value, key: &Value) -> Value {
    let mut policy = policy.clone();
    policy["credentials"]["token"]["verify"] = json!([{ "jwt": {
        "issuer": ISSUER, "audiences": [AUDIENCE], "types": ["at+jwt"], "algorithms": ["RS256"], "keys": { "inline": [key] },
    }}]);
    policy
}

/// The same, with an authority that may be asked as often as it takes.
pub fn without_haste(policy: &Value) -> Value {
    let mut policy = policy.clone();
    policy["authorities"]["mithril"]["lookups"] =
        json!({ "per_second": 1_000_000, "per_second_behind_a_key": 1_000_000 });
    policy
}

/// The same among so many routes, all of which have a part of its path.
pub fn with_routes(policy: &Value, count: usize) -> Value {
    let mut policy = policy.clone();
    let route = policy["routes"][0].clone();
    let routes = policy["routes"].as_array_mut().unwrap();
    for number in routes.len()..count {
        let mut route = route.clone();
        route["id"] = json!(format!("r{number}"));
        // Short: the command reads documents of 250,000 nodes at most.
        route["require"] = json!({ "credentials": ["api_key", "token"], "scopes": "none" });
        route["path"] = match number % 2 {
            0 => json!(format!("/api/clients/{{_client_id:uuid}}/connections/{{_connection_id}}/p{number}")),
            _ => json!(format!("/api/s{number}/clients/{{_client_id:uuid}}/connections/{{_connection_id}}")),
        };
        routes.push(route);
    }
    policy
}

pub fn filters(settings: &Settings, policy: &Value) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let [written, rendered] = ["policy.yaml", "ecds.json"].map(|name| folder.path().join(name));
    std::fs::write(&written, policy.to_string()).unwrap();
    let mut render = Command::new(&settings.brama);
    render.arg("render").arg(written).args(["--target", "envoy-ecds", "--wasm"]).arg(&settings.wasm);
    assert!(render.arg("-o").arg(&rendered).status().unwrap().success());
    let ecds: Value = serde_json::from_str(&std::fs::read_to_string(rendered).unwrap()).unwrap();
    let mark = json!({ "filter_state": { "key": "wasm.brama_decision", "string_match": { "exact": "allow" } } });
    vec![
        json!({ "name": "brama", "typed_config": ecds["resources"][0]["typed_config"] }),
        rbac(json!({ "any": true }), mark),
    ]
}
