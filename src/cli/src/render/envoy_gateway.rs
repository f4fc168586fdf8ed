//! Owns what Envoy Gateway is given: an `EnvoyExtensionPolicy` with the policy.
//!
//! Written against the definitions themselves:
//! - [`api/v1alpha1/wasm_types.go`](https://github.com/envoyproxy/gateway/blob/main/api/v1alpha1/wasm_types.go) and
//!   [`envoyextensionypolicy_types.go`](https://github.com/envoyproxy/gateway/blob/main/api/v1alpha1/envoyextensionypolicy_types.go):
//!   the fields.
//! - [`internal/xds/translator/wasm.go`](https://github.com/envoyproxy/gateway/blob/main/internal/xds/translator/wasm.go):
//!   `config` reaches the plugin as a `StringValue` of the JSON text that the API server keeps, unread, so no number is
//!   printed anew on the way; the filter is off by default and is turned on by virtual host or route.
//! - [`internal/gatewayapi/envoyextensionpolicy.go`](https://github.com/envoyproxy/gateway/blob/main/internal/gatewayapi/envoyextensionpolicy.go):
//!   the checksum of an image is its digest.
//!
//! There is no lock here. It would be an `EnvoyPatchPolicy`, which names a listener of the generated configuration
//! (names that depend on the Gateway's sections, on merging, and on the version's naming scheme) and a place in it by
//! index or JSON path, is off by default, and is passed over where it does not fit. A lock that is quietly
//! absent is worse than none that is known to be absent.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::manifest::{self, Manifest, ManifestError, Namespace, ObjectName};
use super::module::{RemoteModule, RemotePlace};
use crate::source::Checked;

/// Where the policy is to hold: for every route of a Gateway.
#[derive(Debug)]
pub(crate) struct Placement {
    pub(crate) module: RemoteModule,
    pub(crate) namespace: Namespace,
    pub(crate) gateway: ObjectName,
}

/// The manifest that puts `policy` in force.
pub(crate) fn manifest(policy: &Checked, placement: &Placement) -> Result<String, ManifestError> {
    let name = manifest::object_name(policy)?;
    let mut wasm = BTreeMap::from([
        ("name", json!("brama")),
        ("rootID", json!("brama")),
        ("code", code(&placement.module)?),
        ("config", policy.document().clone()),
        ("failOpen", json!(false)),
    ]);
    let secrets: BTreeSet<&str> = policy.secrets().map(brama_policy::SecretName::as_str).collect();
    if !secrets.is_empty() {
        wasm.insert("env", json!({ "hostKeys": secrets }));
    }
    let object = json!({
        "apiVersion": "gateway.envoyproxy.io/v1alpha1",
        "kind": "EnvoyExtensionPolicy",
        "metadata": { "name": name.as_str(), "namespace": placement.namespace.as_str() },
        "spec": {
            "targetRefs": [{
                "group": "gateway.networking.k8s.io",
                "kind": "Gateway",
                "name": placement.gateway.as_str(),
            }],
            "wasm": [wasm],
        },
    });
    manifest::text(&[Manifest { comment: ABOUT, object }])
}

fn code(module: &RemoteModule) -> Result<Value, ManifestError> {
    let sha256 = module.sha256()?.to_string();
    Ok(match &module.place {
        RemotePlace::Image(reference) => json!({ "type": "Image", "image": { "url": reference, "sha256": sha256 } }),
        RemotePlace::Https(url) => json!({ "type": "HTTP", "http": { "url": url, "sha256": sha256 } }),
    })
}

const ABOUT: &str = "\
The plugin with its policy, written by `brama render`: change the policy and render it again, not this.

It fails closed (failOpen: false): a plugin that cannot be loaded or has trapped refuses every request. That is all
that holds here. There is no second lock behind it, and an EnvoyExtensionPolicy on a route, or on a listener of the
Gateway, takes the place of this one for that route: whoever may create those can go around it. Keep that right to
yourself.

Each variable under env.hostKeys must be in the environment of the Envoy container (an EnvoyProxy resource), from a
Secret. The clusters that the policy names must be known to Envoy (the bootstrap of the EnvoyProxy resource).";
