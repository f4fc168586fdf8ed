//! Owns what was revoked, and whether that concerns what is remembered of a credential.

use std::collections::BTreeSet;

use super::digest::Digest;
use super::entry::{Entry, Names};
use crate::identity::credential::CredentialKind;
use crate::identity::facts::{Fact, Facts};
use crate::identity::jws::claims_to_be_one;

/// What a feed can call a credential by, beside what its facts state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevocationKeys {
    digest: Digest,
    /// Whether its facts can be a user's.
    is_of_users: bool,
    /// Whether it claims to be a JWT, so that it may have a `jti` which its facts do not state.
    is_jws: bool,
}

/// What was revoked since a reader last asked.
#[derive(Debug, PartialEq, Eq)]
pub struct RevocationSet {
    all: bool,
    credentials: BTreeSet<Digest>,
    jtis: BTreeSet<String>,
    clients: BTreeSet<String>,
    users: BTreeSet<String>,
}

impl RevocationKeys {
    pub(crate) fn new(kind: &CredentialKind, secret: &str) -> Self {
        Self { digest: Digest::of(secret), is_of_users: kind.is_of_users(), is_jws: claims_to_be_one(secret) }
    }
}

impl RevocationSet {
    /// Nothing.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            all: false,
            credentials: BTreeSet::new(),
            jtis: BTreeSet::new(),
            clients: BTreeSet::new(),
            users: BTreeSet::new(),
        }
    }

    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Self { all: true, ..Self::none() }
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::none()
    }

    /// Whether it concerns what is remembered of a credential. Facts that do not tell are concerned: to ask again is
    /// safe. But API keys are no user's, and only JWTs have a `jti` that is not stated; or one stranger's logout would
    /// have everything asked for again.
    #[must_use]
    pub fn concerns(&self, credential: &RevocationKeys, facts: &Facts) -> bool {
        let names = |revoked: &BTreeSet<String>, stated: Option<&str>| {
            !revoked.is_empty() && stated.is_none_or(|stated| revoked.contains(stated))
        };
        let jti = facts.further.iter().find(|(name, _fact)| &**name == JTI);
        let jti_text = jti.and_then(|(_name, jti)| jti.stated().text());
        self.all
            || self.credentials.contains(&credential.digest)
            || names(&self.clients, facts.client_id.as_ref().map(Fact::as_str))
            || (credential.is_of_users && names(&self.users, facts.subject.as_ref().map(Fact::as_str)))
            || ((credential.is_jws || jti.is_some()) && names(&self.jtis, jti_text.as_deref()))
    }

    pub(super) fn add(&mut self, entry: &Entry) {
        match &entry.names {
            Names::Credential(digest) => drop(self.credentials.insert(*digest)),
            Names::Jti(jti) => drop(self.jtis.insert(jti.clone())),
            Names::Client(id) => drop(self.clients.insert(id.clone())),
            Names::User(id) => drop(self.users.insert(id.clone())),
            Names::All | Names::Unknown => self.all = true,
        }
    }
}

/// The further fact by which an opaque token can state its `jti` (RFC 7662, 2.2).
pub(crate) const JTI: &str = "jti";
