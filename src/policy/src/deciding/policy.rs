//! Owns the policy as understood: what may pass, with no invalid value left in it.

use std::sync::Arc;

use crate::deciding::condition::Condition;
use crate::deciding::decision::Denial;
use crate::deciding::forward::{FactReference, Forward, IdentityHeaders};
use crate::deciding::header_table::HeaderTable;
use crate::deciding::logged::Logged;
use crate::deciding::presentation::{COOKIE, Presentation, Source, without_parameters};
use crate::deciding::refusal::{Envelope, RefusalResponse, RefusalTemplate};
use crate::deciding::required::{Kinds, Required};
use crate::deciding::router::Router;
use crate::deciding::rule_id::RuleId;
use crate::header::{HeaderName, confusable};
use crate::host::HostPattern;
use crate::identity::authority::SecretName;
use crate::identity::credential::{Credential, CredentialKind};
use crate::identity::facts::{FactType, Facts, UnusableFact};
use crate::identity::revocation::Feed;
use crate::identity::scope::WantedScopes;
use crate::identity::verifier::{Lookup, Verifier};
use crate::identity::verifiers::Verifiers;
use crate::template::PathTemplate;

/// What may pass, and as whom. Everything it does not name is refused.
#[derive(Debug)]
pub struct Policy {
    pub(crate) name: String,
    pub(crate) configured: Configured,
    /// Of what no rule names; each route has its own.
    pub(crate) mode: Mode,
    pub(crate) credentials: Credentials,
    pub(crate) forward: Forward,
    /// What the headers of a request mean.
    pub(crate) headers: HeaderTable,
    pub(crate) wording: RefusalTemplate,
    pub(crate) logged: Logged,
    /// In the order of the document.
    pub(crate) routes: Vec<Route>,
    pub(crate) router: Router,
}

/// Whether there is a policy at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Configured {
    /// A document was compiled.
    Yes,
    /// None was: every request is refused.
    No,
}

/// Whether what is lacking refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Enforce,
    /// It is counted and marked, and the request goes on.
    Shadow,
}

/// The kinds of credential that a policy knows, in the order of their names.
#[derive(Debug, Default)]
pub(crate) struct Credentials {
    pub(crate) rules: Vec<CredentialRule>,
    /// The headers that carry them, by their numbers.
    pub(crate) carriers: Vec<Carrier>,
    /// Number of the header `cookie` among those; `None` where no cookie is a credential.
    pub(crate) cookie_carrier: Option<usize>,
    /// Cookies that are credentials.
    pub(crate) cookies: Vec<Named>,
    /// Parameters of the query that are.
    pub(crate) parameters: Vec<Named>,
}

/// A header that carries credentials.
#[derive(Debug)]
pub(crate) struct Carrier {
    pub(crate) name: String,
    /// `true` where it goes on, since each credential that it carries is kept. Of cookies, only the credentials are
    /// taken.
    pub(crate) is_kept: bool,
}

/// A cookie or a parameter that is a credential.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) name: String,
    /// A kept one goes on, and nothing that could be taken for it.
    pub(crate) is_kept: bool,
}

impl Credentials {
    fn of(&self, kind: &CredentialKind) -> Option<&CredentialRule> {
        self.rules.iter().find(|rule| rule.kind == *kind)
    }
}

/// How one kind of credential is presented and verified.
#[derive(Debug)]
pub(crate) struct CredentialRule {
    pub(crate) kind: CredentialKind,
    pub(crate) presentation: Presentation,
    pub(crate) verifiers: Verifiers,
}

/// One entry of what may pass.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) id: RuleId,
    pub(crate) methods: Vec<String>,
    pub(crate) hosts: Vec<HostPattern>,
    pub(crate) path: PathTemplate,
    pub(crate) mode: Mode,
    pub(crate) preflight: Preflight,
    pub(crate) requirement: Requirement,
    /// What this route tells of the caller; `None` where that is the document's.
    pub(crate) forward: Option<IdentityHeaders>,
    /// Headers of credentials that go on as they were sent, and are not verified here.
    pub(crate) pass: Vec<HeaderName>,
}

impl Route {
    /// What a verified caller must be; `None` of a public route.
    pub(crate) fn verified(&self) -> Option<&Verified> {
        match &self.requirement {
            Requirement::Public { .. } => None,
            Requirement::Verified(verified) => Some(verified),
        }
    }
}

/// What becomes of CORS preflight requests for a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Preflight {
    /// They are requests like any other: `OPTIONS` wants a route of its own.
    Judged,
    /// They pass.
    Passes { because: String },
}

/// What a request must bring.
#[derive(Debug)]
pub(crate) enum Requirement {
    /// Nothing.
    Public { because: String },
    /// Boxed: most policies have many public routes, or none.
    Verified(Box<Verified>),
}

/// What a verified caller must be.
#[derive(Debug)]
pub(crate) struct Verified {
    pub(crate) credentials: Required,
    /// Audiences that a credential must name, besides those of its verifier; each kind once.
    pub(crate) audiences: Vec<(CredentialKind, String)>,
    pub(crate) binding: Binding,
    pub(crate) scopes: RequiredScopes,
    pub(crate) owner: Ownership,
    /// All of them must hold.
    pub(crate) conditions: Vec<Condition>,
}

/// Whether two credentials have to belong together.
#[derive(Debug)]
pub(crate) enum Binding {
    Unbound,
    /// Both facts must be stated, and be equal, where both credentials are there.
    Bound {
        /// Of the credential that is verified last.
        later: FactReference,
        earlier: FactReference,
    },
}

#[derive(Debug)]
pub(crate) enum RequiredScopes {
    /// Written as `scopes: none`: any verified caller will do.
    AnyCaller,
    /// Each of these identities must have been granted them.
    Wanted { wanted: WantedScopes, of: Kinds },
}

#[derive(Debug)]
pub(crate) enum Ownership {
    /// The path names nobody's resource.
    NotOwned,
    Owned(Owner),
}

/// Whose resource the path names: the fact equals the capture, or is a list that has it.
#[derive(Debug)]
pub(crate) struct Owner {
    pub(crate) param: String,
    pub(crate) fact: FactReference,
    /// `true` where the fact is a list, `false` where it is a single value.
    pub(crate) is_list: bool,
    /// Client types that may act on anybody's; an unknown or missing type is never among them.
    pub(crate) except_client_types: Vec<String>,
}

impl Policy {
    /// The policy where there is none: it refuses everything.
    #[must_use]
    pub fn refuse_all() -> Self {
        Self {
            name: "brama".to_owned(),
            configured: Configured::No,
            mode: Mode::Enforce,
            credentials: Credentials::default(),
            forward: Forward::default(),
            headers: HeaderTable::of_every_policy(),
            wording: RefusalTemplate::default(),
            logged: Logged::default(),
            routes: Vec::new(),
            router: Router::default(),
        }
    }

    /// The policy's name; also the realm of its challenges.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The answer that tells a client of a denial, and nothing that would help it to guess.
    #[must_use]
    pub fn refusal(&self, denial: &Denial, envelope: Envelope<'_>) -> RefusalResponse {
        self.wording.response(&self.name, denial, envelope)
    }

    /// The ids of its routes, in the order of the document.
    pub fn rules(&self) -> impl Iterator<Item = &RuleId> {
        self.routes.iter().map(|route| &route.id)
    }

    /// The environment variables that hold the secrets its verifiers need.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretName> {
        self.verifiers().filter_map(|verifier| match &**verifier {
            Verifier::Introspection(introspection) => introspection.secret(),
            // Keys are public; what was revoked is not.
            Verifier::Jwt(jwt) => jwt.feed().and_then(|feed| feed.secret()),
            Verifier::Unclaimed(_) => None,
        })
    }

    /// The feeds whose deny lists JWTs are held against.
    pub fn deny_list_feeds(&self) -> impl Iterator<Item = &Arc<Feed>> {
        self.verifiers().filter_map(|verifier| match &**verifier {
            Verifier::Introspection(_) | Verifier::Unclaimed(_) => None,
            Verifier::Jwt(jwt) => jwt.feed(),
        })
    }

    /// Every verifier; two kinds of credential may have equal ones.
    pub fn verifiers(&self) -> impl Iterator<Item = &Arc<Verifier>> {
        self.credential_rules().flat_map(|rule| rule.verifiers.iter())
    }

    /// The lookup that verifies a credential on its own; `None` where the policy knows none of that kind.
    #[must_use]
    pub fn lookup(&self, kind: &CredentialKind, credential: Credential) -> Option<Lookup> {
        self.lookup_beside(kind, credential, &[])
    }

    /// The lookup that verifies a credential beside others; `None` where the policy knows none of that kind.
    pub(crate) fn lookup_beside(
        &self,
        kind: &CredentialKind,
        credential: Credential,
        beside: &[(CredentialKind, Credential)],
    ) -> Option<Lookup> {
        Some(Lookup::new(kind.clone(), credential, beside, &self.credential_rule(kind)?.verifiers))
    }

    /// Whether a header or trailer of this name must not come from the client: it could be taken for an identity, or
    /// is a credential that stops at the gateway.
    #[must_use]
    pub fn strips(&self, sent: &str) -> bool {
        self.headers.removes(sent)
    }

    /// Tells whether `forward` or `credentials` remove a header of this name, whatever `strip` says.
    pub(crate) fn strips_unasked(&self, sent: &str) -> bool {
        self.headers_set().any(|name| name.is_confusable_with(sent))
            // A kept credential goes on under its own name, and under none that only looks like it. Of cookies, only
            // the credentials are taken, whatever the name.
            || self.credentials.carriers.iter().filter(|carrier| carrier.name != COOKIE).any(|carrier| {
                confusable(&carrier.name, sent) && !(carrier.is_kept && carrier.name.eq_ignore_ascii_case(sent))
            })
    }

    /// Every header that the gateway sets, on one route or another.
    pub(crate) fn headers_set(&self) -> impl Iterator<Item = &HeaderName> {
        let of_routes = self.routes.iter().filter_map(|route| route.forward.as_ref());
        self.forward.names().chain(of_routes.flat_map(IdentityHeaders::names))
    }

    /// Identity headers of a route: its own, or the document's.
    pub(crate) fn identity_headers<'a>(&'a self, route: &'a Route) -> &'a IdentityHeaders {
        route.forward.as_ref().unwrap_or(&self.forward.identity)
    }

    /// The first fact of a credential that cannot be forwarded as the policy says: a gateway refuses the credential.
    #[must_use]
    pub fn unwritable(&self, kind: &CredentialKind, facts: &Facts) -> Option<Arc<UnusableFact>> {
        self.credential_rule(kind)?.verifiers.iter().find_map(|verifier| verifier.unwritable(facts))
    }

    /// The facts, beyond the standard ones, that a kind of credential can have: their names and types.
    pub fn further_facts(&self, kind: &CredentialKind) -> impl Iterator<Item = (&Arc<str>, FactType)> {
        self.credential_rule(kind).into_iter().flat_map(|rule| rule.verifiers.further())
    }

    /// The places in which a credential of a kind can stand, in the order of the policy; none where it knows none of
    /// that kind.
    #[must_use]
    pub fn sources(&self, kind: &CredentialKind) -> &[Source] {
        self.credential_rule(kind).map_or(&[], |rule| &rule.presentation.sources)
    }

    /// Tells whether another policy reads a kind of credential in the same places, in the same form.
    #[must_use]
    pub fn reads_alike(&self, other: &Self, kind: &CredentialKind) -> bool {
        let sources = |policy: &Self| {
            let rule = policy.credential_rule(kind)?;
            let sources =
                rule.presentation.sources.iter().map(|source| (source.to_string(), source.scheme().map(str::to_owned)));
            Some((sources.collect::<Vec<_>>(), rule.presentation.alphabet))
        };
        sources(self) == sources(other)
    }

    /// A target without the credentials in its query; `None` where it has none.
    pub(crate) fn without_parameters(&self, target: &[u8]) -> Option<Vec<u8>> {
        let Credentials { parameters, .. } = &self.credentials;
        if parameters.is_empty() { None } else { without_parameters(target, parameters) }
    }

    /// Tells whether a trailer of this name must not come from the client. Of cookies in a trailer none goes on, where
    /// one of the policy's stops at the gateway.
    #[must_use]
    pub fn strips_trailer(&self, sent: &str) -> bool {
        let takes_cookies = || self.credentials.cookies.iter().any(|cookie| !cookie.is_kept);
        self.strips(sent) || (confusable(COOKIE, sent) && takes_cookies())
    }

    /// The kinds of credential that it knows, in the order of their names.
    pub fn credentials(&self) -> impl Iterator<Item = &CredentialKind> {
        self.credential_rules().map(|rule| &rule.kind)
    }

    /// The kind of credential of a name; `None` where the policy knows none of that name.
    #[must_use]
    pub fn credential(&self, name: &str) -> Option<&CredentialKind> {
        self.credentials().find(|kind| kind.as_str() == name)
    }

    pub(crate) fn credential_rule(&self, kind: &CredentialKind) -> Option<&CredentialRule> {
        self.credentials.of(kind)
    }

    pub(crate) fn credential_rules(&self) -> impl Iterator<Item = &CredentialRule> {
        self.credentials.rules.iter()
    }
}

/// Headers that services take for the host, ahead of `Host` itself.
pub(crate) const HOST_ALIASES: [&str; 5] =
    ["forwarded", "x-forwarded-host", "x-forwarded-server", "x-host", "x-original-host"];
