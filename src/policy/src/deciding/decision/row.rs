//! Owns what is the same for every denial of a code: a row with its status, its step, its words and what shadow mode
//! does.
//!
//! Whatever else is said of denials is derived from these rows: the list of codes, which of them are 401 or 503, which
//! a policy can give, which have fixed words.

use crate::identity::credential::{CredentialKind, Lack};

/// The properties of a denial that follow from its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Stable name in logs, metrics and cases.
    pub(crate) code: Code,
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

/// The name of a denial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// The same in every policy.
    Fixed(&'static str),
    /// The name of a credential, `_`, and what it lacks.
    OfCredential(Lack),
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
    /// The credentials belong together.
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
    /// A route that looks at the credential.
    Credential,
    /// A route that cannot do without the credential.
    CredentialNeeded,
    /// A route that needs one of several.
    Alternatives,
    /// The same, or a credential that goes on with the request.
    CredentialSent,
    /// A route that looks at the credential, whose facts can state when it begins.
    Beginning,
    /// A route that binds two credentials.
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
    ($($name:ident = $code:expr, $status:literal $stage:ident $shadow:ident $needs:expr, $words:expr;)*) => {
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
    };
}

// Status: RFC 9110, 15.5.1: 400, the request itself is at fault; 15.5.2: 401, who are you?; 15.5.4: 403, known, and not
// enough; 15.6.4: 503, the authority could not be asked. Never a 401 for that, on which clients drop their session.
rows! {
    NOT_CONFIGURED = Code::Fixed("not_configured"), 503 Request Refuses Needs::Gateway, UNAVAILABLE;
    REQUEST_INCOMPLETE = Code::Fixed("request_incomplete"), 400 Request Refuses Needs::Nothing, "The request has no single method, host and path.";
    METHOD_REFUSED = Code::Fixed("method_refused"), 400 Request Refuses Needs::Nothing, "The method is not served here.";
    UPGRADE_REFUSED = Code::Fixed("upgrade_refused"), 400 Request Refuses Needs::Nothing, "The protocol must not be upgraded.";
    METHOD_OVERRIDDEN = Code::Fixed("method_overridden"), 400 Request Refuses Needs::Nothing, "The method must not be overridden.";
    PATH_OVERRIDDEN = Code::Fixed("path_overridden"), 400 Request Refuses Needs::Nothing, "The path must not be overridden.";
    HOST_MALFORMED = Code::Fixed("host_malformed"), 400 Request Refuses Needs::Nothing, "The host is malformed.";
    PATH_AMBIGUOUS = Code::Fixed("path_ambiguous"), 400 Request Refuses Needs::Nothing, "The path is ambiguous.";
    ROUTE_UNKNOWN = Code::Fixed("route_unknown"), 403 Route Waives Needs::Nothing, FORBIDDEN;
    CREDENTIAL_REPEATED = Code::OfCredential(Lack::Repeated), 400 Credentials Refuses Needs::CredentialSent, "A credential is given more than once.";
    CREDENTIAL_MISSING = Code::OfCredential(Lack::Missing), 401 Credentials Waives Needs::CredentialNeeded, DENIED;
    CREDENTIAL_MALFORMED = Code::OfCredential(Lack::Malformed), 401 Credentials Refuses Needs::Credential, DENIED;
    UNAUTHENTICATED = Code::Fixed("unauthenticated"), 401 Credentials Waives Needs::Alternatives, DENIED;
    CREDENTIAL_UNAVAILABLE = Code::OfCredential(Lack::Unavailable), 503 Verified Waives Needs::Credential, UNAVAILABLE;
    CREDENTIAL_REFUSED = Code::OfCredential(Lack::Refused), 401 Verified Waives Needs::Credential, DENIED;
    CREDENTIAL_EXPIRED = Code::OfCredential(Lack::Expired), 401 Verified Waives Needs::Credential, DENIED;
    CREDENTIAL_NOT_YET_VALID = Code::OfCredential(Lack::NotYetValid), 401 Verified Waives Needs::Beginning, DENIED;
    NOT_BOUND = Code::Fixed("not_bound"), 403 Binding Waives Needs::Binding, FORBIDDEN;
    SCOPE_MISSING = Code::Fixed("scope_missing"), 403 Scopes Waives Needs::Scopes, "Invalid scopes";
    NOT_OWNER = Code::Fixed("not_owner"), 403 Owner Waives Needs::Owner, FORBIDDEN;
    CONDITION_FALSE = Code::Fixed("condition_false"), 403 Conditions Waives Needs::Conditions, FORBIDDEN;
    CONDITION_FAILED = Code::Fixed("condition_failed"), 403 Conditions Waives Needs::Conditions, FORBIDDEN;
    FACT_MISSING = Code::Fixed("fact_missing"), 403 Forward Waives Needs::ForwardedFact, FORBIDDEN;
    NOT_CARRIED_OUT = Code::Fixed("not_carried_out"), 503 Forward Refuses Needs::Gateway, UNAVAILABLE;
}

impl Row {
    /// The code, for a credential where it is about one: nothing else needs `kind`.
    pub(crate) fn code_for<'a>(&self, kind: Option<&'a CredentialKind>) -> &'a str {
        match (self.code, kind) {
            (Code::Fixed(code), _) => code,
            (Code::OfCredential(lack), Some(kind)) => kind.code(lack),
            (Code::OfCredential(lack), None) => lack.as_str(),
        }
    }

    /// A regular expression of every code.
    pub(crate) fn pattern() -> String {
        let fixed = ROWS.iter().filter_map(|row| match row.code {
            Code::Fixed(code) => Some(code),
            Code::OfCredential(_) => None,
        });
        let lacks = Lack::ALL.map(Lack::as_str).join("|");
        format!("^({}|[a-z][a-z0-9_]*_({lacks}))$", fixed.collect::<Vec<_>>().join("|"))
    }

    /// The code of a credential's denial that is another denial's already.
    pub(crate) fn fixed_code_of(kind: &CredentialKind) -> Option<&'static str> {
        let fixed = ROWS.iter().filter_map(|row| match row.code {
            Code::Fixed(code) => Some(code),
            Code::OfCredential(_) => None,
        });
        fixed.into_iter().find(|fixed| Lack::ALL.iter().any(|lack| kind.code(*lack) == *fixed))
    }

    /// Every row with its code in a policy that knows these kinds of credential, in the order in which requests are
    /// judged.
    pub(crate) fn of_policy(
        kinds: &[CredentialKind],
    ) -> impl Iterator<Item = (&'static Self, Option<&CredentialKind>, &str)> {
        let is_of_one = |row: &Self| matches!(row.code, Code::OfCredential(_));
        let steps = ROWS.chunk_by(move |one, other| is_of_one(one) && is_of_one(other) && one.stage == other.stage);
        steps.flat_map(move |rows| {
            let is_of_one = rows.iter().any(|row| is_of_one(row));
            // Once without a kind, or once for each.
            let kinds = kinds.iter().map(Some).filter(move |_| is_of_one);
            let kinds = kinds.chain([None].into_iter().filter(move |_| !is_of_one));
            kinds.flat_map(move |kind| rows.iter().map(move |row| (*row, kind, row.code_for(kind))))
        })
    }
}

/// One message for each 401: other words would tell a good API key from a bad one.
const DENIED: &str = "Access denied";

const FORBIDDEN: &str = "Forbidden";

const UNAVAILABLE: &str = "Service unavailable";
