//! Owns the talk with an authority: the question put to it, and the strict reading of its reply (RFC 7662).

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use crate::identity::authority::{Authority, LookupRate, SecretName};
use crate::identity::cache_limits::CacheLimits;
use crate::identity::credential::CredentialKind;
use crate::identity::expected::Expected;
use crate::identity::pointers::Pointers;
use crate::identity::revocation::Feed;

mod answer;
mod question;

pub use answer::MAX_ANSWER;
pub(crate) use question::{Body, Form, Method, Piece, Sent};

/// One verifier: whom to ask, how, and what an answer must say.
#[derive(Debug, PartialEq, Eq)]
pub struct Introspection {
    asked: Asked,
    cache: CacheLimits,
    feed: Option<Arc<Feed>>,
    fingerprint: u64,
}

/// All that decides what an answer is worth.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Asked {
    pub(crate) authority: Authority,
    pub(crate) form: Form,
    pub(crate) active: Active,
    /// Statuses that say that a credential is not active.
    pub(crate) inactive_on: Vec<u16>,
    /// What an active answer must state.
    pub(crate) expect: Vec<Expected>,
    pub(crate) pointers: Pointers,
    /// The pointer of the end.
    pub(crate) expires: String,
    pub(crate) required: Required,
}

/// The facts without which a credential is refused, by name, and the places of which one must state it.
pub(crate) type Required = Vec<(String, Vec<String>)>;

/// What says that a credential is active.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) enum Active {
    /// A boolean of the answer, by JSON pointer.
    At(String),
    /// The status: one of these.
    On(Vec<u16>),
}

impl Introspection {
    pub(crate) fn new(asked: Asked, cache: CacheLimits) -> Self {
        let mut hasher = DefaultHasher::new();
        (&asked, cache).hash(&mut hasher);
        let fingerprint = hasher.finish();
        let feed = Feed::of(&asked.authority).map(Arc::new);
        Self { asked, cache, feed, fingerprint }
    }

    /// A number that changes with whom is asked, how, and what an answer must say: what was learnt under another one
    /// is worth nothing here.
    #[must_use]
    pub const fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// The secret the authority wants; `None` where it wants none.
    #[must_use]
    pub const fn secret(&self) -> Option<&SecretName> {
        self.asked.authority.auth.secret()
    }

    /// Whether a question holds, in a header, a credential of this kind.
    pub(crate) fn sends(&self, kind: &CredentialKind) -> bool {
        self.asked.form.send.iter().any(|sent| sent.kind == *kind)
    }

    /// The feed that tells when facts are no longer to be trusted; `None` where there is none, and time alone tells.
    #[must_use]
    pub const fn feed(&self) -> Option<&Arc<Feed>> {
        self.feed.as_ref()
    }

    /// How long, and how much, is remembered.
    #[must_use]
    pub const fn cache(&self) -> CacheLimits {
        self.cache
    }

    pub(crate) const fn pointers(&self) -> &Pointers {
        &self.asked.pointers
    }

    pub(crate) const fn authority(&self) -> &Authority {
        &self.asked.authority
    }

    pub(crate) const fn timeout(&self) -> Duration {
        self.asked.authority.timeout
    }

    pub(crate) const fn rate(&self) -> LookupRate {
        self.asked.authority.rate
    }
}
