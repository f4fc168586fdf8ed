//! Owns `brama test`: the cases of a policy, judged and compared with what they expect.

use std::io;
use std::path::{Path, PathBuf};

use brama_replay::{CaseOutcome, Coverage};
use clap::{Args, ValueEnum};

use crate::commands::{Fault, Outcome};
use crate::output;
use crate::report::Colour;
use crate::source::{self, Checked};

mod human;
mod json;
mod junit;
mod tap;

/// Judge a policy's cases, and show where a decision is another than the one expected.
///
/// Coverage is the share of what there is to see: each rule allowing, and each rule that is not public refusing. A rule
/// in shadow mode counts as refusing where it marks what it would refuse.
///
/// Exit codes: 0, every case passes; 1, one fails, or less is seen than `--min-coverage` or `--min-denials` ask for; 2,
/// the policy or the cases could not be used, or the results not be written.
#[derive(Debug, Args)]
#[command(after_help = "Example: brama test policies/ehealth.yaml --min-coverage 100")]
pub(crate) struct Test {
    /// The policy, YAML or JSON.
    policy: PathBuf,
    /// Files of cases; without any, the one beside the policy whose name ends in `.cases.yaml` instead.
    cases: Vec<PathBuf>,
    /// How the results are written.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Fail where less of the rules is seen than this, in percent.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    min_coverage: Option<u8>,
    /// Fail where fewer of the denials that the policy can give are seen than this, in percent; those that were not are
    /// told.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    min_denials: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A row a case, then the coverage.
    Human,
    /// JUnit XML, for CI systems.
    Junit,
    /// TAP version 14, for test harnesses.
    Tap,
    /// One JSON object.
    Json,
}

impl Test {
    /// Results go to standard output in every format; standard error is left for what could not be run.
    pub(crate) fn run(&self) -> Result<Outcome, Fault> {
        let policy = Checked::read(&self.policy).map_err(Fault::Input)?;
        let files = self.files();
        let corpora = files.iter().map(|file| source::cases(file, policy.policy()));
        let corpora = corpora.collect::<Result<Vec<_>, _>>().map_err(Fault::Input)?;
        let outcomes: Vec<Vec<_>> = corpora.iter().map(|corpus| corpus.judge(policy.policy())).collect();
        let coverage = Coverage::of(outcomes.iter().flatten(), policy.policy());
        let suites = files.iter().zip(&outcomes).map(|(file, outcomes)| Suite { file, outcomes });
        let results = Results {
            file: &self.policy,
            name: policy.name(),
            suites: suites.collect(),
            coverage,
            wanted: Wanted { rules: self.min_coverage, denials: self.min_denials },
        };
        output::write(None, &self.format.text(&results)?)?;
        Ok(if results.are_good() { Outcome::Good } else { Outcome::Bad })
    }

    fn files(&self) -> Vec<PathBuf> {
        if self.cases.is_empty() { vec![self.policy.with_extension("cases.yaml")] } else { self.cases.clone() }
    }
}

impl Format {
    fn text(self, results: &Results<'_>) -> Result<String, Fault> {
        Ok(match self {
            Self::Human => human::text(results, Colour::on(&io::stdout())),
            Self::Junit => junit::text(results)?,
            Self::Tap => tap::text(results),
            Self::Json => json::text(results),
        })
    }
}

/// The results of all cases.
struct Results<'r> {
    /// The policy's file.
    file: &'r Path,
    /// The policy's name.
    name: &'r str,
    suites: Vec<Suite<'r>>,
    coverage: Coverage,
    wanted: Wanted,
}

/// The shares that are asked for, in percent.
struct Wanted {
    rules: Option<u8>,
    denials: Option<u8>,
}

/// A share of what there is to see: how much was seen, and how much is asked for.
struct Share {
    what: &'static str,
    percent: usize,
    seen: usize,
    total: usize,
    wanted: Option<u8>,
}

impl Share {
    fn is_enough(&self) -> bool {
        self.wanted.is_none_or(|wanted| self.percent >= usize::from(wanted))
    }

    /// The share in a line: `coverage: 80% (4 of 5)`.
    fn line(&self) -> String {
        let wanted = self.wanted.filter(|_wanted| !self.is_enough());
        let below = wanted.map(|wanted| format!(", below the {wanted}% asked for")).unwrap_or_default();
        format!("{}: {}% ({} of {}){below}", self.what, self.percent, self.seen, self.total)
    }
}

/// The results of the cases of one file.
struct Suite<'r> {
    file: &'r Path,
    outcomes: &'r [CaseOutcome<'r>],
}

impl Results<'_> {
    fn outcomes(&self) -> impl Iterator<Item = &CaseOutcome<'_>> {
        self.suites.iter().flat_map(|suite| suite.outcomes)
    }

    fn failed(&self) -> usize {
        self.outcomes().filter(|outcome| !outcome.passes()).count()
    }

    /// The shares of rules and of denials that were seen.
    fn shares(&self) -> [Share; 2] {
        let coverage = &self.coverage;
        let rules = Share {
            what: "coverage",
            percent: coverage.percent(),
            seen: coverage.seen(),
            total: coverage.total(),
            wanted: self.wanted.rules,
        };
        let (seen, unseen) = (coverage.denials_seen.len(), coverage.denials_unseen.len());
        let total = seen.saturating_add(unseen);
        let percent = seen.saturating_mul(100).checked_div(total).unwrap_or(100);
        [rules, Share { what: "denials", percent, seen, total, wanted: self.wanted.denials }]
    }

    /// The shares that are asked for, each with its percentage.
    fn demands(&self) -> impl Iterator<Item = (Share, u8)> {
        self.shares().into_iter().filter_map(|share| share.wanted.map(|wanted| (share, wanted)))
    }

    fn are_good(&self) -> bool {
        self.failed() == 0 && self.demands().all(|(share, _wanted)| share.is_enough())
    }
}

/// The differences of a case that fails, as lines of a diff: `- refuse: not_owner`, `+ refuse: scope_missing`.
fn differing(outcome: &CaseOutcome<'_>) -> impl Iterator<Item = String> {
    outcome.differences().iter().flat_map(|difference| {
        let sides = [('-', &difference.expected), ('+', &difference.found)].into_iter();
        sides.filter_map(|(sign, side)| side.as_ref().map(|value| format!("{sign} {}: {value}", difference.key)))
    })
}
