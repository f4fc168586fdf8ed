//! Owns who calls: what an authority or an issuer states of a credential, and until when that is to be trusted.
//!
//! A [`Lookup`] is a credential with its [`Verifier`]: an authority that is asked ([`Introspection`], RFC 7662) or an
//! issuer's signature ([`Jwt`], RFC 7519). Both state [`Facts`], and a [`Feed`] says when these are no longer to be
//! trusted. The files beneath the three hold what they share: the authority, the call to it, the answer.

// What the three share.
pub(crate) mod answer;
pub(crate) mod authority;
mod base64url;
pub(crate) mod cache_limits;
pub(crate) mod call;
pub(crate) mod credential;
pub(crate) mod expected;
pub(crate) mod facts;
pub(crate) mod jws;
pub(crate) mod percent;
pub(crate) mod pointers;
mod presented;
pub(crate) mod rejection;
pub(crate) mod scope;

pub(crate) mod introspection;
pub(crate) mod jwt;
pub(crate) mod revocation;
pub(crate) mod verifier;
pub(crate) mod verifiers;

pub use answer::{Answer, InvalidKeys, Unavailable};
pub use authority::{LookupRate, SecretName};
pub use cache_limits::CacheLimits;
pub use call::{Question, Reply};
pub use credential::{Credential, CredentialKind, InvalidCredential, MAX_CREDENTIAL};
pub use facts::{
    Encoding, Fact, FactList, FactName, FactType, FactValue, Facts, HeaderForm, InvalidFact, MAX_FACT, MAX_FACT_LIST,
    Stated, UnusableFact,
};
pub use introspection::{Introspection, MAX_ANSWER};
pub use jwt::{
    Algorithm, InvalidKey, Jwt, KeyFetch, KeyFingerprint, KeyParts, KeySet, KeySource, LeftOut, MAX_KEY_SET,
    MAX_RSA_BITS, MIN_RSA_BITS, Opened, SignatureCheck, SignatureVerified,
};
pub use rejection::{JwtRejection, NoKey};
pub use revocation::{Cursor, DenyList, DenyListKeys, Feed, MAX_PAGE, Page, RevocationKeys, RevocationSet};
pub use scope::{GrantedScopes, InvalidScope, MAX_SCOPE_LIST, Scope, Scopes, WantedScopes};
pub use verifier::{Lookup, Verifier};
pub use verifiers::Claimant;
