//! The `brama` command: policies as files, judged by the same core that decides inside Envoy.

mod arguments;
mod commands;
mod envoy;
mod output;
mod source;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::Arguments;

fn main() -> ExitCode {
    match Arguments::parse().command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("brama: {fault}");
            ExitCode::FAILURE
        }
    }
}
