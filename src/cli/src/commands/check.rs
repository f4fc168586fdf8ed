//! Owns `brama check`: the findings about policies, each with its place.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;

use crate::commands::{Fault, Outcome};
use crate::finding::Finding;
use crate::report::{Colour, Report};
use crate::{output, source};

/// Check policies, and show each finding in its line.
///
/// Exit codes: 0, no policy has a fault; 1, one has (or a lint, with `--strict`); 2, a file could not be read, or
/// the findings not be written.
#[derive(Debug, Args)]
#[command(after_help = "Example: brama check policies/ehealth.yaml --strict")]
pub(crate) struct Check {
    /// The policies, YAML or JSON.
    #[arg(required = true, value_name = "POLICY")]
    policies: Vec<PathBuf>,
    /// Write the findings as a JSON array; lines and columns count from 1, columns in characters.
    #[arg(long)]
    json: bool,
    /// Fail on lints too.
    #[arg(long)]
    strict: bool,
}

impl Check {
    /// Findings go to standard output, as those of ruff and eslint do: they are the result of this command, and can be
    /// piped. Standard error is left for what went wrong with the command itself.
    pub(crate) fn run(&self) -> Result<Outcome, Fault> {
        let files: Vec<Judged> = self.policies.iter().map(|path| self.judge(path)).collect();
        let text = if self.json {
            let findings: Value = files.iter().flat_map(|file| file.report.json()).collect();
            format!("{findings:#}\n")
        } else {
            let colour = Colour::on(&io::stdout());
            files.iter().map(|file| format!("{}{}", file.report.human(colour), file.summary)).collect()
        };
        output::write(None, &text)?;
        Ok(files.iter().map(|file| file.outcome).max().unwrap_or(Outcome::Good))
    }

    fn judge(&self, path: &Path) -> Judged {
        let (checked, mut report) = match source::judge(path) {
            Ok(judged) => judged,
            Err(error) => return Judged { report: error.report(), summary: String::new(), outcome: Outcome::Failed },
        };
        for lint in checked.iter().flat_map(source::Checked::lints) {
            report.add(Finding::from(&lint));
        }
        let is_bad = checked.is_none() || self.strict && report.lints() > 0;
        let wanted = checked.as_ref().and_then(source::Checked::wanted_plugin);
        let wanted = wanted.map_or_else(String::new, |wanted| format!("  note: {wanted}\n"));
        Judged {
            summary: format!("{}{wanted}", report.summary(checked.map(|checked| checked.rules()))),
            outcome: if is_bad { Outcome::Bad } else { Outcome::Good },
            report,
        }
    }
}

/// The result for one file.
struct Judged {
    report: Report,
    summary: String,
    outcome: Outcome,
}
