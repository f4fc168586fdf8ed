//! Owns a decision as data, for files and for other programs.

use std::borrow::Cow;
use std::collections::BTreeMap;

use brama_policy::deciding::{Decision, Grant, Policy, Refused, RuleId};
use serde::Serialize;

/// A decision as one line of JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict<'a> {
    /// `allow` or `refuse`.
    pub decision: &'static str,
    /// The status of a refusal.
    pub status: Option<u16>,
    /// The code of a refusal's denial.
    pub denial: Option<&'a str>,
    /// The rule that decided, if one did.
    pub rule: Option<&'a str>,
    /// The denial of a rule in shadow mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub would_refuse: Option<&'a str>,
    /// The reason, if more is known than the denial's code. The client is not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The headers that are set.
    pub forward: BTreeMap<&'a str, Cow<'a, str>>,
    /// The names of the request's headers that are removed before any is set.
    pub remove: &'a [String],
}

impl<'a> From<&'a Decision> for Verdict<'a> {
    fn from(decision: &'a Decision) -> Self {
        match decision {
            Decision::Allow(grant) => Self::allow(grant),
            Decision::Refuse(refused) => Self::refuse(refused),
        }
    }
}

impl<'a> Verdict<'a> {
    /// A decision under this policy, with its reason.
    #[must_use]
    pub fn explained(decision: &'a Decision, policy: &Policy) -> Self {
        Self { reason: decision.denial().and_then(|denial| policy.reason(denial)), ..Self::from(decision) }
    }

    fn allow(grant: &'a Grant) -> Self {
        Self {
            decision: "allow",
            status: None,
            denial: None,
            rule: grant.rule().map(RuleId::as_str),
            would_refuse: grant.would_refuse().map(|denial| denial.code()),
            reason: None,
            forward: headers_set(grant).collect(),
            remove: grant.remove(),
        }
    }

    fn refuse(refused: &'a Refused) -> Self {
        Self {
            decision: "refuse",
            status: Some(refused.denial().status()),
            denial: Some(refused.denial().code()),
            rule: refused.rule().map(RuleId::as_str),
            would_refuse: None,
            reason: None,
            forward: BTreeMap::new(),
            remove: &[],
        }
    }
}

/// The headers that a grant sets, and those of which it lets a part go on.
pub(crate) fn headers_set(grant: &Grant) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
    let set = grant.set().iter().map(|(name, value)| (name.as_str(), Cow::Borrowed(value.as_str())));
    let rewritten = [(":path", grant.target()), ("cookie", grant.cookies())];
    set.chain(rewritten.into_iter().filter_map(|(name, value)| Some((name, String::from_utf8_lossy(value?)))))
}
