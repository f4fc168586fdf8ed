//! Owns the set of commands; each is a file with its arguments and its run.

use clap::Subcommand;

use crate::{envoy, output, source};

mod render;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Render(render::Render),
}

impl Command {
    pub(crate) fn run(&self) -> Result<(), Fault> {
        match self {
            Self::Render(render) => render.run(),
        }
    }
}

/// Why a command did not do what it was asked; each names the place.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("`--target envoy-ecds` needs `--wasm FILE`: the plugin Envoy is to load")]
    NoWasm,
    #[error(transparent)]
    Output(#[from] output::OutputError),
    #[error(transparent)]
    Plugin(#[from] envoy::PluginError),
    #[error(transparent)]
    Source(#[from] source::SourceError),
}
