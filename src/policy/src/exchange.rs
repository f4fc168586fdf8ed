//! Owns the course of one judgement: from a request, over what authorities answer, to a decision.

use std::borrow::Cow;
use std::sync::Arc;

use crate::credential::{Credential, CredentialKind, NotPresented};
use crate::decision::{Decision, Denial, Grant, Refused};
use crate::facts::{FactName, Facts};
use crate::host::Host;
use crate::introspection::{Answer, Lookup};
use crate::path::CanonicalPath;
use crate::policy::{
    FactReference, Owner, Ownership, Policy, RequiredScopes, Requirement, Route, RuleId, Standing, Verified,
};
use crate::request::Request;
use crate::route::Captures;
use crate::time::Moment;

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
    /// The credential to be verified after this one.
    then: Option<(CredentialKind, Credential)>,
    case: Case,
}

/// A request whose route is known, and who its caller is as far as that is verified.
#[derive(Debug)]
struct Case {
    policy: Arc<Policy>,
    route: usize,
    captures: Captures,
    /// The names of its headers that must not reach the service.
    remove: Vec<String>,
    api_key: Option<Arc<Facts>>,
    token: Option<Arc<Facts>>,
}

impl Policy {
    /// Begins to judge a request.
    pub fn begin(self: &Arc<Self>, request: &Request<'_>) -> Step {
        match self.open(request) {
            Ok(step) => step,
            Err(refused) => Step::Done(Decision::Refuse(refused)),
        }
    }

    fn open(self: &Arc<Self>, request: &Request<'_>) -> Result<Step, Refused> {
        let unruled = |denial| Refused { rule: None, denial };
        match self.standing {
            Standing::InForce => {}
            Standing::NotConfigured => return Err(unruled(Denial::NotConfigured)),
        }
        let (method, path) = target(request).map_err(unruled)?;
        let (route, captures) = self
            .route(method, &path)
            .map_err(|ambiguity| unruled(Denial::PathAmbiguous(ambiguity)))?
            .ok_or_else(|| unruled(Denial::RouteUnknown))?;
        let mut remove: Vec<String> = request.names().filter(|name| self.strips(name)).map(str::to_owned).collect();
        // To remove a name is to remove all its copies.
        remove.sort_unstable();
        remove.dedup();
        let case = Case { policy: Arc::clone(self), route, captures, remove, api_key: None, token: None };
        let Some(rule) = self.routes.get(route) else {
            return Err(unruled(Denial::RouteUnknown));
        };
        match &rule.requirement {
            Requirement::Public => Ok(Step::Done(Decision::Allow(case.grant(rule.id.clone(), Vec::new())))),
            Requirement::Verified(verified) => self
                .credentials(request, verified, case)
                .map_err(|denial| Refused { rule: Some(rule.id.clone()), denial }),
        }
    }

    /// Reads every credential the route requires, and asks for the first.
    fn credentials(&self, request: &Request<'_>, verified: &Verified, case: Case) -> Result<Step, Denial> {
        let mut presented = Vec::with_capacity(CredentialKind::ALL.len());
        for kind in CredentialKind::ALL.into_iter().filter(|kind| verified.credentials.include(*kind)) {
            let rule = self.rule(kind).ok_or(Denial::NotConfigured)?;
            let credential = rule.presentation.read(request).map_err(|lack| match lack {
                NotPresented::Missing => Denial::CredentialMissing(kind),
                NotPresented::Malformed => Denial::CredentialMalformed(kind),
                NotPresented::Repeated => Denial::CredentialRepeated(kind),
            });
            presented.push((kind, credential));
        }
        // A repeated credential makes the request ambiguous, whatever else is wrong with it.
        if let Some((kind, _)) = presented.iter().find(|(_, read)| matches!(read, Err(Denial::CredentialRepeated(_)))) {
            return Err(Denial::CredentialRepeated(*kind));
        }
        let mut credentials = presented
            .into_iter()
            .map(|(kind, read)| Ok((kind, read?)))
            .collect::<Result<Vec<_>, Denial>>()?
            .into_iter();
        let first = credentials.next().ok_or(Denial::NotConfigured)?;
        case.ask(first, credentials.next())
    }
}

impl Awaiting {
    /// Goes on with the answer to what was asked.
    pub fn resume(self, answer: Answer, now: Moment) -> Step {
        let Self { asked, then, case } = self;
        let Some(rule) = case.policy.routes.get(case.route).map(|route| route.id.clone()) else {
            return Step::Done(Decision::Refuse(Refused { rule: None, denial: Denial::RouteUnknown }));
        };
        match case.learn(asked, answer, now).and_then(|case| case.proceed(then)) {
            Ok(step) => step,
            Err(denial) => Step::Done(Decision::Refuse(Refused { rule: Some(rule), denial })),
        }
    }
}

impl Case {
    fn ask(
        self,
        (kind, credential): (CredentialKind, Credential),
        then: Option<(CredentialKind, Credential)>,
    ) -> Result<Step, Denial> {
        let verifier = Arc::clone(&self.policy.rule(kind).ok_or(Denial::NotConfigured)?.verifier);
        Ok(Step::Ask(Lookup::new(kind, credential, verifier), Awaiting { asked: kind, then, case: self }))
    }

    fn learn(mut self, kind: CredentialKind, answer: Answer, now: Moment) -> Result<Self, Denial> {
        let facts = match answer {
            Answer::Active(facts) => facts,
            Answer::Inactive => return Err(Denial::CredentialRefused(kind)),
            Answer::Unavailable(reason) => return Err(Denial::AuthorityUnavailable(kind, reason)),
        };
        // An answer may be remembered from a while ago, and an authority's clock may be off.
        if facts.has_expired(now.wall) {
            return Err(Denial::CredentialExpired(kind));
        }
        match kind {
            CredentialKind::ApiKey => self.api_key = Some(facts),
            CredentialKind::Token => self.token = Some(facts),
        }
        Ok(self)
    }

    fn proceed(self, then: Option<(CredentialKind, Credential)>) -> Result<Step, Denial> {
        match then {
            Some(next) => self.ask(next, None),
            None => self.judge().map(|grant| Step::Done(Decision::Allow(grant))),
        }
    }

    /// Judges a caller whose credentials are all verified.
    fn judge(self) -> Result<Grant, Denial> {
        let policy = Arc::clone(&self.policy);
        let route: &Route = policy.routes.get(self.route).ok_or(Denial::RouteUnknown)?;
        let verified = match &route.requirement {
            Requirement::Verified(verified) => verified,
            // Nothing is asked for a public route, so no answer leads here.
            Requirement::Public => return Err(Denial::RouteUnknown),
        };
        self.check_scopes(verified)?;
        match &verified.owner {
            Ownership::NotOwned => {}
            Ownership::Owned(owner) => self.check_owner(owner)?,
        }
        let set = self.identity_headers(verified)?;
        Ok(self.grant(route.id.clone(), set))
    }

    fn check_scopes(&self, verified: &Verified) -> Result<(), Denial> {
        let required = match &verified.scopes {
            RequiredScopes::AnyCaller => return Ok(()),
            RequiredScopes::All(required) => required,
        };
        let kind = verified.credentials.bearer_of_scopes();
        let facts = self.identity(kind).ok_or(Denial::CredentialMissing(kind))?;
        if required.are_granted(&facts.scope) {
            Ok(())
        } else {
            Err(Denial::ScopeMissing { required: required.clone() })
        }
    }

    fn check_owner(&self, owner: &Owner) -> Result<(), Denial> {
        let client_type = self.fact(FactReference { of: owner.equals.of, name: FactName::ClientType });
        if client_type.is_some_and(|client_type| owner.except_client_types.iter().any(|exempt| *exempt == client_type))
        {
            return Ok(());
        }
        // Absent equals nothing, so both sides have to be there.
        match (self.captures.get(&owner.param), self.fact(owner.equals)) {
            (Some(named), Some(stated)) if named == stated => Ok(()),
            (Some(_) | None, Some(_) | None) => Err(Denial::NotOwner),
        }
    }

    /// The identity headers of this caller; a fact that is to be forwarded and is not stated refuses.
    fn identity_headers(&self, verified: &Verified) -> Result<Vec<(String, String)>, Denial> {
        self.policy
            .forward
            .headers
            .iter()
            .filter(|(_header, reference)| verified.credentials.include(reference.of))
            .map(|(header, reference)| {
                let fact = self.fact(*reference).ok_or(Denial::FactMissing(reference.of, reference.name))?;
                Ok((header.to_string(), fact.into_owned()))
            })
            .collect()
    }

    fn grant(self, rule: RuleId, set: Vec<(String, String)>) -> Grant {
        Grant { rule, remove: self.remove, set }
    }

    const fn identity(&self, kind: CredentialKind) -> Option<&Arc<Facts>> {
        match kind {
            CredentialKind::ApiKey => self.api_key.as_ref(),
            CredentialKind::Token => self.token.as_ref(),
        }
    }

    fn fact(&self, reference: FactReference) -> Option<Cow<'_, str>> {
        self.identity(reference.of)?.text(reference.name)
    }
}

/// The method and path of a request that has one reading.
fn target<'a>(request: &Request<'a>) -> Result<(&'a str, CanonicalPath<'a>), Denial> {
    let part = |name| request.pseudo(name).ok_or(Denial::RequestIncomplete);
    let (method, host, path) = (part(":method")?, part(":authority")?, part(":path")?);
    let method = std::str::from_utf8(method).map_err(|_not_utf8| Denial::MethodRefused)?;
    // RFC 9110, 9.3.6 and 9.3.8; `:protocol` is the CONNECT of RFC 8441.
    if method == "CONNECT" || method == "TRACE" || request.has_alike(":protocol") {
        return Err(Denial::MethodRefused);
    }
    if request.has_alike("upgrade") {
        return Err(Denial::UpgradeRefused);
    }
    if METHOD_OVERRIDES.iter().any(|name| request.has_alike(name)) {
        return Err(Denial::MethodOverridden);
    }
    if PATH_OVERRIDES.iter().any(|name| request.has_alike(name)) {
        return Err(Denial::PathOverridden);
    }
    Host::parse(host).map_err(Denial::HostMalformed)?;
    let path = CanonicalPath::parse(path).map_err(Denial::PathAmbiguous)?;
    Ok((method, path))
}

/// Headers by which frameworks let a client replace the method that was judged.
const METHOD_OVERRIDES: [&str; 3] = ["x-http-method", "x-http-method-override", "x-method-override"];

/// Headers by which some let it replace the path.
const PATH_OVERRIDES: [&str; 2] = ["x-original-url", "x-rewrite-url"];
