//! Owns the results of cases in the
//! [Test Anything Protocol, version 14](https://testanything.org/tap-version-14-specification.html).

use brama_replay::CaseOutcome;
use serde_json::json;

use super::{Results, differing};

pub(super) fn text(results: &Results<'_>) -> String {
    let points = results.outcomes().count() + results.demands().count();
    let mut lines = vec!["TAP version 14".to_owned(), format!("1..{points}")];
    let mut number = 0;
    for suite in &results.suites {
        lines.push(format!("# {}", one_line(&suite.file.display().to_string())));
        for outcome in suite.outcomes {
            number += 1;
            lines.push(point(outcome.passes(), number, outcome.case().name()));
            if !outcome.passes() {
                lines.extend(diagnostic(outcome));
            }
        }
    }
    for (share, wanted) in results.demands() {
        number += 1;
        lines.push(point(share.is_enough(), number, &format!("{} of at least {wanted}%", share.what)));
    }
    lines.extend(results.shares().iter().map(|share| format!("# {}", share.line())));
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn point(passes: bool, number: usize, description: &str) -> String {
    let not = if passes { "" } else { "not " };
    // A bare `#` would begin a directive.
    let description = one_line(description).replace('\\', "\\\\").replace('#', "\\#");
    format!("{not}ok {number} - {description}")
}

/// A YAML block. Its texts are written as JSON, which is YAML too.
fn diagnostic(outcome: &CaseOutcome<'_>) -> Vec<String> {
    let differing = differing(outcome).map(|line| format!("    - {}", json!(line)));
    ["  ---".to_owned(), format!("  decided: {}", json!(outcome.decided())), "  differing:".to_owned()]
        .into_iter()
        .chain(differing)
        .chain(["  ...".to_owned()])
        .collect()
}

fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}
