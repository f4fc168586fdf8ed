//! Owns `brama man`: manual pages, from the declarations that `--help` is made of.

use std::io;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{Args, Command, CommandFactory};
use clap_mangen::Man as Page;

use crate::arguments::Arguments;
use crate::commands::{Fault, Outcome};
use crate::output;

/// Write the manual page of this command, or of one of its commands.
///
/// Exit codes: 0, it is written; 2, it could not be written.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  brama man check > brama-check.1
  brama man --dir .")]
pub(crate) struct Man {
    /// The command, such as `check`; without it, `brama` itself.
    command: Option<String>,
    /// Write the pages of all commands into this folder.
    #[arg(long, value_name = "FOLDER", conflicts_with = "command")]
    dir: Option<PathBuf>,
}

impl Man {
    pub(crate) fn run(&self) -> Result<Outcome, Fault> {
        let mut brama = Arguments::command().disable_help_subcommand(true);
        // Gives each command its full name.
        brama.build();
        if let Some(folder) = &self.dir {
            for command in [&brama].into_iter().chain(brama.get_subcommands()) {
                let path = folder.join(format!("{}.1", name(command)));
                output::write(Some(&path), &page(command, &path)?)?;
            }
            return Ok(Outcome::Good);
        }
        let command = match &self.command {
            None => &brama,
            Some(named) => brama.find_subcommand(named).unwrap_or_else(|| {
                let message = format!("`{named}` is no command of brama");
                Arguments::command().error(ErrorKind::InvalidSubcommand, message).exit()
            }),
        };
        output::write(None, &page(command, Path::new("standard output"))?)?;
        Ok(Outcome::Good)
    }
}

/// The name of a page: `brama`, or `brama-check`.
fn name(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

fn page(command: &Command, place: &Path) -> Result<String, output::OutputError> {
    let mut text = Vec::new();
    let rendered = Page::new(command.clone()).source(concat!("brama ", env!("CARGO_PKG_VERSION"))).render(&mut text);
    rendered.map_err(|error: io::Error| output::OutputError::new(place, &error))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
