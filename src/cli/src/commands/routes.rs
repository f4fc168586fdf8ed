//! Owns `brama routes`: the list of a policy's routes, and their comparison with an API's description.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::commands::{Fault, Outcome};
use crate::coverage::Coverage;
use crate::openapi::Description;
use crate::source::Checked;
use crate::{output, routes};

/// List the routes of a policy in its order, with what each requires.
///
/// With `--openapi` they are compared with the operations of an API instead: which operation no route covers, and which
/// route no operation has. Each operation becomes sample requests, and the policy's own router is asked about them, so
/// that covered means what the gateway does. A parameter that is any string is tried as a word, a number and a UUID:
/// an operation that a route takes only with some of them is covered in part.
///
/// HEAD and OPTIONS are operations like any other: a route for GET does not cover them. TRACE is refused by the gateway
/// always, so that no policy covers it.
///
/// Exit codes: 0, all is covered; 1, something is not; 2, a file could not be read or has a fault, or the routes could
/// not be written.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  brama routes policies/ehealth.yaml
  brama routes policies/ehealth.yaml --openapi policies/ehealth.openapi.yaml")]
pub(crate) struct Routes {
    /// The policy, YAML or JSON.
    policy: PathBuf,
    /// An OpenAPI 3 document to compare it with, YAML or JSON.
    #[arg(long, value_name = "FILE")]
    openapi: Option<PathBuf>,
    /// Write JSON.
    #[arg(long)]
    json: bool,
}

impl Routes {
    pub(crate) fn run(&self) -> Result<Outcome, Fault> {
        let checked = Checked::read(&self.policy).map_err(Fault::Input)?;
        let policy = checked.policy();
        let Some(file) = &self.openapi else {
            let text = if self.json {
                format!("{:#}\n", json!({ "routes": routes::json(policy) }))
            } else {
                routes::table(policy, output::width())
            };
            output::write(None, &text)?;
            return Ok(Outcome::Good);
        };
        let coverage = Coverage::of(policy, &Description::read(file)?);
        let text = if self.json { format!("{:#}\n", coverage.json()) } else { coverage.human() };
        output::write(None, &text)?;
        Ok(if coverage.is_whole() { Outcome::Good } else { Outcome::Bad })
    }
}
