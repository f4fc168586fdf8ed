//! Owns `brama render`: a policy in the form that a proxy loads.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::commands::{Fault, Outcome};
use crate::output;
use crate::render::form::{ClusterArguments, Form};
use crate::render::{ecds, envoy_gateway, istio};
use crate::source::Checked;

/// Write the form of a policy that a proxy loads. A policy with faults is refused, with all of them.
///
/// Exit codes: 0, it is written; 1, the policy has a fault; 2, it could not be written. On 1 and 2 what stood at the
/// output before still does.
#[derive(Debug, Args)]
#[command(after_help = "Example: brama render policies/ehealth.yaml --target envoy-ecds --wasm \
                        target/brama_filter.wasm -o ecds.json")]
pub(crate) struct Render {
    /// The policy, YAML or JSON.
    policy: PathBuf,
    /// What is to load it.
    #[arg(long, value_enum)]
    pub(crate) target: Target,
    /// The plugin. For `envoy-ecds` its absolute path is written into the result; for `istio` and `envoy-gateway` it
    /// gives the checksum of what stands at `--wasm-url https://...`.
    #[arg(long, value_name = "FILE", required_if_eq("target", "envoy-ecds"))]
    pub(crate) wasm: Option<PathBuf>,
    /// Where to write it, by an atomic rename; standard output without it.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) cluster: ClusterArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Target {
    /// The plugin's configuration alone: the policy as JSON.
    PluginConfig,
    /// An extension for Envoy's ECDS, as a file that Envoy watches.
    EnvoyEcds,
    /// Manifests for Istio: a `WasmPlugin`, and an `EnvoyFilter` that lets pass only what the plugin allowed.
    Istio,
    /// Manifests for Envoy Gateway: an `EnvoyExtensionPolicy`, and a `SecurityPolicy` that lets pass only what the
    /// plugin allowed.
    EnvoyGateway,
}

impl Render {
    pub(crate) fn run(&self) -> Result<Outcome, Fault> {
        let form = self.form().unwrap_or_else(|usage| usage.exit());
        let policy = Checked::read(&self.policy)?;
        let text = match &form {
            Form::PluginConfig => policy.json(),
            Form::EnvoyEcds { wasm } => ecds::answer(&policy, wasm)?,
            Form::Istio(placement) => istio::manifests(&policy, placement)?,
            Form::EnvoyGateway(placement) => envoy_gateway::manifests(&policy, placement)?,
        };
        output::write(self.output.as_deref(), &text)?;
        if let Some(wanted) = policy.wanted_plugin() {
            eprintln!("brama: note: {wanted}");
        }
        Ok(Outcome::Good)
    }
}
