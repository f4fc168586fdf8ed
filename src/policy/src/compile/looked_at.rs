//! Owns which facts a policy looks at: only there does it matter that one cannot be read.

use std::collections::BTreeSet;

use crate::deciding::condition::Condition;
use crate::deciding::forward::{FactReference, Forward};
use crate::deciding::policy::{Binding, Ownership, RequiredScopes, Requirement, Route, Verified};
use crate::identity::credential::CredentialKind;
use crate::identity::facts::FactName;

/// The facts that rules, and what is forwarded, look at, by whose and which.
#[derive(Debug, Default)]
pub(crate) struct LookedAt(BTreeSet<(CredentialKind, String)>);

impl LookedAt {
    pub(crate) fn by(forward: &Forward, routes: &[Route]) -> Self {
        let mut looked_at = Self::default();
        let in_json = forward.json.iter().flat_map(|(_header, members)| members.values());
        for fact in forward.headers.iter().map(|(_header, fact)| fact).chain(in_json) {
            looked_at.add(fact);
        }
        for route in routes {
            match &route.requirement {
                Requirement::Public { .. } => {}
                Requirement::Verified(verified) => looked_at.add_all(verified),
            }
        }
        looked_at
    }

    pub(crate) fn includes(&self, kind: CredentialKind, name: &str) -> bool {
        self.of(kind).any(|known| known == name)
    }

    /// The names of the facts of one kind of credential.
    pub(crate) fn of(&self, kind: CredentialKind) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(of, _name)| *of == kind).map(|(_of, name)| name.as_str())
    }

    fn add_all(&mut self, verified: &Verified) {
        let Verified { credentials: _, binding, scopes, owner, conditions } = verified;
        match binding {
            Binding::Unbound => {}
            Binding::Bound { token, api_key } => {
                self.add(token);
                self.add(api_key);
            }
        }
        match scopes {
            RequiredScopes::AnyCaller => {}
            RequiredScopes::Wanted { wanted: _, of } => of.iter().for_each(|of| self.add_named(of, &FactName::Scope)),
        }
        match owner {
            Ownership::NotOwned => {}
            Ownership::Owned(owner) => {
                self.add(&owner.equals);
                if !owner.except_client_types.is_empty() {
                    self.add_named(owner.equals.of, &FactName::ClientType);
                }
            }
        }
        for (of, name) in conditions.iter().flat_map(Condition::facts_used) {
            // Conditions have them as a list.
            let name = if name == "scopes" { FactName::Scope.as_str() } else { name };
            self.0.insert((of, name.to_owned()));
        }
    }

    fn add(&mut self, fact: &FactReference) {
        self.add_named(fact.of, &fact.name);
    }

    fn add_named(&mut self, of: CredentialKind, name: &FactName) {
        self.0.insert((of, name.as_str().to_owned()));
    }
}
