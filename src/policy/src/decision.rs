//! Owns the outcome of judging a request: what passes with which identity, or what was lacking.

use std::fmt;
use std::sync::Arc;

use crate::condition::ConditionFailed;
use crate::credential::{CredentialKind, Malformed, Repeated};
use crate::facts::FactName;
use crate::forward::FactReference;
use crate::host::InvalidHost;
use crate::introspection::Unavailable;
use crate::jwt::JwtRejection;
use crate::path::SecondReading;
use crate::policy::RuleId;
use crate::scope::{Scopes, WantedScopes};
use crate::verifier::Verifier;

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

    /// The headers to set then: visible ASCII, bounded.
    #[must_use]
    pub fn set(&self) -> &[(String, String)] {
        &self.set
    }
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
    /// More than one credential of a kind.
    CredentialRepeated(CredentialKind, Repeated),
    /// No credential of a kind.
    CredentialMissing(CredentialKind),
    /// A credential in no known form.
    CredentialMalformed(CredentialKind, Malformed),
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
    /// A token and an API key that do not belong together.
    NotBound {
        /// What the token states.
        token: Compared,
        /// What the API key states.
        api_key: Compared,
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
    /// The gateway, for a reason with a stable name ([`JwtRejection::code`]).
    Gateway(JwtRejection),
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
    /// Every code, in the order in which requests are judged.
    pub const CODES: [&'static str; 30] = [
        "not_configured",
        "request_incomplete",
        "method_refused",
        "upgrade_refused",
        "method_overridden",
        "path_overridden",
        "host_malformed",
        "path_ambiguous",
        "route_unknown",
        "api_key_repeated",
        "token_repeated",
        "api_key_missing",
        "api_key_malformed",
        "token_missing",
        "token_malformed",
        "api_key_unavailable",
        "api_key_refused",
        "api_key_expired",
        "api_key_not_yet_valid",
        "token_unavailable",
        "token_refused",
        "token_expired",
        "token_not_yet_valid",
        "not_bound",
        "scope_missing",
        "not_owner",
        "condition_false",
        "condition_failed",
        "fact_missing",
        "not_carried_out",
    ];

    /// Whether it is a rule that refuses, so that a rule in shadow mode lets it pass. What makes a request ambiguous,
    /// and what the gateway itself lacks, refuses always.
    #[must_use]
    pub const fn is_waived_in_shadow(&self) -> bool {
        match self {
            Self::RouteUnknown
            | Self::CredentialMissing(_)
            | Self::CredentialRefused(_, _)
            | Self::CredentialExpired(_)
            | Self::CredentialNotYetValid(_)
            | Self::AuthorityUnavailable(_, _)
            | Self::FactMissing(_, _)
            | Self::NotBound { .. }
            | Self::ScopeMissing { .. }
            | Self::NotOwner { .. }
            | Self::ConditionFalse(_)
            | Self::ConditionFailed(_, _) => true,
            Self::NotConfigured
            | Self::RequestIncomplete(_)
            | Self::PathAmbiguous(_)
            | Self::HostMalformed(_)
            | Self::MethodRefused(_)
            | Self::MethodOverridden(_)
            | Self::PathOverridden(_)
            | Self::UpgradeRefused(_)
            | Self::CredentialRepeated(_, _)
            | Self::CredentialMalformed(_, _)
            | Self::NotCarriedOut => false,
        }
    }

    /// The stable name of this denial in logs, metrics and cases.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        use CredentialKind::{ApiKey, Token};
        match self {
            Self::NotConfigured => "not_configured",
            Self::RequestIncomplete(_) => "request_incomplete",
            Self::PathAmbiguous(_) => "path_ambiguous",
            Self::HostMalformed(_) => "host_malformed",
            Self::MethodRefused(_) => "method_refused",
            Self::MethodOverridden(_) => "method_overridden",
            Self::PathOverridden(_) => "path_overridden",
            Self::UpgradeRefused(_) => "upgrade_refused",
            Self::RouteUnknown => "route_unknown",
            Self::CredentialRepeated(ApiKey, _) => "api_key_repeated",
            Self::CredentialRepeated(Token, _) => "token_repeated",
            Self::CredentialMissing(ApiKey) => "api_key_missing",
            Self::CredentialMissing(Token) => "token_missing",
            Self::CredentialMalformed(ApiKey, _) => "api_key_malformed",
            Self::CredentialMalformed(Token, _) => "token_malformed",
            Self::CredentialRefused(ApiKey, _) => "api_key_refused",
            Self::CredentialRefused(Token, _) => "token_refused",
            Self::CredentialExpired(ApiKey) => "api_key_expired",
            Self::CredentialExpired(Token) => "token_expired",
            Self::CredentialNotYetValid(ApiKey) => "api_key_not_yet_valid",
            Self::CredentialNotYetValid(Token) => "token_not_yet_valid",
            Self::AuthorityUnavailable(ApiKey, _) => "api_key_unavailable",
            Self::AuthorityUnavailable(Token, _) => "token_unavailable",
            Self::FactMissing(_, _) => "fact_missing",
            Self::NotBound { .. } => "not_bound",
            Self::ScopeMissing { .. } => "scope_missing",
            Self::NotOwner { .. } => "not_owner",
            Self::ConditionFalse(_) => "condition_false",
            Self::ConditionFailed(_, _) => "condition_failed",
            Self::NotCarriedOut => "not_carried_out",
        }
    }

    /// The HTTP status of the refusal.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            // RFC 9110, 15.5.1: the request itself is at fault.
            Self::RequestIncomplete(_)
            | Self::PathAmbiguous(_)
            | Self::HostMalformed(_)
            | Self::MethodRefused(_)
            | Self::MethodOverridden(_)
            | Self::PathOverridden(_)
            | Self::UpgradeRefused(_)
            | Self::CredentialRepeated(_, _) => 400,
            // RFC 9110, 15.5.2: who are you?
            Self::CredentialMissing(_)
            | Self::CredentialMalformed(_, _)
            | Self::CredentialRefused(_, _)
            | Self::CredentialExpired(_)
            | Self::CredentialNotYetValid(_) => 401,
            // RFC 9110, 15.5.4: known, and not enough.
            Self::RouteUnknown
            | Self::NotBound { .. }
            | Self::ScopeMissing { .. }
            | Self::NotOwner { .. }
            | Self::ConditionFalse(_)
            | Self::ConditionFailed(_, _)
            | Self::FactMissing(_, _) => 403,
            // RFC 9110, 15.6.4: we could not ask. Never a 401, on which clients drop their session.
            Self::NotConfigured | Self::AuthorityUnavailable(_, _) | Self::NotCarriedOut => 503,
        }
    }
}
