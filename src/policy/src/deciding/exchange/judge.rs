//! Owns the judgement of a caller whose credentials are verified: binding, scopes, ownership, conditions, what is
//! forwarded.

use std::sync::Arc;

use super::Evaluation;
use crate::deciding::condition::{Budget, Capture, Condition, Scene};
use crate::deciding::decision::ConditionFailed;
use crate::deciding::decision::{Compared, Denial, JudgedCondition, RefusedBy};
use crate::deciding::forward::FactReference;
use crate::deciding::observer::{Event, Observer};
use crate::deciding::policy::{Binding, Owner, Ownership, RequiredScopes, Verified};
use crate::deciding::required::Required;
use crate::identity::credential::CredentialKind;
use crate::identity::facts::{AUDIENCE, FactName, Facts, Stated};
use crate::identity::rejection::JwtRejection;
use crate::identity::verifiers::Claim;
use crate::time::Moment;

impl Evaluation {
    /// Judges a caller whose credentials are all verified; the headers that tell the service of it.
    pub(super) fn judge(&self, now: Moment, observer: &mut impl Observer) -> Result<Vec<(String, String)>, Denial> {
        let verified = self.verified()?;
        self.check_binding(&verified.binding, observer)?;
        self.check_scopes(&verified.scopes, observer)?;
        match &verified.owner {
            Ownership::NotOwned => {}
            Ownership::Owned(owner) => self.check_owner(owner, observer)?,
        }
        self.check_conditions(verified, now, observer)?;
        let told = self.tell(|kind| verified.credentials.is_certain(kind) || self.identity(kind).is_some());
        match told.missing {
            None => Ok(told.headers),
            Some(FactReference { of, name }) => Err(Denial::FactMissing(of, name)),
        }
    }

    fn check_binding(&self, binding: &Binding, observer: &mut impl Observer) -> Result<(), Denial> {
        let (later, earlier) = match binding {
            Binding::Unbound => return Ok(()),
            Binding::Bound { later, earlier } => (later, earlier),
        };
        // A credential that may be absent, and is, has nothing to be bound. What must be there was verified by now.
        if self.identity(&later.of).is_none() || self.identity(&earlier.of).is_none() {
            return Ok(());
        }
        let (of_later, of_earlier) = (self.fact(later), self.fact(earlier));
        observer.note(Event::Compared { later: (later, of_later), earlier: (earlier, of_earlier) });
        // Absent equals nothing, so both sides have to be there. A number is the same as its text.
        match (of_later.and_then(Stated::text), of_earlier.and_then(Stated::text)) {
            (Some(one), Some(two)) if one == two => Ok(()),
            (Some(_) | None, Some(_) | None) => Err(Denial::NotBound {
                later: Compared::new(later, of_later.is_some()),
                earlier: Compared::new(earlier, of_earlier.is_some()),
            }),
        }
    }

    fn check_scopes(&self, scopes: &RequiredScopes, observer: &mut impl Observer) -> Result<(), Denial> {
        let (wanted, of) = match scopes {
            RequiredScopes::AnyCaller => return Ok(()),
            RequiredScopes::Wanted { wanted, of } => (wanted, of),
        };
        for kind in of.iter() {
            let kind = self.resolved(kind);
            let facts = self.identity(kind).ok_or_else(|| Denial::CredentialMissing(kind.clone()))?;
            observer.note(Event::Scopes { of: kind, wanted, granted: &facts.scope });
            if let Some(missing) = wanted.missing(&facts.scope) {
                return Err(Denial::ScopeMissing { of: kind.clone(), wanted: wanted.clone(), missing });
            }
        }
        Ok(())
    }

    fn check_owner(&self, owner: &Owner, observer: &mut impl Observer) -> Result<(), Denial> {
        let client_type = self.identity(&owner.fact.of).and_then(|facts| facts.stated(&FactName::ClientType));
        if let Some(client_type) = client_type
            .and_then(Stated::text)
            .filter(|known| owner.except_client_types.iter().any(|exempt| exempt == known))
        {
            observer.note(Event::Exempt { client_type: &client_type });
            return Ok(());
        }
        let (named, stated) = (self.captures.get(&owner.param), self.fact(&owner.fact));
        // Absent equals nothing, so both sides have to be there.
        let is_owner = match (named, stated) {
            (Some(named), Some(Stated::List(list))) => owner.is_list && list.contains(named),
            (Some(named), Some(single)) => single.text().is_some_and(|single| single == named),
            (Some(_) | None, None) | (None, Some(_)) => false,
        };
        let fact = FactReference { of: self.resolved(&owner.fact.of).clone(), name: owner.fact.name.clone() };
        let (param, is_list) = ((owner.param.as_str(), named), owner.is_list);
        let caller = Compared::new(&fact, stated.is_some());
        let fact = (&fact, stated);
        observer.note(Event::Owner { param, fact, is_list, is_owner });
        if is_owner {
            return Ok(());
        }
        Err(Denial::NotOwner { param: owner.param.clone(), caller, is_list: owner.is_list })
    }

    fn check_conditions(&self, verified: &Verified, now: Moment, observer: &mut impl Observer) -> Result<(), Denial> {
        let Some(first) = verified.conditions.first() else { return Ok(()) };
        let request = self.view.as_ref();
        let request = request.ok_or_else(|| Denial::ConditionFailed(judged(0, first), ConditionFailed::Absent))?;
        let captures = self.typed_captures();
        let identities = self.of_conditions(&verified.credentials);
        let scene = Scene { request, captures: &captures, identities: &identities, now: now.wall };
        let mut budget = Budget::whole();
        for (index, condition) in verified.conditions.iter().enumerate() {
            let outcome = budget.spend(condition.work(&scene)).and_then(|()| condition.holds(&scene));
            observer.note(Event::Condition { source: condition.source(), outcome });
            match outcome {
                Ok(true) => {}
                Ok(false) => return Err(Denial::ConditionFalse(judged(index, condition))),
                Err(reason) => return Err(Denial::ConditionFailed(judged(index, condition), reason)),
            }
        }
        Ok(())
    }

    /// The captures as conditions see them; one of a number that is none is absent, and cannot be.
    fn typed_captures(&self) -> Vec<(&str, Capture<'_>)> {
        let captures = self.captures.as_slice().iter().filter_map(|(name, value)| {
            let kind = self.route()?.path.kind_of(name)?;
            Some((name.as_str(), Capture::of(kind, value)?))
        });
        captures.collect()
    }

    /// The identities that conditions can read; `None` of those that are not there.
    fn of_conditions<'a>(&'a self, required: &'a Required) -> Vec<(&'a CredentialKind, Option<&'a Facts>)> {
        let any = (!required.any.are_none()).then(CredentialKind::any);
        let identity = |kind: &'a CredentialKind| (kind, self.identity(kind).map(|facts| &**facts));
        required.iter().chain(any).map(identity).collect()
    }

    /// Checks that a credential is for this route, where the route names an audience.
    pub(super) fn check_audience(
        &self,
        (kind, claim): (&CredentialKind, &Claim),
        facts: &Facts,
        observer: &mut impl Observer,
    ) -> Result<(), Denial> {
        let audiences = &self.verified()?.audiences;
        let Some((_kind, wanted)) = audiences.iter().find(|(of, _wanted)| of == kind) else { return Ok(()) };
        let stated = facts.further.iter().find(|(name, _fact)| **name == *AUDIENCE).map(|(_name, fact)| fact.stated());
        let is_for_it = matches!(stated, Some(Stated::List(list)) if list.contains(wanted));
        observer.note(Event::Audience { kind, wanted, is_for_it });
        if is_for_it {
            return Ok(());
        }
        let (rejected, by) = (JwtRejection::RouteAudience(wanted.as_str().into()), Arc::clone(claim.verifier()));
        Err(Denial::CredentialRefused(kind.clone(), RefusedBy::Gateway { rejected, by }))
    }

    /// The facts of a credential that was verified; of `any`, those of the first of the alternatives that is there.
    pub(super) fn identity(&self, kind: &CredentialKind) -> Option<&Arc<Facts>> {
        let kind = self.resolved(kind);
        self.identities.iter().find(|(known, _facts)| known == kind).map(|(_kind, facts)| facts)
    }

    /// The kind that a name stands for on this request: itself, or, of `any`, the first of the alternatives that is
    /// there.
    fn resolved<'a>(&'a self, kind: &'a CredentialKind) -> &'a CredentialKind {
        if !kind.is_any() {
            return kind;
        }
        let any = self.verified().ok().into_iter().flat_map(|verified| verified.credentials.any.iter());
        let mut there = any.filter(|kind| self.presented.iter().any(|(known, _credential)| known == *kind));
        there.next().unwrap_or(kind)
    }

    pub(super) fn fact(&self, reference: &FactReference) -> Option<Stated<'_>> {
        self.identity(&reference.of)?.stated(&reference.name)
    }
}

impl Compared {
    fn new(fact: &FactReference, is_stated: bool) -> Self {
        Self { fact: fact.clone(), is_stated }
    }
}

fn judged(index: usize, condition: &Condition) -> JudgedCondition {
    JudgedCondition { index, source: condition.source().to_owned() }
}
