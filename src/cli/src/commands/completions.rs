//! Owns `brama completions`: the completion scripts of shells.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::arguments::Arguments;
use crate::commands::{Fault, Outcome};
use crate::output;

/// Write what a shell completes this command's arguments with.
///
/// Exit codes: 0, it is written; 2, it could not be written.
#[derive(Debug, Args)]
#[command(after_help = "Example: brama completions bash > brama.bash")]
pub(crate) struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(&self) -> Result<Outcome, Fault> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "brama", &mut script);
        output::write(None, &String::from_utf8_lossy(&script))?;
        Ok(Outcome::Good)
    }
}
