//! Owns the manifests for Envoy Gateway: an `EnvoyExtensionPolicy` with the policy, and the lock behind it.
//!
//! Written against the definitions themselves:
//! - [`api/v1alpha1/wasm_types.go`](https://github.com/envoyproxy/gateway/blob/main/api/v1alpha1/wasm_types.go) and
//!   [`envoyextensionypolicy_types.go`](https://github.com/envoyproxy/gateway/blob/main/api/v1alpha1/envoyextensionypolicy_types.go),
//!   [`authorization_types.go`](https://github.com/envoyproxy/gateway/blob/main/api/v1alpha1/authorization_types.go):
//!   the fields; `cel` is there from v1.9 on.
//! - [`internal/xds/translator/wasm.go`](https://github.com/envoyproxy/gateway/blob/main/internal/xds/translator/wasm.go):
//!   `config` reaches the plugin as a `StringValue` of the JSON text that the API server keeps. Nobody reads that text
//!   on the way, so each number stays as it was printed. The filter is off by default and is turned on by virtual host
//!   or route.
//! - [`internal/gatewayapi/envoyextensionpolicy.go`](https://github.com/envoyproxy/gateway/blob/main/internal/gatewayapi/envoyextensionpolicy.go):
//!   the checksum of an image is its digest.
//! - [`internal/xds/translator/authorization.go`](https://github.com/envoyproxy/gateway/blob/main/internal/xds/translator/authorization.go):
//!   a `SecurityPolicy` becomes an RBAC filter without rules, and rules on each route; a CEL expression is parsed there
//!   and handed on as a tree.
//!   [`httpfilters.go`](https://github.com/envoyproxy/gateway/blob/main/internal/xds/translator/httpfilters.go) places
//!   it behind the plugin.
//!
//! `tests/e2e/envoy_gateway.rs` translates the manifests as Envoy Gateway does, and sends requests to a real Envoy.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::manifest::{self, Manifest, ManifestError, Namespace, ObjectName};
use super::module::{RemoteModule, RemotePlace};
use crate::source::Checked;

/// The placement of the policy: the Gateway for whose routes it holds, and the plugin's address.
#[derive(Debug)]
pub(crate) struct Placement {
    pub(crate) module: RemoteModule,
    pub(crate) namespace: Namespace,
    pub(crate) gateway: ObjectName,
}

/// The manifests that put `policy` in force.
pub(crate) fn manifests(policy: &Checked, placement: &Placement) -> Result<String, ManifestError> {
    let name = manifest::object_name(policy)?;
    let mut wasm = BTreeMap::from([
        ("name", json!("brama")),
        ("rootID", json!("brama")),
        ("code", code(&placement.module)?),
        ("config", policy.document().clone()),
        ("failOpen", json!(false)),
    ]);
    let secrets: BTreeSet<&str> = policy.secrets().map(brama_policy::identity::SecretName::as_str).collect();
    if !secrets.is_empty() {
        wasm.insert("env", json!({ "hostKeys": secrets }));
    }
    let name = name.as_str();
    let plugin = object("EnvoyExtensionPolicy", name, placement, ("wasm", json!([wasm])));
    let lock = object("SecurityPolicy", &format!("{name}-lock"), placement, ("authorization", lock()));
    manifest::text(&[
        Manifest { comment: ABOUT_THE_PLUGIN, object: plugin },
        Manifest { comment: ABOUT_THE_LOCK, object: lock },
    ])
}

/// An object that holds for every route of the Gateway.
fn object(kind: &str, name: &str, placement: &Placement, (key, value): (&str, Value)) -> Value {
    json!({
        "apiVersion": "gateway.envoyproxy.io/v1alpha1",
        "kind": kind,
        "metadata": { "name": name, "namespace": placement.namespace.as_str() },
        "spec": {
            "targetRefs": [{
                "group": "gateway.networking.k8s.io",
                "kind": "Gateway",
                "name": placement.gateway.as_str(),
            }],
            key: value,
        },
    })
}

/// The rules that let pass only what the plugin has allowed.
///
/// Filter state is bytes in CEL, so it is compared with a bytes literal: it never equals a string.
fn lock() -> Value {
    json!({
        "defaultAction": "Deny",
        "rules": [{
            "name": "allowed-by-brama",
            "action": "Allow",
            "cel": "filter_state['wasm.brama_decision'] == b'allow'",
        }],
    })
}

fn code(module: &RemoteModule) -> Result<Value, ManifestError> {
    let sha256 = module.sha256()?.to_string();
    Ok(match &module.place {
        RemotePlace::Image(reference) => json!({ "type": "Image", "image": { "url": reference, "sha256": sha256 } }),
        RemotePlace::Https(url) => json!({ "type": "HTTP", "http": { "url": url, "sha256": sha256 } }),
    })
}

const ABOUT_THE_PLUGIN: &str = "\
The plugin with its policy, written by `brama render`: change the policy and render it again, not this.

It fails closed (failOpen: false): a plugin that cannot be loaded or has trapped refuses every request. A document that it
refuses holds back every change of that listener; the last good one keeps serving.

Each variable under env.hostKeys must be in the environment of the Envoy container (an EnvoyProxy resource), from a
Secret. The clusters that the policy names must be known to Envoy (the bootstrap of the EnvoyProxy resource).";

const ABOUT_THE_LOCK: &str = "\
The lock: only what the plugin has allowed goes on, and 403 is the answer to whatever was not judged. It needs Envoy Gateway
1.9 or later; an older one does not take this object.

An EnvoyExtensionPolicy on a route, or on a listener of the Gateway, takes the plugin's place there, and this lock refuses
what comes; a SecurityPolicy there takes the lock's. Whoever may create both can go around Brama: keep that right to
yourself. A Gateway has one SecurityPolicy: where there is another, put these rules into that one.";
