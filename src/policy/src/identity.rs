//! Owns who calls: what an authority or an issuer states of a credential, and until when that is to be trusted.

pub(crate) mod facts;
pub(crate) mod introspection;
pub(crate) mod jwt;
pub(crate) mod pointers;
pub(crate) mod revocation;
pub(crate) mod scope;
pub(crate) mod verifier;

pub use facts::{Fact, FactName, Facts, InvalidFact, MAX_FACT, UnusableFact};
pub use introspection::{
    Answer, CacheLimits, Introspection, LookupRate, MAX_ANSWER, Question, Reply, SecretName, Unavailable,
};
pub use jwt::{
    Algorithm, InvalidKey, InvalidKeys, Jwt, JwtRejection, KeyFetch, KeyFingerprint, KeyParts, KeySet, KeySource,
    LeftOut, MAX_KEY_SET, MAX_RSA_BITS, MIN_RSA_BITS, NoKey, Opened, SignatureCheck, SignatureVerified,
};
pub use revocation::{Cursor, DenyList, DenyListKeys, Feed, MAX_PAGE, Page, RevocationKeys, RevocationSet};
pub use scope::{GrantedScopes, InvalidScope, MAX_SCOPE_LIST, Scope, Scopes, WantedScopes};
pub use verifier::{Lookup, Verifier};
