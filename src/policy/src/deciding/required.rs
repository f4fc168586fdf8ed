//! Owns which credentials a route looks at, and which of them have to be there.

use crate::identity::credential::CredentialKind;

/// Kinds of credential, each once, in the order of judgement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kinds(pub(crate) Vec<CredentialKind>);

impl Kinds {
    pub(crate) fn include(&self, kind: &CredentialKind) -> bool {
        self.0.contains(kind)
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &CredentialKind> + Clone {
        self.0.iter()
    }

    pub(crate) const fn are_none(&self) -> bool {
        self.0.is_empty()
    }
}

/// The credentials of a route, each kind once. Whichever is there must be good.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Required {
    /// Those that must all be there.
    pub(crate) all: Kinds,
    /// The alternatives, of which one must be there at least; none, or two and more.
    pub(crate) any: Kinds,
    /// Those that may be there.
    pub(crate) optional: Kinds,
    /// The reason why a request may pass with none of them; `None` where one has to be there.
    pub(crate) because: Option<String>,
}

impl Required {
    /// Every kind, in the order of judgement.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &CredentialKind> {
        self.all.iter().chain(self.any.iter()).chain(self.optional.iter())
    }

    /// Tells whether the route looks at a kind, or, of `any`, whether it has alternatives.
    pub(crate) fn include(&self, kind: &CredentialKind) -> bool {
        self.is_certain(kind) || self.any.include(kind) || self.optional.include(kind)
    }

    /// Tells whether a request has a kind, or an identity `any`, wherever it is not refused for lack of one.
    pub(crate) fn is_certain(&self, kind: &CredentialKind) -> bool {
        self.all.include(kind) || (kind.is_any() && !self.any.are_none())
    }

    /// Kinds that a name of the policy stands for: itself, or, of `any`, each of the alternatives.
    pub(crate) fn meant<'a>(&'a self, kind: &'a CredentialKind) -> &'a [CredentialKind] {
        if kind.is_any() { &self.any.0 } else { std::slice::from_ref(kind) }
    }

    /// Tells whether whoever has the credentials that `own` requires has those that this one requires, and whether
    /// all that is bad to this one is bad to `own`. The identity `any` must be the same one.
    pub(crate) fn is_met_by(&self, own: &Self) -> bool {
        self.all.iter().all(|kind| own.all.include(kind))
            && (self.any.are_none() || self.any == own.any)
            && self.optional.iter().all(|kind| own.include(kind))
    }
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn kinds(names: &str) -> Kinds {
        Kinds(names.split_whitespace().map(CredentialKind::new).collect())
    }

    fn required(all: &str, any: &str, optional: &str) -> Required {
        Required { all: kinds(all), any: kinds(any), optional: kinds(optional), because: None }
    }

    #[test]
    fn order_of_judgement_is_that_of_the_lists() {
        let required = required("c", "b a", "d");
        assert_eq!(required.iter().map(CredentialKind::as_str).collect::<Vec<_>>(), ["c", "b", "a", "d"]);
    }

    #[test]
    fn alternative_is_looked_at_and_not_certain() {
        let some = required("c", "b a", "d");
        for (kind, is_included, is_certain) in
            [("c", true, true), ("b", true, false), ("d", true, false), ("x", false, false), ("any", true, true)]
        {
            let kind = CredentialKind::new(kind);
            assert_eq!((some.include(&kind), some.is_certain(&kind)), (is_included, is_certain), "{kind:?}");
        }
        assert!(!required("c", "", "d").include(&CredentialKind::new("any")));
    }

    #[test]
    fn what_may_be_absent_meets_no_need() {
        for (asked, own, is_met) in [
            (required("a", "", ""), required("a b", "", ""), true),
            (required("a b", "", ""), required("a", "", ""), false),
            (required("a", "", ""), required("", "a b", ""), false),
            (required("a", "", ""), required("b", "", "a"), false),
            (required("", "a b", ""), required("", "a b", ""), true),
            // The identity `any` of a request with both would be another one.
            (required("", "a b", ""), required("", "b a", ""), false),
            (required("", "a b", ""), required("a", "", ""), false),
            (required("", "a b", ""), required("", "a b c", ""), false),
            // A bad credential must be refused by both.
            (required("", "", "a"), required("b", "", ""), false),
            (required("", "", "a"), required("a", "", ""), true),
            (required("", "", "a"), required("", "a b", ""), true),
            (required("", "", ""), required("", "", "a"), true),
        ] {
            assert_eq!(asked.is_met_by(&own), is_met, "{asked:?} {own:?}");
        }
    }
}
