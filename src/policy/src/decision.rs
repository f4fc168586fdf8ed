//! Owns the outcome of judging a request: what passes with which identity, or what was lacking.

use crate::condition::ConditionFailed;
use crate::credential::CredentialKind;
use crate::facts::FactName;
use crate::host::InvalidHost;
use crate::introspection::Unavailable;
use crate::jwt::Rejected;
use crate::path::SecondReading;
use crate::policy::RuleId;
use crate::scope::{Scopes, WantedScopes};

/// The outcome of judging a request. It comes with its evidence, and there is no third one.
#[must_use]
#[derive(Debug)]
pub enum Decision {
    /// The request may pass, as the grant says.
    Allow(Grant),
    /// It may not.
    Refuse(Refused),
}

/// The permission to forward one request. Only this crate makes one.
#[derive(Debug, PartialEq, Eq)]
pub struct Grant {
    pub(crate) rule: Option<RuleId>,
    pub(crate) remove: Vec<String>,
    pub(crate) set: Vec<(String, String)>,
    pub(crate) would_refuse: Option<Denial>,
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
}

impl Refused {
    /// The refusal of a request that was decided, where the proxy would not do what was decided.
    #[must_use]
    pub const fn not_carried_out() -> Self {
        Self { rule: None, denial: Denial::NotCarriedOut }
    }

    /// The rule that refused; `None` where the request was refused before a rule was found.
    #[must_use]
    pub const fn rule(&self) -> Option<&RuleId> {
        self.rule.as_ref()
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
    /// A request without exactly one method, host and path.
    RequestIncomplete,
    /// A path with a second reading.
    PathAmbiguous(SecondReading),
    /// A host that names no host.
    HostMalformed(InvalidHost),
    /// CONNECT or TRACE.
    MethodRefused,
    /// A header that asks the service to take the request for another method.
    MethodOverridden,
    /// A header that asks the service to take the request for another path.
    PathOverridden,
    /// A request to leave HTTP, unseen from then on.
    UpgradeRefused,
    /// No rule for this method, host and path.
    RouteUnknown,
    /// More than one credential of a kind.
    CredentialRepeated(CredentialKind),
    /// No credential of a kind.
    CredentialMissing(CredentialKind),
    /// A credential in no known form.
    CredentialMalformed(CredentialKind),
    /// A credential nobody vouches for.
    CredentialRefused(CredentialKind, RefusedBy),
    /// A credential that has ended.
    CredentialExpired(CredentialKind),
    /// A credential that has not begun.
    CredentialNotYetValid(CredentialKind),
    /// Nobody could say whether a credential is good.
    AuthorityUnavailable(CredentialKind, Unavailable),
    /// A verified identity without a fact that must be forwarded.
    FactMissing(CredentialKind, FactName),
    /// A token and an API key that do not belong together.
    NotBound,
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
    NotOwner,
    /// A condition that does not hold.
    ConditionFalse,
    /// A condition that could not be judged.
    ConditionFailed(ConditionFailed),
    /// The gateway could not carry out what was decided.
    NotCarriedOut,
}

/// Who does not vouch for a credential. For operators: to a client it is all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefusedBy {
    /// Its authority, which says no more.
    Authority,
    /// The gateway, for a reason with a stable name ([`Rejected::code`]).
    Gateway(Rejected),
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
    pub const fn is_the_rules(&self) -> bool {
        match self {
            Self::RouteUnknown
            | Self::CredentialMissing(_)
            | Self::CredentialRefused(_, _)
            | Self::CredentialExpired(_)
            | Self::CredentialNotYetValid(_)
            | Self::AuthorityUnavailable(_, _)
            | Self::FactMissing(_, _)
            | Self::NotBound
            | Self::ScopeMissing { .. }
            | Self::NotOwner
            | Self::ConditionFalse
            | Self::ConditionFailed(_) => true,
            Self::NotConfigured
            | Self::RequestIncomplete
            | Self::PathAmbiguous(_)
            | Self::HostMalformed(_)
            | Self::MethodRefused
            | Self::MethodOverridden
            | Self::PathOverridden
            | Self::UpgradeRefused
            | Self::CredentialRepeated(_)
            | Self::CredentialMalformed(_)
            | Self::NotCarriedOut => false,
        }
    }

    /// The stable name of this denial in logs, metrics and cases.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        use CredentialKind::{ApiKey, Token};
        match self {
            Self::NotConfigured => "not_configured",
            Self::RequestIncomplete => "request_incomplete",
            Self::PathAmbiguous(_) => "path_ambiguous",
            Self::HostMalformed(_) => "host_malformed",
            Self::MethodRefused => "method_refused",
            Self::MethodOverridden => "method_overridden",
            Self::PathOverridden => "path_overridden",
            Self::UpgradeRefused => "upgrade_refused",
            Self::RouteUnknown => "route_unknown",
            Self::CredentialRepeated(ApiKey) => "api_key_repeated",
            Self::CredentialRepeated(Token) => "token_repeated",
            Self::CredentialMissing(ApiKey) => "api_key_missing",
            Self::CredentialMissing(Token) => "token_missing",
            Self::CredentialMalformed(ApiKey) => "api_key_malformed",
            Self::CredentialMalformed(Token) => "token_malformed",
            Self::CredentialRefused(ApiKey, _) => "api_key_refused",
            Self::CredentialRefused(Token, _) => "token_refused",
            Self::CredentialExpired(ApiKey) => "api_key_expired",
            Self::CredentialExpired(Token) => "token_expired",
            Self::CredentialNotYetValid(ApiKey) => "api_key_not_yet_valid",
            Self::CredentialNotYetValid(Token) => "token_not_yet_valid",
            Self::AuthorityUnavailable(ApiKey, _) => "api_key_unavailable",
            Self::AuthorityUnavailable(Token, _) => "token_unavailable",
            Self::FactMissing(_, _) => "fact_missing",
            Self::NotBound => "not_bound",
            Self::ScopeMissing { .. } => "scope_missing",
            Self::NotOwner => "not_owner",
            Self::ConditionFalse => "condition_false",
            Self::ConditionFailed(_) => "condition_failed",
            Self::NotCarriedOut => "not_carried_out",
        }
    }

    /// The HTTP status of the refusal.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            // RFC 9110, 15.5.1: the request itself is at fault.
            Self::RequestIncomplete
            | Self::PathAmbiguous(_)
            | Self::HostMalformed(_)
            | Self::MethodRefused
            | Self::MethodOverridden
            | Self::PathOverridden
            | Self::UpgradeRefused
            | Self::CredentialRepeated(_) => 400,
            // RFC 9110, 15.5.2: who are you?
            Self::CredentialMissing(_)
            | Self::CredentialMalformed(_)
            | Self::CredentialRefused(_, _)
            | Self::CredentialExpired(_)
            | Self::CredentialNotYetValid(_) => 401,
            // RFC 9110, 15.5.4: known, and not enough.
            Self::RouteUnknown
            | Self::NotBound
            | Self::ScopeMissing { .. }
            | Self::NotOwner
            | Self::ConditionFalse
            | Self::ConditionFailed(_)
            | Self::FactMissing(_, _) => 403,
            // RFC 9110, 15.6.4: we could not ask. Never a 401, on which clients drop their session.
            Self::NotConfigured | Self::AuthorityUnavailable(_, _) | Self::NotCarriedOut => 503,
        }
    }
}
