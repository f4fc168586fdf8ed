//! Owns the reading of a policy file and of its cases, in YAML or JSON: the sound result, or a report of the faults.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use brama_policy::authoring::Lint;
use brama_policy::deciding::{DocumentDigest, Faults, Policy, PolicyDocument};
use brama_policy::identity::{SecretName, Verifier};
use brama_replay::Corpus;
use serde_saphyr::{MessageFormatter, UserMessageFormatter};

use crate::finding::{Finding, Severity};
use crate::report::{Colour, Report};

/// A policy file that has no fault.
pub(crate) struct Checked {
    policy: Arc<Policy>,
    written: PolicyDocument,
    document: serde_json::Value,
}

impl Checked {
    pub(crate) fn read(path: &Path) -> Result<Self, SourceError> {
        let (checked, report) = judge(path)?;
        checked.ok_or(SourceError::Faulty(Box::new(report)))
    }

    fn compile(document: serde_json::Value) -> Result<Self, Faults> {
        let written = PolicyDocument::of(&document)?;
        let policy = Policy::compile(&written)?;
        Ok(Self { policy: Arc::new(policy), written, document })
    }

    pub(crate) const fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// The lints of the policy: what its author probably did not mean.
    pub(crate) fn lints(&self) -> Vec<Lint> {
        self.policy.lints(&self.written)
    }

    /// The note on the plugin, if the policy needs one that is built with the feature `ps-eddsa`.
    pub(crate) fn wanted_plugin(&self) -> Option<String> {
        let jwts = self.policy.verifiers().filter_map(|verifier| match &**verifier {
            Verifier::Jwt(jwt) => Some(jwt),
            Verifier::Introspection(_) | Verifier::Unclaimed(_) => None,
        });
        let own = jwts.flat_map(|jwt| jwt.algorithms()).filter(|algorithm| algorithm.envoy_hash().is_none());
        let own: BTreeSet<_> = own.collect();
        let names: Vec<_> = own.into_iter().map(|algorithm| algorithm.as_str()).collect();
        (!names.is_empty()).then(|| {
            format!(
                "a plugin built with the feature `ps-eddsa` is needed for {}; any other refuses this policy",
                names.join(", ")
            )
        })
    }

    /// The policy as JSON, as the plugin receives it.
    pub(crate) fn json(&self) -> String {
        self.document.to_string()
    }

    /// The policy as a value that becomes part of another document.
    pub(crate) fn document(&self) -> &serde_json::Value {
        &self.document
    }

    /// The SHA-256 of the document as the plugin receives it.
    pub(crate) fn digest(&self) -> DocumentDigest {
        DocumentDigest::of(&self.document)
    }

    pub(crate) fn name(&self) -> &str {
        self.policy.name()
    }

    /// The number of rules.
    pub(crate) fn rules(&self) -> usize {
        self.policy.rules().count()
    }

    /// The environment variables that the plugin's VM must be given.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &SecretName> {
        self.policy.secrets()
    }
}

/// The policy at `path`, if it has no fault, and the report on it.
pub(crate) fn judge(path: &Path) -> Result<(Option<Checked>, Report), Unreadable> {
    Ok(judge_text(path, &text_of(path)?))
}

/// The cases at `path`, to be judged by `policy`.
pub(crate) fn cases(path: &Path, policy: &Policy) -> Result<Corpus, SourceError> {
    let (value, mut report) = value_of(path, &text_of(path)?);
    let Some(value) = value else { return Err(SourceError::Faulty(Box::new(report))) };
    Corpus::read(&value, policy).map_err(|faults| {
        faults.iter().map(Finding::from).for_each(|finding| report.add(finding));
        SourceError::Faulty(Box::new(report))
    })
}

fn text_of(path: &Path) -> Result<String, Unreadable> {
    let unreadable = |reason: String| Unreadable { path: path.to_owned(), reason };
    let bytes = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| unreadable(not_utf8(error.as_bytes(), error.utf8_error().valid_up_to())))
}

/// The message about the first byte that is not UTF-8, with its line and column.
fn not_utf8(bytes: &[u8], at: usize) -> String {
    let before = bytes.get(..at).unwrap_or_default();
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    // The text before this byte is UTF-8, so nothing is lost.
    let column = String::from_utf8_lossy(before.get(line_start..).unwrap_or_default()).chars().count() + 1;
    let byte = bytes.get(at).map(|byte| format!("0x{byte:02X}")).unwrap_or_default();
    format!("it is not UTF-8: the byte {byte} in line {line}, column {column}; save it as UTF-8")
}

fn judge_text(path: &Path, text: &str) -> (Option<Checked>, Report) {
    let (value, mut report) = value_of(path, text);
    let Some(value) = value else { return (None, report) };
    match Checked::compile(value) {
        Ok(checked) => (Some(checked), report),
        Err(faults) => {
            faults.iter().map(Finding::from).for_each(|finding| report.add(finding));
            (None, report)
        }
    }
}

/// The value of a text; `None` if it cannot be used, with the reason in the report.
fn value_of(path: &Path, text: &str) -> (Option<serde_json::Value>, Report) {
    // The columns of the first line do not count a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut report = Report::new(path, text.to_owned());
    for (span, character) in hidden(text) {
        report.add_at(hidden_finding(character), span);
    }
    // YAML drops a part of such a text, so it is refused. A text that cannot be parsed is reported below.
    if let Some(places) = report.places() {
        let tagged = places.tagged().map(|span| (TAGGED, span));
        let lost: Vec<_> = tagged.chain(places.merged_again().map(|span| (MERGED_AGAIN, span))).collect();
        if !lost.is_empty() {
            lost.into_iter().for_each(|(message, span)| report.add_at(Finding::of_file(message.to_owned()), span));
            return (None, report);
        }
    }
    // YAML contains JSON; a key written twice is an error here, as it is in the core.
    match serde_saphyr::from_str_with_options(text, bounds()) {
        Ok(value) => (Some(value), report),
        Err(error) => {
            match place_of(&error, text) {
                Some(span) => report.add_at(yaml_finding(&error), span),
                None => report.add(yaml_finding(&error)),
            }
            (None, report)
        }
    }
}

/// The parser's limits: room for some ten thousand routes with every key. What aliases repeat has its own limit.
fn bounds() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_nodes: MAX_NODES,
            max_events: MAX_NODES.saturating_mul(2),
            max_aliases: MAX_NODES,
            max_depth: MAX_DEPTH,
            // One `require` for thousands of routes is one anchor and thousands of aliases.
            enforce_alias_anchor_ratio: false,
        },
    }
}

fn yaml_finding(error: &serde_saphyr::Error) -> Finding {
    // The formatter for users leaves out the parser's options, and the report shows the place.
    Finding::of_file(UserMessageFormatter.format_message(error.without_snippet()).into_owned())
}

/// The bytes at which the parser stopped, counted from its character numbers: it knows bytes only for some errors.
fn place_of(error: &serde_saphyr::Error, text: &str) -> Option<Range<usize>> {
    let location = error.location().filter(|location| location.line() > 0)?;
    let start = usize::try_from(location.span().offset()).ok()?;
    let end = start.saturating_add(usize::try_from(location.span().len()).ok()?);
    let byte = |number: usize| text.char_indices().nth(number).map_or(text.len(), |(byte, _character)| byte);
    Some(byte(start)..byte(end))
}

/// Characters that make a text look different from what the parser reads: the file shows one policy, and another is in
/// force.
fn hidden(text: &str) -> impl Iterator<Item = (Range<usize>, char)> {
    let is_hidden = |(byte, character): &(usize, char)| {
        // YAML ends a line at a lone carriage return; many editors show the rest in the same line.
        let is_lone =
            *character == '\r' && !text.get(byte.saturating_add(1)..).is_some_and(|rest| rest.starts_with('\n'));
        is_lone || HIDDEN.contains(character)
    };
    text.char_indices().filter(is_hidden).map(|(byte, character)| (byte..byte + character.len_utf8(), character))
}

fn hidden_finding(character: char) -> Finding {
    Finding {
        severity: Severity::Lint("hidden_text"),
        path: String::new(),
        message: format!("`{}` makes text look other than it is read", character.escape_unicode()),
        hint: Some("remove it, or write it as an escape in double quotes".to_owned()),
        part: None,
    }
}

/// A file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    #[error("{}", .0.human(Colour::Plain))]
    Faulty(Box<Report>),
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

/// A file whose text cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be read: {reason}", path.display())]
pub(crate) struct Unreadable {
    path: PathBuf,
    reason: String,
}

impl Unreadable {
    /// The error as a report, for a command that reports on several files.
    pub(crate) fn report(&self) -> Report {
        let mut report = Report::new(&self.path, String::new());
        report.add(Finding::of_file(format!("the file cannot be read: {}", self.reason)));
        report
    }
}

/// The characters of CVE-2021-42574, which rustc refuses in comments and literals, and other characters of zero width.
const HIDDEN: [char; 16] = [
    '\u{61c}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}',
    '\u{202d}', '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}', '\u{feff}',
];

/// The limit on keys, values, lists and objects in a file. A route with every key has some 100.
const MAX_NODES: usize = 2_000_000;

/// The limit on lists and objects within each other: that of `serde_json`, by which the plugin reads the document.
const MAX_DEPTH: usize = 127;

const MERGED_AGAIN: &str = "`<<` is written twice; merge a list of aliases, `<<: [*a, *b]`";

const TAGGED: &str = "a text that begins with `!` is a tag to YAML, which drops it; put the whole text in quotes";

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../../../policies/ehealth.yaml");

    /// The texts that a checker sees while an author types: every finding is shown, and in its place.
    #[test]
    fn every_beginning_of_a_policy_has_a_report() {
        let text = SHIPPED.replace("client", "клієнт\t🇺🇦").replace('\n', "\r\n");
        for (end, _character) in text.char_indices() {
            let (checked, report) = judge_text(Path::new("x"), text.get(..end).unwrap());
            assert_eq!(checked.is_none(), report.faults() > 0, "{end}");
            let shown = report.human(Colour::Plain);
            assert_eq!(shown.lines().filter(|line| line.starts_with("error: ")).count(), report.faults(), "{shown}");
            let without_place = |finding: &serde_json::Value| finding["path"] != "" && finding["line"].is_null();
            assert!(!report.json().iter().any(without_place), "{shown}");
        }
    }

    /// The plugin reads JSON, whose reader has a bound of its own.
    #[test]
    fn file_nests_as_deep_as_the_plugin_reads() {
        let taken = |depth| {
            let text = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            let is_read = serde_json::from_str::<serde_json::Value>(&text).is_ok();
            assert_eq!(value_of(Path::new("x"), &text).0.is_some(), is_read, "{depth}");
            is_read
        };
        let judge = move || (120..=135).map(taken).collect::<Vec<_>>();
        // A test has less of a stack than the command, and frames are large in a build without optimisation.
        let thread = std::thread::Builder::new().stack_size(32 << 20).spawn(judge).unwrap();
        let taken = thread.join().unwrap();
        assert!(taken.contains(&true) && taken.contains(&false));
    }
}
