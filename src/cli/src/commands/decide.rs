//! Owns `brama decide`: the decision on each of many requests.

use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

use brama_policy::deciding::{Decision, Policy, UnixTime};
use brama_replay::{RequestLine, Verdict};
use clap::Args;
use serde::Serialize;

use crate::commands::{Fault, Outcome};
use crate::output::OutputError;
use crate::requests::{BUFFER, Clock, Line, Lines};
use crate::source::Checked;

/// Decide requests: a line of JSON each on standard input, and a line each on standard output.
///
/// A line that is no request, an empty one too, is answered in its place by `{"error":"...","line":N}`; the rest goes
/// on. What is decided so far is written before more input is waited for. A line holds at most 1 MiB.
///
/// Exit codes: 0, every line is decided; 1, some are no requests; 2, the policy could not be used, or the input not be
/// read. Where nobody reads the output any more, it ends quietly.
#[derive(Debug, Args)]
#[command(after_help = "Example: brama decide policies/ehealth.yaml < policies/examples/requests.jsonl")]
pub(crate) struct Decide {
    /// The policy, YAML or JSON.
    policy: PathBuf,
    #[command(flatten)]
    clock: Clock,
}

impl Decide {
    pub(crate) fn run(&self) -> Result<Outcome, Fault> {
        let policy = Checked::read(&self.policy).map_err(Fault::Input)?;
        let output = BufWriter::with_capacity(BUFFER, io::stdout().lock());
        let bad = decide(policy.policy(), self.clock.read()?, Lines::new(io::stdin().lock()), output)?;
        match bad {
            0 => return Ok(Outcome::Good),
            1 => eprintln!("brama: 1 line is no request"),
            bad => eprintln!("brama: {bad} lines are no requests"),
        }
        Ok(Outcome::Bad)
    }
}

/// Decides every line, and returns the number of lines that were no requests; 0 if the reader of the output has gone.
fn decide(
    policy: &Arc<Policy>,
    now: UnixTime,
    mut lines: Lines<impl Read>,
    mut output: impl Write,
) -> Result<u64, Fault> {
    let (mut bad, mut answer) = (0_u64, Vec::new());
    while let Some((number, line)) = lines.next()? {
        answer.clear();
        match judge(line, policy, now) {
            Ok(decision) => to_json(&Verdict::explained(&decision, policy), &mut answer)?,
            Err(error) => {
                bad = bad.saturating_add(1);
                to_json(&Bad { error, line: number }, &mut answer)?;
            }
        }
        answer.push(b'\n');
        let mut written = output.write_all(&answer);
        // Nothing is left after the last line either, so that all is written at the end.
        if lines.is_drained() {
            written = written.and_then(|()| output.flush());
        }
        match written {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(0),
            Err(error) => return Err(OutputError::standard(&error).into()),
        }
    }
    Ok(bad)
}

/// The decision on one line, or the reason why it is no request.
fn judge(line: Line<'_>, policy: &Arc<Policy>, now: UnixTime) -> Result<Decision, String> {
    let text = line.map_err(|long| long.to_string())?;
    let judged = RequestLine::read(text).and_then(|request| request.judge(policy, now));
    judged.map_err(|invalid| invalid.to_string())
}

fn to_json(value: &impl Serialize, answer: &mut Vec<u8>) -> Result<(), OutputError> {
    serde_json::to_writer(answer, value).map_err(|error| OutputError::standard(&error.into()))
}

/// The answer to a line that is no request.
#[derive(Serialize)]
struct Bad {
    error: String,
    line: u64,
}
