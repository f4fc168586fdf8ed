//! Owns what is remembered of authorities' answers: bounded, keyed by a keyed hash, never a decision.
//!
//! API keys and tokens, facts and refusals are kept apart, each with its own bound, so that a flood of random
//! credentials cannot push out what is known of good ones. The credential itself is never kept. What nobody could say
//! is not remembered.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use brama_policy::{
    Answer, CacheLimits, CredentialKind, Facts, Feed, KeyFingerprint, KeySet, Lookup, Moment, Monotonic, Revocable,
    Revoked,
};

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
        if let Some(vouched) = shelves.active.fresh(key, now.monotonic) {
            return Some(Answer::Active(vouched.facts));
        }
        shelves.inactive.fresh(key, now.monotonic).map(|()| Answer::Inactive)
    }

    /// Keeps an answer for as long as the verifier allows, and facts no longer than the credential lives.
    pub fn remember(&self, lookup: &Lookup, key: Key, answer: &Answer, now: Moment) {
        // Not to remember is always safe.
        let Ok(mut store) = self.0.try_borrow_mut() else { return };
        let shelves = store.shelves(lookup.kind());
        let limits = lookup.verifier().cache();
        match answer {
            Answer::Active(facts) => {
                shelves.inactive.forget(key);
                let feed = lookup.feed().map(|feed| (feed.fingerprint(), lookup.revocable()));
                shelves.vouch(key, Vouched { facts: Arc::clone(facts), by: By::Authority { feed } }, limits, now);
            }
            Answer::Inactive => {
                shelves.active.forget(key);
                shelves.inactive.keep(key, (), limits.refused_ttl, limits.entries, now.monotonic);
            }
            Answer::Unavailable(_) => {}
        }
    }

    /// The facts of a token that speaks for itself, if they are remembered and fresh and the key that vouched for them is
    /// still one of these.
    #[must_use]
    pub fn recall_signed(&self, kind: CredentialKind, key: Key, keys: &KeySet, now: Moment) -> Option<Arc<Facts>> {
        let mut store = self.0.try_borrow_mut().ok()?;
        let shelves = store.shelves(kind);
        let Vouched { facts, by } = shelves.active.fresh(key, now.monotonic)?;
        if matches!(by, By::Key(by) if keys.has(by)) {
            return Some(facts);
        }
        shelves.active.forget(key);
        None
    }

    /// Keeps the facts of a token that speaks for itself, and by which key.
    pub fn remember_signed(&self, lookup: &Lookup, key: Key, facts: &Arc<Facts>, by: KeyFingerprint, now: Moment) {
        let Ok(mut store) = self.0.try_borrow_mut() else { return };
        let vouched = Vouched { facts: Arc::clone(facts), by: By::Key(by) };
        store.shelves(lookup.kind()).vouch(key, vouched, lookup.verifier().cache(), now);
    }

    /// Forgets the facts that a feed has revoked, and says of how many credentials.
    pub fn revoke(&self, feed: &Feed, revoked: &Revoked) -> usize {
        if revoked.is_none() {
            return 0;
        }
        // INVARIANT: nobody holds the store across a callback, or what was revoked would stay.
        let Ok(mut store) = self.0.try_borrow_mut() else { return 0 };
        let is_revoked = |vouched: &Vouched| match &vouched.by {
            By::Authority { feed: Some((of, credential)) } => {
                *of == feed.fingerprint() && revoked.concerns(credential, &vouched.facts)
            }
            By::Authority { feed: None } | By::Key(_) => false,
        };
        let Store { api_keys, tokens, .. } = &mut *store;
        [api_keys, tokens].map(|shelves| shelves.active.forget_where(is_revoked)).iter().sum()
    }
}

/// 128 bits, keyed with what no client knows: a credential cannot be made to meet another's facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(u64, u64);

#[derive(Debug, Default)]
struct Store {
    hashers: (RandomState, RandomState),
    api_keys: Shelves,
    tokens: Shelves,
}

#[derive(Debug, Default)]
struct Shelves {
    active: Shelf<Vouched>,
    inactive: Shelf<()>,
}

#[derive(Clone, Debug)]
struct Vouched {
    facts: Arc<Facts>,
    by: By,
}

/// Who vouches for facts.
#[derive(Clone, Copy, Debug)]
enum By {
    /// An authority; the feed that can revoke them, and what it calls the credential.
    Authority { feed: Option<(u64, Revocable)> },
    /// A key, by its signature.
    Key(KeyFingerprint),
}

impl Shelves {
    fn vouch(&mut self, key: Key, vouched: Vouched, limits: CacheLimits, now: Moment) {
        let life = vouched.facts.expires.map_or(limits.ttl, |end| limits.ttl.min(now.wall.until(end)));
        self.active.keep(key, vouched, life, limits.entries, now.monotonic);
    }
}

impl Store {
    /// The key covers what was asked of whom, and every credential the question held: after a reload that asks otherwise,
    /// or beside another API key that was sent along, nothing old is found.
    fn key(&self, lookup: &Lookup) -> Key {
        let asked = lookup.depends_on();
        Key(self.hashers.0.hash_one(&asked), self.hashers.1.hash_one(&asked))
    }

    const fn shelves(&mut self, kind: CredentialKind) -> &mut Shelves {
        match kind {
            CredentialKind::ApiKey => &mut self.api_keys,
            CredentialKind::Token => &mut self.tokens,
        }
    }
}

/// A bounded map; the entry that was kept first goes first.
#[derive(Debug)]
struct Shelf<T> {
    entries: HashMap<Key, Entry<T>>,
    /// Keys with the number of their keeping. Where an entry was kept again or is gone, the place is stale.
    order: VecDeque<(Key, u64)>,
    kept: u64,
}

#[derive(Debug)]
struct Entry<T> {
    value: T,
    until: Monotonic,
    number: u64,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { entries: HashMap::new(), order: VecDeque::new(), kept: 0 }
    }
}

impl<T: Clone> Shelf<T> {
    fn fresh(&mut self, key: Key, now: Monotonic) -> Option<T> {
        let entry = self.entries.get(&key)?;
        if now < entry.until {
            return Some(entry.value.clone());
        }
        self.forget(key);
        None
    }

    fn forget(&mut self, key: Key) {
        self.entries.remove(&key);
    }

    fn forget_where(&mut self, is_gone: impl Fn(&T) -> bool) -> usize {
        let before = self.entries.len();
        self.entries.retain(|_key, entry| !is_gone(&entry.value));
        before.saturating_sub(self.entries.len())
    }

    fn keep(&mut self, key: Key, value: T, life: Duration, most: usize, now: Monotonic) {
        let Some(until) = now.after(life).filter(|until| now < *until) else {
            return self.forget(key);
        };
        self.kept = self.kept.wrapping_add(1);
        self.entries.insert(key, Entry { value, until, number: self.kept });
        self.order.push_back((key, self.kept));
        while self.entries.len() > most {
            let Some((oldest, number)) = self.order.pop_front() else { return };
            if self.is_at(oldest, number) {
                self.entries.remove(&oldest);
            }
        }
        // Stale places are swept before they outnumber what may be kept; the keepings since the last sweep pay for it.
        if self.order.len() > most.saturating_mul(2) {
            let mut order = std::mem::take(&mut self.order);
            order.retain(|(key, number)| self.is_at(*key, *number));
            self.order = order;
        }
    }

    fn is_at(&self, key: Key, number: u64) -> bool {
        self.entries.get(&key).is_some_and(|entry| entry.number == number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Monotonic {
        Monotonic::from_origin(Duration::from_secs(seconds))
    }

    fn keep(shelf: &mut Shelf<u64>, key: u64, life: u64, most: usize, now: u64) {
        shelf.keep(Key(key, key), key, Duration::from_secs(life), most, at(now));
    }

    #[test]
    fn entry_is_fresh_until_its_time() {
        let mut shelf = Shelf::default();
        keep(&mut shelf, 1, 10, 5, 0);
        assert_eq!(shelf.fresh(Key(1, 1), at(9)), Some(1));
        assert_eq!(shelf.fresh(Key(1, 1), at(10)), None);
        assert!(shelf.entries.is_empty());
        keep(&mut shelf, 1, 0, 5, 0);
        assert_eq!(shelf.fresh(Key(1, 1), at(0)), None);
    }

    #[test]
    fn shelf_is_bounded_and_lets_the_oldest_go() {
        let mut shelf = Shelf::default();
        for key in 0..100 {
            keep(&mut shelf, key, 10, 10, 0);
        }
        assert_eq!(shelf.entries.len(), 10);
        assert_eq!((shelf.fresh(Key(89, 89), at(1)), shelf.fresh(Key(90, 90), at(1))), (None, Some(90)));
    }

    #[test]
    fn one_key_kept_again_and_again_pushes_nobody_out() {
        let mut shelf = Shelf::default();
        keep(&mut shelf, 0, 10, 10, 0);
        for _ in 0..1000 {
            keep(&mut shelf, 1, 10, 10, 0);
            assert!(shelf.order.len() <= 20);
        }
        assert_eq!(shelf.entries.len(), 2);
        assert_eq!((shelf.fresh(Key(0, 0), at(1)), shelf.fresh(Key(1, 1), at(1))), (Some(0), Some(1)));
    }

    #[test]
    fn keys_that_come_and_go_leave_nothing_behind() {
        let mut shelf = Shelf::default();
        for key in 0..1000 {
            keep(&mut shelf, key, 10, 10, 0);
            shelf.forget(Key(key, key));
        }
        assert!(shelf.entries.is_empty() && shelf.order.len() <= 21);
    }
}
