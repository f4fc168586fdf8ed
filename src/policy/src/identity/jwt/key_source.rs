//! Owns where an issuer's keys come from: the policy itself, or an authority that publishes them.

use std::sync::Arc;
use std::time::Duration;

use super::KeySet;
use crate::identity::answer::Unavailable;
use crate::identity::authority::Authority;
use crate::identity::call::{Question, Reply};

/// Where the issuer's keys come from.
#[derive(Debug, PartialEq, Eq, Hash)]
pub enum KeySource {
    /// The policy holds them.
    Inline(KeySet),
    /// An authority publishes them.
    Fetched(Arc<KeyFetch>),
}

/// How the keys an authority publishes are fetched, and how long they are good for.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct KeyFetch {
    pub(crate) authority: Authority,
    pub(crate) path: String,
    pub(crate) every: Duration,
    pub(crate) max_stale: Duration,
}

impl KeyFetch {
    /// The path of the set at its authority.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The authority's name in the policy.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority.name
    }

    /// Why they did not come, for the operator.
    #[must_use]
    pub fn why(&self, reason: &Unavailable) -> String {
        self.authority.why(reason)
    }

    /// How long one fetch may take.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        self.authority.timeout
    }

    /// How often the keys are fetched; a `kid` that is not known may be asked for as often, besides.
    #[must_use]
    pub const fn every(&self) -> Duration {
        self.every
    }

    /// For how long keys are trusted after they were last fetched.
    #[must_use]
    pub const fn max_stale(&self) -> Duration {
        self.max_stale
    }

    /// The question for the keys. They are public, so no secret goes with it.
    #[must_use]
    pub fn question(&self) -> Question<'_> {
        Question {
            cluster: &self.authority.cluster,
            headers: vec![
                (":method", "GET".to_owned()),
                (":scheme", "http".to_owned()),
                (":authority", self.authority.host.clone()),
                (":path", self.path.clone()),
                ("accept", "application/jwk-set+json, application/json".to_owned()),
            ],
            body: None,
            timeout: self.authority.timeout,
        }
    }

    /// The keys of a reply.
    ///
    /// # Errors
    /// A reply that is no set of keys; the last good one is still the best there is.
    pub fn read(&self, reply: Reply<'_>) -> Result<KeySet, Unavailable> {
        if reply.status != 200 {
            return Err(Unavailable::Status(reply.status));
        }
        KeySet::parse(reply.body).map_err(Unavailable::Keys)
    }
}
