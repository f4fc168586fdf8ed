//! Owns which facts a policy looks at: only there does it matter that one cannot be read.

use std::collections::{BTreeMap, BTreeSet};

use crate::deciding::condition::Condition;
use crate::deciding::forward::{Forward, IdentityHeaders};
use crate::deciding::policy::{Binding, Ownership, RequiredScopes, Requirement, Route, Verified};
use crate::identity::credential::CredentialKind;
use crate::identity::facts::{AUDIENCE_OF_ROUTE, FactName, HeaderForm};
use crate::identity::pointers::Needed;

/// The facts that rules, and what is forwarded, look at, by whose and which, with the forms in which headers carry
/// them.
#[derive(Debug, Default)]
pub(crate) struct LookedAt(BTreeMap<(CredentialKind, String), BTreeSet<HeaderForm>>);

impl LookedAt {
    pub(crate) fn by(forward: &Forward, routes: &[Route]) -> Self {
        let mut looked_at = Self::default();
        let mut guarded = routes.iter().filter(|route| route.verified().is_some()).peekable();
        // Where each guarded route has one of its own, the document's is nobody's.
        if guarded.peek().is_none() || guarded.any(|route| route.forward.is_none()) {
            let verified = routes.iter().filter_map(Route::verified);
            let alternatives: BTreeSet<_> = verified.flat_map(|verified| verified.credentials.any.iter()).collect();
            looked_at.add_forwarded(&forward.identity, alternatives.iter().copied());
        }
        for route in routes {
            // A public route tells of nobody.
            if let (Some(forward), Some(verified)) = (&route.forward, route.verified()) {
                looked_at.add_forwarded(forward, verified.credentials.any.iter());
            }
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

    /// The facts that headers tell of; `any` stands for each of the alternatives.
    fn add_forwarded<'a>(
        &mut self,
        headers: &'a IdentityHeaders,
        alternatives: impl Iterator<Item = &'a CredentialKind> + Clone,
    ) {
        for forwarded in headers.facts() {
            let (of, name) = (&forwarded.fact.of, forwarded.fact.name.as_str());
            let own = (!of.is_any()).then_some(of);
            for kind in alternatives.clone().filter(|_| own.is_none()).chain(own) {
                let _is_new = self.add(kind, name).insert(forwarded.form.clone());
            }
        }
    }

    fn add_all(&mut self, verified: &Verified) {
        let Verified { credentials, audiences, binding, scopes, owner, conditions } = verified;
        let mut add = |of: &CredentialKind, name: &str| {
            for kind in credentials.meant(of) {
                self.add(kind, name);
            }
        };
        for (kind, _audience) in audiences {
            add(kind, AUDIENCE_OF_ROUTE);
        }
        match binding {
            Binding::Unbound => {}
            Binding::Bound { later, earlier } => {
                add(&later.of, later.name.as_str());
                add(&earlier.of, earlier.name.as_str());
            }
        }
        match scopes {
            RequiredScopes::AnyCaller => {}
            RequiredScopes::Wanted { wanted: _, of } => {
                for of in of.iter() {
                    add(of, FactName::Scope.as_str());
                }
            }
        }
        match owner {
            Ownership::NotOwned => {}
            Ownership::Owned(owner) => {
                add(&owner.fact.of, owner.fact.name.as_str());
                if !owner.except_client_types.is_empty() {
                    add(&owner.fact.of, FactName::ClientType.as_str());
                }
            }
        }
        for (of, name) in conditions.iter().flat_map(Condition::facts_used) {
            // Conditions have them as a list.
            let name = if name == "scopes" { FactName::Scope.as_str() } else { name };
            add(of, name);
        }
    }

    /// The forms of a fact that is looked at.
    fn add(&mut self, of: &CredentialKind, name: &str) -> &mut BTreeSet<HeaderForm> {
        self.0.entry((of.clone(), name.to_owned())).or_default()
    }
}
