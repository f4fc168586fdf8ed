//! Owns what is remembered of authorities' answers: bounded, keyed by a keyed hash, never a decision.
//!
//! Facts and refusals are kept apart, each with its own bound, so that a flood of random tokens cannot push out what
//! is known of good ones. The credential itself is never kept. What nobody could say is not remembered.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use brama_policy::{Answer, Facts, Lookup, Moment, Monotonic};

/// What one worker remembers; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Memory(Rc<RefCell<Store>>);

impl Memory {
    /// The answer to a lookup, if one is remembered and fresh.
    #[must_use]
    pub fn recall(&self, lookup: &Lookup, now: Moment) -> Option<Answer> {
        let mut store = self.0.try_borrow_mut().ok()?;
        let key = store.key(lookup);
        if let Some(facts) = store.active.fresh(key, now.monotonic) {
            return Some(Answer::Active(facts));
        }
        store.inactive.fresh(key, now.monotonic).map(|()| Answer::Inactive)
    }

    /// Keeps an answer for as long as the verifier allows, and facts no longer than the credential lives.
    pub fn remember(&self, lookup: &Lookup, answer: &Answer, now: Moment) {
        // Not to remember is always safe.
        let Ok(mut store) = self.0.try_borrow_mut() else { return };
        let key = store.key(lookup);
        let limits = lookup.verifier().cache();
        match answer {
            Answer::Active(facts) => {
                let life = facts.expires.map_or(limits.ttl, |end| limits.ttl.min(now.wall.until(end)));
                store.inactive.forget(key);
                store.active.keep(key, Arc::clone(facts), life, limits.entries, now.monotonic);
            }
            Answer::Inactive => {
                store.active.forget(key);
                store.inactive.keep(key, (), limits.refused_ttl, limits.entries, now.monotonic);
            }
            Answer::Unavailable(_) => {}
        }
    }
}

/// 128 bits, keyed with what no client knows: a credential cannot be made to meet another's facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key(u64, u64);

#[derive(Debug, Default)]
struct Store {
    hashers: (RandomState, RandomState),
    active: Shelf<Arc<Facts>>,
    inactive: Shelf<()>,
}

impl Store {
    /// The key covers the verifier's whole configuration: after a reload that asks otherwise, nothing old is found.
    fn key(&self, lookup: &Lookup) -> Key {
        let asked = (lookup.verifier(), lookup.kind().as_str(), lookup.credential().expose_secret());
        Key(self.hashers.0.hash_one(asked), self.hashers.1.hash_one(asked))
    }
}

/// A bounded map; the entry that was kept first goes first.
#[derive(Debug)]
struct Shelf<T> {
    entries: HashMap<Key, Entry<T>>,
    /// Keys with the number of their keeping; one that was kept again has a later number in its entry.
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

    fn keep(&mut self, key: Key, value: T, life: Duration, most: usize, now: Monotonic) {
        let Some(until) = now.after(life).filter(|until| now < *until) else {
            return self.forget(key);
        };
        self.kept = self.kept.wrapping_add(1);
        self.entries.insert(key, Entry { value, until, number: self.kept });
        self.order.push_back((key, self.kept));
        // Each keeping adds one place in the order; places of entries that are gone count too, so both stay bounded.
        while self.order.len() > most {
            let Some((oldest, number)) = self.order.pop_front() else { return };
            if self.entries.get(&oldest).is_some_and(|entry| entry.number == number) {
                self.entries.remove(&oldest);
            }
        }
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
        assert_eq!((shelf.entries.len(), shelf.order.len()), (10, 10));
        assert_eq!((shelf.fresh(Key(89, 89), at(1)), shelf.fresh(Key(90, 90), at(1))), (None, Some(90)));
    }

    #[test]
    fn one_key_kept_again_and_again_stays_one_entry() {
        let mut shelf = Shelf::default();
        for _ in 0..1000 {
            keep(&mut shelf, 1, 10, 10, 0);
        }
        assert_eq!(shelf.entries.len(), 1);
        assert!(shelf.order.len() <= 10);
        assert_eq!(shelf.fresh(Key(1, 1), at(1)), Some(1));
    }
}
