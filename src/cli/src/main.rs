//! The `brama` command: policies as files, judged by the same core that decides inside Envoy.

mod arguments;
mod envoy;
mod output;
mod source;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command, Render, Target};

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("brama: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Fault> {
    match command {
        Command::Render(render) => self::render(&render),
    }
}

fn render(arguments: &Render) -> Result<(), Fault> {
    let policy = source::Checked::read(&arguments.policy)?;
    let text = match (arguments.target, &arguments.wasm) {
        (Target::PluginConfig, _) => policy.json().to_owned(),
        (Target::EnvoyEcds, Some(wasm)) => envoy::ecds(&policy, wasm)?,
        // The command line does not let this through.
        (Target::EnvoyEcds, None) => return Err(Fault::NoWasm),
    };
    output::write(arguments.output.as_deref(), &text)?;
    Ok(())
}

/// Why a command did not do what it was asked; each names the place.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("`--target envoy-ecds` needs `--wasm FILE`: the plugin Envoy is to load")]
    NoWasm,
    #[error(transparent)]
    Output(#[from] output::OutputError),
    #[error(transparent)]
    Plugin(#[from] envoy::PluginError),
    #[error(transparent)]
    Source(#[from] source::SourceError),
}
