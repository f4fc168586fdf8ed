//! Owns the set of commands and their exit codes. Each command is a file with its arguments and its run.

use std::io;
use std::process::ExitCode;

use clap::Subcommand;

use crate::render::{ecds, manifest};
use crate::report::{Colour, Report};
use crate::{output, requests, source};

mod check;
mod completions;
mod decide;
mod diff;
mod digest;
mod explain;
mod man;
pub(crate) mod render;
mod routes;
mod schema;
mod test;
mod token;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Check(check::Check),
    Completions(completions::Completions),
    Decide(decide::Decide),
    Diff(diff::Diff),
    Digest(digest::Digest),
    Explain(explain::Explain),
    Man(man::Man),
    Render(Box<render::Render>),
    Routes(routes::Routes),
    Schema(schema::Schema),
    Test(test::Test),
    Token(token::Token),
}

impl Command {
    pub(crate) fn run(&self) -> Result<Outcome, Fault> {
        match self {
            Self::Check(check) => check.run(),
            Self::Completions(completions) => completions.run(),
            Self::Decide(decide) => decide.run(),
            Self::Diff(diff) => diff.run(),
            Self::Digest(digest) => digest.run(),
            Self::Explain(explain) => explain.run(),
            Self::Man(man) => man.run(),
            Self::Render(render) => render.run(),
            Self::Routes(routes) => routes.run(),
            Self::Schema(schema) => schema.run(),
            Self::Test(test) => test.run(),
            Self::Token(token) => token.run(),
        }
    }
}

/// The result of a command, ordered from best to worst. Scripts rely on the exit codes; a wrong command line has 2 too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// Success: the input is sound. Exit code 0.
    Good,
    /// A finding against the input, such as a fault of a policy. Exit code 1.
    Bad,
    /// A command that could not do its work. Exit code 2.
    Failed,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Good => Self::SUCCESS,
            Outcome::Bad => Self::from(1),
            Outcome::Failed => Self::from(2),
        }
    }
}

/// The reason why a command failed. Each message names the place.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// An error of a file that the command only uses. The command's question stays open, so the exit code is 2 even for
    /// a faulty policy.
    #[error(transparent)]
    Input(source::SourceError),
    #[error(transparent)]
    Clock(#[from] crate::clock::ClockError),
    #[error(transparent)]
    Given(#[from] crate::explain::InvalidGiven),
    #[error("the results cannot be written as XML: {0}")]
    Junit(#[from] quick_junit::SerializeError),
    #[error(transparent)]
    Manifest(#[from] manifest::ManifestError),
    #[error(transparent)]
    OpenApi(#[from] crate::openapi::OpenApiError),
    #[error(transparent)]
    Output(#[from] output::OutputError),
    #[error(transparent)]
    Plugin(#[from] ecds::PluginError),
    #[error(transparent)]
    Requests(#[from] requests::InputError),
    #[error(transparent)]
    Source(#[from] source::SourceError),
    #[error(transparent)]
    Token(#[from] token::TokenError),
}

impl Fault {
    /// Prints the fault to standard error: of a faulty policy, every finding with its line.
    pub(crate) fn tell(&self) -> Outcome {
        match self {
            Self::Source(source::SourceError::Faulty(report)) => {
                show(report);
                Outcome::Bad
            }
            Self::Input(source::SourceError::Faulty(report)) => {
                show(report);
                Outcome::Failed
            }
            Self::Clock(_)
            | Self::Given(_)
            | Self::Junit(_)
            | Self::Manifest(_)
            | Self::OpenApi(_)
            | Self::Output(_)
            | Self::Plugin(_)
            | Self::Requests(_)
            | Self::Token(_)
            | Self::Input(source::SourceError::Unreadable(_))
            | Self::Source(source::SourceError::Unreadable(_)) => {
                eprintln!("brama: {self}");
                Outcome::Failed
            }
        }
    }
}

fn show(report: &Report) {
    eprint!("{}{}", report.human(Colour::on(&io::stderr())), report.summary(None));
}
