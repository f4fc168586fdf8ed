//! Owns what is remembered of credentials: what authorities answered, and what signatures vouched for. Bounded, keyed by a
//! keyed hash, never a decision.
//!
//! API keys and tokens, facts and refusals are kept apart, each with its own bound, so that a flood of random
//! credentials cannot push out what is known of good ones; beyond it, what was asked for longest ago goes. The credential
//! itself is never kept. What nobody could say is not remembered.

use std::cell::RefCell;
use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;
use std::sync::Arc;

use brama_policy::{
    Answer, CacheLimits, CredentialKind, Deniable, Denied, Facts, Feed, KeyFingerprint, KeySet, Lookup, Moment,
    Rejected, Revocable, Revoked, UnusableFact,
};

use crate::scopes::SharedScopes;
use crate::shelf::Shelf;

/// What one worker remembers; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Memory(Rc<RefCell<Store>>);

impl Memory {
    /// The key of a lookup; `None` while the store is in use, which cannot be.
    #[must_use]
    pub fn key(&self, lookup: &Lookup) -> Option<Key> {
        self.0.try_borrow().ok().map(|store| store.key(lookup))
    }

    /// The answer to the lookup of this key, if one is remembered and fresh.
    #[must_use]
    pub fn recall(&self, kind: CredentialKind, key: Key, now: Moment) -> Option<Answer> {
        let mut store = self.0.try_borrow_mut().ok()?;
        let shelves = store.shelves(kind);
        if let Some(vouched) = shelves.active.fresh(&key, now.monotonic) {
            return Some(Answer::Active(Arc::clone(&vouched.facts)));
        }
        shelves.refused.fresh(&key, now.monotonic).map(|refused| match refused {
            RefusedFor::Inactive => Answer::Inactive,
            RefusedFor::Fact(fact) => Answer::Rejected(Rejected::Fact(Arc::clone(fact))),
        })
    }

    /// The facts of the lookup of this key that were fresh no longer ago than its verifier lets them serve.
    #[must_use]
    pub fn stale(&self, lookup: &Lookup, key: Key, now: Moment) -> Option<Arc<Facts>> {
        let mut store = self.0.try_borrow_mut().ok()?;
        let span = Some(lookup.verifier().cache().stale_for).filter(|span| !span.is_zero())?;
        let vouched = store.shelves(lookup.kind()).active.stale(&key, span, now.monotonic)?;
        Some(Arc::clone(&vouched.facts))
    }

    /// Keeps an answer for as long as the verifier allows, and facts no longer than the credential lives.
    pub fn remember(&self, lookup: &Lookup, key: Key, answer: &Answer, now: Moment) {
        // Not to remember is always safe.
        let Ok(mut store) = self.0.try_borrow_mut() else { return };
        let limits = lookup.verifier().cache();
        match answer {
            Answer::Active(facts) => {
                let feed = lookup.feed().map(|feed| (feed.fingerprint(), lookup.revocable()));
                store.vouch(lookup.kind(), key, facts, By::Authority { feed }, limits, now);
            }
            Answer::Inactive => store.refuse(lookup.kind(), key, RefusedFor::Inactive, limits, now),
            Answer::Rejected(Rejected::Fact(fact)) => {
                store.refuse(lookup.kind(), key, RefusedFor::Fact(Arc::clone(fact)), limits, now);
            }
            // A JWT's own: to refuse it again is cheap.
            Answer::Rejected(_) | Answer::Unavailable(_) => {}
        }
    }

    /// The facts of a token that speaks for itself, if they are remembered and fresh and the key that vouched for them is
    /// still one of these.
    #[must_use]
    pub fn recall_signed(&self, kind: CredentialKind, key: Key, keys: &KeySet, now: Moment) -> Option<Arc<Facts>> {
        let mut store = self.0.try_borrow_mut().ok()?;
        let shelves = store.shelves(kind);
        let Vouched { facts, by } = shelves.active.fresh(&key, now.monotonic)?;
        if matches!(by, By::Key { key: by, .. } if keys.has(*by)) {
            return Some(Arc::clone(facts));
        }
        shelves.active.forget(&key);
        None
    }

    /// Keeps the facts of a token that speaks for itself: by which key, and what a deny list can call it by.
    pub fn remember_signed(&self, lookup: &Lookup, key: Key, signed: Signed, now: Moment) {
        let Ok(mut store) = self.0.try_borrow_mut() else { return };
        let Signed { facts, by, deniable } = signed;
        let feed = lookup.feed().map(|feed| feed.fingerprint()).zip(deniable.map(Box::new));
        store.vouch(lookup.kind(), key, &facts, By::Key { key: by, feed }, lookup.verifier().cache(), now);
    }

    /// Forgets the facts that a feed has revoked, and says of how many credentials.
    pub fn revoke(&self, feed: &Feed, revoked: &Revoked, denied: &Denied) -> usize {
        if revoked.is_none() && denied.is_empty() {
            return 0;
        }
        // INVARIANT: nobody holds the store across a callback, or what was revoked would stay.
        let Ok(mut store) = self.0.try_borrow_mut() else { return 0 };
        let is_revoked = |Vouched { facts, by }: &Vouched| match by {
            By::Authority { feed: Some((of, credential)) } => {
                *of == feed.fingerprint() && revoked.concerns(credential, facts)
            }
            By::Key { feed: Some((of, deniable)), .. } => *of == feed.fingerprint() && denied.denies(deniable, facts),
            By::Authority { feed: None } | By::Key { feed: None, .. } => false,
        };
        let Store { api_keys, tokens, .. } = &mut *store;
        [api_keys, tokens].map(|shelves| shelves.active.forget_where(is_revoked)).iter().sum()
    }
}

/// What a verified signature vouches for.
#[derive(Debug)]
pub struct Signed {
    /// The token's facts.
    pub facts: Arc<Facts>,
    /// Whose signature it is.
    pub by: KeyFingerprint,
    /// What a deny list can call it by; `None` where no feed has one.
    pub deniable: Option<Deniable>,
}

/// 128 bits, keyed with what no client knows: a credential cannot be made to meet another's facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(u64, u64);

#[derive(Debug, Default)]
struct Store {
    hashers: (RandomState, RandomState),
    api_keys: Shelves,
    tokens: Shelves,
    scopes: SharedScopes,
}

#[derive(Debug, Default)]
struct Shelves {
    active: Shelf<Key, Vouched>,
    refused: Shelf<Key, RefusedFor>,
}

/// Why a credential is not vouched for.
#[derive(Debug)]
enum RefusedFor {
    /// Its authority says so.
    Inactive,
    /// Its authority states a fact that cannot be used.
    Fact(Arc<UnusableFact>),
}

#[derive(Debug)]
struct Vouched {
    facts: Arc<Facts>,
    by: By,
}

/// Who vouches for facts.
#[derive(Debug)]
enum By {
    /// An authority; the feed that can revoke them, and what it calls the credential.
    Authority { feed: Option<(u64, Revocable)> },
    /// A key, by its signature; the feed whose deny list the token is held against, and what that one calls it. Boxed: most
    /// facts are an authority's.
    Key { key: KeyFingerprint, feed: Option<(u64, Box<Deniable>)> },
}

impl Store {
    /// The key covers what was asked of whom, and every credential the question held: after a reload that asks otherwise,
    /// or beside another API key that was sent along, nothing old is found.
    fn key(&self, lookup: &Lookup) -> Key {
        let asked = lookup.depends_on();
        Key(self.hashers.0.hash_one(&asked), self.hashers.1.hash_one(&asked))
    }

    /// What is known of a credential that is vouched for.
    fn vouch(&mut self, kind: CredentialKind, key: Key, facts: &Arc<Facts>, by: By, limits: CacheLimits, now: Moment) {
        let facts = self.scopes.shared(facts);
        let life = facts.expires.map_or(limits.ttl, |end| limits.ttl.min(now.wall.until(end)));
        let shelves = self.shelves(kind);
        shelves.refused.forget(&key);
        shelves.active.keep(key, Vouched { facts, by }, life, limits.entries, now.monotonic);
    }

    fn refuse(&mut self, kind: CredentialKind, key: Key, why: RefusedFor, limits: CacheLimits, now: Moment) {
        let shelves = self.shelves(kind);
        shelves.active.forget(&key);
        shelves.refused.keep(key, why, limits.refused_ttl, limits.entries, now.monotonic);
    }

    const fn shelves(&mut self, kind: CredentialKind) -> &mut Shelves {
        match kind {
            CredentialKind::ApiKey => &mut self.api_keys,
            CredentialKind::Token => &mut self.tokens,
        }
    }
}
