//! Owns who calls: what an authority or an issuer states of a credential, and until when that is to be trusted.

pub(crate) mod authority;
mod base64url;
pub(crate) mod facts;
pub(crate) mod introspection;
pub(crate) mod jws;
pub(crate) mod jwt;
pub(crate) mod pointers;
pub(crate) mod rejection;
pub(crate) mod revocation;
pub(crate) mod scope;
pub(crate) mod verifier;

pub use authority::{LookupRate, SecretName};
pub use facts::{Fact, FactName, Facts, InvalidFact, MAX_FACT, UnusableFact};
pub use introspection::{Answer, CacheLimits, Introspection, MAX_ANSWER, Question, Reply, Unavailable};
pub use jwt::{
    Algorithm, InvalidKey, InvalidKeys, Jwt, KeyFetch, KeyFingerprint, KeyParts, KeySet, KeySource, LeftOut,
    MAX_KEY_SET, MAX_RSA_BITS, MIN_RSA_BITS, NoKey, Opened, SignatureCheck, SignatureVerified,
};
pub use rejection::JwtRejection;
pub use revocation::{Cursor, DenyList, DenyListKeys, Feed, MAX_PAGE, Page, RevocationKeys, RevocationSet};
pub use scope::{GrantedScopes, InvalidScope, MAX_SCOPE_LIST, Scope, Scopes, WantedScopes};
pub use verifier::{Lookup, Verifier};
