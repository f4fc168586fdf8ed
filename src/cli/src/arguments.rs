//! Owns the command line.

use clap::Parser;

use crate::commands::Command;

/// Policies of the Brama authorization filter.
#[derive(Debug, Parser)]
#[command(name = "brama", version, about)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}
