//! Owns which outcomes several tests of one text can have together, whichever text of a set it is.

use std::collections::BTreeSet;

use super::{Automaton, Signs, Test};

/// A test of a text with another, and what is joined to the text before: `"a" + x + "b"` is tested with `text`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Tested {
    pub(in super::super) test: Test,
    pub(in super::super) before: String,
    pub(in super::super) after: String,
    pub(in super::super) text: String,
}

impl Tested {
    pub(in super::super) const fn equal(text: String) -> Self {
        Self { test: Test::Equals, before: String::new(), after: String::new(), text }
    }

    /// Whether one text alone passes it.
    pub(in super::super) fn is_of_one_text(&self) -> bool {
        self.test == Test::Equals
    }
}

impl Automaton {
    /// The outcomes of all the tests for each text, each row once; `None` where the search has more states than so
    /// many.
    ///
    /// What was read of a text is held against all tests at once, so that no row is one that no text has.
    pub(in super::super) fn rows(&self, tests: &[Tested], states: usize) -> Option<BTreeSet<Vec<bool>>> {
        let readers: Vec<_> = tests.iter().map(Reader::of).collect();
        let letters: BTreeSet<char> = tests.iter().flat_map(|tested| tested.text.chars()).collect();
        let (mut rows, mut seen) = (BTreeSet::new(), BTreeSet::new());
        let begin: Vec<_> = readers.iter().map(Reader::begin).collect();
        let mut open = vec![(0, begin)];
        while let Some((at, read)) = open.pop() {
            if seen.contains(&(at, read.clone())) {
                continue;
            }
            if at == self.end {
                rows.insert(readers.iter().zip(&read).map(|(reader, read)| reader.passes(*read)).collect());
            }
            if seen.len() >= states || rows.len() > MAX_ROWS {
                return None;
            }
            if let Some(state) = self.states.get(at) {
                open.extend(state.free.iter().map(|to| (*to, read.clone())));
                for (signs, to) in &state.steps {
                    for sign in told_apart(signs, &letters) {
                        let next = readers.iter().zip(&read).map(|(reader, read)| reader.after(*read, sign));
                        open.push((*to, next.collect()));
                    }
                }
            }
            seen.insert((at, read));
        }
        Some(rows)
    }
}

/// How much of a test's text was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Read {
    Signs(usize),
    /// It can no longer be passed.
    Lost,
}

/// A test, as it is passed sign by sign.
struct Reader<'t> {
    tested: &'t Tested,
    text: Vec<char>,
    /// For each beginning of the text, how long the longest shorter one is at which it ends.
    shorter: Vec<usize>,
}

impl<'t> Reader<'t> {
    fn of(tested: &'t Tested) -> Self {
        let mut reader = Self { tested, shorter: Vec::new(), text: tested.text.chars().collect() };
        let mut longest = 0;
        for (at, sign) in tested.text.chars().enumerate() {
            // The first sign alone ends at nothing shorter than itself.
            longest = if at == 0 { 0 } else { reader.longest(longest, sign) };
            reader.shorter.push(longest);
        }
        reader
    }

    fn begin(&self) -> Read {
        self.tested.before.chars().fold(Read::Signs(0), |read, sign| self.after(read, sign))
    }

    fn passes(&self, read: Read) -> bool {
        let read = self.tested.after.chars().fold(read, |read, sign| self.after(read, sign));
        read == Read::Signs(self.text.len())
    }

    fn after(&self, read: Read, sign: char) -> Read {
        let Read::Signs(read) = read else { return Read::Lost };
        match self.tested.test {
            Test::StartsWith | Test::Contains if read == self.text.len() => Read::Signs(read),
            Test::Equals | Test::StartsWith if self.text.get(read) == Some(&sign) => {
                Read::Signs(read.saturating_add(1))
            }
            Test::Equals | Test::StartsWith => Read::Lost,
            Test::EndsWith | Test::Contains => Read::Signs(self.longest(read, sign)),
        }
    }

    /// The longest beginning of the text at which this beginning of it ends with one more sign.
    fn longest(&self, mut read: usize, sign: char) -> usize {
        loop {
            match self.text.get(read) {
                Some(next) if *next == sign => return read.saturating_add(1),
                Some(_) | None if read == 0 => return 0,
                Some(_) | None => read = self.shorter_than(read),
            }
        }
    }

    fn shorter_than(&self, read: usize) -> usize {
        read.checked_sub(1).and_then(|at| self.shorter.get(at)).copied().unwrap_or(0)
    }
}

/// One sign of some for each way in which these letters tell them apart.
fn told_apart(signs: &Signs, letters: &BTreeSet<char>) -> Vec<char> {
    let ranges = || signs.iter().map(|(first, last)| *first..=*last);
    let mut told: Vec<char> = ranges().flat_map(|range| letters.range(range)).copied().collect();
    let other = ranges().flatten().find(|sign| !letters.contains(sign));
    told.extend(other);
    told
}

const MAX_ROWS: usize = 256;

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::super::Pattern;
    use super::*;

    const DIGIT: Pattern = Pattern::signs(&[('0', '9')]);

    fn tested(test: Test, text: &str) -> Tested {
        Tested { test, before: String::new(), after: String::new(), text: text.to_owned() }
    }

    fn few(texts: &[&str]) -> Pattern {
        Pattern::Either(texts.iter().map(|text| Pattern::text(*text)).collect())
    }

    #[test]
    fn rows_are_those_of_the_texts() {
        let texts = ["", "a", "b", "ab", "aab", "aaab", "abab", "ba", "xaaby", "abaabab"];
        let tests = [Test::Equals, Test::StartsWith, Test::EndsWith, Test::Contains];
        let passes = |test, of: &str, with: &str| match test {
            Test::Equals => of == with,
            Test::StartsWith => of.starts_with(with),
            Test::EndsWith => of.ends_with(with),
            Test::Contains => of.contains(with),
        };
        for one in tests.iter().flat_map(|test| texts.map(|text| (*test, text))) {
            for two in tests.iter().flat_map(|test| texts.map(|text| (*test, text))) {
                for (before, after) in [("", ""), ("a", ""), ("", "b"), ("ab", "ab")] {
                    let joined = Tested { before: before.into(), after: after.into(), ..tested(one.0, one.1) };
                    let rows = Automaton::of(&few(&texts)).rows(&[joined, tested(two.0, two.1)], 1000);
                    let row = |text: &&str| {
                        let whole = format!("{before}{text}{after}");
                        vec![passes(one.0, &whole, one.1), passes(two.0, text, two.1)]
                    };
                    assert_eq!(rows, Some(texts.iter().map(row).collect()), "{before} {after} {one:?} {two:?}");
                }
            }
        }
    }

    #[test]
    fn rows_of_endless_sets_are_all_found() {
        let word = Pattern::signs(&[('a', 'z')]).some();
        let path = Pattern::Sequence(vec![Pattern::text("/c/"), word.clone(), Pattern::text("/x").optional()]);
        for (pattern, test, text, expected) in [
            (&word, Test::StartsWith, "", &[true][..]),
            (&word, Test::StartsWith, "A", &[false]),
            (&word, Test::Contains, "a", &[false, true]),
            (&path, Test::StartsWith, "/c/", &[true]),
            (&path, Test::StartsWith, "/c/a", &[false, true]),
            (&path, Test::Contains, "c/", &[true]),
            (&path, Test::EndsWith, "/x", &[false, true]),
            (&DIGIT, Test::Equals, "7", &[false, true]),
        ] {
            let rows = Automaton::of(pattern).rows(&[tested(test, text)], 1000);
            assert_eq!(rows, Some(expected.iter().map(|row| vec![*row]).collect()), "{pattern:?} {test:?} {text}");
        }
    }

    #[test]
    fn what_takes_too_long_is_not_known() {
        let tests: Vec<_> = ('a'..='z').map(|sign| tested(Test::Contains, &sign.to_string().repeat(30))).collect();
        assert_eq!(Automaton::of(&Pattern::anything()).rows(&tests, 1000), None);
    }
}
