//! Owns the results of cases as text for people.

use brama_replay::{RuleCoverage, Sight};

use super::{Results, Share, differing};
use crate::output::untrusted;
use crate::paint::{GREEN, RED, YELLOW, paint};
use crate::report::Colour;

pub(super) fn text(results: &Results<'_>, colour: Colour) -> String {
    let width = results.outcomes().map(|outcome| outcome.case().name().chars().count()).max().unwrap_or(0);
    let width = width.min(WIDEST_NAME);
    let mut lines = Vec::new();
    for suite in &results.suites {
        lines.push(shown(&suite.file.display().to_string()));
        for outcome in suite.outcomes {
            let (style, word) = if outcome.passes() { (GREEN, "ok") } else { (RED, "FAILED") };
            let row = shown(&format!("  {:width$}  {}", outcome.case().name(), outcome.decided()));
            lines.push(format!("{}{row}", paint(colour, style, &format!("{word:6}"))));
            lines.extend(differing(outcome).map(|line| {
                let style = if line.starts_with('-') { GREEN } else { RED };
                paint(colour, style, &shown(&format!("        {line}")))
            }));
        }
        lines.push(String::new());
    }
    let (total, failed) = (results.outcomes().count(), results.failed());
    lines.push(match failed {
        0 => paint(colour, GREEN, &format!("cases: {total}, all pass")),
        failed => paint(colour, RED, &format!("cases: {total}, {failed} FAILED")),
    });
    let coverage = &results.coverage;
    let [of_rules, of_denials] = results.shares();
    lines.push(share(&of_rules, colour));
    let width = coverage.rules.iter().map(|rule| rule.rule.len()).max().unwrap_or(0);
    lines.extend(coverage.rules.iter().map(|rule| {
        let (style, seen) = seen(rule);
        format!("  {:width$}  {}", shown(&rule.rule), style.map_or(seen.clone(), |style| paint(colour, style, &seen)))
    }));
    lines.push(share(&of_denials, colour));
    // The names are of use to a caller who asks for a share of them.
    if of_denials.wanted.is_some() && !coverage.denials_unseen.is_empty() {
        lines.push(format!("  not seen: {}", coverage.denials_unseen.join(", ")));
    }
    lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// A text from a file, safe for a terminal, without white space at its end.
fn shown(text: &str) -> String {
    untrusted(text).trim_end().to_owned()
}

fn share(share: &Share, colour: Colour) -> String {
    let line = share.line();
    if share.is_enough() { line } else { paint(colour, RED, &line) }
}

/// The outcomes of a rule that its cases show, in yellow if a possible one is missing.
fn seen(rule: &RuleCoverage) -> (Option<&'static str>, String) {
    let word = |sight: Sight, seen: &'static str, unseen: &'static str, impossible: &'static str| match sight {
        Sight::Seen => seen,
        Sight::Unseen => unseen,
        Sight::Impossible => impossible,
    };
    let lacks = rule.allows == Sight::Unseen || rule.refuses == Sight::Unseen;
    let words = format!(
        "{}, {}",
        word(rule.allows, "allows", "NOT SEEN to allow", "allows nothing"),
        word(rule.refuses, "refuses", "NOT SEEN to refuse", "public")
    );
    (lacks.then_some(YELLOW), words)
}

/// The limit on the width of names in characters. A longer name moves only its own row.
const WIDEST_NAME: usize = 60;
