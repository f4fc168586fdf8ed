//! Owns what is the same for every denial of a code: a row with its status, its step, its words and what shadow mode
//! does.
//!
//! Whatever else is said of denials is derived from these rows: the list of codes, which of them are 401 or 503, which
//! a policy can give, which have fixed words.

use crate::identity::credential::CredentialKind::{self, ApiKey, Token};

/// The properties of a denial that follow from its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Stable name in logs, metrics and cases.
    pub(crate) code: &'static str,
    /// HTTP status of the refusal.
    pub(crate) status: u16,
    /// Step of the order of decision in which it is found.
    pub(crate) stage: Stage,
    /// What a rule in shadow mode does with it.
    pub(crate) shadow: Shadow,
    /// What a policy must have, so that a request can meet it.
    pub(crate) needs: Needs,
    /// Message to the client, where neither the policy nor the denial itself has words.
    pub(crate) words: &'static str,
}

/// A step of the order of decision, in that order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Method, host and path have one reading.
    Request,
    /// A route matches.
    Route,
    /// The required credentials are there, once and well formed.
    Credentials,
    /// They are good.
    Verified,
    /// Token and API key belong together.
    Binding,
    /// The scopes are granted.
    Scopes,
    /// The caller owns the resource.
    Owner,
    /// The conditions hold.
    Conditions,
    /// The request goes on with its identity.
    Forward,
}

impl Stage {
    /// Every step.
    pub const ALL: [Self; 9] = [
        Self::Request,
        Self::Route,
        Self::Credentials,
        Self::Verified,
        Self::Binding,
        Self::Scopes,
        Self::Owner,
        Self::Conditions,
        Self::Forward,
    ];

    /// The name of the step, as `explain` shows it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Route => "route",
            Self::Credentials => "credentials",
            Self::Verified => "verified",
            Self::Binding => "binding",
            Self::Scopes => "scopes",
            Self::Owner => "owner",
            Self::Conditions => "conditions",
            Self::Forward => "forward",
        }
    }
}

/// What a rule in shadow mode does with a denial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shadow {
    /// It lets the request pass, marked and counted.
    Waives,
    /// It refuses all the same: the request is ambiguous, or the gateway itself lacks something.
    Refuses,
}

/// What a policy must have, so that a request can meet a denial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing in a policy: the gateway lacks something.
    Gateway,
    /// Nothing: it is found before a route is.
    Nothing,
    /// A route that requires this credential.
    Credential(CredentialKind),
    /// The same, or a credential that goes on with the request.
    CredentialSent(CredentialKind),
    /// A route that requires this credential, whose facts can state when it begins.
    Beginning(CredentialKind),
    /// A route that binds token and API key.
    Binding,
    /// A route that wants scopes.
    Scopes,
    /// A route with an owner.
    Owner,
    /// A route with conditions.
    Conditions,
    /// A fact that is forwarded.
    ForwardedFact,
}

macro_rules! rows {
    ($($name:ident = $code:literal $status:literal $stage:ident $shadow:ident $needs:expr, $words:expr;)*) => {
        $(pub(super) static $name: Row = Row {
            code: $code,
            status: $status,
            stage: Stage::$stage,
            shadow: Shadow::$shadow,
            needs: $needs,
            words: $words,
        };)*

        /// Every row, in the order in which requests are judged.
        pub(crate) static ROWS: &[&Row] = &[$(&$name),*];

        /// Every code, in the same order.
        pub(super) const CODES: [&str; [$($code),*].len()] = [$($code),*];
    };
}

// Status: RFC 9110, 15.5.1: 400, the request itself is at fault; 15.5.2: 401, who are you?; 15.5.4: 403, known, and not
// enough; 15.6.4: 503, the authority could not be asked. Never a 401 for that, on which clients drop their session.
rows! {
    NOT_CONFIGURED = "not_configured" 503 Request Refuses Needs::Gateway, UNAVAILABLE;
    REQUEST_INCOMPLETE = "request_incomplete" 400 Request Refuses Needs::Nothing, "The request has no single method, host and path.";
    METHOD_REFUSED = "method_refused" 400 Request Refuses Needs::Nothing, "The method is not served here.";
    UPGRADE_REFUSED = "upgrade_refused" 400 Request Refuses Needs::Nothing, "The protocol must not be upgraded.";
    METHOD_OVERRIDDEN = "method_overridden" 400 Request Refuses Needs::Nothing, "The method must not be overridden.";
    PATH_OVERRIDDEN = "path_overridden" 400 Request Refuses Needs::Nothing, "The path must not be overridden.";
    HOST_MALFORMED = "host_malformed" 400 Request Refuses Needs::Nothing, "The host is malformed.";
    PATH_AMBIGUOUS = "path_ambiguous" 400 Request Refuses Needs::Nothing, "The path is ambiguous.";
    ROUTE_UNKNOWN = "route_unknown" 403 Route Waives Needs::Nothing, FORBIDDEN;
    API_KEY_REPEATED = "api_key_repeated" 400 Credentials Refuses Needs::CredentialSent(ApiKey), "The API key is given more than once.";
    TOKEN_REPEATED = "token_repeated" 400 Credentials Refuses Needs::CredentialSent(Token), "The access token is given more than once.";
    API_KEY_MISSING = "api_key_missing" 401 Credentials Waives Needs::Credential(ApiKey), DENIED;
    API_KEY_MALFORMED = "api_key_malformed" 401 Credentials Refuses Needs::Credential(ApiKey), DENIED;
    TOKEN_MISSING = "token_missing" 401 Credentials Waives Needs::Credential(Token), DENIED;
    TOKEN_MALFORMED = "token_malformed" 401 Credentials Refuses Needs::Credential(Token), DENIED;
    API_KEY_UNAVAILABLE = "api_key_unavailable" 503 Verified Waives Needs::Credential(ApiKey), UNAVAILABLE;
    API_KEY_REFUSED = "api_key_refused" 401 Verified Waives Needs::Credential(ApiKey), DENIED;
    API_KEY_EXPIRED = "api_key_expired" 401 Verified Waives Needs::Credential(ApiKey), DENIED;
    API_KEY_NOT_YET_VALID = "api_key_not_yet_valid" 401 Verified Waives Needs::Beginning(ApiKey), DENIED;
    TOKEN_UNAVAILABLE = "token_unavailable" 503 Verified Waives Needs::Credential(Token), UNAVAILABLE;
    TOKEN_REFUSED = "token_refused" 401 Verified Waives Needs::Credential(Token), DENIED;
    TOKEN_EXPIRED = "token_expired" 401 Verified Waives Needs::Credential(Token), DENIED;
    TOKEN_NOT_YET_VALID = "token_not_yet_valid" 401 Verified Waives Needs::Beginning(Token), DENIED;
    NOT_BOUND = "not_bound" 403 Binding Waives Needs::Binding, FORBIDDEN;
    SCOPE_MISSING = "scope_missing" 403 Scopes Waives Needs::Scopes, "Invalid scopes";
    NOT_OWNER = "not_owner" 403 Owner Waives Needs::Owner, FORBIDDEN;
    CONDITION_FALSE = "condition_false" 403 Conditions Waives Needs::Conditions, FORBIDDEN;
    CONDITION_FAILED = "condition_failed" 403 Conditions Waives Needs::Conditions, FORBIDDEN;
    FACT_MISSING = "fact_missing" 403 Forward Waives Needs::ForwardedFact, FORBIDDEN;
    NOT_CARRIED_OUT = "not_carried_out" 503 Forward Refuses Needs::Gateway, UNAVAILABLE;
}

impl Row {
    /// Codes of this status, in the order in which requests are judged.
    pub(crate) fn codes_of_status(status: u16) -> impl Iterator<Item = &'static str> {
        ROWS.iter().filter(move |row| row.status == status).map(|row| row.code)
    }
}

/// One message for each 401: other words would tell a good API key from a bad one.
const DENIED: &str = "Access denied";

const FORBIDDEN: &str = "Forbidden";

const UNAVAILABLE: &str = "Service unavailable";
