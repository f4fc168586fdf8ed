//! Owns what one place of a request can be, as far as the tests of a condition tell it apart.

use std::collections::BTreeSet;

use cel::common::ast::operators;
use cel::parser::Expression;

use super::steps::{self, Step};
use crate::deciding::condition::Outcomes;
use crate::deciding::condition::language::{Automaton, Pattern, Tested};
use crate::deciding::condition::types::Whole;

/// Something that a condition reads, and all its tests.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) expression: Expression,
    values: Values,
    /// Whether it can be absent, so that all its tests fail.
    is_optional: bool,
    /// Whether it is asked how many entries pass a test.
    pub(super) is_counted: bool,
    tests: Vec<Test>,
}

/// The values that a place can have.
#[derive(Debug)]
pub(super) enum Values {
    Text(Pattern),
    Number(Whole),
    /// Any number of these texts, each once or as often as it comes.
    List {
        of: Pattern,
        is_each_once: bool,
    },
    /// Outcomes of a comparison that is not followed.
    Outcome,
}

/// A test of a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Test {
    Text(Tested),
    /// An operator with a number on its right, and what is done to the place's number before.
    Number(&'static str, Vec<Step>, i64),
    /// Whether a comparison that is not followed holds.
    Holds,
}

/// One of the things that a place can be; tests are in the order in which they were added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum World {
    /// Nothing is known of it.
    Unknown,
    /// It is not there, and each of its tests fails.
    Absent,
    /// The outcomes of its tests.
    Tests(Vec<Outcomes>),
    /// The outcomes of its tests for each entry of a list, as far as entries are told apart.
    Entries(Vec<Vec<Outcomes>>),
}

impl Place {
    pub(super) const fn new(expression: Expression, values: Values, is_optional: bool) -> Self {
        Self { expression, values, is_optional, is_counted: false, tests: Vec::new() }
    }

    /// Adds a test, if it has it not; which one it is. How often a comparison is met is told by the number of its
    /// tests.
    pub(super) fn test(&mut self, test: Test) -> usize {
        let known = self.tests.iter().position(|other| *other == test && test != Test::Holds);
        known.unwrap_or_else(|| {
            self.tests.push(test);
            self.tests.len().saturating_sub(1)
        })
    }

    /// All that it can be, as far as a search over so many states finds it; never nothing.
    pub(super) fn worlds(&self, states: usize) -> Vec<World> {
        let mut worlds = match &self.values {
            Values::Text(pattern) => self.texts(pattern, states).map(|rows| of_tests(rows, Outcomes::exactly)),
            Values::Number(whole) => {
                let outcome = |holds: Option<bool>| holds.map_or(Outcomes::FAILS, Outcomes::exactly);
                Some(of_tests(numbers(whole, &self.tests), outcome))
            }
            Values::List { of, is_each_once } => {
                self.texts(of, states).and_then(|rows| self.lists(rows, *is_each_once))
            }
            // Met once, it can have each outcome wherever it is met.
            Values::Outcome if self.tests.len() < 2 => None,
            Values::Outcome => {
                let rows = [true, false].map(|holds| vec![holds; self.tests.len()]).into();
                Some(of_tests(rows, Outcomes::exactly))
            }
        }
        .unwrap_or_else(|| vec![World::Unknown]);
        if self.is_optional && worlds != [World::Unknown] {
            worlds.push(World::Absent);
        }
        worlds
    }

    /// The outcomes of its tests, for each text.
    fn texts(&self, pattern: &Pattern, states: usize) -> Option<BTreeSet<Vec<bool>>> {
        let tests: Vec<_> = self.tests.iter().filter_map(Test::text).cloned().collect();
        Automaton::of(pattern).rows(&tests, states)
    }

    /// What a list can have in it of these sorts of entries; `None` where that is too much.
    fn lists(&self, rows: BTreeSet<Vec<bool>>, is_each_once: bool) -> Option<Vec<World>> {
        let mut lists: Vec<Vec<Vec<Outcomes>>> = vec![Vec::new()];
        for row in rows {
            let is_text = |(test, passed): (&Test, &bool)| *passed && test.text().is_some_and(Tested::is_of_one_text);
            let is_one = is_each_once && self.tests.iter().zip(&row).any(is_text);
            let entry: Vec<_> = row.into_iter().map(Outcomes::exactly).collect();
            // To `exists_one`, two are as good as many.
            let most = if self.is_counted && !is_one { 2 } else { 1 };
            let of_sort = |list: &Vec<Vec<Outcomes>>| {
                let with = |count| [list.as_slice(), &vec![entry.clone(); count]].concat();
                (0..=most).map(with).collect::<Vec<_>>()
            };
            lists = lists.iter().flat_map(of_sort).collect();
            if lists.len() > MAX_LISTS {
                return None;
            }
        }
        Some(lists.into_iter().map(World::Entries).collect())
    }
}

fn of_tests<T>(rows: BTreeSet<Vec<T>>, outcome: impl Fn(T) -> Outcomes) -> Vec<World> {
    rows.into_iter().map(|row| World::Tests(row.into_iter().map(&outcome).collect())).collect()
}

/// The outcomes of tests of a number, `None` where one fails: beside each number that one names, all are alike.
fn numbers(whole: &Whole, tests: &[Test]) -> BTreeSet<Vec<Option<bool>>> {
    let named = tests.iter().filter_map(|test| match test {
        Test::Number(_, steps, with) => {
            let number = steps::source(steps, *with);
            Some([number.saturating_sub(1), number, number.saturating_add(1)])
        }
        Test::Holds | Test::Text(_) => None,
    });
    let range = whole.least..=whole.most;
    let numbers = named.flatten().chain([whole.least, whole.most]).filter(|number| range.contains(number));
    let row = |number: i64| {
        let outcome = |test: &Test| match test {
            Test::Number(operator, steps, with) => {
                steps::after(number, steps).map(|number| compared(operator, number, *with))
            }
            Test::Holds | Test::Text(_) => Some(true),
        };
        tests.iter().map(outcome).collect()
    };
    numbers.map(row).collect()
}

fn compared(operator: &str, number: i64, with: i64) -> bool {
    match operator {
        operators::LESS => number < with,
        operators::LESS_EQUALS => number <= with,
        operators::GREATER => number > with,
        operators::GREATER_EQUALS => number >= with,
        _ => number == with,
    }
}

impl Test {
    const fn text(&self) -> Option<&Tested> {
        match self {
            Self::Text(tested) => Some(tested),
            Self::Holds | Self::Number(..) => None,
        }
    }
}

/// Lists of different entries.
const MAX_LISTS: usize = 4096;
