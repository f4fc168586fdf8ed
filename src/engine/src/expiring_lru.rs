//! Owns a bounded map whose entries expire; beyond its bound the least recently used entry is evicted.

use std::hash::Hash;
use std::time::Duration;

use brama_policy::deciding::Monotonic;
use hashlink::LruCache;

/// Map of entries that expire.
#[derive(Debug)]
pub(crate) struct ExpiringLru<K, T>(LruCache<K, Entry<T>>);

#[derive(Debug)]
struct Entry<T> {
    value: T,
    until: Monotonic,
}

impl<K: Eq + Hash, T> Default for ExpiringLru<K, T> {
    fn default() -> Self {
        // The bound is the caller's, given with each insertion.
        Self(LruCache::new_unbounded())
    }
}

impl<K: Eq + Hash, T> ExpiringLru<K, T> {
    pub(crate) fn get(&mut self, key: &K, now: Monotonic) -> Option<&T> {
        self.get_stale(key, Duration::ZERO, now)
    }

    /// The value, also up to this long after it expired.
    pub(crate) fn get_stale(&mut self, key: &K, span: Duration, now: Monotonic) -> Option<&T> {
        let end = self.0.peek(key)?.until.after(span)?;
        if now < end { self.0.get(key).map(|entry| &entry.value) } else { None }
    }

    /// The value, whether or not it has expired; that it was asked for is not noted.
    pub(crate) fn peek(&self, key: &K) -> Option<&T> {
        self.0.peek(key).map(|entry| &entry.value)
    }

    pub(crate) fn remove(&mut self, key: &K) {
        self.0.remove(key);
    }

    /// Removes the values for which this is true, and returns their number.
    pub(crate) fn remove_where(&mut self, is_gone: impl Fn(&T) -> bool) -> usize {
        let before = self.0.len();
        self.0.retain(|_key, entry| !is_gone(&entry.value));
        before.saturating_sub(self.0.len())
    }

    /// Inserts a value for this long, and evicts down to the bound.
    pub(crate) fn insert(&mut self, key: K, value: T, life: Duration, most: usize, now: Monotonic) {
        let Some(until) = now.after(life).filter(|until| now < *until) else {
            return self.remove(&key);
        };
        self.0.insert(key, Entry { value, until });
        while self.0.len() > most {
            self.0.remove_lru();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Monotonic {
        Monotonic::from_origin(Duration::from_secs(seconds))
    }

    fn insert(lru: &mut ExpiringLru<u64, u64>, key: u64, life: u64, most: usize, now: u64) {
        lru.insert(key, key, Duration::from_secs(life), most, at(now));
    }

    fn of(keys: std::ops::Range<u64>) -> ExpiringLru<u64, u64> {
        let mut lru = ExpiringLru::default();
        keys.for_each(|key| insert(&mut lru, key, 10, 10, 0));
        lru
    }

    fn has(lru: &mut ExpiringLru<u64, u64>, key: u64) -> bool {
        lru.get(&key, at(1)).is_some()
    }

    #[test]
    fn entry_is_fresh_until_its_time() {
        let mut lru = of(1..2);
        assert_eq!(lru.get(&1, at(9)), Some(&1));
        assert_eq!(lru.get(&1, at(10)), None);
        assert_eq!(lru.get_stale(&1, Duration::from_secs(5), at(14)), Some(&1));
        assert_eq!(lru.get_stale(&1, Duration::from_secs(5), at(15)), None);
        insert(&mut lru, 1, 0, 5, 0);
        assert_eq!(lru.get(&1, at(0)), None);
    }

    #[test]
    fn shelf_is_bounded_and_lets_go_what_was_asked_for_longest_ago() {
        let mut lru = of(0..100);
        assert_eq!(lru.0.len(), 10);
        assert!(!has(&mut lru, 89) && has(&mut lru, 90));
        insert(&mut lru, 100, 10, 10, 1);
        assert!(has(&mut lru, 90) && !has(&mut lru, 91));
    }

    #[test]
    fn smaller_bound_is_in_force_at_the_next_keeping() {
        let mut lru = of(0..10);
        insert(&mut lru, 10, 10, 3, 1);
        assert_eq!(lru.0.len(), 3);
    }

    #[test]
    fn one_key_kept_again_and_again_pushes_nobody_out() {
        let mut lru = of(0..2);
        (0..1000).for_each(|_| insert(&mut lru, 1, 10, 2, 0));
        assert!(has(&mut lru, 0) && has(&mut lru, 1));
    }

    #[test]
    fn what_is_gone_is_counted() {
        let mut lru = of(0..10);
        assert_eq!(lru.remove_where(|value| value % 2 == 0), 5);
        assert!(!has(&mut lru, 2) && has(&mut lru, 3));
    }
}
