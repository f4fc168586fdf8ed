//! `brama render` for Istio and Envoy Gateway: manifests that their schemas take, and a policy that arrives as it was
//! written.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use brama_policy::deciding::{Policy, PolicyDocument};
use serde_json::{Value, json};

const SUM: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const IMAGE: &str = "oci://registry.example/brama:1";
const FILE: &str = "https://files.example/brama.wasm";
const GATEWAY_PODS: [&str; 4] = ["--workload", "gateway", "--selector", "istio=ingressgateway"];
const SIDECARS: [&str; 6] = ["--workload", "sidecar", "--selector", "app=connections", "--selector", "tier=api"];

/// What [`SIDECARS`] and [`GATEWAY_PODS`] leave out.
const PINNED_IMAGE: [&str; 6] = ["--wasm-url", IMAGE, "--sha256", SUM, "--namespace", "ehealth"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn shipped() -> PathBuf {
    root().join("policies/ehealth.yaml")
}

fn render(policy: &Path, target: &str, flags: &[&[&str]]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_brama"));
    command.arg("render").arg(policy).args(["--target", target]).args(flags.concat()).output().unwrap()
}

#[track_caller]
fn manifests(policy: &Path, target: &str, flags: &[&[&str]]) -> Vec<Value> {
    let Output { status, stdout, stderr } = render(policy, target, flags);
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    serde_saphyr::from_multiple(&String::from_utf8(stdout).unwrap()).unwrap()
}

#[track_caller]
fn refused(policy: &Path, target: &str, flags: &[&[&str]], code: i32) -> String {
    let Output { status, stdout, stderr } = render(policy, target, flags);
    let error = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(code), "{error}");
    assert!(stdout.is_empty());
    error
}

fn variant(folder: &Path, from: &str, to: &str) -> PathBuf {
    let text = fs::read_to_string(shipped()).unwrap();
    assert!(text.contains(from));
    let path = folder.join("variant.yaml");
    fs::write(&path, text.replace(from, to)).unwrap();
    path
}

/// The policy as a Go program prints it that read it into a protobuf `Struct`, whose numbers are doubles.
/// Go's `encoding/json`: whole numbers below 1e21 have neither a fraction nor an exponent.
fn through_a_struct(value: &Value) -> String {
    match value {
        Value::Number(number) => {
            let double = number.as_f64().unwrap();
            assert!(double.abs() < 1e21);
            format!("{double}")
        }
        Value::Array(entries) => format!("[{}]", entries.iter().map(through_a_struct).collect::<Vec<_>>().join(",")),
        Value::Object(members) => {
            let member = |(key, member): (&String, &Value)| format!("{}: {}", json!(key), through_a_struct(member));
            format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(", "))
        }
        Value::Null | Value::Bool(_) | Value::String(_) => value.to_string(),
    }
}

/// Every place in `value` where something is written, with `*` for an entry, and nothing below what is `open`.
fn places(value: &Value, at: &str, open: &[&str], found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) if !open.contains(&at) => {
            for (key, member) in members {
                places(member, &format!("{at}.{key}"), open, found);
            }
        }
        Value::Array(entries) if !open.contains(&at) => {
            for entry in entries {
                places(entry, &format!("{at}[]"), open, found);
            }
        }
        _ => {
            found.insert(at.to_owned());
        }
    }
}

/// Asserts that `manifest` has fields of the schema only.
#[track_caller]
fn fits(manifest: &Value, fields: &[&str], open: &[&str]) {
    let mut found = BTreeSet::new();
    places(manifest, "", open, &mut found);
    let unknown: Vec<_> = found.iter().filter(|place| !fields.contains(&place.as_str())).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

const META: [&str; 4] = [".apiVersion", ".kind", ".metadata.name", ".metadata.namespace"];

/// Fields of <https://github.com/istio/api/blob/master/extensions/v1alpha1/wasm.proto>, in the spelling of JSON.
/// `pluginConfig` is marked `preserveUnknownFields`; `matchLabels` is a map.
const WASM_PLUGIN: [&str; 14] = [
    ".spec.selector.matchLabels",
    ".spec.url",
    ".spec.sha256",
    ".spec.imagePullPolicy",
    ".spec.imagePullSecret",
    ".spec.pluginConfig",
    ".spec.pluginName",
    ".spec.phase",
    ".spec.priority",
    ".spec.failStrategy",
    ".spec.vmConfig.env[].name",
    ".spec.vmConfig.env[].valueFrom",
    ".spec.match[].mode",
    ".spec.type",
];

/// Fields of <https://github.com/istio/api/blob/master/networking/v1alpha3/envoy_filter.proto>. `patch.value` is
/// marked `preserveUnknownFields`; `labels` is a map.
const ENVOY_FILTER: [&str; 7] = [
    ".spec.workloadSelector.labels",
    ".spec.configPatches[].applyTo",
    ".spec.configPatches[].match.context",
    ".spec.configPatches[].match.listener.filterChain.filter.name",
    ".spec.configPatches[].match.listener.filterChain.filter.subFilter.name",
    ".spec.configPatches[].patch.operation",
    ".spec.configPatches[].patch.value",
];

/// Fields of <https://github.com/envoyproxy/gateway/blob/main/api/v1alpha1/wasm_types.go> and
/// `envoyextensionypolicy_types.go` beside it. `config` is any JSON.
const EXTENSION_POLICY: [&str; 13] = [
    ".spec.targetRefs[].group",
    ".spec.targetRefs[].kind",
    ".spec.targetRefs[].name",
    ".spec.wasm[].name",
    ".spec.wasm[].rootID",
    ".spec.wasm[].code.type",
    ".spec.wasm[].code.http.url",
    ".spec.wasm[].code.http.sha256",
    ".spec.wasm[].code.image.url",
    ".spec.wasm[].code.image.sha256",
    ".spec.wasm[].config",
    ".spec.wasm[].failOpen",
    ".spec.wasm[].env.hostKeys[]",
];

/// Fields of <https://github.com/envoyproxy/gateway/blob/main/api/v1alpha1/authorization_types.go> and
/// `securitypolicy_types.go` beside it.
const SECURITY_POLICY: [&str; 7] = [
    ".spec.targetRefs[].group",
    ".spec.targetRefs[].kind",
    ".spec.targetRefs[].name",
    ".spec.authorization.defaultAction",
    ".spec.authorization.rules[].name",
    ".spec.authorization.rules[].action",
    ".spec.authorization.rules[].cel",
];

#[test]
fn manifests_have_fields_of_the_schemas_only() {
    for pods in [&GATEWAY_PODS[..], &SIDECARS] {
        let [plugin, lock] = &manifests(&shipped(), "istio", &[&PINNED_IMAGE, pods])[..] else { panic!() };
        fits(plugin, &[&META[..], &WASM_PLUGIN].concat(), &[".spec.selector.matchLabels", ".spec.pluginConfig"]);
        let open = [".spec.workloadSelector.labels", ".spec.configPatches[].patch.value"];
        fits(lock, &[&META[..], &ENVOY_FILTER].concat(), &open);
    }
    for source in [IMAGE, FILE] {
        let flags = ["--wasm-url", source, "--sha256", SUM, "--namespace", "ehealth", "--gateway", "eg"];
        let [policy, lock] = &manifests(&shipped(), "envoy-gateway", &[&flags])[..] else { panic!() };
        fits(policy, &[&META[..], &EXTENSION_POLICY].concat(), &[".spec.wasm[].config"]);
        fits(lock, &[&META[..], &SECURITY_POLICY].concat(), &[]);
    }
}

#[test]
fn policy_arrives_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    for policy in [shipped(), variant(folder.path(), "entries: 50000", "entries: 1000000")] {
        let source: Value = serde_saphyr::from_str(&fs::read_to_string(&policy).unwrap()).unwrap();
        let istio = manifests(&policy, "istio", &[&PINNED_IMAGE, &SIDECARS]);
        let config = &istio[0]["spec"]["pluginConfig"];
        assert_eq!(*config, source);
        let text = through_a_struct(config);
        assert!(text.contains(r#""version": 1}"#), "{text}");
        Policy::compile(&PolicyDocument::read(&text).unwrap()).unwrap();

        // Envoy Gateway hands over what the API server keeps, without reading it.
        let gateway = manifests(&policy, "envoy-gateway", &[&PINNED_IMAGE, &["--gateway", "eg"]]);
        let config = &gateway[0]["spec"]["wasm"][0]["config"];
        assert_eq!(*config, source);
        Policy::compile(&PolicyDocument::read(&config.to_string()).unwrap()).unwrap();
    }
}

#[test]
fn both_fail_closed_and_hand_the_secrets_names_over_once() {
    let istio = manifests(&shipped(), "istio", &[&PINNED_IMAGE, &SIDECARS]);
    let plugin = &istio[0]["spec"];
    assert_eq!(plugin["failStrategy"], "FAIL_RELOAD");
    assert_eq!(plugin["vmConfig"]["env"], json!([{ "name": "BRAMA_AUTHORITY_SECRET", "valueFrom": "HOST" }]));
    let gateway = manifests(&shipped(), "envoy-gateway", &[&PINNED_IMAGE, &["--gateway", "eg"]]);
    let plugin = &gateway[0]["spec"]["wasm"][0];
    assert_eq!(plugin["failOpen"], false);
    assert_eq!(plugin["env"]["hostKeys"], json!(["BRAMA_AUTHORITY_SECRET"]));
}

#[test]
fn plugin_and_lock_hold_for_the_same_pods_and_requests() {
    for (pods, labels, modes, context) in [
        (&GATEWAY_PODS[..], json!({ "istio": "ingressgateway" }), Value::Null, "GATEWAY"),
        (&SIDECARS, json!({ "app": "connections", "tier": "api" }), json!([{ "mode": "SERVER" }]), "SIDECAR_INBOUND"),
    ] {
        let [plugin, lock] = &manifests(&shipped(), "istio", &[&PINNED_IMAGE, pods])[..] else { panic!() };
        assert_eq!(plugin["metadata"]["namespace"], lock["metadata"]["namespace"]);
        assert_eq!(plugin["spec"]["selector"]["matchLabels"], labels);
        assert_eq!(lock["spec"]["workloadSelector"]["labels"], labels);
        assert_eq!(plugin["spec"]["match"], modes);
        assert_eq!(lock["spec"]["configPatches"][0]["match"]["context"], context);
    }
}

/// The end-to-end tests try the bootstrap's lock in a real Envoy; Istio's is the same, but for the prefix that would
/// hide its counters there. Envoy Gateway's is tried by itself.
#[test]
fn lock_of_istio_is_the_bootstraps_lock_ahead_of_the_router() {
    let bootstrap = fs::read_to_string(root().join("envoy/envoy.yaml")).unwrap();
    let (first, rest) = bootstrap.split_once("${").unwrap();
    let rest = rest.split("${").map(|rest| format!("1{}", rest.split_once('}').unwrap().1));
    let bootstrap: Value = serde_saphyr::from_str(&format!("{first}{}", rest.collect::<String>())).unwrap();
    let chain = &bootstrap["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"];
    let filters = chain["http_filters"].as_array().unwrap();
    let rbac = filters.iter().find(|filter| filter["name"] == "envoy.filters.http.rbac").unwrap();
    let mut rbac = rbac["typed_config"].clone();
    assert_eq!(rbac.as_object_mut().unwrap().remove("rules_stat_prefix"), Some(json!("brama")));

    let istio = manifests(&shipped(), "istio", &[&PINNED_IMAGE, &GATEWAY_PODS]);
    let patch = &istio[1]["spec"]["configPatches"][0];
    assert_eq!(patch["patch"]["value"]["typed_config"], rbac);
    assert_eq!(patch["patch"]["operation"], "INSERT_BEFORE");
    let anchor = &patch["match"]["listener"]["filterChain"]["filter"]["subFilter"]["name"];
    assert_eq!(Some(anchor), filters.last().map(|router| &router["name"]));
}

#[test]
fn lock_of_envoy_gateway_holds_where_the_plugin_does_and_denies_all_else() {
    let [plugin, lock] = &manifests(&shipped(), "envoy-gateway", &[&PINNED_IMAGE, &["--gateway", "eg"]])[..] else {
        panic!()
    };
    assert_eq!((&plugin["kind"], &lock["kind"]), (&json!("EnvoyExtensionPolicy"), &json!("SecurityPolicy")));
    assert_eq!(plugin["metadata"], json!({ "name": "brama-ehealth", "namespace": "ehealth" }));
    assert_eq!(lock["metadata"], json!({ "name": "brama-ehealth-lock", "namespace": "ehealth" }));
    assert_eq!(plugin["spec"]["targetRefs"], lock["spec"]["targetRefs"]);
    // Filter state is bytes: a text would equal none of it.
    let rule = json!({
        "name": "allowed-by-brama",
        "action": "Allow",
        "cel": "filter_state['wasm.brama_decision'] == b'allow'",
    });
    assert_eq!(lock["spec"]["authorization"], json!({ "defaultAction": "Deny", "rules": [rule] }));
}

#[test]
fn plugin_is_named_with_its_checksum() {
    let folder = tempfile::tempdir().unwrap();
    let wasm = folder.path().join("plugin.wasm");
    fs::write(&wasm, b"\0asm\x01\0\0\0").unwrap();
    let wasm = wasm.to_str().unwrap();
    // `printf '\0asm\1\0\0\0' | sha256sum`
    let sum = "93a44bbb96c751218e4c00d479e4c14358122a389acca16205b1e4d0dc5f9476";
    let pinned = format!("{IMAGE}@sha256:{SUM}");
    let place = ["--namespace", "ehealth"];

    let istio = |flags: &[&str]| manifests(&shipped(), "istio", &[flags, &place, &SIDECARS])[0]["spec"].clone();
    for (flags, url, expected) in [
        (&["--wasm-url", IMAGE, "--sha256", SUM][..], IMAGE, json!(SUM)),
        (&["--wasm-url", &pinned], &pinned, json!(SUM)),
        (&["--wasm-url", FILE, "--wasm", wasm], FILE, json!(sum)),
        (&["--wasm-url", "file:///opt/brama.wasm"], "file:///opt/brama.wasm", Value::Null),
    ] {
        let spec = istio(flags);
        assert_eq!((&spec["url"], &spec["sha256"]), (&json!(url), &expected));
    }

    let gateway = |flags: &[&str]| {
        let manifests = manifests(&shipped(), "envoy-gateway", &[flags, &place, &["--gateway", "eg"]]);
        manifests[0]["spec"]["wasm"][0]["code"].clone()
    };
    let image = json!({ "type": "Image", "image": { "url": "registry.example/brama:1", "sha256": SUM } });
    assert_eq!(gateway(&["--wasm-url", IMAGE, "--sha256", SUM]), image);
    let http = json!({ "type": "HTTP", "http": { "url": FILE, "sha256": sum } });
    assert_eq!(gateway(&["--wasm-url", FILE, "--wasm", wasm]), http);
}

#[test]
fn policy_without_secrets_asks_for_no_environment() {
    let folder = tempfile::tempdir().unwrap();
    let open = folder.path().join("open.yaml");
    let text = "{version: 1, name: open, forward: {headers: {}}, refusals: {format: ehealth}, \
                routes: [{id: a, methods: [GET], path: /a, public: {because: everybody may}}]}";
    fs::write(&open, text).unwrap();
    assert_eq!(manifests(&open, "istio", &[&PINNED_IMAGE, &SIDECARS])[0]["spec"]["vmConfig"], Value::Null);
    let gateway = manifests(&open, "envoy-gateway", &[&PINNED_IMAGE, &["--gateway", "eg"]]);
    assert_eq!(gateway[0]["spec"]["wasm"][0]["env"], Value::Null);
}

#[test]
fn faulty_policy_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let faulty = variant(folder.path(), "DELETE", "delete");
    let gateway = ["--gateway", "eg"];
    for (target, further) in [("istio", &SIDECARS[..]), ("envoy-gateway", &gateway)] {
        let error = refused(&faulty, target, &[&PINNED_IMAGE, further], 1);
        assert!(error.contains("routes[0].methods[0]") && error.contains("routes[1].methods[0]"), "{error}");
        let missing = ["--wasm-url", FILE, "--wasm", "/nonexistent.wasm", "--namespace", "ehealth"];
        assert!(refused(&shipped(), target, &[&missing, further], 2).contains("/nonexistent.wasm cannot be used"));
    }
    let odd = variant(folder.path(), "name: ehealth", "name: e_Health");
    let error = refused(&odd, "istio", &[&PINNED_IMAGE, &SIDECARS], 2);
    assert!(error.contains("the policy's name `e_Health` cannot be part of an object's name"), "{error}");
}
