//! Owns the policy document as written: its keys and their types.
//!
//! Nothing here is trusted yet; [`Policy::compile`](crate::deciding::Policy::compile) turns a document into a policy.
//! The keys are explained for authors in `docs/policy-language.md`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use crate::deciding::presentation::COOKIE;
use crate::identity::credential::CredentialKind;

mod authority;
mod facts;
mod introspect;
mod jwt;
mod reading;
mod requirement;
mod routes;
mod scopes;
mod strict;
mod words;

pub(crate) use authority::{AuthDocument, AuthorityDocument, LookupsDocument, RevocationsDocument, VariableDocument};
pub(crate) use facts::{
    EncodingDocument, FactPointerDocument, ForwardedDocument, FurtherDocument, MemberDocument, MissingDocument,
    ScopePointerDocument, ScopePointersDocument, TypedPointerDocument,
};
pub(crate) use introspect::{
    ActiveDocument, ExpectDocument, ExpectedDocument, FactsDocument, IntrospectDocument, MethodDocument,
    ScalarDocument, SendDocument, WhenDocument,
};
pub(crate) use jwt::{AudiencesDocument, ClaimsDocument, JwtDocument, KeysDocument, TenantDocument, TenantsDocument};
pub(crate) use requirement::{
    OwnerDocument, RequireDocument, RequiredCredentialsDocument, RouteAudienceDocument, SomeCredentialsDocument,
};
pub(crate) use routes::{IdentityDocument, RouteDocument, RouteModeDocument};
pub(crate) use scopes::{ScopesDocument, WantedScopesDocument};

/// A whole policy, version 1.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PolicyDocument {
    /// The version of the language; 1.
    pub version: u64,
    /// The policy's name; also the realm of its challenges.
    pub name: String,
    /// Mode of the policy; enforced by default.
    #[serde(default)]
    pub mode: ModeDocument,
    /// Authorities that verify credentials, by name.
    #[serde(default)]
    pub authorities: BTreeMap<String, AuthorityDocument>,
    /// Presentation and verification of each kind of credential, by a name of the policy's own, such as `token`.
    #[serde(default)]
    pub credentials: BTreeMap<String, CredentialDocument>,
    /// Identity that the service behind the gateway is told.
    pub forward: ForwardDocument,
    /// Format and words of refusals.
    pub refusals: RefusalsDocument,
    /// Facts of callers in logs.
    pub log: Option<LogDocument>,
    /// Requests that may pass; all others are refused.
    pub routes: Vec<RouteDocument>,
    #[serde(skip)]
    kinds: OnceLock<Vec<CredentialKind>>,
}

impl PolicyDocument {
    /// The kinds of its credentials, in the order of their names.
    pub(crate) fn kinds(&self) -> &[CredentialKind] {
        self.kinds.get_or_init(|| self.credentials.keys().map(|name| CredentialKind::new(name)).collect())
    }
}

/// Mode of a policy.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ModeDocument {
    /// A lack refuses the request.
    #[default]
    Enforce,
    /// A lack is counted and marked, and the request goes on.
    Shadow(ReasonDocument),
}

/// Reason why something is open.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ReasonDocument {
    /// The reason, for whoever reads the policy.
    pub because: String,
}

/// One kind of credential.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CredentialDocument {
    /// The header it is presented in; instead of `from`.
    pub header: Option<String>,
    /// The authentication scheme before it; without one the credential is the whole value.
    pub scheme: Option<String>,
    /// The places it is presented in, one of them in each request; instead of `header`.
    pub from: Option<Vec<SourceDocument>>,
    /// Characters of the credential; `token68` behind a scheme, and `visible` elsewhere, by default.
    pub alphabet: Option<AlphabetDocument>,
    /// Verifiers, each for other credentials: `jwt`, told apart by their issuers; `introspect` with `when`; and one
    /// `introspect` without it, which is last.
    pub verify: Vec<VerifierDocument>,
    /// Cache of what was learnt about it.
    pub cache: CacheDocument,
}

/// A place that a credential is presented in: a header, a cookie or a parameter of the query.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SourceDocument {
    /// The name of a header.
    pub header: Option<String>,
    /// The authentication scheme before the credential in that header.
    pub scheme: Option<String>,
    /// The name of a cookie, which alone is taken off when a request goes on.
    pub cookie: Option<String>,
    /// The name of a parameter of the query, which alone is taken off when a request goes on.
    pub query: Option<String>,
    /// Reason why a secret may stand in a URL; of `query` only.
    pub because: Option<String>,
}

/// Characters of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AlphabetDocument {
    /// Letters, digits, `-._~+/`, and `=` at the end (RFC 9110, 11.2).
    Token68,
    /// Every visible sign of ASCII, in a header all but the comma.
    Visible,
}

impl CredentialDocument {
    /// The places it is presented in; a `header` of its own is the only one.
    pub(crate) fn sources(&self) -> Vec<SourceDocument> {
        match (&self.from, &self.header) {
            (Some(from), _) => from.clone(),
            (None, header) => {
                let (header, scheme) = (header.clone(), self.scheme.clone());
                vec![SourceDocument { header, scheme, ..SourceDocument::default() }]
            }
        }
    }

    /// The headers that carry it, that of cookies included.
    pub(crate) fn headers(&self) -> Vec<String> {
        let header = |source: SourceDocument| source.header.or(source.cookie.map(|_name| COOKIE.to_owned()));
        self.sources().into_iter().filter_map(header).collect()
    }
}

/// One way to verify a credential.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum VerifierDocument {
    /// Asking an authority (RFC 7662).
    Introspect(IntrospectDocument),
    /// By its own signature (RFC 7519).
    Jwt(JwtDocument),
}

impl VerifierDocument {
    /// The verifier's keyword in a document.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Introspect(_) => "introspect",
            Self::Jwt(_) => "jwt",
        }
    }

    /// The names of the authorities that the verifier asks.
    pub(crate) fn authorities(&self) -> impl Iterator<Item = &str> {
        let (first, second) = match self {
            Self::Introspect(document) => (Some(&document.authority), None),
            Self::Jwt(document) => (document.keys.authority.as_ref(), document.revocations.as_ref()),
        };
        first.into_iter().chain(second).map(String::as_str)
    }

    /// The kinds of credential that its question holds in headers.
    pub(crate) fn sends(&self) -> impl Iterator<Item = &str> {
        let sent = match self {
            Self::Introspect(document) => document.send.as_slice(),
            Self::Jwt(_) => &[],
        };
        sent.iter().map(|sent| match sent {
            SendDocument::AsItCame(kind) => kind.as_str(),
            SendDocument::In(document) => document.credential.as_str(),
        })
    }

    /// The name of the authority whose feed of revocations holds for its credentials, if that one has a feed.
    pub(crate) fn feed(&self) -> Option<&str> {
        match self {
            Self::Introspect(document) => Some(&document.authority),
            Self::Jwt(document) => document.revocations.as_deref().or(document.keys.authority.as_deref()),
        }
    }

    /// The places of further facts, by the names of the facts.
    pub(crate) const fn further(&self) -> &FurtherDocument {
        match self {
            Self::Introspect(document) => &document.facts.further,
            Self::Jwt(document) => &document.facts.further,
        }
    }
}

/// Cache of authorities' answers.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CacheDocument {
    /// Time to live of facts, at most; `exp` ends them earlier.
    pub ttl: String,
    /// Time to live of a refusal.
    pub refused_ttl: String,
    /// Number of facts that are kept; as many refusals are kept apart from them. Left out where nothing is kept.
    pub entries: Option<u64>,
    /// Use of facts that are older than `ttl` while the authority is unavailable; none by default.
    pub stale_if_unavailable: Option<ServeStaleDocument>,
}

/// Use of facts beyond their time.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ServeStaleDocument {
    /// Time beyond, such as `30s`.
    pub serve_for: String,
    /// Reason why that is right.
    pub because: String,
}

/// Facts of callers in logs.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LogDocument {
    /// The facts that stand in the access log, such as `token.subject`; no other does.
    pub facts: Vec<String>,
}

/// Identity that the service behind the gateway is told.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ForwardDocument {
    /// Identity headers: name to fact (`token.subject`).
    pub headers: BTreeMap<String, ForwardedDocument>,
    /// Headers that hold a JSON object: name to members, each a fact.
    #[serde(default)]
    pub json: BTreeMap<String, BTreeMap<String, MemberDocument>>,
    /// Headers that say the same for every request: name to value.
    #[serde(default)]
    pub fixed: BTreeMap<String, String>,
    /// Further headers no client may send: a name, or `prefix*`.
    #[serde(default)]
    pub strip: Vec<String>,
    /// Credentials that go on to the service, as they were sent; the others stop at the gateway.
    #[serde(default)]
    pub keep: Vec<String>,
}

/// Format and words of refusals.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RefusalsDocument {
    /// The body's format.
    pub format: FormatDocument,
    /// Other words for denials, by their code.
    #[serde(default)]
    pub messages: BTreeMap<String, String>,
}

/// The body of a refusal.
#[derive(Clone, Copy, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FormatDocument {
    /// None at all.
    Bare,
    /// The eHealth envelope.
    Ehealth,
    /// Problem details ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)).
    Problem,
}
