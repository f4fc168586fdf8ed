//! Owns the coverage of a policy: how much of it its cases were seen to reach.

use std::collections::BTreeSet;

use brama_policy::deciding::{Decision, Denial, Policy, RuleId};

use super::CaseOutcome;

/// The coverage of a policy by its cases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// Each rule, in the order of the policy.
    pub rules: Vec<RuleCoverage>,
    /// The denials that the policy can give and that appeared, in the order of judgement.
    pub denials_seen: Vec<String>,
    /// The denials that the policy can give and that did not appear.
    pub denials_unseen: Vec<String>,
}

/// The coverage of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleCoverage {
    /// The rule's id.
    pub rule: String,
    /// The sight of the rule allowing a request.
    pub allows: Sight,
    /// The sight of the rule refusing a request; in shadow mode, marking what it would refuse.
    pub refuses: Sight,
}

/// The sight of one outcome of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// The outcome was seen.
    Seen,
    /// The outcome was not seen.
    Unseen,
    /// The outcome is impossible: a public rule refuses nothing.
    Impossible,
}

impl Coverage {
    /// The coverage of `policy` by these outcomes.
    #[must_use]
    pub fn of<'o, 'c: 'o>(outcomes: impl IntoIterator<Item = &'o CaseOutcome<'c>>, policy: &Policy) -> Self {
        let (mut allowing, mut refusing, mut denials) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for outcome in outcomes {
            let (rule, denial) = match outcome.decision() {
                Decision::Allow(grant) => (grant.rule(), grant.would_refuse()),
                Decision::Refuse(refused) => (refused.rule(), Some(refused.denial())),
            };
            let rules = if denial.is_some() { &mut refusing } else { &mut allowing };
            rules.extend(rule);
            denials.extend(denial.map(Denial::code));
        }
        let guarded: BTreeSet<&RuleId> = policy.guarded_rules().collect();
        let rules = policy.rules().map(|rule| RuleCoverage {
            rule: rule.as_str().to_owned(),
            allows: Sight::of(allowing.contains(rule)),
            refuses: if guarded.contains(rule) { Sight::of(refusing.contains(rule)) } else { Sight::Impossible },
        });
        let (denials_seen, denials_unseen) =
            policy.denials().into_iter().partition(|code| denials.contains(code.as_str()));
        Self { rules: rules.collect(), denials_seen, denials_unseen }
    }

    /// The number of outcomes that there are to see: each rule's allowing, and each guarded rule's refusing.
    #[must_use]
    pub fn total(&self) -> usize {
        self.sights().filter(|sight| *sight != Sight::Impossible).count()
    }

    /// The number of outcomes that were seen.
    #[must_use]
    pub fn seen(&self) -> usize {
        self.sights().filter(|sight| *sight == Sight::Seen).count()
    }

    /// The share that was seen, in whole percent, rounded down; 100 if there is nothing to see.
    #[must_use]
    pub fn percent(&self) -> usize {
        self.seen().saturating_mul(100).checked_div(self.total()).unwrap_or(100)
    }

    fn sights(&self) -> impl Iterator<Item = Sight> {
        self.rules.iter().flat_map(|rule| [rule.allows, rule.refuses])
    }
}

impl Sight {
    const fn of(seen: bool) -> Self {
        if seen { Self::Seen } else { Self::Unseen }
    }
}
