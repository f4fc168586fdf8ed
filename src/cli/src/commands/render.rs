//! Owns `brama render`: a policy in the form that a proxy loads.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::commands::{Fault, Outcome};
use crate::source::Checked;
use crate::{envoy, output};

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
    target: Target,
    /// The plugin, for `envoy-ecds`; written into the result as an absolute path.
    #[arg(long, value_name = "FILE", required_if_eq("target", "envoy-ecds"))]
    wasm: Option<PathBuf>,
    /// Where to write it, by an atomic rename; standard output without it.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Target {
    /// The plugin's configuration alone: the policy as JSON.
    PluginConfig,
    /// An extension for Envoy's ECDS, as a file that Envoy watches.
    EnvoyEcds,
}

impl Render {
    pub(crate) fn run(&self) -> Result<Outcome, Fault> {
        let policy = Checked::read(&self.policy)?;
        let text = match (self.target, &self.wasm) {
            (Target::PluginConfig, _) => policy.json().to_owned(),
            (Target::EnvoyEcds, Some(wasm)) => envoy::ecds(&policy, wasm)?,
            // The command line does not let this through.
            (Target::EnvoyEcds, None) => return Err(Fault::NoWasm),
        };
        output::write(self.output.as_deref(), &text)?;
        Ok(Outcome::Good)
    }
}
