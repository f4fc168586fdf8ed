//! Owns the reasons why a stack does not start, each a sentence that says what to do.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use crate::template::InvalidTemplate;

/// Why the stack does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another stack uses the folder.
    #[error("the data folder `{}` is in use by another run: stop that one, or set DATA_DIR", .0.display())]
    DataInUse(PathBuf),
    /// A process ended before the stack was ready.
    #[error("{name} ended while the stack was starting ({status})")]
    Died {
        /// Which.
        name: &'static str,
        /// How.
        status: ExitStatus,
        /// The last lines of its log.
        report: String,
    },
    /// The system refused something to do with a file.
    #[error("cannot {doing} `{}`: {source}", .path.display())]
    File {
        /// What was tried, as a verb.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The program lies outside of any checkout, so there are no files to run.
    #[error("`{}` lies in no checkout of Brama: run `make run` there, or set BRAMA_PROJECT", .0.display())]
    Homeless(PathBuf),
    /// The caller asked to stop.
    #[error("stopped before the stack was ready")]
    Interrupted,
    /// Something that has to be there is not.
    #[error("{what} `{}` is missing: {remedy}", .path.display())]
    Missing {
        /// What it is.
        what: &'static str,
        /// Where it was looked for.
        path: PathBuf,
        /// How to get it.
        remedy: &'static str,
    },
    /// A folder without the files to run.
    #[error("BRAMA_PROJECT is `{}`: it must be a checkout of Brama", .0.display())]
    NoProject(PathBuf),
    /// The two ports are one.
    #[error("PORT and ADMIN_PORT are both {0}: set one of them to another port")]
    OnePort(u16),
    /// Somebody listens there.
    #[error("port {port} is in use: stop what listens there, or set {variable}")]
    PortInUse {
        /// The port.
        port: u16,
        /// The variable that chose it.
        variable: &'static str,
    },
    /// The system does not give the port to this user.
    #[error("cannot listen at port {port}, chosen by {variable}: {source}")]
    PortRefused {
        /// The port.
        port: u16,
        /// The variable that chose it.
        variable: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A variable that cannot be used.
    #[error("{variable} is `{value}`: it must be a {form}")]
    Setting {
        /// The variable.
        variable: &'static str,
        /// What it says.
        value: String,
        /// What it should be.
        form: &'static str,
    },
    /// A program that could not even be started.
    #[error("cannot start {name}: {source}")]
    Spawn {
        /// Which.
        name: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A bootstrap that cannot be filled in.
    #[error("the bootstrap `{}` cannot be filled in: {source}", .path.display())]
    Template {
        /// The template.
        path: PathBuf,
        /// Why not.
        source: InvalidTemplate,
    },
    /// A preparing command that failed.
    #[error("{what} `{}` cannot be used", .path.display())]
    Refused {
        /// What was given to the command.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the command wrote.
        report: String,
    },
    /// Something that did not happen in time.
    #[error("{waited_for} within {seconds} seconds")]
    Timeout {
        /// What did not happen: a sentence's beginning.
        waited_for: &'static str,
        /// How long it was waited for.
        seconds: u64,
        /// The last lines of the log that may tell why.
        report: String,
    },
    /// Envoy rejected the plugin or its configuration.
    #[error("Envoy did not take up the plugin with this policy; it answers {status} to everything")]
    PluginRejected {
        /// What it answers.
        status: u16,
        /// The last lines of Envoy's log.
        report: String,
    },
}

impl StartError {
    /// What the failing tool itself said; may be of many lines, or none.
    pub fn report(&self) -> &str {
        match self {
            Self::Died { report, .. }
            | Self::PluginRejected { report, .. }
            | Self::Refused { report, .. }
            | Self::Timeout { report, .. } => report,
            Self::DataInUse(_)
            | Self::File { .. }
            | Self::Homeless(_)
            | Self::Interrupted
            | Self::Missing { .. }
            | Self::NoProject(_)
            | Self::OnePort(_)
            | Self::PortInUse { .. }
            | Self::PortRefused { .. }
            | Self::Setting { .. }
            | Self::Spawn { .. }
            | Self::Template { .. } => "",
        }
    }
}
