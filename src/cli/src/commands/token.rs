//! Owns `brama token`: the verification of a token under a policy.

use clap::{Args, Subcommand};

use crate::commands::{Fault, Outcome};

mod verify;

pub(crate) use verify::TokenError;

/// What a policy makes of a token.
///
/// Whether it was revoked is not asked.
///
/// Exit codes: 0, it is good; 1, it is not; 2, nobody can say here, or something could not be read.
#[derive(Debug, Args)]
#[command(
    flatten_help = true,
    after_help = "Examples:
  brama token verify --policy policies/ehealth.yaml opaque # exits with 2
  printf 'not a token' | brama token verify --policy policies/ehealth.yaml --json - # exits with 1"
)]
pub(crate) struct Token {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Verify(verify::Verify),
}

impl Token {
    pub(crate) fn run(&self) -> Result<Outcome, Fault> {
        match &self.action {
            Action::Verify(verify) => verify.run(),
        }
    }
}
