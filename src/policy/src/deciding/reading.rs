//! Owns which route a request takes, and that no other reader would take a stricter one.
//!
//! A service may not heed the case of letters, or a slash at the end. So a path that is another route's but for these
//! is judged as that one too: where the other route asks for no more, both readings may pass; else the path is refused.

use crate::deciding::policy::{
    Binding, Mode, Ownership, Policy, Preflight, RequiredScopes, Requirement, Route, Verified,
};
use crate::deciding::router::Found;
use crate::host::Host;
use crate::identity::scope::{Scopes, WantedScopes};
use crate::path::{Ambiguity, CanonicalPath};
use crate::template::{PathTemplate, Segment};

impl Policy {
    /// The route for a request; `Ok(None)` where no entry names it.
    pub(crate) fn find(
        &self,
        method: &str,
        host: &Host<'_>,
        path: &CanonicalPath<'_>,
    ) -> Result<Option<Found>, Ambiguity> {
        self.read(method, host, path, |other, own| !other.asks_no_more_than(own))
    }

    /// The route that says whether a preflight request passes that asks about this method.
    pub(crate) fn find_for_preflight(
        &self,
        method: &str,
        host: &Host<'_>,
        path: &CanonicalPath<'_>,
    ) -> Result<Option<Found>, Ambiguity> {
        let passes = |route: &Route| match route.preflight {
            Preflight::Judged => false,
            Preflight::Passes { .. } => true,
        };
        self.read(method, host, path, |other, own| passes(own) && !passes(other))
    }

    /// Whether a path that no entry names has a second reading all the same: a route's, but for the slash at its end.
    /// Refused either way where the policy is enforced; in shadow mode only what has one reading may pass unnamed.
    pub(crate) fn second_reading(
        &self,
        method: &str,
        host: &Host<'_>,
        path: &CanonicalPath<'_>,
    ) -> Result<(), Ambiguity> {
        let Some(bare) = path.without_trailing_slash() else { return Ok(()) };
        if !self.router.confusable(method, host, bare.segments()).is_empty() {
            return Err(Ambiguity::LetterCase);
        }
        match self.router.find(method, host, bare.segments()) {
            Some(_found) => Err(Ambiguity::TrailingSlash),
            None => Ok(()),
        }
    }

    fn read(
        &self,
        method: &str,
        host: &Host<'_>,
        path: &CanonicalPath<'_>,
        is_stricter: impl Fn(&Route, &Route) -> bool,
    ) -> Result<Option<Found>, Ambiguity> {
        let found = self.router.find(method, host, path.segments());
        let own = found.as_ref().and_then(|found| self.routes.get(found.route));
        // What no rule names may not pass as another route's either.
        let refuses = |other: &usize| match (self.routes.get(*other), own) {
            (Some(other), Some(own)) => is_stricter(other, own),
            (Some(_) | None, Some(_) | None) => true,
        };
        let letter_case =
            |path: &CanonicalPath<'_>| self.router.confusable(method, host, path.segments()).iter().any(refuses);
        if letter_case(path) {
            return Err(Ambiguity::LetterCase);
        }
        // To many a service `/a/` is `/a`. Where a stricter route guards `/a`, the slash must not be a way round it.
        let (Some(own), Some(bare)) = (&found, path.without_trailing_slash()) else { return Ok(found) };
        if letter_case(&bare) {
            return Err(Ambiguity::LetterCase);
        }
        match self.router.find(method, host, bare.segments()) {
            Some(other) if other.route == own.route || !refuses(&other.route) => Ok(found),
            Some(_) | None => Err(Ambiguity::TrailingSlash),
        }
    }
}

impl Route {
    /// Whether whoever may pass by `own`, and what goes on by it, may pass by this one. What cannot be told counts as
    /// more.
    pub(crate) fn asks_no_more_than(&self, own: &Self) -> bool {
        if own.pass.iter().any(|passed| !self.pass.contains(passed)) {
            return false;
        }
        let (asked, given) = match (&self.requirement, &own.requirement) {
            (Requirement::Public { .. }, _) => return true,
            (Requirement::Verified(_), Requirement::Public { .. }) => return false,
            (Requirement::Verified(asked), Requirement::Verified(given)) => (asked, given),
        };
        let is_enforced = match (self.mode, own.mode) {
            (Mode::Enforce, Mode::Shadow) => false,
            (Mode::Enforce, Mode::Enforce) | (Mode::Shadow, Mode::Enforce | Mode::Shadow) => true,
        };
        // The service may take the identity of the other reading from headers that this one does not set.
        is_enforced
            && self.forward == own.forward
            && asked.is_met_by(given, |name| take_the_same(&self.path, &own.path, name))
    }
}

impl Verified {
    fn is_met_by(&self, given: &Self, is_same_capture: impl Fn(&str) -> bool) -> bool {
        self.credentials.is_met_by(&given.credentials)
            && self.audiences.iter().all(|audience| given.audiences.contains(audience))
            && self.binding.is_met_by(&given.binding)
            && self.scopes.are_met_by(&given.scopes)
            && self.owner.is_met_by(&given.owner, &is_same_capture)
            && self.conditions.iter().all(|condition| {
                let is_asked = given.conditions.iter().any(|own| own.source() == condition.source());
                // The path is another one for the other reader.
                is_asked && !condition.uses_path() && condition.captures_used().all(&is_same_capture)
            })
    }
}

impl Binding {
    fn is_met_by(&self, given: &Self) -> bool {
        match (self, given) {
            (Self::Unbound, _) => true,
            (Self::Bound { .. }, Self::Unbound) => false,
            (Self::Bound { later, earlier }, Self::Bound { later: own_later, earlier: own_earlier }) => {
                // The two routes may verify them in another order.
                [(own_later, own_earlier), (own_earlier, own_later)].contains(&(later, earlier))
            }
        }
    }
}

impl RequiredScopes {
    fn are_met_by(&self, given: &Self) -> bool {
        match (self, given) {
            (Self::AnyCaller, _) => true,
            (Self::Wanted { .. }, Self::AnyCaller) => false,
            (Self::Wanted { wanted, of }, Self::Wanted { wanted: own, of: own_of }) => {
                let has = |scopes: &Scopes, scope| scopes.iter().any(|known| known == scope);
                let is_within = match (wanted, own) {
                    (WantedScopes::All(wanted), WantedScopes::All(own)) => wanted.iter().all(|scope| has(own, scope)),
                    (WantedScopes::All(_), WantedScopes::Any(_)) => false,
                    (WantedScopes::Any(wanted), WantedScopes::All(own)) => own.iter().any(|scope| has(wanted, scope)),
                    (WantedScopes::Any(wanted), WantedScopes::Any(own)) => own.iter().all(|scope| has(wanted, scope)),
                };
                is_within && of.iter().all(|kind| own_of.include(kind))
            }
        }
    }
}

impl Ownership {
    fn is_met_by(&self, given: &Self, is_same_capture: impl Fn(&str) -> bool) -> bool {
        match (self, given) {
            (Self::NotOwned, _) => true,
            (Self::Owned(_), Self::NotOwned) => false,
            (Self::Owned(asked), Self::Owned(own)) => {
                (&asked.param, &asked.fact) == (&own.param, &own.fact)
                    && own.except_client_types.iter().all(|known| asked.except_client_types.contains(known))
                    && is_same_capture(&asked.param)
            }
        }
    }
}

/// Whether the captures of this name take the same of every path that both templates match.
fn take_the_same(one: &PathTemplate, two: &PathTemplate, name: &str) -> bool {
    let place = |template: &PathTemplate| {
        template.segments().iter().enumerate().find_map(|(at, segment)| match segment {
            Segment::Capture { name: known, kind } if known == name => Some((at, *kind)),
            Segment::Capture { .. } | Segment::Literal(_) => None,
        })
    };
    place(one).is_some() && place(one) == place(two)
}
