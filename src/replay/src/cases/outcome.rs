//! Owns the outcome of a case, and its differences from what is expected.

use std::borrow::Cow;
use std::collections::BTreeSet;

use brama_policy::deciding::{Decision, Denial, Envelope, Grant, Policy, Refused, RuleId};

use super::{Case, Expected};
use crate::verdict::headers_set;

/// A case and its decision.
#[derive(Debug)]
pub struct CaseOutcome<'c> {
    case: &'c Case,
    decision: Decision,
    differences: Vec<Difference>,
}

/// A difference from what a case expects, by the key that it has in a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The key, such as `refuse` or `forward.x-consumer-id`.
    pub key: Cow<'static, str>,
    /// The expected value; `None` if nothing of the kind is expected.
    pub expected: Option<String>,
    /// The value that was found.
    pub found: Option<String>,
}

impl<'c> CaseOutcome<'c> {
    pub(super) fn new(case: &'c Case, decision: Decision, policy: &Policy) -> Self {
        let differences = match (&case.expect, &decision) {
            (Expected::Allow { .. }, Decision::Allow(grant)) => of_grant(&case.expect, grant),
            (Expected::Refuse { .. }, Decision::Refuse(refused)) => of_refusal(&case.expect, refused, policy),
            (Expected::Allow { rule, .. }, Decision::Refuse(refused)) => vec![
                different("allow", Some(name(rule.as_deref())), None),
                different("refuse", None, Some(refused.denial().code())),
                different("rule", None, refused.rule().map(RuleId::as_str)),
            ],
            (Expected::Refuse { denial, .. }, Decision::Allow(grant)) => vec![
                different("refuse", Some(denial), None),
                different("allow", None, Some(name(grant.rule().map(RuleId::as_str)))),
                different("would_refuse", None, grant.would_refuse().map(Denial::code)),
            ],
        };
        let differences = differences.into_iter().filter(|difference| difference.expected != difference.found);
        Self { case, differences: differences.collect(), decision }
    }

    /// The case.
    #[must_use]
    pub const fn case(&self) -> &'c Case {
        self.case
    }

    /// The decision.
    pub const fn decision(&self) -> &Decision {
        &self.decision
    }

    /// The differences from what is expected; empty if the case passes.
    #[must_use]
    pub fn differences(&self) -> &[Difference] {
        &self.differences
    }

    /// `true` if the decision is as expected.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.differences.is_empty()
    }

    /// The decision in a line.
    #[must_use]
    pub fn decided(&self) -> String {
        match &self.decision {
            Decision::Allow(grant) => {
                let mark = grant.would_refuse().map(|denial| format!(", would refuse: {}", denial.code()));
                format!("allow {}{}", name(grant.rule().map(RuleId::as_str)), mark.unwrap_or_default())
            }
            Decision::Refuse(refused) => {
                let rule = refused.rule().map(|rule| format!(" by {}", rule.as_str()));
                let denial = refused.denial();
                format!("refuse {} ({}){}", denial.code(), denial.status(), rule.unwrap_or_default())
            }
        }
    }
}

fn of_grant(expected: &Expected, grant: &Grant) -> Vec<Difference> {
    let Expected::Allow { rule, would_refuse, forward, remove } = expected else { return Vec::new() };
    let mut differences = vec![
        different("allow", Some(name(rule.as_deref())), Some(name(grant.rule().map(RuleId::as_str)))),
        different("would_refuse", would_refuse.as_deref(), grant.would_refuse().map(Denial::code)),
    ];
    let set = || headers_set(grant);
    if let Some(forward) = forward {
        for (wanted, value) in forward {
            let found = set().find(|(name, _value)| name.eq_ignore_ascii_case(wanted)).map(|(_name, value)| value);
            differences.push(different(format!("forward.{wanted}"), Some(value), found.as_deref()));
        }
        if forward.is_empty() {
            differences.extend(set().map(|(name, value)| different(format!("forward.{name}"), None, Some(&value))));
        }
    }
    if let Some(remove) = remove {
        let found: BTreeSet<String> = grant.remove().iter().map(|name| name.to_ascii_lowercase()).collect();
        differences.push(different("remove", Some(&listed(remove)), Some(&listed(&found))));
    }
    differences
}

fn of_refusal(expected: &Expected, refused: &Refused, policy: &Policy) -> Vec<Difference> {
    let Expected::Refuse { denial, rule, status, message } = expected else { return Vec::new() };
    let found = refused.denial();
    let mut differences = vec![
        different("refuse", Some(denial), Some(found.code())),
        different("rule", rule.as_deref(), refused.rule().map(RuleId::as_str)),
    ];
    if let Some(status) = status {
        differences.push(different("status", Some(&status.to_string()), Some(&found.status().to_string())));
    }
    if let Some(wanted) = message {
        differences.push(different("message", Some(wanted), message_of(found, policy).as_deref()));
    }
    differences
}

/// The message that a client is told; `None` where the policy's refusals have no body.
fn message_of(denial: &Denial, policy: &Policy) -> Option<String> {
    let body = policy.refusal(denial, Envelope { url: "", request_id: "" }).body;
    let body: serde_json::Value = serde_json::from_str(&body).ok()?;
    let message = MESSAGE_POINTERS.into_iter().find_map(|pointer| body.pointer(pointer));
    message.and_then(serde_json::Value::as_str).map(str::to_owned)
}

fn different(key: impl Into<Cow<'static, str>>, expected: Option<&str>, found: Option<&str>) -> Difference {
    Difference { key: key.into(), expected: expected.map(str::to_owned), found: found.map(str::to_owned) }
}

/// The name of a rule, or of none.
const fn name(rule: Option<&str>) -> &str {
    match rule {
        Some(rule) => rule,
        // An id has no space, so this differs from every id.
        None => "by no rule",
    }
}

fn listed(names: &BTreeSet<String>) -> String {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    format!("[{}]", names.join(", "))
}

/// The JSON pointers of the message in the two formats of refusals: the eHealth envelope, and problem details (RFC
/// 9457).
const MESSAGE_POINTERS: [&str; 2] = ["/error/message", "/detail"];
