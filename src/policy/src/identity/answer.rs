//! Owns what is known of a credential after asking, and why nobody could say.

use std::sync::Arc;

use crate::identity::facts::Facts;
use crate::identity::rejection::JwtRejection;

/// What is known of a credential after asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The authority vouches for it.
    Active(Arc<Facts>),
    /// The authority does not: unknown, expired, revoked, of another kind.
    Inactive,
    /// The gateway does not, by what the credential or the authority says.
    Rejected(JwtRejection),
    /// Nobody could say. Never the client's fault, so never a 401.
    Unavailable(Unavailable),
}

/// Why nobody could say.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// As many lookups as are allowed are out already, or have begun.
    #[error("too many lookups are out already, or have begun in a second")]
    Shedding,
    /// The authority did not answer a number of times.
    #[error("the authority has not answered, and is not asked for a moment")]
    CircuitOpen,
    /// What was learnt of another credential was revoked meanwhile, and again when that was asked for again.
    #[error("what was learnt was revoked before the request went on")]
    RevokedInFlight,
    /// The lookup could not be sent.
    #[error("the lookup could not be sent")]
    NotSent,
    /// No reply came in time.
    #[error("the authority did not reply")]
    NoReply,
    /// No connection could be made.
    #[error("nothing listens where the authority should")]
    NothingListens,
    /// The connection broke before there was a reply.
    #[error("the connection to the authority broke before it replied")]
    Broken,
    /// The reply began, and did not come to its end.
    #[error("the authority's reply broke off, or was not whole in time")]
    BrokenOff,
    /// What came is no reply of HTTP.
    #[error("what the authority sent is no reply of HTTP")]
    NotHttp,
    /// The proxy answered in its place, for a reason that is not known here.
    #[error("Envoy answered {0} in the authority's place")]
    InItsPlace(u16),
    /// The circuit breaker of the authority's cluster lets no more through.
    #[error("the circuit breaker of the authority's cluster is open")]
    Overflow,
    /// The proxy has no cluster of the authority's name.
    #[error("Envoy has no such cluster")]
    NoCluster,
    /// A reply that is no answer: an error, a redirect, the gateway's own secret refused.
    #[error("the authority replied with status {0}")]
    Status(u16),
    /// A reply that cannot be used.
    #[error("the authority's answer is unusable: {0}")]
    Unusable(&'static str),
    /// A reply that should be the issuer's keys, and is not.
    #[error("the issuer's keys cannot be used: {0}")]
    Keys(#[from] InvalidKeys),
    /// The issuer's keys are not there yet, or too old to be trusted.
    #[error("the issuer's keys are not at hand")]
    NoKeys,
    /// What was revoked is not known yet, or was known too long ago.
    #[error("what was revoked is not known")]
    NoFeed,
}

/// A set that no token can be verified with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeys {
    /// More than [`MAX_KEY_SET`](crate::identity::MAX_KEY_SET) bytes.
    #[error("the set of keys is too long")]
    TooLong,
    /// Something else than a JWK Set.
    #[error("the set of keys is no JSON object with a list of `keys`, or repeats a member")]
    Shape,
}

impl Unavailable {
    /// Whether it is what a dead authority gives, or one that asks not to be asked. What it says of one credential
    /// only, and nobody can read, is no outage, nor is a bound that is reached: a client can bring about either.
    #[must_use]
    pub const fn is_outage(&self) -> bool {
        match self {
            Self::NotSent
            | Self::NoReply
            | Self::NothingListens
            | Self::Broken
            | Self::BrokenOff
            | Self::NotHttp
            | Self::InItsPlace(_)
            | Self::Overflow
            | Self::NoCluster
            | Self::CircuitOpen
            | Self::Status(429 | 500..=599) => true,
            Self::Status(_)
            | Self::Unusable(_)
            | Self::Shedding
            | Self::RevokedInFlight
            | Self::Keys(_)
            | Self::NoKeys
            | Self::NoFeed => false,
        }
    }
}

impl From<JwtRejection> for Answer {
    fn from(rejected: JwtRejection) -> Self {
        Self::Rejected(rejected)
    }
}
