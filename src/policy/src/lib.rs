//! The decision: may this request pass, and as whom?
//!
//! Brama guards HTTP routes from inside a proxy. This crate is the part that decides, and nothing else: it does no
//! I/O, reads no clock and no environment, and knows no proxy. It runs natively and as Wasm.
//!
//! # Words
//! - **request**: method, host, path, headers, as they were sent.
//! - **credential**: an API key or a token as presented.
//! - **authority**: the service that vouches for credentials; its statements are **facts**.
//! - **policy**: what each route requires. Compiled from a document, whole or not at all.
//! - **decision**: allow with a [`Grant`], or refuse with a [`Denial`].
//!
//! # Order of decision
//! 1. The path, the host and the method have one reading, or the request is refused.
//! 2. A route is found: the most specific one for the method, the host and the path; none is a refusal.
//! 3. Every credential the route requires is present exactly once and well formed.
//! 4. The API key is verified, and only then the token.
//! 5. The token belongs to the API key, where they are bound.
//! 6. The scopes are granted.
//! 7. The resource named in the path is the caller's own, or the caller's type is exempt.
//! 8. The conditions hold.
//! 9. The identity to forward is complete; headers a client must not send are removed.
//!
//! What refuses in steps 2 to 9 only marks the request where its rule is in shadow mode
//! ([`Denial::is_waived_in_shadow`]).
//!
//! # Invariants
//! - Only this crate can make a [`Grant`].
//! - Only a signature that was verified lets the claims of a token become facts ([`SignatureCheck::verified_by`]).
//! - Every missing, odd or unknown value ends in a [`Denial`]; openness is written in the policy, in words.
//! - What is remembered between requests are facts; each request is judged on its own.
//!
//! # Where to start reading
//! [`Policy::begin`] and [`Awaiting::resume`] in `exchange.rs` are the order above in code.

// With numbers of a client's an overflow is a trap; who adds says what becomes of one.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod authoring;
mod compile;
#[cfg_attr(not(feature = "cel"), expect(dead_code, reason = "without the feature no condition is compiled or judged"))]
mod condition;
mod confusable;
mod credential;
mod decision;
mod digest;
mod document;
mod exchange;
mod fault;
mod forward;
mod header;
mod host;
mod identity;
mod json;
mod logged;
mod looked_at;
mod observer;
mod path;
mod policy;
mod reading;
mod reason;
mod refusal;
mod request;
mod router;
mod rule_id;
mod target;
mod template;
mod time;

#[cfg(feature = "schema")]
pub use authoring::schema_of;
pub use authoring::{CallerView, Difference, HostView, Lint, NearMiss, OwnerView, Requires, RouteView};
pub use credential::{Credential, CredentialKind, InvalidCredential, MAX_CREDENTIAL, Malformed, Repeated};
pub use decision::{
    Compared, ConditionFailed, Decision, Denial, Grant, JudgedCondition, Outage, OverriddenBy, Refused, RefusedBy,
    RefusedMethod, Stage, Upgrade,
};
pub use digest::DocumentDigest;
pub use document::PolicyDocument;
pub use exchange::{Awaiting, Step};
pub use fault::{Blamed, Fault, Faults, nearest};
pub use forward::FactReference;
pub use header::{HeaderName, InvalidHeaderName};
pub use host::{Host, InvalidHost};
pub use identity::{
    Algorithm, Answer, CacheLimits, Cursor, DenyList, DenyListKeys, Fact, FactName, Facts, Feed, GrantedScopes,
    Introspection, InvalidFact, InvalidKey, InvalidKeys, InvalidScope, Jwt, JwtRejection, KeyFetch, KeyFingerprint,
    KeyParts, KeySet, KeySource, LeftOut, Lookup, LookupRate, MAX_ANSWER, MAX_FACT, MAX_KEY_SET, MAX_PAGE,
    MAX_RSA_BITS, MAX_SCOPE_LIST, MIN_RSA_BITS, NoKey, Opened, Page, Question, Reply, RevocationKeys, RevocationSet,
    Scope, Scopes, SecretName, SignatureCheck, SignatureVerified, Unavailable, UnusableFact, Verifier, WantedScopes,
};
pub use observer::{Event, NoObserver, Observer};
pub use path::{Ambiguity, CanonicalPath, Part, SecondReading, Spot};
pub use policy::Policy;
pub use refusal::{Envelope, RefusalResponse};
pub use request::Request;
pub use rule_id::RuleId;
pub use time::{Moment, Monotonic, UnixTime};
