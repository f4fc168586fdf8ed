//! The `brama` command: policies as files, judged by the same core that decides inside Envoy.

mod arguments;
mod clock;
mod commands;
mod coverage;
mod explain;
mod finding;
mod openapi;
mod output;
mod paint;
mod places;
mod render;
mod report;
mod requests;
mod routes;
mod source;
mod token;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::Arguments;

fn main() -> ExitCode {
    let outcome = Arguments::parse().command.run().unwrap_or_else(|fault| fault.tell());
    outcome.into()
}
