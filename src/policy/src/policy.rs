//! Owns the policy as understood: what may pass, with no invalid value left in it.

use std::sync::Arc;

use crate::compile;
use crate::credential::{CredentialKind, Presentation};
use crate::document::PolicyDocument;
use crate::facts::FactName;
use crate::fault::Faults;
use crate::header::{HeaderName, HeaderPattern};
use crate::introspection::{Introspection, SecretName};
use crate::path::{Ambiguity, CanonicalPath};
use crate::route::{Captures, Match, PathTemplate};
use crate::scope::AllOf;

/// What may pass, and as whom. Everything it does not name is refused.
#[derive(Debug)]
pub struct Policy {
    pub(crate) name: String,
    pub(crate) standing: Standing,
    pub(crate) credentials: Credentials,
    pub(crate) forward: Forward,
    /// Most specific first, so that the first match wins.
    pub(crate) routes: Vec<Route>,
}

/// Whether there is a policy at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// A document was compiled.
    InForce,
    /// None was: every request is refused.
    NotConfigured,
}

#[derive(Debug, Default)]
pub(crate) struct Credentials {
    pub(crate) api_key: Option<CredentialRule>,
    pub(crate) token: Option<CredentialRule>,
}

/// How one kind of credential is presented and verified.
#[derive(Debug)]
pub(crate) struct CredentialRule {
    pub(crate) presentation: Presentation,
    pub(crate) verifier: Arc<Introspection>,
}

/// What the service behind the gateway is told, and what nobody else may tell it.
#[derive(Debug, Default)]
pub(crate) struct Forward {
    pub(crate) headers: Vec<(HeaderName, FactReference)>,
    pub(crate) strip: Vec<HeaderPattern>,
}

/// A fact of one of the two identities: `token.client_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FactReference {
    pub(crate) of: CredentialKind,
    pub(crate) name: FactName,
}

/// One entry of what may pass.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) id: RuleId,
    pub(crate) methods: Vec<String>,
    pub(crate) path: PathTemplate,
    pub(crate) requirement: Requirement,
}

/// What a request must bring.
#[derive(Debug)]
pub(crate) enum Requirement {
    /// Nothing; the document says why.
    Public,
    Verified(Verified),
}

/// What a verified caller must be.
#[derive(Debug)]
pub(crate) struct Verified {
    pub(crate) credentials: RequiredCredentials,
    pub(crate) scopes: RequiredScopes,
    pub(crate) owner: Ownership,
}

/// The kinds of credential a route wants. There is no variant for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequiredCredentials {
    ApiKey,
    Token,
    Both,
}

impl RequiredCredentials {
    pub(crate) const fn include(self, kind: CredentialKind) -> bool {
        match (self, kind) {
            (Self::Both, _) | (Self::ApiKey, CredentialKind::ApiKey) | (Self::Token, CredentialKind::Token) => true,
            (Self::ApiKey, CredentialKind::Token) | (Self::Token, CredentialKind::ApiKey) => false,
        }
    }

    /// The identity whose scopes are judged: the token's, where one is required.
    pub(crate) const fn bearer_of_scopes(self) -> CredentialKind {
        match self {
            Self::ApiKey => CredentialKind::ApiKey,
            Self::Token | Self::Both => CredentialKind::Token,
        }
    }
}

#[derive(Debug)]
pub(crate) enum RequiredScopes {
    /// Written as `scopes: none`: any verified caller will do.
    AnyCaller,
    All(AllOf),
}

#[derive(Debug)]
pub(crate) enum Ownership {
    /// The path names nobody's resource.
    NotOwned,
    Owned(Owner),
}

/// Whose resource the path names.
#[derive(Debug)]
pub(crate) struct Owner {
    pub(crate) param: String,
    pub(crate) equals: FactReference,
    /// Client types that may act on anybody's; an unknown or missing type is never among them.
    pub(crate) except_client_types: Vec<String>,
}

/// The name of the route entry that decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleId(pub(crate) Arc<str>);

impl RuleId {
    /// The id as the policy writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Policy {
    /// The policy that a document stands for.
    ///
    /// # Errors
    /// Every fault of the document; no policy comes of a document that has one.
    pub fn compile(document: &PolicyDocument) -> Result<Self, Faults> {
        compile::policy(document)
    }

    /// The policy where there is none: it refuses everything.
    #[must_use]
    pub fn refuse_all() -> Self {
        Self {
            name: "brama".to_owned(),
            standing: Standing::NotConfigured,
            credentials: Credentials::default(),
            forward: Forward::default(),
            routes: Vec::new(),
        }
    }

    /// The policy's name; also the realm of its challenges.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The ids of its routes.
    pub fn rules(&self) -> impl Iterator<Item = &RuleId> {
        self.routes.iter().map(|route| &route.id)
    }

    /// The environment variables that hold the secrets its verifiers need.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretName> {
        [&self.credentials.api_key, &self.credentials.token].into_iter().flatten().map(|rule| rule.verifier.secret())
    }

    /// Whether a header or trailer of this name must not come from the client: it could be taken for an identity, or
    /// is a credential that stops at the gateway.
    #[must_use]
    pub fn strips(&self, sent: &str) -> bool {
        self.forward.headers.iter().any(|(name, _fact)| name.could_be(sent))
            || self.forward.strip.iter().any(|pattern| pattern.could_be(sent))
            || CredentialKind::ALL
                .into_iter()
                .filter_map(|kind| self.rule(kind))
                .any(|rule| rule.presentation.header.could_be(sent))
    }

    pub(crate) const fn rule(&self, kind: CredentialKind) -> Option<&CredentialRule> {
        match kind {
            CredentialKind::ApiKey => self.credentials.api_key.as_ref(),
            CredentialKind::Token => self.credentials.token.as_ref(),
        }
    }

    /// The route for a method and path; `Ok(None)` where no entry names it.
    pub(crate) fn route(&self, method: &str, path: &CanonicalPath<'_>) -> Result<Option<(usize, Captures)>, Ambiguity> {
        for (index, route) in self.routes.iter().enumerate() {
            // RFC 9110, 9.1: the method token is case-sensitive.
            if !route.methods.iter().any(|known| known == method) {
                continue;
            }
            match route.path.matches(path) {
                Match::No => {}
                Match::Yes(captures) => return Ok(Some((index, captures))),
                // Stricter routes come first: a reader that ignores case would take this one, and its guard.
                Match::ButForCase => return Err(Ambiguity::LetterCase),
            }
        }
        Ok(None)
    }
}
