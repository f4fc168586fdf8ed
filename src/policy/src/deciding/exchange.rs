//! Owns the course of one judgement: from a request, over what authorities answer, to a decision.

use std::sync::Arc;

use crate::deciding::condition::{Condition, Headers, RequestView};
use crate::deciding::decision::{Decision, Denial, Grant, Outage, Refused, RefusedBy};
use crate::deciding::forward::Told;
use crate::deciding::header_table::Seen;
use crate::deciding::observer::{Event, NoObserver, Observer};
use crate::deciding::policy::{Configured, Mode, Policy, Preflight, Requirement, Route, Verified};
use crate::deciding::presentation::Found as FoundCredential;
use crate::deciding::read_request::ReadRequest;
use crate::deciding::request::Request;
use crate::deciding::router::Found;
use crate::deciding::target::Target;
use crate::identity::answer::Answer;
use crate::identity::credential::{Credential, CredentialKind};
use crate::identity::facts::Facts;
use crate::identity::verifier::Lookup;
use crate::identity::verifiers::Claim;
use crate::path::{Ambiguity, SecondReading};
use crate::template::Captures;
use crate::time::Moment;

mod judge;
mod present;
mod taken_off;

use taken_off::TakenOff;

/// What to do next with a request.
#[must_use]
#[derive(Debug)]
pub enum Step {
    /// It is decided.
    Done(Decision),
    /// It waits for an answer about a credential.
    Ask(Lookup, Awaiting),
}

/// A request that waits for one answer. Taking the answer uses it up, so a second or a stale answer has nothing to
/// act on.
#[must_use]
#[derive(Debug)]
pub struct Awaiting {
    asked: CredentialKind,
    claim: Claim,
    case: Evaluation,
}

/// A request whose route is known, and who its caller is as far as that is verified.
#[derive(Debug)]
struct Evaluation {
    policy: Arc<Policy>,
    route: usize,
    captures: Captures,
    /// What must not reach the service.
    taken: TakenOff,
    /// What the route's conditions look at; `None` where it has none.
    view: Option<RequestView>,
    /// The credentials that the route looks at and that are there, in the order of judgement.
    presented: Vec<(CredentialKind, Credential)>,
    /// The facts of those that are verified, in the same order: from the first on.
    identities: Vec<(CredentialKind, Arc<Facts>)>,
}

impl ReadRequest<'_> {
    /// Begins to judge the request.
    pub fn begin(&self, now: Moment) -> Step {
        self.begin_observed(now, &mut NoObserver)
    }

    /// Begins to judge the request with an observer.
    pub fn begin_observed(&self, now: Moment, observer: &mut impl Observer) -> Step {
        match self.policy().open(self.seen(), now, observer) {
            Ok(step) => step,
            Err(refused) => {
                observer.note(Event::Lacking(refused.denial()));
                Step::Done(Decision::Refuse(refused))
            }
        }
    }
}

impl Policy {
    /// Reads a request and begins to judge it.
    pub fn begin(self: &Arc<Self>, request: &Request<'_>, now: Moment) -> Step {
        self.read_request(request).begin(now)
    }

    /// Reads a request and begins to judge it with an observer.
    pub fn begin_observed(self: &Arc<Self>, request: &Request<'_>, now: Moment, observer: &mut impl Observer) -> Step {
        self.read_request(request).begin_observed(now, observer)
    }

    fn open(self: &Arc<Self>, seen: &Seen<'_>, now: Moment, observer: &mut impl Observer) -> Result<Step, Refused> {
        let unruled = |denial| Refused { rule: None, denial, identity: None };
        match self.configured {
            Configured::Yes => {}
            Configured::No => return Err(unruled(Denial::NotConfigured)),
        }
        let target = Target::read(seen).map_err(unruled)?;
        let host = target.host.name();
        observer.note(Event::Read { method: target.method, host: &host, path: target.path.as_str() });
        let ambiguous = |ambiguity| unruled(by_route(ambiguity, &target));
        // A credential goes on as it was sent: two of a kind are two readings, whatever the route.
        for rule in self.forward.keep.iter().filter_map(|kind| self.credential_rule(kind)) {
            if let (FoundCredential::Repeated(how), source) = rule.presentation.find(seen) {
                return Err(unruled(Denial::CredentialRepeated(rule.kind.clone(), how, source)));
            }
        }
        let Some((found, route)) = self
            .find(target.method, &target.host, &target.path)
            .map_err(ambiguous)?
            .and_then(|found| self.with_route(found))
        else {
            // A route for OPTIONS goes before.
            return match target.preflight_for {
                Some(method) => {
                    let about = self.find_for_preflight(method, &target.host, &target.path).map_err(ambiguous)?;
                    self.preflight(method, about, seen, observer)
                }
                None => None,
            }
            .map_or_else(|| self.unrouted(&target, seen, observer), Ok);
        };
        observer.note(Event::Routed {
            rule: &route.id,
            template: route.path.as_str(),
            captures: found.captures.as_slice(),
        });
        let verified = match &route.requirement {
            Requirement::Public { .. } => {
                observer.note(Event::Public);
                return Ok(Step::Done(Decision::Allow(self.anonymous(Some(route), seen))));
            }
            Requirement::Verified(verified) => verified,
        };
        let case = Evaluation {
            policy: Arc::clone(self),
            route: found.route,
            captures: found.captures,
            taken: self.taken_off(Some(route), seen),
            view: view(&verified.conditions, &target, seen),
            presented: Vec::new(),
            identities: Vec::new(),
        };
        match route.mode {
            Mode::Enforce => {}
            Mode::Shadow => observer.note(Event::Shadow),
        }
        Ok(case.present(seen, now, observer))
    }

    fn with_route(&self, found: Found) -> Option<(Found, &Route)> {
        let route = self.routes.get(found.route)?;
        Some((found, route))
    }

    /// The end of a CORS preflight request, where the route it asks about lets it pass.
    fn preflight(
        &self,
        method: &str,
        about: Option<Found>,
        seen: &Seen<'_>,
        observer: &mut impl Observer,
    ) -> Option<Step> {
        let (_found, route) = self.with_route(about?)?;
        match route.preflight {
            Preflight::Judged => None,
            Preflight::Passes { .. } => {
                observer.note(Event::Preflight { method });
                // A preflight request has no credentials, so that none goes on.
                let grant = Grant { rule: Some(route.id.clone()), ..self.anonymous(None, seen) };
                Some(Step::Done(Decision::Allow(grant)))
            }
        }
    }

    /// What no rule names.
    fn unrouted(&self, target: &Target<'_>, seen: &Seen<'_>, observer: &mut impl Observer) -> Result<Step, Refused> {
        let refused = |denial| Refused { rule: None, denial, identity: None };
        match self.mode {
            Mode::Enforce => Err(refused(Denial::RouteUnknown)),
            Mode::Shadow => {
                self.second_reading(target.method, &target.host, &target.path)
                    .map_err(|ambiguity| refused(by_route(ambiguity, target)))?;
                observer.note(Event::Lacking(&Denial::RouteUnknown));
                observer.note(Event::Shadow);
                let grant = Grant { would_refuse: Some(Denial::RouteUnknown), ..self.anonymous(None, seen) };
                Ok(Step::Done(Decision::Allow(grant)))
            }
        }
    }

    /// The grant for a request of nobody in particular.
    fn anonymous(&self, route: Option<&Route>, seen: &Seen<'_>) -> Grant {
        let (taken, set) = (self.taken_off(route, seen), self.forward.fixed());
        let rule = route.map(|route| route.id.clone());
        Grant { rule, remove: taken.remove, rewritten: taken.rewritten, set, would_refuse: None, identity: None }
    }
}

impl Awaiting {
    /// The kind of the credential that is asked about.
    #[must_use]
    pub const fn kind(&self) -> &CredentialKind {
        &self.asked
    }

    /// Goes on with the answer to what was asked.
    pub fn resume(self, answer: Answer, now: Moment) -> Step {
        self.resume_observed(answer, now, &mut NoObserver)
    }

    /// Whether no other credential is to be verified after this one.
    #[must_use]
    pub fn is_last(&self) -> bool {
        self.case.identities.len().saturating_add(1) >= self.case.presented.len()
    }

    /// Restarts from the lookup of a kind of credential: its facts are dropped, and those of all after it. What
    /// conditions see of the request stays as it was read.
    pub fn restart(mut self, kind: &CredentialKind) -> Step {
        let before = self.case.presented.iter().take_while(|(known, _credential)| known != kind).count();
        self.case.identities.truncate(before);
        self.case.ask_next(&mut NoObserver)
    }

    /// Goes on with the answer to what was asked, with an observer.
    pub fn resume_observed(self, answer: Answer, now: Moment, observer: &mut impl Observer) -> Step {
        let Self { asked, claim, mut case } = self;
        if let Err(denial) = case.learn((asked, claim), answer, now, observer) {
            return case.lacking(denial, observer);
        }
        if case.identities.len() < case.presented.len() {
            return case.ask_next(observer);
        }
        case.conclude(now, observer)
    }
}

impl Evaluation {
    fn route(&self) -> Option<&Route> {
        self.policy.routes.get(self.route)
    }

    fn verified(&self) -> Result<&Verified, Denial> {
        match self.route().map(|route| &route.requirement) {
            Some(Requirement::Verified(verified)) => Ok(verified),
            // Nothing is asked for a public route, so no answer leads here.
            Some(Requirement::Public { .. }) | None => Err(Denial::NotConfigured),
        }
    }

    fn mode(&self) -> Mode {
        self.route().map_or(Mode::Enforce, |route| route.mode)
    }

    /// Asks about the first credential that is not verified. Only those before it go along with the question.
    fn ask_next(self, observer: &mut impl Observer) -> Step {
        let lookup = self.presented.split_at_checked(self.identities.len()).and_then(|(before, rest)| {
            let (kind, credential) = rest.first()?;
            self.policy.lookup_beside(kind, credential.clone(), before)
        });
        match lookup {
            Some(lookup) => {
                let (asked, claim) = (lookup.kind().clone(), lookup.claim().clone());
                Step::Ask(lookup, Awaiting { asked, claim, case: self })
            }
            None => self.lacking(Denial::NotConfigured, observer),
        }
    }

    fn learn(
        &mut self,
        (kind, claim): (CredentialKind, Claim),
        answer: Answer,
        now: Moment,
        observer: &mut impl Observer,
    ) -> Result<(), Denial> {
        // What was learnt before this one was asked about may have ended meanwhile. In shadow mode, what has ended is not
        // forwarded either.
        let mut ended = None;
        self.identities.retain(|(kind, facts)| match in_force(kind, facts, now) {
            Ok(()) => true,
            Err(denial) => {
                ended.get_or_insert(denial);
                false
            }
        });
        let facts = match answer {
            Answer::Active(facts) => facts,
            Answer::Inactive => return Err(Denial::CredentialRefused(kind, RefusedBy::Authority)),
            Answer::Rejected(rejected) => {
                let by = Arc::clone(claim.verifier());
                return Err(Denial::CredentialRefused(kind, RefusedBy::Gateway { rejected, by }));
            }
            Answer::Unavailable(reason) => {
                let asked = Arc::clone(claim.verifier());
                return Err(Denial::AuthorityUnavailable(kind, Outage { reason, asked }));
            }
        };
        in_force(&kind, &facts, now)?;
        if let Some(denial) = ended {
            return Err(denial);
        }
        self.check_audience((&kind, &claim), &facts, observer)?;
        observer.note(Event::Verified { kind: &kind, facts: &facts });
        self.identities.push((kind, facts));
        Ok(())
    }

    /// The end of a request of which each credential that is there was verified.
    fn conclude(self, now: Moment, observer: &mut impl Observer) -> Step {
        match self.judge(now, observer) {
            Ok(set) => Step::Done(Decision::Allow(self.grant(set, None))),
            Err(denial) => self.lacking(denial, observer),
        }
    }

    /// The end of a request that lacks something: a refusal, or, where its rule is in shadow mode, a mark. What was not
    /// verified is not forwarded then either.
    fn lacking(self, denial: Denial, observer: &mut impl Observer) -> Step {
        observer.note(Event::Lacking(&denial));
        match self.mode() {
            Mode::Shadow if denial.is_waived_in_shadow() => {
                let told = self.tell(|kind| self.identity(kind).is_some());
                Step::Done(Decision::Allow(self.grant(told.headers, Some(denial))))
            }
            Mode::Shadow | Mode::Enforce => {
                let rule = self.route().map(|route| route.id.clone());
                Step::Done(Decision::Refuse(Refused { rule, denial, identity: self.logged() }))
            }
        }
    }

    /// The headers that every request gets, and those that tell of the credentials of these kinds.
    fn tell(&self, included: impl Fn(&CredentialKind) -> bool) -> Told {
        let forward = &self.policy.forward;
        let identity = self.route().map_or(&forward.identity, |route| self.policy.identity_headers(route));
        identity.tell(forward.fixed(), included, |reference| self.fact(reference))
    }

    fn logged(&self) -> Option<String> {
        self.policy.logged.tell(|kind| self.identity(kind).is_some(), |reference| self.fact(reference))
    }

    fn grant(self, set: Vec<(String, String)>, would_refuse: Option<Denial>) -> Grant {
        let (rule, identity) = (self.route().map(|route| route.id.clone()), self.logged());
        let TakenOff { remove, rewritten } = self.taken;
        Grant { rule, remove, rewritten, set, would_refuse, identity }
    }
}

/// What a route's conditions look at; `None` where it has none.
fn view(conditions: &[Condition], target: &Target<'_>, seen: &Seen<'_>) -> Option<RequestView> {
    if conditions.is_empty() {
        return None;
    }
    let headers = match &seen.shown {
        Some(shown) if conditions.iter().any(Condition::uses_headers) => Headers::read(shown.iter().copied()),
        Some(_) | None => Headers::NotAsked,
    };
    Some(RequestView::of(target, headers))
}

/// The denial of a path that a route gives a second reading.
fn by_route(ambiguity: Ambiguity, target: &Target<'_>) -> Denial {
    Denial::PathAmbiguous(SecondReading::by_route(ambiguity, &target.path))
}

/// An answer may be remembered from a while ago, and an authority's clock may be off.
fn in_force(kind: &CredentialKind, facts: &Facts, now: Moment) -> Result<(), Denial> {
    if facts.has_expired(now.wall) {
        return Err(Denial::CredentialExpired(kind.clone()));
    }
    // A wall clock that is stepped back makes what was good a token of the future.
    if !facts.has_begun(now.wall) {
        return Err(Denial::CredentialNotYetValid(kind.clone()));
    }
    Ok(())
}
