//! Owns the lint of what is written twice in a list where once says all.

use std::collections::BTreeSet;
use std::fmt::Display;

use super::Lint;
use crate::fault::Place;

pub(super) fn told<T: Ord + Display>(entries: &[T], place: &Place, lints: &mut Vec<Lint>) {
    let mut before = BTreeSet::new();
    for (index, entry) in entries.iter().enumerate() {
        if !before.insert(entry) {
            let message = format!("`{entry}` is written twice");
            lints.push(Lint::new("written_twice", place.index(index), message, "remove one of them"));
        }
    }
}
