//! Owns the ECDS response that Envoy loads: the plugin with its policy.

use std::collections::BTreeSet;
use std::iter;
use std::path::{Path, PathBuf};

use brama_policy::deciding::DocumentDigest;
use serde_json::json;

use super::module::Sha256;
use crate::source::Checked;

/// An ECDS `DiscoveryResponse` that puts `policy` in force with the plugin at `wasm`.
pub(crate) fn answer(policy: &Checked, wasm: &Path) -> Result<String, PluginError> {
    let unusable = |reason: String| PluginError { path: wasm.to_owned(), reason };
    let code = code(wasm)?;
    let wasm = wasm.canonicalize().map_err(|error| unusable(error.to_string()))?;
    let wasm = wasm.to_str().ok_or_else(|| unusable("its path is not UTF-8".to_owned()))?;
    let secrets: BTreeSet<&str> = policy.secrets().map(brama_policy::identity::SecretName::as_str).collect();
    let response = json!({
        // Envoy compares versions for its own log only; this tells the operator which document is in force.
        "version_info": version(policy.digest(), &code),
        "type_url": TYPED_EXTENSION_CONFIG,
        "resources": [{
            "@type": TYPED_EXTENSION_CONFIG,
            "name": "brama",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
                "config": {
                    "name": "brama",
                    "root_id": "brama",
                    // A VM that trapped is made anew; until then requests are refused.
                    "failure_policy": "FAIL_RELOAD",
                    // The first period in which a worker refuses everything after a trap. Envoy's own default is a
                    // second.
                    "reload_config": { "backoff": { "base_interval": "0.1s" } },
                    "configuration": {
                        // A Struct would reach the plugin as raw protobuf.
                        "@type": "type.googleapis.com/google.protobuf.StringValue",
                        "value": policy.json(),
                    },
                    "vm_config": {
                        "vm_id": vm_id(policy.name(), &secrets),
                        "runtime": "envoy.wasm.runtime.v8",
                        "code": { "local": { "filename": wasm } },
                        "environment_variables": { "host_env_keys": secrets },
                    },
                },
            },
        }],
    });
    Ok(format!("{response:#}\n"))
}

/// The bytes of the plugin at `wasm`, which must begin as a WebAssembly module does.
pub(crate) fn code(wasm: &Path) -> Result<Vec<u8>, PluginError> {
    let unusable = |reason: String| PluginError { path: wasm.to_owned(), reason };
    let code = std::fs::read(wasm).map_err(|error| unusable(error.to_string()))?;
    if !code.starts_with(WASM_MAGIC) {
        return Err(unusable("it is no WebAssembly module".to_owned()));
    }
    Ok(code)
}

/// The id of the VM: each policy has one of its own, and with it a cache of its own.
///
/// Envoy keeps a VM of the same id and code over a reload, with the environment it began with; so the names of the
/// variables are part of the id.
fn vm_id(policy: &str, secrets: &BTreeSet<&str>) -> String {
    iter::once(policy).chain(secrets.iter().copied()).collect::<Vec<_>>().join(":")
}

/// The version: the policy's digest in full, as the plugin logs it, and the beginning of the plugin's SHA-256. So a new
/// plugin changes it too.
fn version(policy: DocumentDigest, code: &[u8]) -> String {
    format!("{policy}.{:.12}", Sha256::of(code).to_string())
}

/// A plugin file that Envoy could not load.
#[derive(Debug, thiserror::Error)]
#[error("the plugin {} cannot be used: {reason}", path.display())]
pub(crate) struct PluginError {
    path: PathBuf,
    reason: String,
}

const TYPED_EXTENSION_CONFIG: &str = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";

const WASM_MAGIC: &[u8] = b"\0asm";
