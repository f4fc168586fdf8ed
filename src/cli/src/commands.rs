//! Owns the set of commands, and what each leaves its caller with; each is a file with its arguments and its run.

use std::io;
use std::process::ExitCode;

use clap::Subcommand;

use crate::report::Colour;
use crate::{envoy, manifest, output, source};

mod check;
mod completions;
mod explain;
mod man;
pub(crate) mod render;
mod routes;
mod schema;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Check(check::Check),
    Completions(completions::Completions),
    Explain(explain::Explain),
    Man(man::Man),
    Render(Box<render::Render>),
    Routes(routes::Routes),
    Schema(schema::Schema),
}

impl Command {
    pub(crate) fn run(&self) -> Result<Outcome, Fault> {
        match self {
            Self::Check(check) => check.run(),
            Self::Completions(completions) => completions.run(),
            Self::Explain(explain) => explain.run(),
            Self::Man(man) => man.run(),
            Self::Render(render) => render.run(),
            Self::Routes(routes) => routes.run(),
            Self::Schema(schema) => schema.run(),
        }
    }
}

/// How a command ended, from good to worse. Scripts rely on the exit codes; a wrong command line is 2 as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// It was done, and what was looked at is sound.
    Good,
    /// What was looked at is not sound.
    Bad,
    /// It could not be done.
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

/// Why a command did not do what it was asked; each names the place.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error(transparent)]
    Given(#[from] crate::explain::InvalidGiven),
    #[error(transparent)]
    Manifest(#[from] manifest::ManifestError),
    #[error(transparent)]
    OpenApi(#[from] crate::openapi::OpenApiError),
    #[error(transparent)]
    Output(#[from] output::OutputError),
    #[error(transparent)]
    Plugin(#[from] envoy::PluginError),
    #[error(transparent)]
    Source(#[from] source::SourceError),
}

impl Fault {
    /// Says on standard error what went wrong: of a faulty policy every fault in its line.
    pub(crate) fn tell(&self) -> Outcome {
        match self {
            Self::Source(source::SourceError::Faulty(report)) => {
                eprint!("{}{}", report.human(Colour::on(&io::stderr())), report.summary(None));
                Outcome::Bad
            }
            Self::Given(_)
            | Self::Manifest(_)
            | Self::OpenApi(_)
            | Self::Output(_)
            | Self::Plugin(_)
            | Self::Source(source::SourceError::Unreadable(_)) => {
                eprintln!("brama: {self}");
                Outcome::Failed
            }
        }
    }
}
