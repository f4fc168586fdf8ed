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

mod compile;
#[cfg_attr(not(feature = "cel"), expect(dead_code, reason = "without the feature no condition is compiled or judged"))]
mod condition;
mod confusable;
mod credential;
mod decision;
mod digest;
mod document;
mod exchange;
mod facts;
mod fault;
mod forward;
mod header;
mod header_table;
mod host;
mod introspection;
mod json;
mod jwt;
mod lint;
mod logged;
mod looked_at;
mod near_misses;
mod observer;
mod path;
mod pointers;
mod policy;
mod possible_denials;
mod reading;
mod reason;
mod refusal;
mod request;
mod revocation;
mod router;
#[cfg(feature = "schema")]
mod schema;
mod scope;
mod target;
mod template;
mod time;
mod verifier;
mod view;

pub use condition::ConditionFailed;
pub use credential::{Credential, CredentialKind, InvalidCredential, MAX_CREDENTIAL, Malformed, Repeated};
pub use decision::{
    Compared, Decision, Denial, Grant, JudgedCondition, Outage, OverriddenBy, Refused, RefusedBy, RefusedMethod, Stage,
    Upgrade,
};
pub use digest::DocumentDigest;
pub use document::PolicyDocument;
pub use exchange::{Awaiting, Step};
pub use facts::{Fact, FactName, Facts, InvalidFact, MAX_FACT, UnusableFact};
pub use fault::{Blamed, Fault, Faults, nearest};
pub use forward::FactReference;
pub use header::{HeaderName, InvalidHeaderName};
pub use host::{Host, InvalidHost};
pub use introspection::{
    Answer, CacheLimits, Introspection, LookupRate, MAX_ANSWER, Question, Reply, SecretName, Unavailable,
};
pub use jwt::{
    Algorithm, InvalidKey, InvalidKeys, Jwt, JwtRejection, KeyFetch, KeyFingerprint, KeyParts, KeySet, KeySource,
    LeftOut, MAX_KEY_SET, MAX_RSA_BITS, MIN_RSA_BITS, NoKey, Opened, SignatureCheck, SignatureVerified,
};
pub use lint::Lint;
pub use near_misses::{Difference, NearMiss};
pub use observer::{Event, NoObserver, Observer};
pub use path::{Ambiguity, CanonicalPath, Part, SecondReading, Spot};
pub use policy::{Policy, RuleId};
pub use refusal::{Envelope, RefusalResponse};
pub use request::{ReadRequest, Request};
pub use revocation::{Cursor, DenyList, DenyListKeys, Feed, MAX_PAGE, Page, RevocationKeys, RevocationSet};
#[cfg(feature = "schema")]
pub use schema::schema_of;
pub use scope::{GrantedScopes, InvalidScope, MAX_SCOPE_LIST, Scope, Scopes, WantedScopes};
pub use time::{Moment, Monotonic, UnixTime};
pub use verifier::{Lookup, Verifier};
pub use view::{CallerView, HostView, OwnerView, Requires, RouteView};
