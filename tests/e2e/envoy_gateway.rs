//! What Envoy Gateway makes of the manifests that `brama render` writes, in a real Envoy: with the plugin, without it,
//! and with a document that the plugin refuses.
//!
//! Written after its translator (`internal/xds/translator`: `wasm.go`, `authorization.go`, `httpfilters.go`): one
//! listener with the plugin in it, switched off but on the routes that have the extension; behind it an RBAC filter
//! without rules, which each route that has the security policy gives some; the plugin's code from an HTTP server of
//! the controller's.

mod code;

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use brama_e2e::client::Call;
use brama_e2e::stack::{Gateway, Plan, project, settings};
use serde_json::{Value, json};

use crate::envoy_gateway::code::{Code, serve};

const PREFIX: &str = "type.googleapis.com/";
const FILTER: &str = "envoy.filters.http.wasm/envoyextensionpolicy/ehealth/brama-ehealth/wasm/0";
const RBAC: &str = "envoy.filters.http.rbac";

/// What the operator has applied, and what becomes of it.
struct Cluster {
    plugin: Value,
    code: Code,
    folder: tempfile::TempDir,
    version: usize,
}

/// The listeners of one version.
#[derive(Clone)]
struct Listener {
    name: &'static str,
    address: &'static str,
    policy: Value,
    code: String,
    has_plugin: bool,
    /// Whether the route has no extension policy of its own, which would take the plugin's place.
    is_extended: bool,
    /// What the lock wants the filter state to be, as a constant of a parsed CEL expression.
    wanted: Value,
}

impl Cluster {
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("e2e-").tempdir_in("/tmp").unwrap();
        let mut command = Command::new(settings().brama);
        command.arg("render").arg(project().join("policies/ehealth.yaml")).args(["--target", "envoy-gateway"]);
        command.args(["--wasm-url", "https://files.example/brama.wasm", "--wasm"]).arg(settings().wasm);
        let output = command.args(["--namespace", "ehealth", "--gateway", "eg"]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let [extension, lock] = &serde_saphyr::from_multiple::<Value>(&text).unwrap()[..] else { panic!("{text}") };
        // The controller parses this; the tree below is what comes of it.
        assert_eq!(lock["spec"]["authorization"]["rules"][0]["cel"], "filter_state['wasm.brama_decision'] == b'allow'");
        let plugin = extension["spec"]["wasm"][0].clone();
        let code = serve(&folder.path().join("code"), &fs::read(settings().wasm).unwrap());
        assert_eq!(plugin["code"]["http"]["sha256"], code.sha256);
        Self { plugin, code, folder, version: 0 }
    }

    fn listener(&self) -> Listener {
        Listener {
            name: "public",
            address: "127.0.0.1",
            policy: self.plugin["config"].clone(),
            code: self.code.sha256.clone(),
            has_plugin: true,
            is_extended: true,
            // Protobuf's JSON has bytes in base64.
            wanted: json!({ "bytes_value": "YWxsb3c=" }),
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("lds.json")
    }

    /// Hands Envoy these listeners, and says by which name the counters of this version go.
    fn push(&mut self, listeners: &[Listener]) -> String {
        self.version += 1;
        let prefix = format!("version-{}", self.version);
        let resources: Vec<_> = listeners.iter().map(|listener| self.resource(listener, &prefix)).collect();
        let next = self.file().with_extension("next");
        fs::write(&next, json!({ "version_info": prefix, "resources": resources }).to_string()).unwrap();
        fs::rename(next, self.file()).unwrap();
        prefix
    }

    fn resource(&self, listener: &Listener, prefix: &str) -> Value {
        let plugin = json!({ "name": FILTER, "disabled": true, "typed_config": typed(
            "envoy.extensions.filters.http.wasm.v3.Wasm",
            json!({ "config": {
                "name": self.plugin["name"],
                "root_id": self.plugin["rootID"],
                "fail_open": self.plugin["failOpen"],
                "configuration": typed("google.protobuf.StringValue", json!({ "value": listener.policy.to_string() })),
                "vm_config": {
                    "vm_id": FILTER,
                    "runtime": "envoy.wasm.runtime.v8",
                    "code": { "remote": {
                        "http_uri": { "uri": format!("http://code/{}", listener.code), "cluster": "wasm_cluster", "timeout": "10s" },
                        "sha256": listener.code,
                    } },
                    "environment_variables": { "host_env_keys": self.plugin["env"]["hostKeys"] },
                },
            } }),
        ) });
        let filter = |name: &str, kind: &str| json!({ "name": name, "typed_config": typed(kind, json!({})) });
        let mut filters = vec![
            filter(RBAC, "envoy.extensions.filters.http.rbac.v3.RBAC"),
            filter("envoy.filters.http.router", "envoy.extensions.filters.http.router.v3.Router"),
        ];
        let mut of_route =
            json!({ RBAC: typed("envoy.extensions.filters.http.rbac.v3.RBACPerRoute", lock(&listener.wanted)) });
        if listener.has_plugin {
            filters.insert(0, plugin);
            if listener.is_extended {
                of_route[FILTER] = typed("envoy.config.route.v3.FilterConfig", json!({ "config": {} }));
            }
        }
        let route = json!({
            "match": { "prefix": "/" },
            "route": { "cluster": "upstream" },
            "typed_per_filter_config": of_route,
        });
        let manager = typed(
            "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            json!({
                "stat_prefix": prefix,
                "http_filters": filters,
                "route_config": { "virtual_hosts": [{ "name": "all", "domains": ["*"], "routes": [route] }] },
            }),
        );
        let chain = json!({ "filters": [{ "name": "envoy.filters.network.http_connection_manager", "typed_config": manager }] });
        let address = json!({ "socket_address": { "address": listener.address, "port_value": 0 } });
        typed(
            "envoy.config.listener.v3.Listener",
            json!({ "name": listener.name, "address": address, "filter_chains": [chain] }),
        )
    }

    fn bootstrap(&self) -> String {
        let cluster = |name: &str, path: &Path| {
            let endpoint = json!({ "endpoint": { "address": { "pipe": { "path": path } } } });
            json!({ "name": name, "load_assignment": { "cluster_name": name, "endpoints": [{ "lb_endpoints": [endpoint] }] } })
        };
        json!({
            "node": { "id": "eg", "cluster": "eg" },
            "admin": { "address": { "socket_address": { "address": "127.0.0.1", "port_value": 0 } } },
            "dynamic_resources": { "lds_config": { "path_config_source": { "path": self.file() } } },
            "static_resources": { "clusters": [
                cluster("upstream", Path::new("${PUBLIC_SOCKET}")),
                cluster("authority", Path::new("${INTERNAL_SOCKET}")),
                cluster("wasm_cluster", &self.folder.path().join("code")),
            ] },
        })
        .to_string()
    }
}

fn typed(kind: &str, mut message: Value) -> Value {
    message["@type"] = json!(format!("{PREFIX}{kind}"));
    message
}

/// `filter_state['wasm.brama_decision'] == WANTED`, parsed, as the only rule.
fn lock(wanted: &Value) -> Value {
    let call = |id: &str, function: &str, left: Value, right: Value| json!({ "id": id, "call_expr": { "function": function, "args": [left, right] } });
    let state = json!({ "id": "1", "ident_expr": { "name": "filter_state" } });
    let key = json!({ "id": "3", "const_expr": { "string_value": "wasm.brama_decision" } });
    let tree = call("4", "_==_", call("2", "_[_]", state, key), json!({ "id": "5", "const_expr": wanted }));
    let action = |name: &str, does: &str| {
        let action = typed("envoy.config.rbac.v3.Action", json!({ "name": does, "action": does }));
        json!({ "action": { "name": name, "typed_config": action } })
    };
    let predicate = json!({ "single_predicate": {
        "input": { "name": "cel", "typed_config": typed("xds.type.matcher.v3.HttpAttributesCelMatchInput", json!({})) },
        "custom_match": {
            "name": "cel_matcher",
            "typed_config": typed("xds.type.matcher.v3.CelMatcher", json!({ "expr_match": { "cel_expr_parsed": { "expr": tree } } })),
        },
    } });
    let rule = json!({ "predicate": predicate, "on_match": action("allowed-by-brama", "ALLOW") });
    json!({ "rbac": { "matcher": {
        "matcher_list": { "matchers": [rule] },
        "on_no_match": action("default", "DENY"),
    } } })
}

fn division() -> Call {
    Call::delete("/api/admin/contract_divisions/x")
}

fn known() -> Call {
    division().api_key("uXhEczJ56adsfh3Ri9SUkc4en").token("0d7b3a5e9c1f4826b4d0a6e2f8c3957e")
}

#[track_caller]
fn comes(what: &str, awaited: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(30);
    while !awaited() {
        assert!(Instant::now() < until, "{what}: not in time");
        sleep(Duration::from_millis(20));
    }
}

/// Nothing passes, and it is the lock of this version that says so.
#[track_caller]
fn lock_refuses(gateway: &Gateway, prefix: &str, call: &Call) {
    let denied = || gateway.counter(&format!("http.{prefix}.rbac.denied"));
    comes(prefix, || call.send(gateway.address()).status == 403 && denied() > 0);
    gateway.tap.take();
    assert_eq!(call.send(gateway.address()).status, 403);
    assert_eq!(gateway.tap.take(), "");
}

#[test]
fn manifests_of_envoy_gateway_let_pass_what_the_plugin_allows_and_nothing_else() {
    let mut cluster = Cluster::new();
    let good = cluster.listener();
    let mut refused = good.clone();
    refused.policy["routes"][0]["methods"] = json!(["delete"]);
    cluster.push(std::slice::from_ref(&good));
    let gateway = Plan::shipped().one_worker().bootstrap(cluster.bootstrap()).start();
    let serves = || {
        assert_eq!(known().send(gateway.address()).status, 404, "the service answers");
        assert_eq!(division().send(gateway.address()).status, 401);
        assert_eq!(Call::new("GET", "/nowhere").send(gateway.address()).status, 403);
    };
    serves();
    assert!(gateway.counter("http.version-1.rbac.allowed") > 0);

    // A later document that the plugin refuses: the listener stays as it was, in all that the update would have
    // changed.
    cluster.push(std::slice::from_ref(&refused));
    comes("the rejection", || gateway.counter("listener_manager.lds.update_rejected") == 1);
    serves();
    assert_eq!(gateway.counter("http.version-2.downstream_rq_total"), 0);
    assert_eq!(gateway.counter("listener_manager.listener_modified"), 0);

    // Somebody goes around the plugin: the route has an extension policy of its own.
    let prefix = cluster.push(&[Listener { is_extended: false, ..good.clone() }]);
    lock_refuses(&gateway, &prefix, &known());
    // The plugin is taken away.
    let prefix = cluster.push(&[Listener { has_plugin: false, ..good.clone() }]);
    lock_refuses(&gateway, &prefix, &known());
    lock_refuses(&gateway, &prefix, &Call::new("GET", "/readyz"));
    // Filter state is bytes: a lock that wants a text lets nothing pass.
    let prefix = cluster.push(&[Listener { wanted: json!({ "string_value": "allow" }), ..good.clone() }]);
    lock_refuses(&gateway, &prefix, &known());

    // Beside a good listener, one whose first document is refused: there is none where Envoy has the code already, and
    // where it has not, one that refuses everything.
    let [known_code, new_code] = ["known", "new"];
    // An address of their own: of two listeners at port 0 the second may be given the port of the first.
    let beside = |name, code: &str| Listener { name, address: "127.0.0.2", code: code.to_owned(), ..refused.clone() };
    cluster.push(&[
        good.clone(),
        beside(known_code, &cluster.code.sha256),
        beside(new_code, &cluster.code.other_sha256),
    ]);
    comes("the good one", || known().send(gateway.address()).status == 404);
    comes("the new one", || gateway.listener(new_code).is_some_and(|address| TcpStream::connect(address).is_ok()));
    let address = gateway.listener(new_code).unwrap();
    for call in [known(), division(), Call::new("GET", "/readyz")] {
        assert!(call.send(address).status >= 500);
    }
    assert_eq!(gateway.listener(known_code), None);
    assert_eq!(gateway.counter("listener_manager.lds.update_rejected"), 2);
    serves();
}
