//! Owns the talk with an authority: the question put to it, and the strict reading of its reply (RFC 7662).

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use crate::credential::{Credential, CredentialKind};

mod answer;
mod question;

pub use answer::{Answer, LONGEST_ANSWER, Reply, Unavailable};
pub use question::Question;

/// A credential that has to be verified before the request can be judged further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    kind: CredentialKind,
    credential: Credential,
    verifier: Arc<Introspection>,
}

impl Lookup {
    pub(crate) const fn new(kind: CredentialKind, credential: Credential, verifier: Arc<Introspection>) -> Self {
        Self { kind, credential, verifier }
    }

    /// The kind of the credential.
    #[must_use]
    pub const fn kind(&self) -> CredentialKind {
        self.kind
    }

    /// The credential.
    #[must_use]
    pub const fn credential(&self) -> &Credential {
        &self.credential
    }

    /// How long an answer may take.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.verifier.asked.authority.timeout
    }

    /// How it is verified.
    #[must_use]
    pub fn verifier(&self) -> &Introspection {
        &self.verifier
    }
}

/// One verifier: whom to ask, how, and what an answer must say.
#[derive(Debug, PartialEq, Eq)]
pub struct Introspection {
    asked: Asked,
    cache: CacheLimits,
    fingerprint: u64,
}

/// All that decides what an answer is worth.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Asked {
    pub(crate) authority: Authority,
    pub(crate) path: String,
    pub(crate) hint: String,
    pub(crate) expect: Vec<(String, String)>,
    pub(crate) pointers: Pointers,
}

/// Where an authority is, and how the gateway proves itself to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Authority {
    pub(crate) cluster: String,
    pub(crate) host: String,
    pub(crate) timeout: Duration,
    pub(crate) secret: SecretName,
}

/// Where the facts are in an answer (RFC 6901).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Pointers {
    pub(crate) subject: String,
    pub(crate) client_id: String,
    pub(crate) client_type: String,
    pub(crate) scope: String,
    pub(crate) expires: String,
    /// Further facts, by their names.
    pub(crate) further: Vec<(Arc<str>, String)>,
}

/// How long, and how much, is remembered of a verifier's answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CacheLimits {
    /// The longest that facts may be kept.
    pub ttl: Duration,
    /// The longest that a refusal may be kept.
    pub refused_ttl: Duration,
    /// How many facts may be kept, and as many refusals apart from them.
    pub entries: usize,
}

/// The environment variable that holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SecretName(pub(crate) String);

impl SecretName {
    /// The variable's name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Introspection {
    pub(crate) fn new(asked: Asked, cache: CacheLimits) -> Self {
        let mut hasher = DefaultHasher::new();
        asked.hash(&mut hasher);
        let fingerprint = hasher.finish();
        Self { asked, cache, fingerprint }
    }

    /// A number that changes with whom is asked, how, and what an answer must say: what was learnt under another one
    /// is worth nothing here.
    #[must_use]
    pub const fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// The secret the authority wants, by the name of its environment variable.
    #[must_use]
    pub const fn secret(&self) -> &SecretName {
        &self.asked.authority.secret
    }

    /// How long, and how much, is remembered.
    #[must_use]
    pub const fn cache(&self) -> CacheLimits {
        self.cache
    }

    /// The names of the further facts an answer can state.
    pub(crate) fn further_names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.asked.pointers.further.iter().map(|(name, _pointer)| name)
    }
}
