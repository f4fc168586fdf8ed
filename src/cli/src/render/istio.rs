//! Owns the manifests for Istio: a `WasmPlugin` with the policy, and the lock behind it.
//!
//! Written against the definitions themselves:
//! - [`extensions/v1alpha1/wasm.proto`](https://github.com/istio/api/blob/master/extensions/v1alpha1/wasm.proto): the
//!   fields, and `FAIL_RELOAD`, which the CRD of Istio 1.27 has and that of 1.23 has not.
//! - [`pilot/pkg/model/extensions.go`](https://github.com/istio/istio/blob/master/pilot/pkg/model/extensions.go): the
//!   plugin gets `pluginConfig` as a `StringValue` of JSON text. That text is made by
//!   [`jsonpb`](https://github.com/golang/protobuf/blob/v1.5.4/jsonpb/encode.go), which prints a number as Go's
//!   `encoding/json` prints a double: whole numbers below 1e21 as digits alone. So `version: 1` arrives as `1` and
//!   `entries: 50000` as `50000`.
//! - [`pkg/wasm/cache.go`](https://github.com/istio/istio/blob/master/pkg/wasm/cache.go): the checksum of an image is
//!   its digest, that of `https://` the file's; a `file://` is not checked.
//! - [`listener_builder.go`](https://github.com/istio/istio/blob/master/pilot/pkg/networking/core/listener_builder.go):
//!   the order of the filters.
//! - [`networking/v1alpha3/envoy_filter.proto`](https://github.com/istio/api/blob/master/networking/v1alpha3/envoy_filter.proto)
//!   and [`listener_patch.go`](https://github.com/istio/istio/blob/master/pilot/pkg/networking/core/envoyfilter/listener_patch.go):
//!   a patch whose anchor is missing is skipped silently.

use std::collections::{BTreeMap, BTreeSet};

use clap::ValueEnum;
use serde_json::{Value, json};

use super::manifest::{self, Manifest, ManifestError, Namespace};
use super::module::{Module, RemotePlace};
use crate::source::Checked;

/// The placement of the policy in a mesh: the pods, the kind of their proxy, and the plugin's address.
#[derive(Debug)]
pub(crate) struct Placement {
    pub(crate) module: Module,
    pub(crate) namespace: Namespace,
    pub(crate) workload: Workload,
    /// The labels of the pods, at least one. Without labels the objects would hold for the whole namespace.
    pub(crate) selector: BTreeMap<String, String>,
}

/// The kind of proxy that asks the plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Workload {
    /// An ingress or egress gateway: every request through it.
    Gateway,
    /// The sidecar of a service: every request to that service, none that it sends.
    Sidecar,
}

/// The manifests that put `policy` in force.
pub(crate) fn manifests(policy: &Checked, placement: &Placement) -> Result<String, ManifestError> {
    let name = manifest::object_name(policy)?;
    manifest::text(&[
        Manifest { comment: ABOUT_THE_PLUGIN, object: plugin(name.as_str(), policy, placement)? },
        Manifest { comment: ABOUT_THE_LOCK, object: lock(name.as_str(), placement) },
    ])
}

fn plugin(name: &str, policy: &Checked, placement: &Placement) -> Result<Value, ManifestError> {
    let mut spec = BTreeMap::from([
        ("selector", json!({ "matchLabels": placement.selector })),
        ("type", json!("HTTP")),
        ("pluginName", json!("brama")),
        // Ahead of Istio's own JWT filter, which takes the `Authorization` header away.
        ("phase", json!("AUTHN")),
        // Last in its phase, so that what other plugins write into the request is judged as well.
        ("priority", json!(-1000)),
        ("failStrategy", json!("FAIL_RELOAD")),
        ("pluginConfig", policy.document().clone()),
    ]);
    match &placement.module {
        Module::File(url) => {
            spec.insert("url", json!(url));
        }
        Module::Remote(module) => {
            let url = match &module.place {
                RemotePlace::Image(reference) => format!("oci://{reference}"),
                RemotePlace::Https(url) => url.clone(),
            };
            spec.extend([("url", json!(url)), ("sha256", json!(module.sha256()?.to_string()))]);
        }
    }
    match placement.workload {
        // Every listener of a gateway counts as a client of what is behind it: the plugin is in all of them.
        Workload::Gateway => {}
        // Otherwise the requests that the service sends would be judged too.
        Workload::Sidecar => {
            spec.insert("match", json!([{ "mode": "SERVER" }]));
        }
    }
    // The schema refuses a name that is there twice, and two credentials often share an authority.
    let secrets: BTreeSet<&str> = policy.secrets().map(brama_policy::identity::SecretName::as_str).collect();
    if !secrets.is_empty() {
        let env: Vec<Value> = secrets.iter().map(|name| json!({ "name": name, "valueFrom": "HOST" })).collect();
        spec.insert("vmConfig", json!({ "env": env }));
    }
    Ok(json!({
        "apiVersion": "extensions.istio.io/v1alpha1",
        "kind": "WasmPlugin",
        "metadata": { "name": name, "namespace": placement.namespace.as_str() },
        "spec": spec,
    }))
}

fn lock(name: &str, placement: &Placement) -> Value {
    json!({
        "apiVersion": "networking.istio.io/v1alpha3",
        "kind": "EnvoyFilter",
        "metadata": { "name": format!("{name}-lock"), "namespace": placement.namespace.as_str() },
        "spec": {
            "workloadSelector": { "labels": placement.selector },
            "configPatches": [{
                "applyTo": "HTTP_FILTER",
                "match": {
                    "context": match placement.workload {
                        Workload::Gateway => "GATEWAY",
                        Workload::Sidecar => "SIDECAR_INBOUND",
                    },
                    "listener": { "filterChain": { "filter": {
                        "name": "envoy.filters.network.http_connection_manager",
                        // The plugin's own filter would be the nearer anchor, but its name is not the same in every
                        // version of Istio. The router stands last in every chain, under this name.
                        "subFilter": { "name": "envoy.filters.http.router" },
                    } } },
                },
                "patch": {
                    "operation": "INSERT_BEFORE",
                    "value": {
                        // Routes can change a filter by its name, so this is not the name of Istio's own RBAC.
                        "name": "brama.lock",
                        "typed_config": {
                            "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
                            // No `rules_stat_prefix`: Istio's proxies keep the counters that end in `rbac.allowed` and
                            // `rbac.denied`, and with a prefix they would end otherwise.
                            "rules": {
                                "action": "ALLOW",
                                "policies": {
                                    "allowed_by_brama": {
                                        "permissions": [{ "any": true }],
                                        "principals": [{
                                            "filter_state": {
                                                "key": "wasm.brama_decision",
                                                "string_match": { "exact": "allow" },
                                            },
                                        }],
                                    },
                                },
                            },
                        },
                    },
                },
            }],
        },
    })
}

const ABOUT_THE_PLUGIN: &str = "\
The plugin with its policy, written by `brama render`: change the policy and render it again, not this.

A document that the plugin refuses leaves the last good one at work; with none yet, nothing passes. After a
trap the next request gets a new plugin (FAIL_RELOAD); other failures refuse (Istio 1.27 or later).

Each variable under vmConfig.env must be in the environment of the proxy's container (istio-proxy), from a Secret.
The clusters that the policy names are Istio's, such as outbound|443||authority.example.";

const ABOUT_THE_LOCK: &str = "\
The lock: only what the plugin has allowed goes on. It stands right before the router, so behind the plugin and behind
every other filter, and refuses with 403 whatever was not judged: where the plugin is missing, or was set to fail open.

Both objects choose the same pods. Apply them together; to take Brama away, delete this one last.";
