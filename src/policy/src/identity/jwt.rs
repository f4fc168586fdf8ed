//! Owns verification by a token's own signature: JSON Web Tokens
//! ([RFC 7519](https://www.rfc-editor.org/rfc/rfc7519), [RFC 8725](https://www.rfc-editor.org/rfc/rfc8725)).
//!
//! Signatures are verified elsewhere, by whatever the caller has at hand; here is all that stands around it. A token is
//! opened, its claims are judged, a key is found, and only a verified signature lets its claims become facts:
//! [`Jwt::open`], [`Opened::check_claims`], [`Opened::check_with`], [`SignatureCheck::verified_by`],
//! [`SignatureVerified::accept`].

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::identity::cache_limits::CacheLimits;
use crate::identity::credential::Credential;
use crate::identity::expected::{Expected, Met};
use crate::identity::facts::Facts;
use crate::identity::pointers::Pointers;
use crate::identity::rejection::{JwtRejection, NoKey};
use crate::identity::revocation::{DenyListKeys, Digest, Feed};
use crate::identity::{base64url, jws};
use crate::time::UnixTime;

mod algorithm;
mod check;
mod claims;
mod der;
mod invalid_key;
mod issuer;
mod key;
mod key_source;
mod keys;
mod okp;
mod roca;
#[cfg(test)]
mod tests;

pub use algorithm::Algorithm;
use algorithm::Make;
pub use check::{SignatureCheck, SignatureVerified};
pub(crate) use claims::{Audience, Wanted, stated_issuer};
pub use invalid_key::InvalidKey;
pub(crate) use issuer::{Issuer, MAX_TENANT, PLACEHOLDER, TenantTemplate, Tenants, is_tenant};
pub(crate) use key::{Key, Rival};
pub use key::{KeyFingerprint, KeyParts, MAX_RSA_BITS, MIN_RSA_BITS};
pub use key_source::{KeyFetch, KeySource};
pub use keys::{KeySet, LeftOut, MAX_KEY_SET};

/// One verifier: which tokens it takes, and whose keys they are signed with.
#[derive(Debug, PartialEq, Eq)]
pub struct Jwt {
    rules: Rules,
    cache: CacheLimits,
    feed: Option<Arc<Feed>>,
    fingerprint: u64,
}

/// All that decides what a token is worth.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Rules {
    /// As [`jws::media_type`] writes them; `None` for a token without `typ`.
    pub(crate) types: Vec<Option<String>>,
    pub(crate) algorithms: Vec<Algorithm>,
    pub(crate) wanted: Wanted,
    /// What the claims must say beyond the registered ones.
    pub(crate) expect: Vec<Expected>,
    pub(crate) keys: KeySource,
    pub(crate) pointers: Pointers,
}

/// A token that was taken apart. Nothing it says is verified.
pub struct Opened<'a> {
    jwt: &'a Jwt,
    credential: &'a Credential,
    algorithm: Algorithm,
    kind: Option<String>,
    key_id: Option<String>,
    signed: &'a str,
    /// As signature libraries want it.
    signature: Vec<u8>,
    claims: Value,
}

impl Jwt {
    pub(crate) fn new(rules: Rules, cache: CacheLimits, feed: Option<Arc<Feed>>) -> Self {
        // Nobody is asked about a token, and its keys have a `max_stale` of their own.
        let cache = CacheLimits { stale_for: Duration::ZERO, ..cache };
        let mut hasher = DefaultHasher::new();
        (&rules, cache, feed.as_ref().map(|feed| feed.fingerprint())).hash(&mut hasher);
        let fingerprint = hasher.finish();
        Self { rules, cache, feed, fingerprint }
    }

    /// A number that changes with all that decides what a token is worth, but for the keys an authority publishes.
    #[must_use]
    pub const fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// How long, and how much, is remembered.
    #[must_use]
    pub const fn cache(&self) -> CacheLimits {
        self.cache
    }

    /// Where the issuer's keys come from.
    #[must_use]
    pub const fn keys(&self) -> &KeySource {
        &self.rules.keys
    }

    /// Whether claims beyond the registered ones must say something.
    #[must_use]
    pub const fn expects(&self) -> bool {
        !self.rules.expect.is_empty()
    }

    /// The feed whose deny list its tokens are held against; `None` where there is none, and a token is good until it
    /// ends.
    #[must_use]
    pub const fn feed(&self) -> Option<&Arc<Feed>> {
        self.feed.as_ref()
    }

    /// The algorithms that are taken.
    #[must_use]
    pub fn algorithms(&self) -> &[Algorithm] {
        &self.rules.algorithms
    }

    /// The types that are taken, without `application/`; `None` for a token without `typ`.
    #[must_use]
    pub fn types(&self) -> &[Option<String>] {
        &self.rules.types
    }

    /// The issuer, as `iss` must state it; with `{tenant}` where that is the tenant's.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.rules.wanted.issuer.as_str()
    }

    /// The issuers whose tokens it takes.
    pub(crate) const fn issuers(&self) -> &Issuer {
        &self.rules.wanted.issuer
    }

    /// For whom a token may be; `None` where that may be anybody.
    #[must_use]
    pub fn audiences(&self) -> Option<&[String]> {
        match &self.rules.wanted.audience {
            Audience::Any => None,
            Audience::OneOf(audiences) => Some(audiences),
        }
    }

    /// How long its keys may take to come.
    pub(crate) fn timeout(&self) -> Duration {
        match &self.rules.keys {
            KeySource::Inline(_) => Duration::ZERO,
            KeySource::Fetched(fetch) => fetch.authority.timeout,
        }
    }

    pub(crate) const fn pointers(&self) -> &Pointers {
        &self.rules.pointers
    }

    /// What a deny list can call a token by whose signature was verified.
    ///
    /// # Errors
    /// It is none, or has a claim of another shape.
    pub fn deniable(&self, credential: &Credential) -> Result<DenyListKeys, JwtRejection> {
        self.open(credential)?.deniable()
    }

    /// A member of the header of what may be a token, as it is stated. Not verified: not for a log.
    #[must_use]
    pub fn header_member(credential: &Credential, name: &str) -> Option<Value> {
        jws::member(jws::Compact::split(credential.expose_secret())?, name)
    }

    /// A claim of what may be a token, as it is stated. Not verified: not for a log.
    #[must_use]
    pub fn claim(credential: &Credential, name: &str) -> Option<Value> {
        let compact = jws::Compact::split(credential.expose_secret())?;
        jws::payload(compact.payload).ok()?.get_mut(name).map(Value::take)
    }

    /// Takes a token apart.
    ///
    /// # Errors
    /// What is no signed JWT, or has a header the policy does not take.
    pub fn open<'a>(&'a self, credential: &'a Credential) -> Result<Opened<'a>, JwtRejection> {
        let compact = jws::Compact::split(credential.expose_secret()).ok_or(JwtRejection::Shape)?;
        let header = jws::Header::read(compact.header)?;
        // RFC 8725, 3.1: the policy says which algorithm, not the token.
        let algorithm = Algorithm::named(&header.algorithm).filter(|named| self.rules.algorithms.contains(named));
        let algorithm = algorithm.ok_or(JwtRejection::Algorithm)?;
        // RFC 8725, 3.11: an ID token is no access token.
        if !self.rules.types.contains(&header.kind) {
            return Err(if header.kind.is_none() { JwtRejection::NoType } else { JwtRejection::Type });
        }
        let signature = base64url::decode(compact.signature).ok_or(JwtRejection::Shape)?;
        Ok(Opened {
            jwt: self,
            credential,
            algorithm,
            kind: header.kind,
            key_id: header.key_id,
            signed: compact.signed,
            signature: as_libraries_want_it(signature, algorithm)?,
            claims: jws::payload(compact.payload)?,
        })
    }
}

impl<'a> Opened<'a> {
    /// The algorithm, one of the policy's.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The type, one of the policy's, without `application/`; `None` where it has none.
    #[must_use]
    pub fn kind(&self) -> Option<&str> {
        self.kind.as_deref()
    }

    /// The key it says it was signed with. Not verified: not for a log.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// A claim as it is stated. Not verified: not for a log.
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.claims.get(name)
    }

    /// What is to be said of each registered claim. Nothing here is verified.
    pub fn claims(&self, now: UnixTime) -> [(&'static str, Result<(), JwtRejection>); 5] {
        let (wanted, claims) = (&self.jwt.rules.wanted, &self.claims);
        let begun = |name, otherwise| match wanted.beginning(claims, name) {
            Ok(Some(begin)) if now < begin => Err(otherwise),
            Ok(Some(_) | None) => Ok(()),
            Err(rejected) => Err(rejected),
        };
        let ended = |end| if end <= now { Err(JwtRejection::Expired) } else { Ok(()) };
        [
            ("iss", wanted.issuer(claims)),
            ("aud", wanted.audience(claims)),
            ("exp", wanted.end(claims).and_then(ended)),
            ("nbf", begun("nbf", JwtRejection::NotYetValid)),
            ("iat", begun("iat", JwtRejection::IssuedLater)),
        ]
    }

    /// The time that `exp`, `nbf` or `iat` states, leeway included; `None` where it states none. Not verified.
    #[must_use]
    pub fn time(&self, claim: &str) -> Option<UnixTime> {
        let (wanted, claims) = (&self.jwt.rules.wanted, &self.claims);
        match claim {
            "exp" => wanted.end(claims).ok(),
            "nbf" => wanted.beginning(claims, "nbf").ok().flatten(),
            "iat" => wanted.beginning(claims, "iat").ok().flatten(),
            _ => None,
        }
    }

    /// Whether the claims would do, if they were true. Asking before a key is looked for spares a signature, and an
    /// issuer the question for a key that has gone with its tokens.
    ///
    /// # Errors
    /// The first claim that would not.
    pub fn check_claims(&self, now: UnixTime) -> Result<(), JwtRejection> {
        self.claims(now).into_iter().try_for_each(|(_name, outcome)| outcome)?;
        self.expected()
    }

    /// The signature to be verified with the one key that is the token's.
    ///
    /// # Errors
    /// There is none, or not only one. [`NoKey::UnknownKid`] may be mended by a newer set.
    pub fn check_with<'c>(&'c self, keys: &'c KeySet) -> Result<SignatureCheck<'c>, NoKey>
    where
        'a: 'c,
    {
        keys.find(self.key_id(), self.algorithm).map(|key| SignatureCheck::new(self, key))
    }

    /// What a deny list can call it by.
    ///
    /// # Errors
    /// A claim of another shape: nobody could say whether it is meant.
    fn deniable(&self) -> Result<DenyListKeys, JwtRejection> {
        let jti = match self.claims.get("jti") {
            None | Some(Value::Null) => None,
            Some(Value::String(jti)) => Some(jti.as_str().into()),
            Some(_) => return Err(JwtRejection::ClaimShape("jti")),
        };
        let digest = Digest::of(self.credential.expose_secret());
        Ok(DenyListKeys { digest, jti, issued: claims::issued(&self.claims)? })
    }

    /// Whether the claims say what the policy expects. Nothing here is verified.
    ///
    /// # Errors
    /// The first that they do not say.
    pub fn expected(&self) -> Result<(), JwtRejection> {
        let mut unmet = self.jwt.rules.expect.iter().filter(|expected| expected.is_met_by(&self.claims) != Met::Yes);
        unmet.next().map_or(Ok(()), |expected| Err(JwtRejection::Expected(Arc::clone(&expected.at))))
    }

    /// The facts the claims state; for [`SignatureVerified`] alone.
    fn facts(&self, now: UnixTime) -> Result<Facts, JwtRejection> {
        self.check_claims(now)?;
        let life = self.jwt.rules.wanted.life(&self.claims)?;
        let facts = self.jwt.rules.pointers.read(&self.claims).map_err(JwtRejection::Fact)?;
        Ok(Facts { not_before: life.begins, expires: Some(life.ends), ..facts })
    }
}

impl fmt::Debug for Opened<'_> {
    /// Its parts are the token, which is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opened(..)")
    }
}

/// RFC 7518, 3.4: ECDSA's two numbers side by side, each of full size. EdDSA's two halves stay so; RSA's one number is
/// compared by whoever verifies.
fn as_libraries_want_it(signature: Vec<u8>, algorithm: Algorithm) -> Result<Vec<u8>, JwtRejection> {
    let make = algorithm.make();
    let Some(half) = make.coordinate() else {
        return if signature.is_empty() { Err(JwtRejection::SignatureLength) } else { Ok(signature) };
    };
    match signature.split_at_checked(half) {
        Some((_r, s)) if s.len() == half && make == Make::Ed25519 => Ok(signature),
        Some((r, s)) if s.len() == half => Ok(der::signature(r, s)),
        Some(_) | None => Err(JwtRejection::SignatureLength),
    }
}
