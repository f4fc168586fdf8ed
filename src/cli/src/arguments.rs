//! Owns the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Policies of the Brama authorization filter.
#[derive(Debug, Parser)]
#[command(name = "brama", version, about)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write the form of a policy that a proxy loads. A policy with faults is refused, with all of them.
    ///
    /// Example: brama render policies/ehealth.yaml --target envoy-ecds --wasm target/brama_filter.wasm -o ecds.json
    Render(Render),
}

#[derive(Debug, Args)]
pub(crate) struct Render {
    /// The policy, YAML or JSON.
    pub(crate) policy: PathBuf,
    /// What is to load it.
    #[arg(long, value_enum)]
    pub(crate) target: Target,
    /// The plugin, for `envoy-ecds`; written into the result as an absolute path.
    #[arg(long, value_name = "FILE", required_if_eq("target", "envoy-ecds"))]
    pub(crate) wasm: Option<PathBuf>,
    /// Where to write it, by an atomic rename; standard output without it.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Target {
    /// The plugin's configuration alone: the policy as JSON.
    PluginConfig,
    /// An extension for Envoy's ECDS, as a file that Envoy watches.
    EnvoyEcds,
}
