//! Owns the places in which the credentials of one request are presented: each has its own.

use brama_policy::deciding::{Policy, Source};
use brama_policy::identity::CredentialKind;

/// The place of each of these credentials, in their order: the first of its `from` that is free. One makes room for a
/// later one where it can stand elsewhere. `None` where no place is left.
pub(crate) fn places<'a>(
    policy: &'a Policy,
    kinds: &[&CredentialKind],
    is_free: impl Fn(&Source) -> bool,
) -> Vec<Option<&'a Source>> {
    let wanted = |kind: &&CredentialKind| policy.sources(kind).iter().filter(|source| is_free(source)).collect();
    let mut table = Table { placed: vec![None; kinds.len()], wanted: kinds.iter().map(wanted).collect() };
    for number in 0..kinds.len() {
        table.place(number, &mut Vec::new());
    }
    table.placed
}

/// Credentials by their numbers.
struct Table<'a> {
    placed: Vec<Option<&'a Source>>,
    /// The places that each can have.
    wanted: Vec<Vec<&'a Source>>,
}

impl<'a> Table<'a> {
    /// Finds a place for a credential, apart from those that were tried in vain; tells whether there is one.
    fn place(&mut self, number: usize, tried: &mut Vec<&'a Source>) -> bool {
        let wanted = self.wanted.get(number).cloned().unwrap_or_default();
        let free = wanted.iter().find(|source| self.holder(source).is_none()).copied();
        let place = free.or_else(|| {
            wanted.into_iter().find(|source| {
                let holder = self.holder(source).filter(|_| !tried.iter().any(|before| is_same(before, source)));
                let Some(holder) = holder else { return false };
                tried.push(source);
                self.place(holder, tried)
            })
        });
        if let (Some(place), Some(placed)) = (place, self.placed.get_mut(number)) {
            *placed = Some(place);
        }
        place.is_some()
    }

    /// Number of the credential that stands in a place.
    fn holder(&self, place: &Source) -> Option<usize> {
        self.placed.iter().position(|placed| placed.is_some_and(|placed| is_same(placed, place)))
    }
}

/// Tells whether two sources are one place. A header is one, whatever the schemes.
fn is_same(one: &Source, two: &Source) -> bool {
    (one.word(), one.name()) == (two.word(), two.name())
}
