//! Owns `brama diff`: the decisions that another policy changes.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use brama_policy::deciding::{Decision, Policy, UnixTime};
use brama_replay::{AccessLine, Change, Changes, NotJudged, RequestLine, Verdict};
use clap::Args;

use crate::commands::{Fault, Outcome};
use crate::output;
use crate::requests::{Clock, Line, Lines};
use crate::source::Checked;

mod text;

/// Judge requests by two policies, and show which decisions change: a line of JSON each on standard input.
///
/// The access log of the gateway is read too, as far as it goes: it has no headers and no query, and of a caller the
/// facts that the policy lists in `log.facts`. Whether a credential is good is taken from the log, for both policies. A
/// line that lacks what a rule looks at cannot be judged: it is counted, with what it lacks.
///
/// A request opens where it was refused and now passes, be it only because its rule is in shadow mode. Each request is
/// read under both policies, so that a fact which one of them does not know makes its line a bad one.
///
/// Exit codes: 0, nothing opens; 1, something does; 2, a policy could not be used, a line is no request, or nothing
/// that could be judged opens and there are lines that could not (what the others change is shown all the same).
#[derive(Debug, Args)]
#[command(
    after_help = "Example: brama diff policies/ehealth.yaml policies/ehealth.yaml < policies/examples/requests.jsonl"
)]
pub(crate) struct Diff {
    /// The policy before, YAML or JSON.
    old: PathBuf,
    /// The policy after.
    new: PathBuf,
    /// How many requests are shown of each kind of change.
    #[arg(long, value_name = "N", default_value_t = 3)]
    examples: usize,
    /// Write one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    clock: Clock,
}

/// The lines of an access log that cannot be judged, by what they lack: their count, and the number of the first.
type Unjudged = BTreeMap<NotJudged, (u64, u64)>;

/// A line that is not compared.
enum Passed {
    /// A line of a log that does not hold enough.
    NotJudged(NotJudged),
    /// A line that is no request, with the reason.
    NoRequest(String),
}

impl From<NotJudged> for Passed {
    fn from(reason: NotJudged) -> Self {
        Self::NotJudged(reason)
    }
}

impl From<String> for Passed {
    fn from(reason: String) -> Self {
        Self::NoRequest(reason)
    }
}

/// One of the two policies, with its file for messages.
struct Judge<'a> {
    file: &'a Path,
    policy: Arc<Policy>,
}

impl Diff {
    pub(crate) fn run(&self) -> Result<Outcome, Fault> {
        let (old, new) = (Judge::new(&self.old)?, Judge::new(&self.new)?);
        let now = self.clock.read()?;
        let (mut changes, mut bad) = (Changes::new(self.examples), 0_u64);
        let mut unjudged = Unjudged::new();
        let mut lines = Lines::new(io::stdin().lock());
        while let Some((number, line)) = lines.next()? {
            match compare(line, number, [&old, &new], now, &mut changes) {
                Ok(()) => {}
                Err(Passed::NotJudged(reason)) => {
                    let (count, _first) = unjudged.entry(reason).or_insert((0, number));
                    *count = count.saturating_add(1);
                }
                Err(Passed::NoRequest(reason)) => {
                    bad = bad.saturating_add(1);
                    if bad <= MAX_TOLD {
                        eprintln!("brama: line {number}: {reason}");
                    }
                }
            }
        }
        if bad > MAX_TOLD {
            eprintln!("brama: {} further lines are no requests", bad.saturating_sub(MAX_TOLD));
        }
        let text = if self.json { text::json(&changes, bad, &unjudged) } else { text::human(&changes, bad, &unjudged) };
        output::write(None, &text)?;
        let lacking = unjudged.keys().any(NotJudged::could_change);
        Ok(match (bad, changes.count(Change::Opens)) {
            (0, 0) if !lacking => Outcome::Good,
            // Nearly always some lines of a log lack something: they must not hide what opens in the rest.
            (0, 1..) => Outcome::Bad,
            (_, _) => Outcome::Failed,
        })
    }
}

impl<'a> Judge<'a> {
    fn new(file: &'a Path) -> Result<Self, Fault> {
        let checked = Checked::read(file).map_err(Fault::Input)?;
        Ok(Self { file, policy: Arc::clone(checked.policy()) })
    }

    fn judge(&self, request: &RequestLine<'_>, now: UnixTime) -> Result<Decision, String> {
        request.judge(&self.policy, now).map_err(|invalid| format!("{}: {invalid}", self.file.display()))
    }
}

/// Adds the verdicts of both policies on one line.
///
/// # Errors
/// A line that is not compared.
fn compare(
    line: Line<'_>,
    number: u64,
    [old, new]: [&Judge<'_>; 2],
    now: UnixTime,
    changes: &mut Changes,
) -> Result<(), Passed> {
    let text = line.map_err(|long| long.to_string())?;
    if let Some(logged) = AccessLine::read(text) {
        let logged = logged?;
        logged.compares([&old.policy, &new.policy])?;
        let (old, new) = (logged.judge(&old.policy)?, logged.judge(&new.policy)?);
        let (old, new) = (Verdict::from(&old), Verdict::from(&new));
        logged.agrees(&old)?;
        changes.add(number, &String::from_utf8_lossy(text), &old, &new);
        return Ok(());
    }
    let request = RequestLine::read(text).map_err(|invalid| invalid.to_string())?;
    let (old, new) = (old.judge(&request, now)?, new.judge(&request, now)?);
    // What was read as JSON is UTF-8.
    let text = str::from_utf8(text).map_err(|error| error.to_string())?;
    changes.add(number, text, &Verdict::from(&old), &Verdict::from(&new));
    Ok(())
}

/// The limit on bad lines that are reported one by one: a file of another kind is soon recognised.
const MAX_TOLD: u64 = 10;
