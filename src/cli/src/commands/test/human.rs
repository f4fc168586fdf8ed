//! Owns how the results of cases are shown to people.

use brama_replay::{RuleCoverage, Sight};

use crate::output::untrusted;

use super::{Results, differing};

pub(super) fn text(results: &Results<'_>) -> String {
    let width = results.outcomes().map(|outcome| outcome.case().name().chars().count()).max().unwrap_or(0);
    let width = width.min(WIDEST_NAME);
    let mut lines = Vec::new();
    for suite in &results.suites {
        lines.push(suite.file.display().to_string());
        for outcome in suite.outcomes {
            let word = if outcome.passes() { "ok" } else { "FAILED" };
            lines.push(format!("{word:6}  {:width$}  {}", outcome.case().name(), outcome.decided()));
            lines.extend(differing(outcome).map(|line| format!("        {line}")));
        }
        lines.push(String::new());
    }
    let (total, failed) = (results.outcomes().count(), results.failed());
    lines.push(match failed {
        0 => format!("cases: {total}, all pass"),
        failed => format!("cases: {total}, {failed} FAILED"),
    });
    let coverage = &results.coverage;
    let [of_rules, of_denials] = results.shares();
    lines.push(of_rules.line());
    let width = coverage.rules.iter().map(|rule| rule.rule.len()).max().unwrap_or(0);
    lines.extend(coverage.rules.iter().map(|rule| format!("  {:width$}  {}", rule.rule, seen(rule))));
    lines.push(of_denials.line());
    if !coverage.denials_unseen.is_empty() {
        lines.push(format!("  not seen: {}", coverage.denials_unseen.join(", ")));
    }
    lines.iter().map(|line| format!("{}\n", untrusted(line).trim_end())).collect()
}

fn seen(rule: &RuleCoverage) -> String {
    let word = |sight: Sight, seen: &'static str, unseen: &'static str, impossible: &'static str| match sight {
        Sight::Seen => seen,
        Sight::Unseen => unseen,
        Sight::Impossible => impossible,
    };
    format!(
        "{}, {}",
        word(rule.allows, "allows", "NOT SEEN to allow", "allows nothing"),
        word(rule.refuses, "refuses", "NOT SEEN to refuse", "public")
    )
}

/// Beyond this a longer name moves only its own row.
const WIDEST_NAME: usize = 60;
