//! Owns a condition that is taken apart, and its outcomes where it is known what the places it reads are.

use super::place::World;
use crate::deciding::condition::Outcomes;

/// A condition, taken apart.
#[derive(Debug)]
pub(super) enum Node {
    Known(Outcomes),
    /// Whether a place is there.
    Has(usize),
    /// A test of a place, by the number of each.
    Test(usize, usize),
    /// A test of what a loop is at.
    OfEntry(usize),
    Not(Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
    One(Vec<Self>),
    Chosen(Box<[Self; 3]>),
    Same(Box<[Self; 2]>),
    /// What can also fail.
    OrFails(Box<Self>),
    /// A loop over a place.
    Loop(Quantifier, usize, Box<Self>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantifier {
    All,
    Exists,
    ExistsOne,
}

impl Node {
    /// The outcomes, where the places are what `worlds` says.
    pub(super) fn judged(&self, worlds: &[&World], entry: &[Outcomes]) -> Outcomes {
        let judged = |node: &Self| node.judged(worlds, entry);
        match self {
            Self::Known(outcomes) => *outcomes,
            Self::Has(place) => match worlds.get(*place) {
                Some(World::Absent) => Outcomes::FALSE,
                Some(World::Tests(_) | World::Entries(_)) => Outcomes::HOLDS,
                Some(World::Unknown) | None => Outcomes::ANY,
            },
            Self::Test(place, test) => match worlds.get(*place) {
                Some(World::Absent) => Outcomes::FAILS,
                Some(World::Tests(tests)) => tests.get(*test).copied().unwrap_or(Outcomes::ANY),
                Some(World::Entries(_) | World::Unknown) | None => Outcomes::ANY,
            },
            Self::OfEntry(test) => entry.get(*test).copied().unwrap_or(Outcomes::ANY),
            Self::Not(of) => judged(of).not(),
            Self::All(nodes) => nodes.iter().map(judged).fold(Outcomes::HOLDS, Outcomes::and),
            Self::Any(nodes) => nodes.iter().map(judged).fold(Outcomes::FALSE, Outcomes::or),
            Self::One(nodes) => Outcomes::one_of(nodes.iter().map(judged)),
            Self::Chosen(parts) => {
                let [is, yes, no] = &**parts;
                judged(is).chosen(judged(yes), judged(no))
            }
            Self::Same(parts) => {
                let [one, two] = &**parts;
                judged(one).same(judged(two))
            }
            Self::OrFails(of) => judged(of).or_fails(),
            Self::Loop(quantifier, place, body) => match worlds.get(*place) {
                Some(World::Entries(entries)) => {
                    let each = entries.iter().map(|entry| body.judged(worlds, entry));
                    match quantifier {
                        Quantifier::All => each.fold(Outcomes::HOLDS, Outcomes::and),
                        Quantifier::Exists => each.fold(Outcomes::FALSE, Outcomes::or),
                        Quantifier::ExistsOne => Outcomes::one_of(each),
                    }
                }
                Some(World::Absent) => Outcomes::FAILS,
                Some(World::Tests(_) | World::Unknown) | None => Outcomes::ANY,
            },
        }
    }
}
