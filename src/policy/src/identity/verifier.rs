//! Owns how a kind of credential is verified, and by which of several verifiers: its shape decides, once.

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use crate::identity::answer::{Answer, Unavailable};
use crate::identity::authority::{LookupRate, SecretName};
use crate::identity::cache_limits::CacheLimits;
use crate::identity::call::{Question, Reply};
use crate::identity::credential::{Credential, CredentialKind};
use crate::identity::facts::{FactType, Facts, UnusableFact};
use crate::identity::introspection::Introspection;
use crate::identity::jws::claims_to_be_one;
use crate::identity::jwt::{Jwt, KeySource};
use crate::identity::presented::Presented;
use crate::identity::revocation::{Feed, RevocationKeys};

/// A credential that has to be verified before the request can be judged further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    presented: Presented,
    verifier: Arc<Verifier>,
}

impl Lookup {
    /// Only what the verifier's question holds goes along: an answer depends on nothing else.
    pub(crate) fn new(
        kind: CredentialKind,
        credential: Credential,
        beside: &[(CredentialKind, Credential)],
        verifier: Arc<Verifier>,
    ) -> Self {
        let along = beside.iter().filter(|(kind, _credential)| verifier.sends(kind)).cloned().collect();
        Self { presented: Presented { kind, credential, along }, verifier }
    }

    /// The kind of the credential.
    #[must_use]
    pub const fn kind(&self) -> &CredentialKind {
        &self.presented.kind
    }

    /// The credential.
    #[must_use]
    pub const fn credential(&self) -> &Credential {
        &self.presented.credential
    }

    /// How it is verified.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// How long an answer, or the keys for one, may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        match &*self.verifier {
            Verifier::Introspection(introspection) => introspection.timeout(),
            Verifier::Jwt(jwt) => jwt.timeout(),
        }
    }

    /// How often its like may be asked about; `None` where nobody is asked.
    #[must_use]
    pub fn rate(&self) -> Option<LookupRate> {
        match &*self.verifier {
            Verifier::Introspection(introspection) => Some(introspection.rate()),
            Verifier::Jwt(_) => None,
        }
    }

    /// The question to put to its authority, with that one's secret by its name.
    ///
    /// # Errors
    /// The answer where nothing can be asked: the secret is not there, no authority could tell the question from
    /// another, or the credential speaks for itself.
    pub fn question<'a>(&'a self, secret: impl FnOnce(&SecretName) -> Option<&'a str>) -> Result<Question<'a>, Answer> {
        match &*self.verifier {
            Verifier::Introspection(introspection) => introspection.question(&self.presented, secret),
            Verifier::Jwt(_) => Err(Answer::Unavailable(Unavailable::NoKeys)),
        }
    }

    /// What its authority's reply says.
    #[must_use]
    pub fn answer(&self, reply: Reply<'_>) -> Answer {
        match &*self.verifier {
            Verifier::Introspection(introspection) => introspection.answer(reply),
            Verifier::Jwt(_) => Answer::Unavailable(Unavailable::NoKeys),
        }
    }

    /// The feed that tells when its facts are no longer to be trusted; `None` where there is none, and time alone
    /// tells.
    #[must_use]
    pub fn feed(&self) -> Option<&Arc<Feed>> {
        match &*self.verifier {
            Verifier::Introspection(introspection) => introspection.feed(),
            Verifier::Jwt(jwt) => jwt.feed(),
        }
    }

    /// What its feed can call the credential by.
    #[must_use]
    pub fn revocable(&self) -> RevocationKeys {
        RevocationKeys::new(&self.presented.kind, self.presented.credential.expose_secret())
    }

    /// All that the answer depends on: how the credential is verified, and every credential that the question holds.
    /// What was learnt of one lookup is good for those that depend on the same.
    #[must_use]
    pub fn depends_on(&self) -> impl Hash + '_ {
        let Presented { kind, credential, along } = &self.presented;
        (self.verifier.fingerprint(), kind, credential, along.as_slice())
    }

    /// How it is verified, to be kept.
    pub(crate) const fn shared_verifier(&self) -> &Arc<Verifier> {
        &self.verifier
    }
}

/// One way to verify a credential.
#[expect(clippy::large_enum_variant, reason = "a policy has two or three, each behind an `Arc`")]
#[derive(Debug, PartialEq, Eq)]
pub enum Verifier {
    /// Its authority is asked.
    Introspection(Introspection),
    /// It speaks for itself, under its issuer's signature.
    Jwt(Jwt),
}

impl Verifier {
    /// A number that changes with all that decides what an answer is worth: what was learnt under another one is worth
    /// nothing here.
    #[must_use]
    pub const fn fingerprint(&self) -> u64 {
        match self {
            Self::Introspection(introspection) => introspection.fingerprint(),
            Self::Jwt(jwt) => jwt.fingerprint(),
        }
    }

    /// How long, and how much, is remembered.
    #[must_use]
    pub const fn cache(&self) -> CacheLimits {
        match self {
            Self::Introspection(introspection) => introspection.cache(),
            Self::Jwt(jwt) => jwt.cache(),
        }
    }

    /// Why nobody could say, for the operator: with the name of whom was asked.
    pub(crate) fn why(&self, reason: &Unavailable) -> String {
        match self {
            Self::Introspection(introspection) => match (reason, introspection.feed()) {
                (Unavailable::NoFeed, Some(feed)) => feed.why(reason),
                (_, _) => introspection.authority().why(reason),
            },
            Self::Jwt(jwt) => match (reason, jwt.feed(), jwt.keys()) {
                (Unavailable::NoFeed, Some(feed), _) => feed.why(reason),
                (_, _, KeySource::Fetched(fetch)) => fetch.why(reason),
                (_, _, KeySource::Inline(_)) => reason.to_string(),
            },
        }
    }

    /// Whether a question of it holds, in a header, a credential of this kind.
    pub(crate) fn sends(&self, kind: &CredentialKind) -> bool {
        match self {
            Self::Introspection(introspection) => introspection.sends(kind),
            Self::Jwt(_) => false,
        }
    }

    /// The first of some facts that cannot be forwarded as the policy says.
    pub(crate) fn unwritable(&self, facts: &Facts) -> Option<Arc<UnusableFact>> {
        match self {
            Self::Introspection(introspection) => introspection.pointers().unwritable(facts),
            Self::Jwt(jwt) => jwt.pointers().unwritable(facts),
        }
    }

    /// The further facts it can state, with their types.
    pub(crate) fn further(&self) -> impl Iterator<Item = (&Arc<str>, FactType)> {
        match self {
            Self::Introspection(introspection) => introspection.pointers().further(),
            Self::Jwt(jwt) => jwt.pointers().further(),
        }
    }
}

/// The verifiers of a kind of credential.
#[derive(Clone, Debug)]
pub(crate) enum Verifiers {
    /// It takes whatever is presented.
    One(Arc<Verifier>),
    /// One takes what claims to be a JWS, the other all else; what one refuses, the other never sees.
    ByShape { jws: Arc<Verifier>, other: Arc<Verifier> },
}

impl Verifiers {
    /// The one that a credential is for.
    pub(crate) fn of(&self, credential: &Credential) -> &Arc<Verifier> {
        match self {
            Self::One(verifier) => verifier,
            Self::ByShape { jws, .. } if claims_to_be_one(credential.expose_secret()) => jws,
            Self::ByShape { other, .. } => other,
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Verifier>> {
        let (first, second) = match self {
            Self::One(verifier) => (verifier, None),
            Self::ByShape { jws, other } => (jws, Some(other)),
        };
        [first].into_iter().chain(second)
    }

    /// The further facts that they can state, each once, with their types.
    pub(crate) fn further(&self) -> impl Iterator<Item = (&Arc<str>, FactType)> {
        let mut facts: Vec<_> = self.iter().flat_map(|verifier| verifier.further()).collect();
        facts.sort_unstable();
        facts.dedup();
        facts.into_iter()
    }
}
