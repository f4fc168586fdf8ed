//! Owns `brama schema`: the JSON Schema of policies, or of their cases, for editors.

use std::path::PathBuf;

use brama_policy::deciding::PolicyDocument;
use brama_replay::Corpus;
use clap::{Args, ValueEnum};

use crate::commands::{Fault, Outcome};
use crate::output;

/// Write the JSON Schema of policies or of their cases, for editors. What it refuses, `check` and `test` refuse too;
/// they see more.
///
/// Exit codes: 0, it is written; 2, it could not be.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  brama schema -o policies/schema.json
  brama schema cases -o policies/cases.schema.json")]
pub(crate) struct Schema {
    /// The kind of document: policies, or their cases.
    #[arg(value_enum, default_value_t = Kind::Policy)]
    kind: Kind,
    /// Where to write it, by an atomic rename; standard output without it.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Policies.
    Policy,
    /// Files of cases.
    Cases,
}

impl Schema {
    pub(crate) fn run(&self) -> Result<Outcome, Fault> {
        let schema = match self.kind {
            Kind::Policy => PolicyDocument::schema(),
            Kind::Cases => Corpus::schema(),
        };
        output::write(self.output.as_deref(), &format!("{schema:#}\n"))?;
        Ok(Outcome::Good)
    }
}
