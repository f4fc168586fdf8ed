//! Owns a bounded map whose entries have an end; beyond the bound, what was asked for longest ago goes.

use std::hash::Hash;
use std::time::Duration;

use brama_policy::Monotonic;
use hashlink::LruCache;

/// Entries, each until its time.
#[derive(Debug)]
pub(crate) struct Shelf<K, T>(LruCache<K, Entry<T>>);

#[derive(Debug)]
struct Entry<T> {
    value: T,
    until: Monotonic,
}

impl<K: Eq + Hash, T> Default for Shelf<K, T> {
    fn default() -> Self {
        // What is on the shelf is bounded by whoever puts it there.
        Self(LruCache::new_unbounded())
    }
}

impl<K: Eq + Hash, T> Shelf<K, T> {
    pub(crate) fn fresh(&mut self, key: &K, now: Monotonic) -> Option<&T> {
        self.stale(key, Duration::ZERO, now)
    }

    /// What was fresh no longer ago than this.
    pub(crate) fn stale(&mut self, key: &K, span: Duration, now: Monotonic) -> Option<&T> {
        let end = self.0.peek(key)?.until.after(span)?;
        if now < end { self.0.get(key).map(|entry| &entry.value) } else { None }
    }

    pub(crate) fn forget(&mut self, key: &K) {
        self.0.remove(key);
    }

    /// Forgets what is gone, and says how much that was.
    pub(crate) fn forget_where(&mut self, is_gone: impl Fn(&T) -> bool) -> usize {
        let before = self.0.len();
        self.0.retain(|_key, entry| !is_gone(&entry.value));
        before.saturating_sub(self.0.len())
    }

    /// Keeps a value for a while, among so many at most.
    pub(crate) fn keep(&mut self, key: K, value: T, life: Duration, most: usize, now: Monotonic) {
        let Some(until) = now.after(life).filter(|until| now < *until) else {
            return self.forget(&key);
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

    fn keep(shelf: &mut Shelf<u64, u64>, key: u64, life: u64, most: usize, now: u64) {
        shelf.keep(key, key, Duration::from_secs(life), most, at(now));
    }

    fn of(keys: std::ops::Range<u64>) -> Shelf<u64, u64> {
        let mut shelf = Shelf::default();
        keys.for_each(|key| keep(&mut shelf, key, 10, 10, 0));
        shelf
    }

    fn has(shelf: &mut Shelf<u64, u64>, key: u64) -> bool {
        shelf.fresh(&key, at(1)).is_some()
    }

    #[test]
    fn entry_is_fresh_until_its_time() {
        let mut shelf = of(1..2);
        assert_eq!(shelf.fresh(&1, at(9)), Some(&1));
        assert_eq!(shelf.fresh(&1, at(10)), None);
        assert_eq!(shelf.stale(&1, Duration::from_secs(5), at(14)), Some(&1));
        assert_eq!(shelf.stale(&1, Duration::from_secs(5), at(15)), None);
        keep(&mut shelf, 1, 0, 5, 0);
        assert_eq!(shelf.fresh(&1, at(0)), None);
    }

    #[test]
    fn shelf_is_bounded_and_lets_go_what_was_asked_for_longest_ago() {
        let mut shelf = of(0..100);
        assert_eq!(shelf.0.len(), 10);
        assert!(!has(&mut shelf, 89) && has(&mut shelf, 90));
        keep(&mut shelf, 100, 10, 10, 1);
        assert!(has(&mut shelf, 90) && !has(&mut shelf, 91));
    }

    #[test]
    fn smaller_bound_is_in_force_at_the_next_keeping() {
        let mut shelf = of(0..10);
        keep(&mut shelf, 10, 10, 3, 1);
        assert_eq!(shelf.0.len(), 3);
    }

    #[test]
    fn one_key_kept_again_and_again_pushes_nobody_out() {
        let mut shelf = of(0..2);
        (0..1000).for_each(|_| keep(&mut shelf, 1, 10, 2, 0));
        assert!(has(&mut shelf, 0) && has(&mut shelf, 1));
    }

    #[test]
    fn what_is_gone_is_counted() {
        let mut shelf = of(0..10);
        assert_eq!(shelf.forget_where(|value| value % 2 == 0), 5);
        assert!(!has(&mut shelf, 2) && has(&mut shelf, 3));
    }
}
