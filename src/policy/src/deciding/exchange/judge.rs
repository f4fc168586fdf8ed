//! Owns the judgement of a caller whose credentials are verified: binding, scopes, ownership, conditions, what is
//! forwarded.

use std::sync::Arc;

use super::Evaluation;
use crate::deciding::condition::{Budget, Capture, Condition, Scene};
use crate::deciding::decision::ConditionFailed;
use crate::deciding::decision::{Compared, Denial, JudgedCondition};
use crate::deciding::forward::FactReference;
use crate::deciding::observer::{Event, Observer};
use crate::deciding::policy::{Binding, Owner, Ownership, RequiredScopes, Verified};
use crate::identity::credential::CredentialKind;
use crate::identity::facts::{FactName, Facts, Stated};
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
        let told = self.tell(|kind| verified.credentials.include(kind));
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
            (Some(named), Some(Stated::List(list))) => list.contains(named),
            (Some(named), Some(single)) => single.text().is_some_and(|single| single == named),
            (Some(_) | None, None) | (None, Some(_)) => false,
        };
        let (param, fact, is_list) = ((owner.param.as_str(), named), (&owner.fact, stated), owner.is_list);
        observer.note(Event::Owner { param, fact, is_list, is_owner });
        if is_owner {
            return Ok(());
        }
        let caller = Compared::new(&owner.fact, stated.is_some());
        Err(Denial::NotOwner { param: owner.param.clone(), caller, is_list: owner.is_list })
    }

    fn check_conditions(&self, verified: &Verified, now: Moment, observer: &mut impl Observer) -> Result<(), Denial> {
        let Some(first) = verified.conditions.first() else { return Ok(()) };
        let request = self.view.as_ref();
        let request = request.ok_or_else(|| Denial::ConditionFailed(judged(0, first), ConditionFailed::Absent))?;
        let captures = self.typed_captures();
        let scene = Scene { request, captures: &captures, identities: &self.identities, now: now.wall };
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

    pub(super) fn identity(&self, kind: &CredentialKind) -> Option<&Arc<Facts>> {
        self.identities.iter().find(|(known, _facts)| known == kind).map(|(_kind, facts)| facts)
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
