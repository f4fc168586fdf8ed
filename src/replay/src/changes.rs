//! Owns the comparison of the verdicts of two policies on the same requests.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::verdict::Verdict;

/// The kind of difference between two verdicts on one request, ordered from what must be looked at first to what
/// matters least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// A request that was refused passes, even if only by a rule in shadow mode.
    Opens,
    /// A request that passed is refused.
    Closes,
    /// The request is refused as before, for another reason or with another status.
    OtherRefusal,
    /// The request passes as before, with other headers or another mark of shadow mode.
    OtherIdentity,
    /// Another rule decides, to the same effect.
    OtherRule,
}

impl Change {
    /// Every change, in their order.
    pub const ALL: [Self; 5] = [Self::Opens, Self::Closes, Self::OtherRefusal, Self::OtherIdentity, Self::OtherRule];

    /// The stable name of this change.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opens => "opens",
            Self::Closes => "closes",
            Self::OtherRefusal => "other_refusal",
            Self::OtherIdentity => "other_identity",
            Self::OtherRule => "other_rule",
        }
    }

    /// The difference between two verdicts on one request; `None` if they do not differ.
    #[must_use]
    pub fn of(old: &Verdict<'_>, new: &Verdict<'_>) -> Option<Self> {
        match (old.denial, new.denial) {
            (Some(_), None) => Some(Self::Opens),
            (None, Some(_)) => Some(Self::Closes),
            (Some(one), Some(two)) if one != two || old.status != new.status => Some(Self::OtherRefusal),
            (None, None) if !other_headers(old, new).is_empty() => Some(Self::OtherIdentity),
            (Some(_), Some(_)) | (None, None) => (old.rule != new.rule).then_some(Self::OtherRule),
        }
    }
}

/// The verdicts that changed, in groups of those that changed alike.
#[derive(Clone, Debug)]
pub struct Changes {
    requests: u64,
    most_examples: usize,
    groups: BTreeMap<ChangeKind, ChangeGroup>,
}

/// The features that the changes of a group share.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChangeKind {
    /// The kind of difference.
    pub change: Change,
    /// The verdict before.
    pub old: ChangeSide,
    /// The verdict now.
    pub new: ChangeSide,
    /// The headers and marks that differ: `forward.x-tenant`, `remove`, `would_refuse`. Empty except for
    /// [`Change::OtherIdentity`].
    pub headers: BTreeSet<String>,
}

/// A verdict in short.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChangeSide {
    /// The rule that decided.
    pub rule: Option<String>,
    /// The code of a refusal's denial; `None` is a request that passes.
    pub denial: Option<String>,
    /// The status of a refusal.
    pub status: Option<u16>,
    /// The denial of a rule in shadow mode.
    pub would_refuse: Option<String>,
}

/// Changes of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeGroup {
    /// The number of changes.
    pub count: u64,
    /// The first of them: the number of the line, and the request as it is written.
    pub examples: Vec<(u64, String)>,
}

impl Changes {
    /// A comparison without requests so far. Each group keeps at most `most_examples` examples.
    #[must_use]
    pub const fn new(most_examples: usize) -> Self {
        Self { requests: 0, most_examples, groups: BTreeMap::new() }
    }

    /// Counts a request and the verdicts of two policies on it; it stands as `text` in line `line`.
    pub fn add(&mut self, line: u64, text: &str, old: &Verdict<'_>, new: &Verdict<'_>) {
        self.requests = self.requests.saturating_add(1);
        let Some(change) = Change::of(old, new) else { return };
        let headers = match change {
            Change::OtherIdentity => other_headers(old, new),
            Change::Opens | Change::Closes | Change::OtherRefusal | Change::OtherRule => BTreeSet::new(),
        };
        let group = self
            .groups
            .entry(ChangeKind { change, old: ChangeSide::of(old), new: ChangeSide::of(new), headers })
            .or_default();
        group.count = group.count.saturating_add(1);
        if group.examples.len() < self.most_examples {
            group.examples.push((line, text.to_owned()));
        }
    }

    /// The number of requests that were judged.
    #[must_use]
    pub const fn requests(&self) -> u64 {
        self.requests
    }

    /// The number of verdicts that changed in this way.
    #[must_use]
    pub fn count(&self, change: Change) -> u64 {
        let alike = self.groups.iter().filter(|(kind, _group)| kind.change == change);
        alike.map(|(_kind, group)| group.count).fold(0, u64::saturating_add)
    }

    /// The number of verdicts that did not change.
    #[must_use]
    pub fn unchanged(&self) -> u64 {
        let changed = Change::ALL.into_iter().map(|change| self.count(change)).fold(0, u64::saturating_add);
        self.requests.saturating_sub(changed)
    }

    /// The groups by kind of difference, in the order of [`Change`]; within one kind the largest first.
    #[must_use]
    pub fn groups(&self) -> Vec<(&ChangeKind, &ChangeGroup)> {
        let mut groups: Vec<_> = self.groups.iter().collect();
        groups.sort_by_key(|(kind, group)| (kind.change, Reverse(group.count)));
        groups
    }
}

impl ChangeSide {
    fn of(verdict: &Verdict<'_>) -> Self {
        Self {
            rule: verdict.rule.map(str::to_owned),
            denial: verdict.denial.map(str::to_owned),
            status: verdict.status,
            would_refuse: verdict.would_refuse.map(str::to_owned),
        }
    }
}

/// The differences between two verdicts by which a request passes, apart from the rule.
fn other_headers(old: &Verdict<'_>, new: &Verdict<'_>) -> BTreeSet<String> {
    let names = old.forward.keys().chain(new.forward.keys());
    let forward = names.filter(|name| old.forward.get(*name) != new.forward.get(*name));
    let mut differing: BTreeSet<String> = forward.map(|name| format!("forward.{name}")).collect();
    differing.extend((old.remove != new.remove).then(|| "remove".to_owned()));
    differing.extend((old.would_refuse != new.would_refuse).then(|| "would_refuse".to_owned()));
    differing
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn allow(rule: &'static str) -> Verdict<'static> {
        Verdict {
            decision: "allow",
            status: None,
            denial: None,
            rule: Some(rule),
            would_refuse: None,
            reason: None,
            forward: BTreeMap::from([("x-a", "1".into())]),
            remove: &[],
        }
    }

    fn refuse(rule: &'static str, denial: &'static str, status: u16) -> Verdict<'static> {
        let of_refusal = allow(rule);
        Verdict {
            decision: "refuse",
            status: Some(status),
            denial: Some(denial),
            forward: BTreeMap::new(),
            ..of_refusal
        }
    }

    #[test]
    fn change_is_named_by_what_it_does() {
        let marked = || Verdict { would_refuse: Some("not_owner"), ..allow("a") };
        let other = || Verdict { forward: BTreeMap::from([("x-a", "2".into())]), ..allow("a") };
        for (old, new, expected) in [
            (allow("a"), allow("a"), None),
            (refuse("a", "not_owner", 403), refuse("a", "not_owner", 403), None),
            (refuse("a", "not_owner", 403), allow("a"), Some(Change::Opens)),
            (refuse("a", "not_owner", 403), marked(), Some(Change::Opens)),
            (allow("a"), refuse("a", "not_owner", 403), Some(Change::Closes)),
            (marked(), refuse("a", "not_owner", 403), Some(Change::Closes)),
            (refuse("a", "not_owner", 403), refuse("a", "scope_missing", 403), Some(Change::OtherRefusal)),
            (refuse("a", "not_owner", 403), refuse("a", "not_owner", 404), Some(Change::OtherRefusal)),
            (refuse("a", "not_owner", 403), refuse("b", "not_owner", 403), Some(Change::OtherRule)),
            (allow("a"), allow("b"), Some(Change::OtherRule)),
            (allow("a"), other(), Some(Change::OtherIdentity)),
            (allow("b"), marked(), Some(Change::OtherIdentity)),
        ] {
            assert_eq!(Change::of(&old, &new), expected, "{old:?} {new:?}");
        }
    }

    #[test]
    fn changes_of_a_kind_are_counted_together() {
        let mut changes = Changes::new(2);
        for line in 1..=3 {
            changes.add(line, "closes", &allow("a"), &refuse("a", "not_owner", 403));
        }
        changes.add(4, "opens", &refuse("a", "not_owner", 403), &allow("b"));
        changes.add(5, "same", &allow("a"), &allow("a"));
        changes.add(
            6,
            "forward",
            &allow("a"),
            &Verdict { forward: BTreeMap::from([("x-b", "1".into())]), ..allow("a") },
        );
        let counts = Change::ALL.map(|change| changes.count(change));
        assert_eq!((changes.requests(), changes.unchanged(), counts), (6, 1, [1, 3, 0, 1, 0]));
        let groups: Vec<_> = changes
            .groups()
            .into_iter()
            .map(|(kind, group)| (kind.change, group.count, group.examples.len()))
            .collect();
        assert_eq!(groups, [(Change::Opens, 1, 1), (Change::Closes, 3, 2), (Change::OtherIdentity, 1, 1)]);
        let headers: Vec<_> = changes.groups().into_iter().flat_map(|(kind, _group)| kind.headers.clone()).collect();
        assert_eq!(headers, ["forward.x-a", "forward.x-b"]);
    }
}
