//! Owns what a policy tells of its routes, for whoever lists them; no request is judged by it.

use std::collections::BTreeSet;
use std::fmt;

use crate::deciding::condition::Condition;
use crate::deciding::forward::FactReference;
use crate::deciding::policy::{
    Binding, Mode, Owner, Ownership, Policy, Preflight, RequiredScopes, Requirement, Route, Verified,
};
use crate::deciding::required::Kinds;
use crate::deciding::rule_id::RuleId;
use crate::header::HeaderName;
use crate::host::{Host, HostPattern};
use crate::identity::credential::CredentialKind;
use crate::identity::facts::FactName;
use crate::identity::scope::WantedScopes;
use crate::path::{Ambiguity, CanonicalPath};

/// One entry of what may pass, to be looked at.
#[derive(Clone, Copy, Debug)]
pub struct RouteView<'a>(&'a Route);

/// The hosts a route is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostView<'a> {
    /// Every host: the route names none.
    Any,
    /// One name or address.
    Name(&'a str),
    /// Every name below this one, and not itself.
    Below(&'a str),
}

/// What a route requires.
#[derive(Clone, Copy, Debug)]
pub enum Requires<'a> {
    /// Nothing.
    Nothing {
        /// Why.
        because: &'a str,
    },
    /// A verified caller.
    Caller(CallerView<'a>),
}

/// What a verified caller must be.
#[derive(Clone, Copy, Debug)]
pub struct CallerView<'a>(&'a Verified);

/// Whose resource the path names.
#[derive(Clone, Copy, Debug)]
pub struct OwnerView<'a>(&'a Owner);

impl Policy {
    /// Its routes, in the order of the document.
    pub fn routes(&self) -> impl Iterator<Item = RouteView<'_>> {
        self.routes.iter().map(RouteView)
    }

    /// The route that would judge a request; `Ok(None)` where no entry names it.
    ///
    /// # Errors
    /// A path that another reader would take for that of another route.
    pub fn route_for(
        &self,
        method: &str,
        host: &Host<'_>,
        path: &CanonicalPath<'_>,
    ) -> Result<Option<RouteView<'_>>, Ambiguity> {
        Ok(self.find(method, host, path)?.and_then(|found| self.routes.get(found.route)).map(RouteView))
    }
}

impl Policy {
    /// The facts that a caller with some credentials is judged by on a route, or that are forwarded, as
    /// `token.client_id`. `is_there` tells whether the caller has a credential.
    #[must_use]
    pub fn facts_needed(
        &self,
        route: &RouteView<'_>,
        caller: &CallerView<'_>,
        is_there: impl Fn(&CredentialKind) -> bool,
    ) -> BTreeSet<String> {
        let verified = caller.0;
        let mut needed: Vec<(&CredentialKind, &str)> =
            caller.scopes_of().map(|of| (of, FactName::Scope.as_str())).collect();
        let bound = caller.binding().into_iter().flat_map(|(later, earlier)| [later, earlier]);
        needed.extend(bound.map(|fact| (&fact.of, fact.name.as_str())));
        if let Ownership::Owned(owner) = &verified.owner {
            needed.push((&owner.fact.of, owner.fact.name.as_str()));
            if !owner.except_client_types.is_empty() {
                needed.push((&owner.fact.of, FactName::ClientType.as_str()));
            }
        }
        let read = verified.conditions.iter().flat_map(Condition::facts_used);
        // Conditions call the list of scopes by another name than the fact.
        needed.extend(read.map(|(of, name)| (of, if name == "scopes" { FactName::Scope.as_str() } else { name })));
        let forwarded = self.identity_headers(route.0).facts().map(|forwarded| &forwarded.fact);
        let forwarded = forwarded.filter(|fact| verified.credentials.include(&fact.of));
        needed.extend(forwarded.map(|fact| (&fact.of, fact.name.as_str())));
        let of_there = needed.into_iter().filter_map(|(of, name)| {
            let of = verified.credentials.meant(of).iter().find(|kind| is_there(kind))?;
            Some(format!("{}.{name}", of.as_str()))
        });
        of_there.collect()
    }
}

impl<'a> RouteView<'a> {
    pub(crate) const fn new(route: &'a Route) -> Self {
        Self(route)
    }

    /// Its name.
    #[must_use]
    pub const fn rule(&self) -> &'a RuleId {
        &self.0.id
    }

    /// The methods it is for.
    #[must_use]
    pub fn methods(&self) -> &'a [String] {
        &self.0.methods
    }

    /// The hosts it is for.
    pub fn hosts(&self) -> impl Iterator<Item = HostView<'a>> + use<'a> {
        self.0.hosts.iter().map(|pattern| match pattern {
            HostPattern::Any => HostView::Any,
            HostPattern::Name(name) => HostView::Name(name),
            HostPattern::Suffix(suffix) => HostView::Below(suffix),
        })
    }

    /// Its path template, as the policy writes it.
    #[must_use]
    pub fn path(&self) -> &'a str {
        self.0.path.as_str()
    }

    /// Whether what is lacking is only counted and marked.
    #[must_use]
    pub fn is_in_shadow(&self) -> bool {
        self.0.mode == Mode::Shadow
    }

    /// Why CORS preflight requests for it pass; `None` where they are judged like any other request.
    #[must_use]
    pub fn preflight(&self) -> Option<&'a str> {
        match &self.0.preflight {
            Preflight::Judged => None,
            Preflight::Passes { because } => Some(because),
        }
    }

    /// The headers that it sets for the caller; `None` where those are the document's.
    pub fn forwards(&self) -> Option<impl Iterator<Item = &'a str> + use<'a>> {
        self.0.forward.as_ref().map(|forward| forward.names().map(HeaderName::as_str))
    }

    /// The headers of credentials that go on untouched.
    pub fn passes(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.0.pass.iter().map(HeaderName::as_str)
    }

    /// What a request must bring.
    #[must_use]
    pub fn requires(&self) -> Requires<'a> {
        match &self.0.requirement {
            Requirement::Public { because } => Requires::Nothing { because },
            Requirement::Verified(verified) => Requires::Caller(CallerView(verified)),
        }
    }
}

impl<'a> CallerView<'a> {
    /// Every credential that the route looks at, in the order of judgement.
    pub fn credentials(&self) -> impl Iterator<Item = &'a CredentialKind> + use<'a> {
        self.0.credentials.iter()
    }

    /// The credentials that must all be there.
    pub fn all_of(&self) -> impl Iterator<Item = &'a CredentialKind> + use<'a> {
        self.0.credentials.all.iter()
    }

    /// The alternatives, of which one must be there; nothing where there are none.
    pub fn any_of(&self) -> impl Iterator<Item = &'a CredentialKind> + use<'a> {
        self.0.credentials.any.iter()
    }

    /// The credentials that may be there.
    pub fn optional(&self) -> impl Iterator<Item = &'a CredentialKind> + use<'a> {
        self.0.credentials.optional.iter()
    }

    /// Why a request may pass with no credential; `None` where it needs one.
    #[must_use]
    pub fn because(&self) -> Option<&'a str> {
        self.0.credentials.because.as_deref()
    }

    /// The audiences that credentials must name, besides those of their verifiers.
    pub fn audiences(&self) -> impl Iterator<Item = (&'a CredentialKind, &'a str)> + use<'a> {
        self.0.audiences.iter().map(|(kind, audience)| (kind, audience.as_str()))
    }

    /// Two facts that must be equal, of the credential that is verified last and of the other; `None` where no two need
    /// belong together.
    #[must_use]
    pub const fn binding(&self) -> Option<(&'a FactReference, &'a FactReference)> {
        match &self.0.binding {
            Binding::Unbound => None,
            Binding::Bound { later, earlier } => Some((later, earlier)),
        }
    }

    /// The scopes; `None` where any verified caller will do.
    #[must_use]
    pub const fn scopes(&self) -> Option<&'a WantedScopes> {
        match &self.0.scopes {
            RequiredScopes::AnyCaller => None,
            RequiredScopes::Wanted { wanted, of: _ } => Some(wanted),
        }
    }

    /// Who must have been granted the scopes; nobody where none are wanted.
    pub fn scopes_of(&self) -> impl Iterator<Item = &'a CredentialKind> + use<'a> {
        let of = match &self.0.scopes {
            RequiredScopes::AnyCaller => None,
            RequiredScopes::Wanted { wanted: _, of } => Some(of),
        };
        of.into_iter().flat_map(Kinds::iter)
    }

    /// Whose resource the path names; `None` where it is nobody's.
    #[must_use]
    pub const fn owner(&self) -> Option<OwnerView<'a>> {
        match &self.0.owner {
            Ownership::NotOwned => None,
            Ownership::Owned(owner) => Some(OwnerView(owner)),
        }
    }

    /// Whether a condition reads headers.
    #[must_use]
    pub fn reads_headers(&self) -> bool {
        self.0.conditions.iter().any(Condition::uses_headers)
    }

    /// The texts of the conditions, all of which must hold.
    pub fn conditions(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.0.conditions.iter().map(Condition::source)
    }
}

impl<'a> OwnerView<'a> {
    /// The capture that names the owner.
    #[must_use]
    pub fn param(&self) -> &'a str {
        &self.0.param
    }

    /// The fact that it must equal, or the list that must have it.
    #[must_use]
    pub const fn fact(&self) -> &'a FactReference {
        &self.0.fact
    }

    /// `true` where the fact is a list, `false` where it is a single value.
    #[must_use]
    pub const fn is_list(&self) -> bool {
        self.0.is_list
    }

    /// The client types that may act on anybody's.
    #[must_use]
    pub fn except_client_types(&self) -> &'a [String] {
        &self.0.except_client_types
    }
}

impl fmt::Display for HostView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any host"),
            Self::Name(name) => f.write_str(name),
            Self::Below(suffix) => write!(f, "*.{suffix}"),
        }
    }
}
