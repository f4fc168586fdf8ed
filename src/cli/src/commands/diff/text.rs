//! Owns the forms of changes: text for people, JSON for programs.

use brama_replay::{Change, ChangeGroup, ChangeKind, ChangeSide, Changes};
use serde_json::{Value, json};

use super::Unjudged;
use crate::output::untrusted;

/// The counts, then each kind of change with its examples.
pub(super) fn human(changes: &Changes, bad: u64, unjudged: &Unjudged) -> String {
    let mut lines: Vec<String> =
        Change::ALL.into_iter().map(|change| format!("{}: {}", words(change), changes.count(change))).collect();
    lines.push(format!("unchanged: {} of {} requests", changes.unchanged(), changes.requests()));
    if bad > 0 {
        lines.push(format!("no requests: {bad} lines"));
    }
    if !unjudged.is_empty() {
        let all = unjudged.values().map(|(count, _first)| *count).fold(0, u64::saturating_add);
        lines.push(format!("cannot be judged: {all} lines of an access log, which has no headers and no query"));
        let told =
            unjudged.iter().map(|(reason, (count, first))| format!("  {count}, the first in line {first}: {reason}"));
        lines.extend(told);
    }
    for (kind, group) in changes.groups() {
        lines.push(String::new());
        lines.push(format!("{}: {} -> {} ({})", words(kind.change), side(&kind.old), side(&kind.new), group.count));
        if !kind.headers.is_empty() {
            lines.push(format!("  in {}", kind.headers.iter().map(String::as_str).collect::<Vec<_>>().join(", ")));
        }
        lines.extend(group.examples.iter().map(|(line, text)| format!("  line {line}: {}", shortened(text))));
    }
    lines.iter().map(|line| format!("{}\n", untrusted(line))).collect()
}

pub(super) fn json(changes: &Changes, bad: u64, unjudged: &Unjudged) -> String {
    let object = json!({
        "opens": changes.count(Change::Opens),
        "closes": changes.count(Change::Closes),
        "other_refusals": changes.count(Change::OtherRefusal),
        "other_identities": changes.count(Change::OtherIdentity),
        "other_rules": changes.count(Change::OtherRule),
        "unchanged": changes.unchanged(),
        "requests": changes.requests(),
        "bad_lines": bad,
        "not_judged": unjudged
            .iter()
            .map(|(reason, (count, first))| json!({ "reason": reason.to_string(), "count": count, "first": first }))
            .collect::<Vec<_>>(),
        "changes": changes.groups().into_iter().map(group_json).collect::<Vec<_>>(),
    });
    format!("{object:#}\n")
}

fn group_json((kind, group): (&ChangeKind, &ChangeGroup)) -> Value {
    let examples = group.examples.iter().map(|(line, text)| json!({ "line": line, "request": text }));
    json!({
        "change": kind.change.as_str(),
        "old": side_json(&kind.old),
        "new": side_json(&kind.new),
        "in": kind.headers,
        "count": group.count,
        "examples": examples.collect::<Vec<_>>(),
    })
}

fn side_json(side: &ChangeSide) -> Value {
    json!({
        "decision": if side.denial.is_some() { "refuse" } else { "allow" },
        "rule": side.rule,
        "denial": side.denial,
        "status": side.status,
        "would_refuse": side.would_refuse,
    })
}

const fn words(change: Change) -> &'static str {
    match change {
        Change::Opens => "opens",
        Change::Closes => "closes",
        Change::OtherRefusal => "other refusals",
        Change::OtherIdentity => "other identities",
        Change::OtherRule => "other rules",
    }
}

/// A verdict in short: `delete_connection refuses not_owner (403)`.
fn side(side: &ChangeSide) -> String {
    let rule = side.rule.as_deref().unwrap_or("no rule");
    match (&side.denial, &side.would_refuse) {
        (Some(denial), _) => {
            let status = side.status.map(|status| format!(" ({status})")).unwrap_or_default();
            format!("{rule} refuses {denial}{status}")
        }
        (None, Some(would)) => format!("{rule} allows, and would refuse {would}"),
        (None, None) => format!("{rule} allows"),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_EXAMPLE) {
        Some((end, _character)) => format!("{}...", text.get(..end).unwrap_or(text)),
        None => text.to_owned(),
    }
}

/// The limit on the characters of a request that people are shown; its line is named beside it.
const MAX_EXAMPLE: usize = 400;
