//! Owns which facts a policy looks at: only there does it matter that one cannot be read.

use std::collections::{BTreeMap, BTreeSet};

use crate::deciding::condition::Condition;
use crate::deciding::forward::{FactReference, Forward, IdentityHeaders};
use crate::deciding::policy::{Binding, Ownership, RequiredScopes, Requirement, Route, Verified};
use crate::identity::credential::CredentialKind;
use crate::identity::facts::{FactName, HeaderForm};
use crate::identity::pointers::Needed;

/// The facts that rules, and what is forwarded, look at, by whose and which, with the forms in which headers carry
/// them.
#[derive(Debug, Default)]
pub(crate) struct LookedAt(BTreeMap<(CredentialKind, String), BTreeSet<HeaderForm>>);

impl LookedAt {
    pub(crate) fn by(forward: &Forward, routes: &[Route]) -> Self {
        let mut looked_at = Self::default();
        let of_routes = routes.iter().filter_map(|route| route.forward.as_ref());
        let guarded = routes.iter().filter(|route| route.verified().is_some());
        // Where each guarded route has one of its own, the document's is nobody's.
        let of_document = guarded.clone().any(|route| route.forward.is_none()) || guarded.count() == 0;
        let of_document = of_document.then_some(&forward.identity);
        for forwarded in of_document.into_iter().chain(of_routes).flat_map(IdentityHeaders::facts) {
            looked_at.add(&forwarded.fact).insert(forwarded.form.clone());
        }
        for route in routes {
            match &route.requirement {
                Requirement::Public { .. } => {}
                Requirement::Verified(verified) => looked_at.add_all(verified),
            }
        }
        looked_at
    }

    pub(crate) fn includes(&self, kind: &CredentialKind, name: &str) -> bool {
        self.0.keys().any(|(of, known)| of == kind && known == name)
    }

    /// The facts of one kind of credential that are needed, and these others.
    pub(crate) fn needed<'a>(&self, kind: &CredentialKind, others: impl Iterator<Item = &'a str>) -> Needed {
        let of_kind = self.0.iter().filter(|((of, _name), _forms)| of == kind);
        let mut needed: Needed = of_kind.map(|((_of, name), forms)| (name.clone(), forms.clone())).collect();
        for name in others {
            needed.entry(name.to_owned()).or_default();
        }
        needed
    }

    fn add_all(&mut self, verified: &Verified) {
        let Verified { credentials: _, binding, scopes, owner, conditions } = verified;
        match binding {
            Binding::Unbound => {}
            Binding::Bound { later, earlier } => {
                self.add(later);
                self.add(earlier);
            }
        }
        match scopes {
            RequiredScopes::AnyCaller => {}
            RequiredScopes::Wanted { wanted: _, of } => {
                for of in of.iter() {
                    self.add_named(of, FactName::Scope.as_str());
                }
            }
        }
        match owner {
            Ownership::NotOwned => {}
            Ownership::Owned(owner) => {
                self.add(&owner.fact);
                if !owner.except_client_types.is_empty() {
                    self.add_named(&owner.fact.of, FactName::ClientType.as_str());
                }
            }
        }
        for (of, name) in conditions.iter().flat_map(Condition::facts_used) {
            // Conditions have them as a list.
            let name = if name == "scopes" { FactName::Scope.as_str() } else { name };
            self.add_named(of, name);
        }
    }

    /// The forms of a fact that is looked at.
    fn add(&mut self, fact: &FactReference) -> &mut BTreeSet<HeaderForm> {
        self.add_named(&fact.of, fact.name.as_str())
    }

    fn add_named(&mut self, of: &CredentialKind, name: &str) -> &mut BTreeSet<HeaderForm> {
        self.0.entry((of.clone(), name.to_owned())).or_default()
    }
}
