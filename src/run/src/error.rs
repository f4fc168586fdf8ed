//! Owns the reasons why a stack does not start, each a sentence that says what to do.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use crate::template::InvalidTemplate;

/// The reason why a stack does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another stack uses the folder.
    #[error("the data folder `{}` is in use by another run: stop that one, or set DATA_DIR", .0.display())]
    DataInUse(PathBuf),
    /// A process ended before the stack was ready.
    #[error("{name} ended while the stack was starting ({status})")]
    Died {
        /// The process.
        name: &'static str,
        /// The exit status.
        status: ExitStatus,
        /// The last lines of its log.
        report: String,
    },
    /// The system refused something to do with a file.
    #[error("cannot {doing} `{}`: {source}", .path.display())]
    File {
        /// The operation, as a verb.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The program lies outside of any checkout, so there are no files to run.
    #[error("`{}` lies in no checkout of Brama: run `make run` there, or set BRAMA_PROJECT", .0.display())]
    Homeless(PathBuf),
    /// The caller asked to stop.
    #[error("stopped before the stack was ready")]
    Interrupted,
    /// A required file or program that is missing.
    #[error("{what} `{}` is missing: {remedy}", .path.display())]
    Missing {
        /// The kind of file, such as `the plugin`.
        what: &'static str,
        /// The path at which it was looked for.
        path: PathBuf,
        /// The way to get it.
        remedy: &'static str,
    },
    /// A folder without the files to run.
    #[error("BRAMA_PROJECT is `{}`: it must be a checkout of Brama", .0.display())]
    NoProject(PathBuf),
    /// One port that both PORT and ADMIN_PORT name.
    #[error("PORT and ADMIN_PORT are both {0}: set one of them to another port")]
    OnePort(u16),
    /// A port at which another process listens.
    #[error("port {port} is in use: stop what listens there, or set {variable}")]
    PortInUse {
        /// The port.
        port: u16,
        /// The variable that chose it.
        variable: &'static str,
    },
    /// A port at which the system does not let this user listen.
    #[error("cannot listen at port {port}, chosen by {variable}: {source}")]
    PortRefused {
        /// The port.
        port: u16,
        /// The variable that chose it.
        variable: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// A variable that cannot be used.
    #[error("{variable} is `{value}`: it must be a {form}")]
    Setting {
        /// The variable.
        variable: &'static str,
        /// The value of the variable.
        value: String,
        /// The form that it must have.
        form: &'static str,
    },
    /// A program that could not even be started.
    #[error("cannot start {name}: {source}")]
    Spawn {
        /// The program.
        name: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// A bootstrap that cannot be filled in.
    #[error("the bootstrap `{}` cannot be filled in: {source}", .path.display())]
    Template {
        /// The template.
        path: PathBuf,
        /// The fault of the template.
        source: InvalidTemplate,
    },
    /// A preparing command that failed.
    #[error("{what} `{}` cannot be used", .path.display())]
    Refused {
        /// The kind of file that the command was given.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The command's messages.
        report: String,
    },
    /// A step that took too long.
    #[error("{waited_for} within {seconds} seconds")]
    Timeout {
        /// The step, as the beginning of a sentence: `Envoy did not listen`.
        waited_for: &'static str,
        /// The time limit, in seconds.
        seconds: u64,
        /// The last lines of the log that may tell why.
        report: String,
    },
    /// Envoy rejected the plugin or its configuration.
    #[error("Envoy did not take up the plugin with this policy; it answers {status} to everything")]
    PluginRejected {
        /// The status of its answers.
        status: u16,
        /// The last lines of Envoy's log.
        report: String,
    },
}

impl StartError {
    /// The failing tool's own report, of many lines or none.
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
