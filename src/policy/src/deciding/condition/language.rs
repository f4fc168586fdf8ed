//! Owns sets of texts as they are known before there is a request, and whether two of them have a text in common.
//!
//! A set is written as a pattern and searched as a finite automaton, so that no answer is a guess.

use std::borrow::Cow;
use std::collections::VecDeque;

mod tested;

pub(super) use tested::Tested;

/// A set of texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    /// This text alone.
    Text(String),
    /// Each of these signs alone.
    Sign(Signs),
    /// A text of each, one after the other.
    Sequence(Vec<Self>),
    /// What is in one of them.
    Either(Vec<Self>),
    /// Any number of its texts, one after the other, or none.
    Many(Box<Self>),
    /// The same, and no more of them than so many. The automaton takes it for any number.
    UpTo(usize, Box<Self>),
}

/// Ranges of characters, both ends included.
pub(super) type Signs = Cow<'static, [(char, char)]>;

impl Pattern {
    pub(super) const fn signs(signs: &'static [(char, char)]) -> Self {
        Self::Sign(Cow::Borrowed(signs))
    }

    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn many(self) -> Self {
        Self::Many(Box::new(self))
    }

    pub(super) fn up_to(self, most: usize) -> Self {
        Self::UpTo(most, Box::new(self))
    }

    /// At least one of its texts.
    pub(super) fn some(self) -> Self {
        Self::Sequence(vec![self.clone(), self.many()])
    }

    pub(super) fn optional(self) -> Self {
        Self::Either(vec![self, Self::text("")])
    }

    pub(super) fn times(self, count: usize) -> Self {
        Self::Sequence(vec![self; count])
    }

    /// Every text.
    pub(super) fn anything() -> Self {
        Self::signs(&[('\0', char::MAX)]).many()
    }

    /// How many signs its texts have, at least and at most; no most where there is no end of them.
    pub(super) fn lengths(&self) -> (usize, Option<usize>) {
        match self {
            Self::Text(text) => {
                let signs = text.chars().count();
                (signs, Some(signs))
            }
            Self::Sign(_) => (1, Some(1)),
            Self::Sequence(parts) => parts.iter().map(Self::lengths).fold((0, Some(0)), |one, two| {
                let most = one.1.zip(two.1).and_then(|(one, two)| one.checked_add(two));
                (one.0.saturating_add(two.0), most)
            }),
            Self::Either(parts) => {
                let either = |one: (usize, Option<usize>), two: (usize, Option<usize>)| {
                    (one.0.min(two.0), one.1.zip(two.1).map(|(one, two)| one.max(two)))
                };
                parts.iter().map(Self::lengths).reduce(either).unwrap_or((0, None))
            }
            Self::Many(_) => (0, None),
            Self::UpTo(most, part) => (0, part.lengths().1.and_then(|length| length.checked_mul(*most))),
        }
    }

    /// Whether two sets have a text in common.
    pub(super) fn meets(&self, other: &Self) -> bool {
        Automaton::of(self).common(&Automaton::of(other)).is_some()
    }
}

/// How one text is held against another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Test {
    Equals,
    StartsWith,
    EndsWith,
    Contains,
}

impl Test {
    /// The texts that pass it with one of `texts`.
    pub(super) fn passed_with(self, texts: Pattern) -> Pattern {
        let anything = Pattern::anything;
        match self {
            Self::Equals => texts,
            Self::StartsWith => Pattern::Sequence(vec![texts, anything()]),
            Self::EndsWith => Pattern::Sequence(vec![anything(), texts]),
            Self::Contains => Pattern::Sequence(vec![anything(), texts, anything()]),
        }
    }
}

/// From where a state was reached, and by which sign; nothing of the first one.
type Came = Option<(usize, Option<char>)>;

/// A nondeterministic automaton. It starts at its first state, and has one end.
#[derive(Clone, Debug)]
pub(super) struct Automaton {
    states: Vec<State>,
    end: usize,
}

#[derive(Clone, Debug, Default)]
struct State {
    steps: Vec<(Signs, usize)>,
    /// Where it may go without a sign.
    free: Vec<usize>,
}

impl Automaton {
    pub(super) fn of(pattern: &Pattern) -> Self {
        let mut automaton = Self { states: vec![State::default()], end: 0 };
        automaton.end = automaton.add(pattern, 0);
        automaton
    }

    /// Appends a pattern to a state; the state in which it ends.
    fn add(&mut self, pattern: &Pattern, from: usize) -> usize {
        match pattern {
            Pattern::Text(text) => text.chars().fold(from, |from, sign| self.step(from, vec![(sign, sign)].into())),
            Pattern::Sign(signs) => self.step(from, signs.clone()),
            Pattern::Sequence(parts) => parts.iter().fold(from, |from, part| self.add(part, from)),
            Pattern::Either(parts) => {
                let end = self.state();
                for part in parts {
                    // A way of its own: what returns to its start returns to no other's.
                    let start = self.state();
                    self.free(from, start);
                    let last = self.add(part, start);
                    self.free(last, end);
                }
                end
            }
            Pattern::Many(part) | Pattern::UpTo(_, part) => {
                let start = self.state();
                self.free(from, start);
                let last = self.add(part, start);
                self.free(last, start);
                let end = self.state();
                self.free(start, end);
                end
            }
        }
    }

    fn state(&mut self) -> usize {
        self.states.push(State::default());
        self.states.len().saturating_sub(1)
    }

    fn step(&mut self, from: usize, signs: Signs) -> usize {
        let to = self.state();
        if let Some(state) = self.states.get_mut(from) {
            state.steps.push((signs, to));
        }
        to
    }

    fn free(&mut self, from: usize, to: usize) {
        if let Some(state) = self.states.get_mut(from) {
            state.free.push(to);
        }
    }

    /// A shortest text that both take.
    pub(super) fn common(&self, other: &Self) -> Option<String> {
        let width = other.states.len();
        let place = |(one, two): (usize, usize)| one.saturating_mul(width).saturating_add(two);
        // From which pair, and by which sign, each pair was first reached.
        let mut reached: Vec<Option<Came>> = vec![None; place((self.states.len(), 0))];
        let mut open = VecDeque::from([((0, 0), None)]);
        while let Some((pair, came)) = open.pop_front() {
            let Some(seen) = reached.get_mut(place(pair)).filter(|seen| seen.is_none()) else { continue };
            *seen = Some(came);
            if pair == (self.end, other.end) {
                return Some(retraced(&reached, place(pair)));
            }
            let (Some(one), Some(two)) = (self.states.get(pair.0), other.states.get(pair.1)) else { continue };
            let here = place(pair);
            // Ways without a sign are gone first, so that the first text found is a shortest one.
            let free = one.free.iter().map(|to| (*to, pair.1)).chain(two.free.iter().map(|to| (pair.0, *to)));
            free.for_each(|to| open.push_front((to, Some((here, None)))));
            for (signs, to) in &one.steps {
                for (others, too) in &two.steps {
                    if let Some(sign) = shared(signs, others) {
                        open.push_back(((*to, *too), Some((here, Some(sign)))));
                    }
                }
            }
        }
        None
    }
}

fn retraced(reached: &[Option<Came>], end: usize) -> String {
    let (mut signs, mut at) = (Vec::<char>::new(), end);
    while let Some(Some(Some((before, sign)))) = reached.get(at) {
        signs.extend(sign);
        at = *before;
    }
    signs.into_iter().rev().collect()
}

/// A sign that both have; one that reads well, where there is a choice.
fn shared(one: &[(char, char)], two: &[(char, char)]) -> Option<char> {
    let both = one.iter().flat_map(|(first, last)| {
        two.iter().map(move |(start, end)| (*first.max(start), *last.min(end))).filter(|(first, last)| first <= last)
    });
    both.map(|(first, last)| ['a', '0', '-'].into_iter().find(|sign| (first..=last).contains(sign)).unwrap_or(first))
        .min_by_key(|sign| !sign.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    const DIGIT: Pattern = Pattern::signs(&[('0', '9')]);

    #[test]
    fn lengths_are_those_of_the_shortest_and_the_longest_text() {
        for (pattern, lengths) in [
            (Pattern::text("aé"), (2, Some(2))),
            (DIGIT, (1, Some(1))),
            (DIGIT.times(3), (3, Some(3))),
            (DIGIT.many(), (0, None)),
            (DIGIT.some(), (1, None)),
            (DIGIT.times(2).up_to(3), (0, Some(6))),
            (DIGIT.many().up_to(3), (0, None)),
            (Pattern::Either(vec![Pattern::text("ab"), DIGIT]), (1, Some(2))),
            (Pattern::Sequence(vec![Pattern::text("ab").optional(), DIGIT.some()]), (1, None)),
            (Pattern::Sequence(vec![DIGIT.up_to(4), Pattern::text("z")]), (1, Some(5))),
        ] {
            assert_eq!(pattern.lengths(), lengths, "{pattern:?}");
        }
    }

    #[test]
    fn sets_meet_where_they_have_a_text_in_common() {
        let word = Pattern::signs(&[('a', 'z')]).some();
        let number = Pattern::Either(vec![Pattern::text("0"), DIGIT.some()]);
        let key = Pattern::Sequence(vec![word.clone(), Pattern::text("-"), number.clone()]);
        for (one, two, text) in [
            (&word, Pattern::text("abc"), Some("abc")),
            (&word, Pattern::text("aBc"), None),
            (&word, Pattern::text(""), None),
            (&word, number.clone(), None),
            (&key, Pattern::text("ab-12"), Some("ab-12")),
            (&key, Test::StartsWith.passed_with(Pattern::text("ab")), Some("ab-0")),
            (&key, Test::StartsWith.passed_with(Pattern::text("1")), None),
            (&key, Test::EndsWith.passed_with(Pattern::text("-7")), Some("a-7")),
            (&key, Test::EndsWith.passed_with(Pattern::text("-x")), None),
            (&key, Test::Contains.passed_with(Pattern::text("b-1")), Some("b-1")),
            (&key, Test::Contains.passed_with(Pattern::text("--")), None),
            (&number, DIGIT.times(3), Some("000")),
            (&word, word.clone().optional(), Some("a")),
        ] {
            assert_eq!(Automaton::of(one).common(&Automaton::of(&two)).as_deref(), text, "{one:?} {two:?}");
            assert_eq!(one.meets(&two), text.is_some());
        }
    }
}
