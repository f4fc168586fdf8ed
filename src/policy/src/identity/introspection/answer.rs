//! Owns the strict reading of an authority's reply.

use std::sync::Arc;

use serde_json::Value;

use super::{Active, Introspection};
use crate::identity::facts::{Facts, UnusableFact};
use crate::identity::jwt::InvalidKeys;
use crate::identity::pointers::{stated, unusable};
use crate::identity::rejection::JwtRejection;
use crate::json;
use crate::time::{UnixTime, numeric_date};

/// An authority's reply as it came.
#[derive(Clone, Copy, Debug)]
pub struct Reply<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The body, whole.
    pub body: &'a [u8],
}

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

impl Introspection {
    /// What a reply says. Whatever is not plainly an answer is *unavailable*.
    #[must_use]
    pub fn answer(&self, reply: Reply<'_>) -> Answer {
        if self.asked.inactive_on.contains(&reply.status) {
            return Answer::Inactive;
        }
        let is_answer = match &self.asked.active {
            Active::At(_pointer) => reply.status == 200,
            Active::On(statuses) => statuses.contains(&reply.status),
        };
        if !is_answer {
            return Answer::Unavailable(Unavailable::Status(reply.status));
        }
        match self.read(reply.body) {
            Ok(answer) => answer,
            Err(fault) => Answer::Unavailable(Unavailable::Unusable(fault)),
        }
    }

    /// What an answer says; what it says of the credential, and nobody can read, is the credential's fault.
    fn read(&self, body: &[u8]) -> Result<Answer, &'static str> {
        if body.len() > MAX_ANSWER {
            return Err("it is too long");
        }
        let value = json::parse(body).map_err(|_fault| "it is not JSON, or repeats a member")?;
        match &self.asked.active {
            // RFC 7662, 2.2: `active` is REQUIRED, a boolean.
            Active::At(pointer) => match value.pointer(pointer) {
                Some(Value::Bool(true)) => {}
                Some(Value::Bool(false)) => return Ok(Answer::Inactive),
                Some(_) | None => return Err("what says whether it is active is not a boolean"),
            },
            Active::On(_statuses) => {}
        }
        for (pointer, expected) in &self.asked.expect {
            match value.pointer(pointer) {
                Some(Value::String(stated)) if stated == expected => {}
                // RFC 7662, 2.1: the server may look beyond the hint, and finds a credential of another kind.
                Some(Value::String(_)) => return Ok(Answer::Inactive),
                Some(_) | None => return Err("what was expected is not stated"),
            }
        }
        if let Some((name, pointer)) = self.asked.required.iter().find(|(_name, at)| stated(&value, at).is_none()) {
            // Where only the status says so, what is required tells an answer from any other page.
            let is_an_answer = match &self.asked.active {
                Active::At(_pointer) => true,
                Active::On(_statuses) => !self.asked.expect.is_empty(),
            };
            let fault = "is required, and not stated";
            return if is_an_answer {
                Ok(Answer::Rejected(unusable(name, pointer, fault).into()))
            } else {
                Err(NOT_STATED)
            };
        }
        Ok(match self.facts(&value) {
            Ok(facts) => Answer::Active(Arc::new(facts)),
            Err(unusable) => Answer::Rejected(unusable.into()),
        })
    }

    fn facts(&self, said: &Value) -> Result<Facts, Arc<UnusableFact>> {
        let expires = expires(said, &self.asked.expires)?;
        Ok(Facts { expires, ..self.asked.pointers.read(said)? })
    }
}

fn expires(answer: &Value, pointer: &str) -> Result<Option<UnixTime>, Arc<UnusableFact>> {
    match stated(answer, pointer) {
        None => Ok(None),
        Some(stated) => {
            let fault = "is not a number of seconds since 1970";
            numeric_date(stated).map(Some).ok_or_else(|| unusable("expires", pointer, fault))
        }
    }
}

const NOT_STATED: &str = "a required fact is not stated";

/// Bytes of an answer. Scopes take at most [`crate::MAX_SCOPE_LIST`]; the rest is room for members nobody reads.
pub const MAX_ANSWER: usize = 65_536;
