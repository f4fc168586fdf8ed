//! Owns the cache of credentials: facts and refusals stated by authorities, and facts of JWTs whose signature was
//! verified. Bounded, keyed by a keyed hash; no decision is cached.
//!
//! Each kind of credential has a cache of its own, and so have facts and refusals, each with its own bound: a flood of
//! random credentials evicts no good one. The least recently used entry is evicted first. The credential itself is
//! never stored, and an outage is never cached.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use brama_policy::deciding::Moment;
use brama_policy::identity::{
    Answer, CacheLimits, Claimant, CredentialKind, DenyList, DenyListKeys, Facts, Feed, JwtRejection, KeyFingerprint,
    KeySet, Lookup, RevocationKeys, RevocationSet, UnusableFact,
};

use crate::expiring_lru::ExpiringLru;
use crate::scope_interner::ScopeInterner;

/// The credential cache of one worker.
#[derive(Debug, Default)]
pub struct CredentialCache {
    hashers: (RandomState, RandomState),
    kinds: BTreeMap<CredentialKind, KindCache>,
    scopes: ScopeInterner,
}

impl CredentialCache {
    /// Cache key of a lookup. It covers the authority, the question and each credential in it: after a reload that asks
    /// otherwise, or with another API key sent along, nothing old is found.
    #[must_use]
    pub fn key(&self, lookup: &Lookup) -> CacheKey {
        let asked = lookup.depends_on();
        CacheKey(self.hashers.0.hash_one(&asked), self.hashers.1.hash_one(&asked))
    }

    /// Tells a lookup its verifier, where one of several was found for a token of which facts are cached: then the token
    /// needs no reading. The key covers the token and its verifiers, so it is the same one.
    pub fn settle(&self, lookup: &Lookup, key: CacheKey) {
        if !lookup.is_open() {
            return;
        }
        let known = self.kinds.get(lookup.kind()).and_then(|kind| kind.positive.peek(&key));
        if let Some(CachedFacts { by: Source::Key { claimant: Some(claimant), .. }, .. }) = known {
            lookup.settle(*claimant);
        }
    }

    /// The cached answer to the lookup of this key, if it is fresh.
    #[must_use]
    pub fn get(&mut self, kind: &CredentialKind, key: CacheKey, now: Moment) -> Option<Answer> {
        let kind = self.of_kind(kind);
        if let Some(vouched) = kind.positive.get(&key, now.monotonic) {
            return Some(Answer::Active(Arc::clone(&vouched.facts)));
        }
        kind.negative.get(&key, now.monotonic).map(|refused| match refused {
            RefusedFor::Inactive => Answer::Inactive,
            RefusedFor::Fact(fact) => Answer::Rejected(JwtRejection::Fact(Arc::clone(fact))),
        })
    }

    /// Cached facts that have expired within the verifier's `stale_for`.
    #[must_use]
    pub fn get_stale(&mut self, lookup: &Lookup, key: CacheKey, now: Moment) -> Option<Arc<Facts>> {
        let span = Some(lookup.verifier().cache().stale_for).filter(|span| !span.is_zero())?;
        let vouched = self.of_kind(lookup.kind()).positive.get_stale(&key, span, now.monotonic)?;
        Some(Arc::clone(&vouched.facts))
    }

    /// Caches an answer for the verifier's time to live; facts no longer than the credential's own expiry.
    pub fn insert(&mut self, lookup: &Lookup, key: CacheKey, answer: &Answer, now: Moment) {
        let limits = lookup.verifier().cache();
        match answer {
            Answer::Active(facts) => {
                let feed = lookup.feed().map(|feed| (feed.fingerprint(), lookup.revocable()));
                self.insert_positive(lookup.kind(), key, facts, Source::Authority { feed }, limits, now);
            }
            Answer::Inactive => self.insert_negative(lookup.kind(), key, RefusedFor::Inactive, limits, now),
            Answer::Rejected(JwtRejection::Fact(fact)) => {
                self.insert_negative(lookup.kind(), key, RefusedFor::Fact(Arc::clone(fact)), limits, now);
            }
            // A JWT's own faults: refusing it again is cheap.
            Answer::Rejected(_) | Answer::Unavailable(_) => {}
        }
    }

    /// Cached facts of a verified JWT, if they are fresh and the signing key is still in this key set.
    #[must_use]
    pub fn get_signed(
        &mut self,
        kind: &CredentialKind,
        key: CacheKey,
        keys: &KeySet,
        now: Moment,
    ) -> Option<Arc<Facts>> {
        let kind = self.of_kind(kind);
        let CachedFacts { facts, by } = kind.positive.get(&key, now.monotonic)?;
        if matches!(by, Source::Key { key: by, .. } if keys.has(*by)) {
            return Some(Arc::clone(facts));
        }
        kind.positive.remove(&key);
        None
    }

    /// Caches a verified JWT's facts, with the signing key and the identifiers by which a deny list may name it.
    pub fn insert_signed(&mut self, lookup: &Lookup, key: CacheKey, signed: SignedFacts, now: Moment) {
        let SignedFacts { facts, by, deniable } = signed;
        let feed = lookup.feed().map(|feed| feed.fingerprint()).zip(deniable.map(Box::new));
        let by = Source::Key { key: by, feed, claimant: lookup.claimant() };
        self.insert_positive(lookup.kind(), key, &facts, by, lookup.verifier().cache(), now);
    }

    /// Removes the facts that a feed has revoked, and returns the number of credentials.
    pub fn revoke(&mut self, feed: &Feed, revoked: &RevocationSet, denied: &DenyList) -> usize {
        if revoked.is_none() && denied.is_empty() {
            return 0;
        }
        let is_revoked = |CachedFacts { facts, by }: &CachedFacts| match by {
            Source::Authority { feed: Some((of, credential)) } => {
                *of == feed.fingerprint() && revoked.concerns(credential, facts)
            }
            Source::Key { feed: Some((of, deniable)), .. } => {
                *of == feed.fingerprint() && denied.denies(deniable, facts)
            }
            Source::Authority { feed: None } | Source::Key { feed: None, .. } => false,
        };
        self.kinds.values_mut().map(|cache| cache.positive.remove_where(is_revoked)).sum()
    }
}

/// Facts of a JWT whose signature was verified.
#[derive(Debug)]
pub struct SignedFacts {
    /// The token's facts.
    pub facts: Arc<Facts>,
    /// Key that signed it.
    pub by: KeyFingerprint,
    /// Identifiers by which a deny list may name it; `None` where no feed has a deny list.
    pub deniable: Option<DenyListKeys>,
}

/// Keyed hash of 128 bits. The key is unknown to clients, so no credential can be made to meet another's facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CacheKey(u64, u64);

#[derive(Debug, Default)]
struct KindCache {
    positive: ExpiringLru<CacheKey, CachedFacts>,
    negative: ExpiringLru<CacheKey, RefusedFor>,
}

/// Reason of a cached refusal.
#[derive(Debug)]
enum RefusedFor {
    /// Its authority says so.
    Inactive,
    /// Its authority states a fact that cannot be used.
    Fact(Arc<UnusableFact>),
}

#[derive(Debug)]
struct CachedFacts {
    facts: Arc<Facts>,
    by: Source,
}

/// Source of cached facts.
#[derive(Debug)]
enum Source {
    /// An authority's answer; the feed that can revoke it, and the identifiers by which that feed names the credential.
    Authority { feed: Option<(u64, RevocationKeys)> },
    /// A signing key; the feed whose deny list the JWT is held against, and the identifiers by which that list names
    /// it, boxed, since most facts are an authority's; the number of its verifier, where there are several.
    Key { key: KeyFingerprint, feed: Option<(u64, Box<DenyListKeys>)>, claimant: Option<Claimant> },
}

impl CredentialCache {
    /// Caches facts, and drops a cached refusal.
    fn insert_positive(
        &mut self,
        kind: &CredentialKind,
        key: CacheKey,
        facts: &Arc<Facts>,
        by: Source,
        limits: CacheLimits,
        now: Moment,
    ) {
        let facts = self.scopes.intern(facts);
        let life = facts.expires.map_or(limits.ttl, |end| limits.ttl.min(now.wall.until(end)));
        let kind = self.of_kind(kind);
        kind.negative.remove(&key);
        kind.positive.insert(key, CachedFacts { facts, by }, life, limits.entries, now.monotonic);
    }

    fn insert_negative(
        &mut self,
        kind: &CredentialKind,
        key: CacheKey,
        why: RefusedFor,
        limits: CacheLimits,
        now: Moment,
    ) {
        let kind = self.of_kind(kind);
        kind.positive.remove(&key);
        kind.negative.insert(key, why, limits.refused_ttl, limits.entries, now.monotonic);
    }

    fn of_kind(&mut self, kind: &CredentialKind) -> &mut KindCache {
        self.kinds.entry(kind.clone()).or_default()
    }
}
