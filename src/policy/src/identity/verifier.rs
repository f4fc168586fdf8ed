//! Owns how a credential is verified: by its authority's word, or by its own signature.

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
use crate::identity::jwt::{Jwt, KeySource};
use crate::identity::pointers::Pointers;
use crate::identity::presented::Presented;
use crate::identity::rejection::JwtRejection;
use crate::identity::revocation::{Feed, RevocationKeys};
use crate::identity::verifiers::{Claim, Claimant, Verifiers};

/// A credential that has to be verified before the request can be judged further.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    presented: Presented,
    claim: Claim,
}

impl Lookup {
    /// The lookup by the one of these verifiers that claims the credential. Only what its question holds goes along: an
    /// answer depends on nothing else.
    pub(crate) fn new(
        kind: CredentialKind,
        credential: Credential,
        beside: &[(CredentialKind, Credential)],
        verifiers: &Verifiers,
    ) -> Self {
        let claim = verifiers.claim(&credential);
        // Who verifies it is sought only where one of them sends something.
        let may_send = |kind: &CredentialKind| verifiers.iter().any(|verifier| verifier.sends(kind));
        let is_sent = |(kind, _credential): &&(CredentialKind, Credential)| may_send(kind) && claim.sends(kind);
        let along = beside.iter().filter(is_sent).cloned().collect();
        Self { presented: Presented { kind, credential, along }, claim }
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
        self.claim.verifier()
    }

    /// The number of its verifier, to be remembered with what is learnt; `None` where it is no trouble to find.
    #[must_use]
    pub fn claimant(&self) -> Option<Claimant> {
        self.claim.claimant()
    }

    /// Whether finding its verifier would cost the reading of the credential.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.claim.is_open()
    }

    /// Takes the number of the verifier from what is remembered of a lookup that depends on the same: it has the same
    /// verifier.
    pub fn settle(&self, claimant: Claimant) {
        self.claim.settle(claimant);
    }

    /// How long an answer, or the keys for one, may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        match self.verifier() {
            Verifier::Introspection(introspection) => introspection.timeout(),
            Verifier::Jwt(jwt) => jwt.timeout(),
            Verifier::Unclaimed(_) => Duration::ZERO,
        }
    }

    /// How often its like may be asked about; `None` where nobody is asked.
    #[must_use]
    pub fn rate(&self) -> Option<LookupRate> {
        match self.verifier() {
            Verifier::Introspection(introspection) => Some(introspection.rate()),
            Verifier::Jwt(_) | Verifier::Unclaimed(_) => None,
        }
    }

    /// The question to put to its authority, with that one's secret by its name.
    ///
    /// # Errors
    /// The answer where nothing can be asked: the secret is not there, no authority could tell the question from
    /// another, or the credential speaks for itself.
    pub fn question<'a>(&'a self, secret: impl FnOnce(&SecretName) -> Option<&'a str>) -> Result<Question<'a>, Answer> {
        match self.verifier() {
            Verifier::Introspection(introspection) => introspection.question(&self.presented, secret),
            Verifier::Jwt(_) => Err(Answer::Unavailable(Unavailable::NoKeys)),
            Verifier::Unclaimed(unclaimed) => Err(unclaimed.clone().into()),
        }
    }

    /// What its authority's reply says.
    #[must_use]
    pub fn answer(&self, reply: Reply<'_>) -> Answer {
        match self.verifier() {
            Verifier::Introspection(introspection) => introspection.answer(reply),
            Verifier::Jwt(_) => Answer::Unavailable(Unavailable::NoKeys),
            Verifier::Unclaimed(unclaimed) => unclaimed.clone().into(),
        }
    }

    /// The feed that tells when its facts are no longer to be trusted; `None` where there is none, and time alone
    /// tells.
    #[must_use]
    pub fn feed(&self) -> Option<&Arc<Feed>> {
        match self.verifier() {
            Verifier::Introspection(introspection) => introspection.feed(),
            Verifier::Jwt(jwt) => jwt.feed(),
            Verifier::Unclaimed(_) => None,
        }
    }

    /// What its feed can call the credential by.
    #[must_use]
    pub fn revocable(&self) -> RevocationKeys {
        RevocationKeys::new(&self.presented.kind, self.presented.credential.expose_secret())
    }

    /// All that the answer depends on: how the credential is verified, and every credential that the question holds.
    /// What was learnt of one lookup is good for those that depend on the same: a credential has one verifier, so what
    /// one states never serves for a credential of another.
    #[must_use]
    pub fn depends_on(&self) -> impl Hash + '_ {
        let Presented { kind, credential, along } = &self.presented;
        (self.claim.fingerprint(), kind, credential, along.as_slice())
    }

    /// Who verifies it, to be kept.
    pub(crate) const fn claim(&self) -> &Claim {
        &self.claim
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
    /// None of the policy's verifiers claims it, for this reason: it is refused, and nobody is asked.
    Unclaimed(JwtRejection),
}

impl Verifier {
    /// A number that changes with all that decides what an answer is worth: what was learnt under another one is worth
    /// nothing here.
    #[must_use]
    pub const fn fingerprint(&self) -> u64 {
        match self {
            Self::Introspection(introspection) => introspection.fingerprint(),
            Self::Jwt(jwt) => jwt.fingerprint(),
            // Nothing is learnt.
            Self::Unclaimed(_) => 0,
        }
    }

    /// How long, and how much, is remembered.
    #[must_use]
    pub const fn cache(&self) -> CacheLimits {
        match self {
            Self::Introspection(introspection) => introspection.cache(),
            Self::Jwt(jwt) => jwt.cache(),
            Self::Unclaimed(_) => CacheLimits::NOTHING,
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
            Self::Unclaimed(_) => reason.to_string(),
        }
    }

    /// Who it is, in words of the policy; `None` of what claims nothing.
    pub(crate) fn told(&self) -> Option<String> {
        match self {
            Self::Introspection(introspection) => Some(format!("asked of `{}`", introspection.authority().name)),
            Self::Jwt(jwt) => Some(format!("as a token of `{}`", jwt.issuer())),
            Self::Unclaimed(_) => None,
        }
    }

    /// Whether tokens that state this issuer are its.
    pub(crate) fn is_of(&self, issuer: &str) -> bool {
        match self {
            Self::Jwt(jwt) => jwt.issuers().is_stated(issuer),
            Self::Introspection(_) | Self::Unclaimed(_) => false,
        }
    }

    /// Whether a question of it holds, in a header, a credential of this kind.
    pub(crate) fn sends(&self, kind: &CredentialKind) -> bool {
        match self {
            Self::Introspection(introspection) => introspection.sends(kind),
            Self::Jwt(_) | Self::Unclaimed(_) => false,
        }
    }

    /// The first of some facts that cannot be forwarded as the policy says.
    pub(crate) fn unwritable(&self, facts: &Facts) -> Option<Arc<UnusableFact>> {
        match self {
            Self::Introspection(introspection) => introspection.pointers().unwritable(facts),
            Self::Jwt(jwt) => jwt.pointers().unwritable(facts),
            Self::Unclaimed(_) => None,
        }
    }

    /// The further facts it can state, with their types.
    pub(crate) fn further(&self) -> impl Iterator<Item = (&Arc<str>, FactType)> {
        let pointers = match self {
            Self::Introspection(introspection) => Some(introspection.pointers()),
            Self::Jwt(jwt) => Some(jwt.pointers()),
            Self::Unclaimed(_) => None,
        };
        pointers.into_iter().flat_map(Pointers::further)
    }
}
