//! Owns `brama schema`: what an editor has to know to help with a policy.

use std::path::PathBuf;

use brama_policy::PolicyDocument;
use clap::Args;

use crate::commands::{Fault, Outcome};
use crate::output;

/// Write the JSON Schema of policies, for editors. What it refuses, `check` refuses too; `check` sees more.
///
/// Exit codes: 0, it is written; 2, it could not be.
#[derive(Debug, Args)]
#[command(after_help = "Example: brama schema -o policies/schema.json")]
pub(crate) struct Schema {
    /// Where to write it, by an atomic rename; standard output without it.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Schema {
    pub(crate) fn run(&self) -> Result<Outcome, Fault> {
        output::write(self.output.as_deref(), &format!("{:#}\n", PolicyDocument::schema()))?;
        Ok(Outcome::Good)
    }
}
