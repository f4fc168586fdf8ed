//! Conditions as they are made up: what they test, and how their tests are joined.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::request::{Place, Value};

#[derive(Clone, Debug)]
pub(crate) enum Tree {
    Test(Place, Test),
    Not(Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Chosen(Box<[Self; 3]>),
}

/// A test of one place.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    /// Whether it is there.
    Has,
    /// `"a" + x + "b"` with a text.
    Text {
        by: &'static str,
        before: String,
        after: String,
        text: String,
    },
    In(Vec<String>),
    /// `["a", "b"].exists(x, place.startsWith(x))`, and the like.
    EachOf {
        quantifier: &'static str,
        by: &'static str,
        texts: Vec<String>,
    },
    /// `7 < x + 1`, and the like.
    Number {
        by: &'static str,
        steps: Vec<Step>,
        number: i64,
        is_turned: bool,
    },
    NumberIn(Vec<i64>),
    /// Whether a list has a text.
    Includes(String),
    /// A loop over a list.
    Each {
        quantifier: &'static str,
        by: &'static str,
        text: String,
        is_negated: bool,
    },
}

/// What is done to a number before it is compared.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Plus(i64),
    /// With the number on the right.
    PlusTo(i64),
    Minus(i64),
    From(i64),
    Negated,
}

impl Step {
    fn written(self, number: &str) -> String {
        match self {
            Self::Plus(other) => format!("({number} + {other})"),
            Self::PlusTo(other) => format!("({other} + {number})"),
            Self::Minus(other) => format!("({number} - {other})"),
            Self::From(other) => format!("({other} - {number})"),
            Self::Negated => format!("(-{number})"),
        }
    }

    const fn part(self) -> i64 {
        match self {
            Self::Plus(other) | Self::PlusTo(other) | Self::Minus(other) | Self::From(other) => other,
            Self::Negated => 0,
        }
    }

    const fn after(self, number: i64) -> Option<i64> {
        match self {
            Self::Plus(other) | Self::PlusTo(other) => number.checked_add(other),
            Self::Minus(other) => number.checked_sub(other),
            Self::From(other) => other.checked_sub(number),
            Self::Negated => number.checked_neg(),
        }
    }
}

impl Tree {
    pub(crate) fn written(&self) -> String {
        match self {
            Self::Test(place, test) => test.written(place.written()),
            Self::Not(of) => format!("!({})", of.written()),
            Self::And(one, two) => format!("({} && {})", one.written(), two.written()),
            Self::Or(one, two) => format!("({} || {})", one.written(), two.written()),
            Self::Chosen(parts) => {
                let [is, yes, no] = &**parts;
                format!("({} ? {} : {})", is.written(), yes.written(), no.written())
            }
        }
    }

    pub(crate) fn tests(&self) -> Vec<(Place, &Test)> {
        match self {
            Self::Test(place, test) => vec![(*place, test)],
            Self::Not(of) => of.tests(),
            Self::And(one, two) | Self::Or(one, two) => [one.tests(), two.tests()].concat(),
            Self::Chosen(parts) => parts.iter().flat_map(Self::tests).collect(),
        }
    }

    pub(crate) fn places(&self) -> BTreeSet<Place> {
        self.tests().into_iter().map(|(place, _test)| place).collect()
    }

    /// The texts with which a place is compared, also without what is joined to it.
    pub(crate) fn texts(&self, of: Place) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for (_place, test) in self.tests().into_iter().filter(|(place, _test)| *place == of) {
            match test {
                Test::Text { before, after, text, .. } => {
                    let begun = text.strip_prefix(before.as_str()).unwrap_or(text);
                    let ended = text.strip_suffix(after.as_str()).unwrap_or(text);
                    let both = begun.strip_suffix(after.as_str()).unwrap_or(begun);
                    found.extend([text, begun, ended, both].map(str::to_owned));
                }
                Test::In(texts) | Test::EachOf { texts, .. } => found.extend(texts.iter().cloned()),
                Test::Includes(text) | Test::Each { text, .. } => drop(found.insert(text.clone())),
                Test::Has | Test::Number { .. } | Test::NumberIn(_) => {}
            }
        }
        found
    }

    /// The beginnings and ends of those texts, which with what is joined can come to the whole.
    pub(crate) fn ends(&self, of: Place) -> BTreeSet<String> {
        let cut = |text: String| {
            let signs: Vec<char> = text.chars().collect();
            let halves = |at| [signs.iter().take(at).collect::<String>(), signs.iter().skip(at).collect()];
            (0..signs.len()).flat_map(halves).collect::<Vec<_>>()
        };
        self.texts(of).into_iter().flat_map(cut).collect()
    }

    pub(crate) fn numbers(&self, of: Place) -> BTreeSet<i64> {
        let tests = self.tests().into_iter().filter(|(place, _test)| *place == of);
        let numbers = tests.flat_map(|(_place, test)| match test {
            // What is added or taken on the way is made up for, from there and from the ends of what there is.
            Test::Number { number, steps, .. } => {
                let away = |from: Vec<i128>, step: &Step| {
                    let part = i128::from(step.part());
                    from.into_iter().flat_map(|from| [from, from + part, from - part]).collect()
                };
                let found: Vec<_> = steps.iter().fold([*number, 0, i64::MAX].map(i128::from).into(), away);
                found
                    .into_iter()
                    .flat_map(|number| [number, -number])
                    .filter_map(|number| number.try_into().ok())
                    .collect()
            }
            Test::NumberIn(numbers) => numbers.clone(),
            _ => Vec::new(),
        });
        numbers.collect()
    }

    /// The outcomes of a place's tests for one of its values.
    pub(crate) fn row(&self, of: Place, value: &Value) -> Vec<Option<bool>> {
        self.tests().into_iter().filter(|(place, _test)| *place == of).map(|(_place, test)| test.holds(value)).collect()
    }

    /// The outcomes of a list's tests for what each loop is at.
    pub(crate) fn row_of_entry(&self, of: Place, entry: &str) -> Vec<bool> {
        let tests = self.tests().into_iter().filter(|(place, _test)| *place == of);
        let holds = tests.map(|(_place, test)| match test {
            Test::Includes(text) => entry == text,
            Test::Each { by, text, .. } => passes(by, entry, text),
            _ => false,
        });
        holds.collect()
    }
}

impl Test {
    fn written(&self, place: &str) -> String {
        match self {
            Self::Has => match place.strip_prefix("request.headers[") {
                Some(name) => format!("{} in request.headers", name.trim_end_matches(']')),
                None => format!("has({place})"),
            },
            Self::Text { by, before, after, text } => {
                let mut joined = place.to_owned();
                if !before.is_empty() {
                    joined = format!("{before:?} + {joined}");
                }
                if !after.is_empty() {
                    joined = format!("{joined} + {after:?}");
                }
                tested(by, &format!("({joined})"), &format!("{text:?}"))
            }
            Self::In(texts) => format!("({place} in {texts:?})"),
            Self::EachOf { quantifier, by, texts } => format!("{texts:?}.{quantifier}(x, {})", tested(by, place, "x")),
            Self::Number { by, steps, number, is_turned } => {
                let place = steps.iter().fold(place.to_owned(), |place, step| step.written(&place));
                let number = if place == "now" { format!("timestamp({number})") } else { number.to_string() };
                if *is_turned { format!("({number} {by} {place})") } else { format!("({place} {by} {number})") }
            }
            Self::NumberIn(numbers) => format!("({place} in {numbers:?})"),
            Self::Includes(text) => format!("({text:?} in {place})"),
            Self::Each { quantifier, by, text, is_negated } => {
                let test = tested(by, "x", &format!("{text:?}"));
                format!("{place}.{quantifier}(x, {}{test})", if *is_negated { "!" } else { "" })
            }
        }
    }

    /// What it comes to; `None` where it fails.
    fn holds(&self, value: &Value) -> Option<bool> {
        let count = |quantifier: &str, outcomes: Vec<bool>| match quantifier {
            "all" => outcomes.iter().all(|holds| *holds),
            "exists" => outcomes.contains(&true),
            _ => outcomes.iter().filter(|holds| **holds).count() == 1,
        };
        match (self, value) {
            (Self::Has, value) => Some(*value != Value::Absent),
            (Self::Text { by, before, after, text }, Value::Text(value)) => {
                Some(passes(by, &format!("{before}{value}{after}"), text))
            }
            (Self::In(texts), Value::Text(value)) => Some(texts.contains(value)),
            (Self::EachOf { quantifier, by, texts }, Value::Text(value)) => {
                Some(count(quantifier, texts.iter().map(|text| passes(by, value, text)).collect()))
            }
            (Self::Number { by, steps, number, is_turned }, Value::Number(value)) => {
                let value = steps.iter().try_fold(*value, |value, step| step.after(value))?;
                let (left, right) = if *is_turned { (*number, value) } else { (value, *number) };
                Some(match *by {
                    "==" => left == right,
                    "!=" => left != right,
                    "<" => left < right,
                    "<=" => left <= right,
                    ">" => left > right,
                    _ => left >= right,
                })
            }
            (Self::NumberIn(numbers), Value::Number(value)) => Some(numbers.contains(value)),
            (Self::Includes(text), Value::List(entries)) => Some(entries.contains(text)),
            (Self::Each { quantifier, by, text, is_negated }, Value::List(entries)) => {
                Some(count(quantifier, entries.iter().map(|entry| passes(by, entry, text) != *is_negated).collect()))
            }
            _ => None,
        }
    }
}

fn tested(by: &str, left: &str, right: &str) -> String {
    match by {
        "==" | "!=" => format!("({left} {by} {right})"),
        by => format!("{left}.{by}({right})"),
    }
}

fn passes(by: &str, text: &str, with: &str) -> bool {
    match by {
        "==" => text == with,
        "!=" => text != with,
        "startsWith" => text.starts_with(with),
        "endsWith" => text.ends_with(with),
        _ => text.contains(with),
    }
}

/// A condition over a few places, so that one is often tested twice.
pub(crate) fn tree() -> impl Strategy<Value = Tree> {
    let places = prop::collection::vec(select(Place::ALL.to_vec()), 1..4);
    let places = places.prop_map(|mut places| {
        if places.contains(&Place::Names) {
            places.retain(|place| *place != Place::Header && place.measured() != Some(Place::Header));
        }
        // What is measured depends on its size, and the parts of a path on the path.
        let measured: Vec<_> = places.iter().filter_map(|place| place.measured()).collect();
        places.retain(|place| !measured.contains(place));
        if places.contains(&Place::Path) || measured.contains(&Place::Path) {
            places.retain(|place| !place.is_part_of_path());
        }
        places
    });
    places.prop_flat_map(|places| {
        let test = (select(places).prop_flat_map(test), any::<bool>(), 0..4);
        prop::collection::vec(test, 1..6).prop_map(joined)
    })
}

/// Tests in reverse Polish notation: after each, what was last is joined in one of these ways, or not yet.
fn joined(tests: Vec<(Tree, bool, i32)>) -> Tree {
    let mut open: Vec<Tree> = Vec::new();
    let (mut left, last) = (tests.len(), |open: &mut Vec<Tree>| Box::new(open.pop().unwrap()));
    for (test, is_negated, way) in tests {
        left -= 1;
        open.push(if is_negated { Tree::Not(Box::new(test)) } else { test });
        while open.len() > 1 && (way < 3 || left == 0) {
            let (two, one) = (last(&mut open), last(&mut open));
            let tree = match way {
                0 => Tree::And(one, two),
                1 => Tree::Or(one, two),
                _ if open.is_empty() => Tree::Not(Box::new(Tree::Or(one, two))),
                _ => Tree::Chosen(Box::new([*last(&mut open), *one, *two])),
            };
            open.push(tree);
            if left > 0 {
                break;
            }
        }
    }
    open.pop().unwrap()
}

fn test(place: Place) -> BoxedStrategy<Tree> {
    let [can_be, never] =
        place.texts().map(|texts| select(texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()));
    let text = prop_oneof![15 => can_be, 1 => never];
    let number = select(place.numbers().to_vec());
    let by = select(vec!["==", "!=", "startsWith", "endsWith", "contains"]);
    let order = select(vec!["==", "!=", "<", "<=", ">", ">="]);
    let quantifier = select(vec!["all", "exists", "exists_one"]);
    let joined = select(match place {
        Place::Path | Place::Uuid => vec![("", "")],
        _ => vec![("", ""), ("", ""), ("", ""), ("a", ""), ("", "b"), ("a", "b")],
    });
    let texts = prop::collection::vec(text.clone(), 1..3);
    let tests = match place {
        Place::Names | Place::Scopes => prop_oneof![
            text.clone().prop_map(Test::Includes),
            (quantifier, by, text, any::<bool>()).prop_map(|(quantifier, by, text, is_negated)| Test::Each {
                quantifier,
                by,
                text,
                is_negated
            }),
        ]
        .boxed(),
        Place::Now => (order, number, any::<bool>())
            .prop_map(|(by, number, is_turned)| Test::Number { by, steps: Vec::new(), number, is_turned })
            .boxed(),
        Place::Number | Place::Size(_) => prop_oneof![
            3 => (order, steps(place), number.clone(), any::<bool>())
                .prop_map(|(by, steps, number, is_turned)| Test::Number { by, steps, number, is_turned }),
            1 => prop::collection::vec(number, 1..3).prop_map(Test::NumberIn),
        ]
        .boxed(),
        Place::Method | Place::Host | Place::Path | Place::Id | Place::Uuid | Place::Header | Place::Subject => {
            let of_text = prop_oneof![
                4 => (by.clone(), joined, text, any::<Index>()).prop_map(|(by, (before, after), text, at)| {
                    // As often as not, what is joined to it is a part of the text.
                    let text = if at.index(2) == 0 { format!("{before}{text}{after}") } else { text };
                    Test::Text { by, before: before.to_owned(), after: after.to_owned(), text }
                }),
                2 => texts.clone().prop_map(Test::In),
                2 => (quantifier, by, texts)
                    .prop_map(|(quantifier, by, texts)| Test::EachOf { quantifier, by, texts }),
            ];
            match place {
                Place::Header | Place::Subject => prop_oneof![1 => Just(Test::Has), 4 => of_text].boxed(),
                _ => of_text.boxed(),
            }
        }
    };
    tests.prop_map(move |test| Tree::Test(place, test)).boxed()
}

/// What is done to a number: nothing, as often as not.
fn steps(place: Place) -> impl Strategy<Value = Vec<Step>> {
    // The largest number there is would need a text of that size.
    let parts = if place == Place::Number { vec![1, 2, 7, i64::MAX] } else { vec![1, 2, 7] };
    let step = (select(parts), 0..5).prop_map(|(part, which)| match which {
        0 => Step::Plus(part),
        1 => Step::PlusTo(part),
        2 => Step::Minus(part),
        3 => Step::From(part),
        _ => Step::Negated,
    });
    prop_oneof![Just(Vec::new()), prop::collection::vec(step, 1..3)]
}
