//! The `brama` command: policies as files, judged by the same core that decides inside Envoy.

mod arguments;
mod commands;
mod coverage;
mod envoy;
mod envoy_gateway;
mod explain;
mod finding;
mod form;
mod istio;
mod manifest;
mod module;
mod openapi;
mod output;
mod places;
mod report;
mod requests;
mod routes;
mod source;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::Arguments;

fn main() -> ExitCode {
    let outcome = Arguments::parse().command.run().unwrap_or_else(|fault| fault.tell());
    outcome.into()
}
