//! Owns the outcome of judging a request: what passes with which identity, or what was lacking.

use std::fmt;
use std::sync::Arc;

use crate::deciding::forward::FactReference;
use crate::deciding::presentation::{Malformed, Repeated};
use crate::deciding::rule_id::RuleId;
use crate::host::InvalidHost;
use crate::identity::answer::Unavailable;
use crate::identity::credential::CredentialKind;
use crate::identity::facts::FactName;
use crate::identity::rejection::JwtRejection;
use crate::identity::scope::{Scopes, WantedScopes};
use crate::identity::verifier::Verifier;
use crate::path::{Ambiguity, SecondReading};

mod condition_failed;
mod row;

pub use condition_failed::ConditionFailed;
pub use row::Stage;
pub(crate) use row::{Needs, Row, Shadow};

/// The outcome of judging a request. It comes with its evidence, and there is no third one.
#[must_use]
#[derive(Debug)]
pub enum Decision {
    /// The request may pass, as the grant says.
    Allow(Grant),
    /// It may not.
    Refuse(Refused),
}

impl Decision {
    /// What refuses the request, or would if its rule were enforced.
    #[must_use]
    pub const fn denial(&self) -> Option<&Denial> {
        match self {
            Self::Allow(grant) => grant.would_refuse(),
            Self::Refuse(refused) => Some(refused.denial()),
        }
    }
}

/// The permission to forward one request. Only this crate makes one.
#[derive(Debug, PartialEq, Eq)]
pub struct Grant {
    pub(crate) rule: Option<RuleId>,
    pub(crate) remove: Vec<String>,
    pub(crate) rewritten: Rewritten,
    pub(crate) set: Vec<(String, String)>,
    pub(crate) would_refuse: Option<Denial>,
    pub(crate) identity: Option<String>,
}

impl Grant {
    /// The rule that admitted the request; `None` where a policy in shadow mode let pass what no rule names.
    #[must_use]
    pub const fn rule(&self) -> Option<&RuleId> {
        self.rule.as_ref()
    }

    /// What would refuse the request if its rule were enforced.
    #[must_use]
    pub const fn would_refuse(&self) -> Option<&Denial> {
        self.would_refuse.as_ref()
    }

    /// What the policy lets logs tell of the caller, as a JSON object; `None` where that is nothing.
    #[must_use]
    pub fn identity(&self) -> Option<&str> {
        self.identity.as_deref()
    }

    /// The names of the request's headers to remove, before anything is set.
    #[must_use]
    pub fn remove(&self) -> &[String] {
        &self.remove
    }

    /// The request's target without the credentials in its query; `None` where it had none. It was set already, before
    /// anything was decided ([`ReadRequest::target_without_credentials`](crate::deciding::ReadRequest)).
    #[must_use]
    pub fn target(&self) -> Option<&[u8]> {
        self.rewritten.target.as_deref()
    }

    /// The value to set for the header `cookie`: what was sent, less the credentials in it. `None` where it goes on
    /// whole, or is among what is removed.
    #[must_use]
    pub fn cookies(&self) -> Option<&[u8]> {
        self.rewritten.cookies.as_deref()
    }

    /// The headers to set then: visible ASCII, bounded.
    #[must_use]
    pub fn set(&self) -> &[(String, String)] {
        &self.set
    }
}

/// What goes on of the two headers that can have a credential among other things; `None` where all of it does.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Rewritten {
    pub(crate) target: Option<Arc<[u8]>>,
    pub(crate) cookies: Option<Vec<u8>>,
}

/// A refusal: what was lacking, and the rule that asked for it.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    pub(crate) rule: Option<RuleId>,
    pub(crate) denial: Denial,
    pub(crate) identity: Option<String>,
}

impl Refused {
    /// The refusal of a request that was decided, where the proxy would not do what was decided.
    #[must_use]
    pub const fn not_carried_out() -> Self {
        Self { rule: None, denial: Denial::NotCarriedOut, identity: None }
    }

    /// The rule that refused; `None` where the request was refused before a rule was found.
    #[must_use]
    pub const fn rule(&self) -> Option<&RuleId> {
        self.rule.as_ref()
    }

    /// What the policy lets logs tell of the caller, as a JSON object; `None` where that is nothing.
    #[must_use]
    pub fn identity(&self) -> Option<&str> {
        self.identity.as_deref()
    }

    /// What was lacking.
    #[must_use]
    pub const fn denial(&self) -> &Denial {
        &self.denial
    }
}

/// What a refused request was lacking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The plugin has no policy.
    NotConfigured,
    /// A request without exactly one of this pseudo-header.
    RequestIncomplete(&'static str),
    /// A path with a second reading.
    PathAmbiguous(SecondReading),
    /// A host that names no host.
    HostMalformed(InvalidHost),
    /// CONNECT or TRACE.
    MethodRefused(RefusedMethod),
    /// A header, or a parameter, that asks the service to take the request for another method.
    MethodOverridden(OverriddenBy),
    /// A header that asks the service to take the request for another path.
    PathOverridden(OverriddenBy),
    /// A request to leave HTTP, unseen from then on.
    UpgradeRefused(Upgrade),
    /// No rule for this method, host and path.
    RouteUnknown,
    /// More than one credential of a kind, and the number of the source that has them.
    CredentialRepeated(CredentialKind, Repeated, usize),
    /// No credential of a kind.
    CredentialMissing(CredentialKind),
    /// No credential of several alternatives.
    Unauthenticated(Vec<CredentialKind>),
    /// A credential in no known form, and the number of its source.
    CredentialMalformed(CredentialKind, Malformed, usize),
    /// A credential nobody vouches for.
    CredentialRefused(CredentialKind, RefusedBy),
    /// A credential that has ended.
    CredentialExpired(CredentialKind),
    /// A credential that has not begun.
    CredentialNotYetValid(CredentialKind),
    /// Nobody could say whether a credential is good.
    AuthorityUnavailable(CredentialKind, Outage),
    /// A verified identity without a fact that must be forwarded.
    FactMissing(CredentialKind, FactName),
    /// Two credentials that do not belong together.
    NotBound {
        /// What the one that is verified last states.
        later: Compared,
        /// What the other one states.
        earlier: Compared,
    },
    /// Scopes that were not granted.
    ScopeMissing {
        /// To whom.
        of: CredentialKind,
        /// What the route wants.
        wanted: WantedScopes,
        /// What of it is missing.
        missing: Scopes,
    },
    /// Somebody else's resource.
    NotOwner {
        /// The capture that names the resource's owner.
        param: String,
        /// What the caller is known by.
        caller: Compared,
        /// Whether that is a list.
        is_list: bool,
    },
    /// A condition that does not hold.
    ConditionFalse(JudgedCondition),
    /// A condition that could not be judged.
    ConditionFailed(JudgedCondition, ConditionFailed),
    /// The gateway could not carry out what was decided.
    NotCarriedOut,
}

/// Who does not vouch for a credential. For operators: to a client it is all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefusedBy {
    /// Its authority, which says no more.
    Authority,
    /// The gateway.
    Gateway {
        /// Why; it has a stable name ([`JwtRejection::code`]).
        rejected: JwtRejection,
        /// The verifier that claimed the credential.
        by: Arc<Verifier>,
    },
}

/// Nobody could say whether a credential is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    pub(crate) reason: Unavailable,
    /// Who should have said it.
    pub(crate) asked: Arc<Verifier>,
}

impl Outage {
    /// Why nobody could.
    #[must_use]
    pub const fn reason(&self) -> &Unavailable {
        &self.reason
    }
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.asked.why(&self.reason))
    }
}

/// A fact that was compared with something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// Which.
    pub fact: FactReference,
    /// Whether it was stated; what is not equals nothing.
    pub is_stated: bool,
}

/// One of a route's conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedCondition {
    /// Its index in the route, from 0.
    pub index: usize,
    /// Its text.
    pub source: String,
}

/// A method that is never served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedMethod {
    /// CONNECT, by its name or as `:protocol` ([RFC 8441](https://www.rfc-editor.org/rfc/rfc8441)).
    Connect,
    /// TRACE.
    Trace,
    /// Bytes that name no method.
    NotUtf8,
}

/// What asks a service to take a request for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverriddenBy {
    /// A header of this name, or of one that could be taken for it.
    Header(&'static str),
    /// A parameter of the query.
    Parameter(&'static str),
}

/// What a request asks to leave HTTP for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upgrade {
    /// A protocol that is registered, or was.
    To(&'static str),
    /// Another one, or several. Its name is the client's and is not repeated.
    Other,
}

impl Denial {
    /// A regular expression of every code, whatever a policy calls its credentials.
    #[must_use]
    pub fn code_pattern() -> String {
        Row::pattern()
    }

    /// The properties that follow from its code.
    pub(crate) const fn row(&self) -> &'static Row {
        match self {
            Self::NotConfigured => &row::NOT_CONFIGURED,
            Self::RequestIncomplete(_) => &row::REQUEST_INCOMPLETE,
            Self::PathAmbiguous(_) => &row::PATH_AMBIGUOUS,
            Self::HostMalformed(_) => &row::HOST_MALFORMED,
            Self::MethodRefused(_) => &row::METHOD_REFUSED,
            Self::MethodOverridden(_) => &row::METHOD_OVERRIDDEN,
            Self::PathOverridden(_) => &row::PATH_OVERRIDDEN,
            Self::UpgradeRefused(_) => &row::UPGRADE_REFUSED,
            Self::RouteUnknown => &row::ROUTE_UNKNOWN,
            Self::CredentialRepeated(..) => &row::CREDENTIAL_REPEATED,
            Self::CredentialMissing(_) => &row::CREDENTIAL_MISSING,
            Self::Unauthenticated(_) => &row::UNAUTHENTICATED,
            Self::CredentialMalformed(..) => &row::CREDENTIAL_MALFORMED,
            Self::CredentialRefused(_, _) => &row::CREDENTIAL_REFUSED,
            Self::CredentialExpired(_) => &row::CREDENTIAL_EXPIRED,
            Self::CredentialNotYetValid(_) => &row::CREDENTIAL_NOT_YET_VALID,
            Self::AuthorityUnavailable(_, _) => &row::CREDENTIAL_UNAVAILABLE,
            Self::FactMissing(_, _) => &row::FACT_MISSING,
            Self::NotBound { .. } => &row::NOT_BOUND,
            Self::ScopeMissing { .. } => &row::SCOPE_MISSING,
            Self::NotOwner { .. } => &row::NOT_OWNER,
            Self::ConditionFalse(_) => &row::CONDITION_FALSE,
            Self::ConditionFailed(_, _) => &row::CONDITION_FAILED,
            Self::NotCarriedOut => &row::NOT_CARRIED_OUT,
        }
    }

    /// The stable name of this denial in logs, metrics and cases.
    #[must_use]
    pub fn code(&self) -> &str {
        self.row().code_for(self.credential())
    }

    /// The HTTP status of the refusal.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.row().status
    }

    /// Whether a rule in shadow mode lets it pass.
    #[must_use]
    pub const fn is_waived_in_shadow(&self) -> bool {
        matches!(self.row().shadow, Shadow::Waives)
    }

    /// The step of the order of decision in which it is found.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        match self {
            // Another reading that only a route makes.
            Self::PathAmbiguous(SecondReading {
                ambiguity: Ambiguity::LetterCase | Ambiguity::TrailingSlash, ..
            }) => Stage::Route,
            denial => denial.row().stage,
        }
    }

    /// The credential that its code names; `None` where it is about several, or about none.
    #[must_use]
    pub const fn credential(&self) -> Option<&CredentialKind> {
        match self {
            Self::CredentialRepeated(kind, _, _)
            | Self::CredentialMissing(kind)
            | Self::CredentialMalformed(kind, _, _)
            | Self::CredentialRefused(kind, _)
            | Self::CredentialExpired(kind)
            | Self::CredentialNotYetValid(kind)
            | Self::AuthorityUnavailable(kind, _) => Some(kind),
            Self::NotConfigured
            | Self::RequestIncomplete(_)
            | Self::PathAmbiguous(_)
            | Self::HostMalformed(_)
            | Self::MethodRefused(_)
            | Self::MethodOverridden(_)
            | Self::PathOverridden(_)
            | Self::UpgradeRefused(_)
            | Self::RouteUnknown
            | Self::Unauthenticated(_)
            | Self::FactMissing(_, _)
            | Self::NotBound { .. }
            | Self::ScopeMissing { .. }
            | Self::NotOwner { .. }
            | Self::ConditionFalse(_)
            | Self::ConditionFailed(_, _)
            | Self::NotCarriedOut => None,
        }
    }
}
