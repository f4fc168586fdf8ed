//! Owns the results of cases as one JSON object.

use brama_replay::{CaseOutcome, Coverage, Difference, RuleCoverage, Sight, Verdict};
use serde_json::{Value, json};

use super::{Results, Wanted};

pub(super) fn text(results: &Results<'_>) -> String {
    let cases: Vec<Value> = results
        .suites
        .iter()
        .flat_map(|suite| suite.outcomes.iter().map(|outcome| case(&suite.file.display().to_string(), outcome)))
        .collect();
    let object = json!({
        "policy": results.file.display().to_string(),
        "passed": results.are_good(),
        "total": cases.len(),
        "failed": results.failed(),
        "cases": cases,
        "coverage": coverage(&results.coverage, &results.wanted),
    });
    format!("{object:#}\n")
}

fn case(file: &str, outcome: &CaseOutcome<'_>) -> Value {
    json!({
        "file": file,
        "name": outcome.case().name(),
        "passed": outcome.passes(),
        "verdict": Verdict::from(outcome.decision()),
        "differences": outcome.differences().iter().map(difference).collect::<Vec<_>>(),
    })
}

fn difference(difference: &Difference) -> Value {
    json!({ "key": difference.key, "expected": difference.expected, "found": difference.found })
}

fn coverage(coverage: &Coverage, wanted: &Wanted) -> Value {
    json!({
        "percent": coverage.percent(),
        "seen": coverage.seen(),
        "total": coverage.total(),
        "min_percent": wanted.rules,
        "rules": coverage.rules.iter().map(rule).collect::<Vec<_>>(),
        "denials": {
            "seen": coverage.denials_seen,
            "unseen": coverage.denials_unseen,
            "min_percent": wanted.denials,
        },
    })
}

fn rule(rule: &RuleCoverage) -> Value {
    json!({ "rule": rule.rule, "allows": seen(rule.allows), "refuses": seen(rule.refuses) })
}

/// The sight as a boolean; `None`, and so null, for an outcome that a rule cannot have.
const fn seen(sight: Sight) -> Option<bool> {
    match sight {
        Sight::Seen => Some(true),
        Sight::Unseen => Some(false),
        Sight::Impossible => None,
    }
}
