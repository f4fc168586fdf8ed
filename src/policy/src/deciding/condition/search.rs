//! Owns `contains`: a search that is quick in a Wasm guest too, whatever is searched for (decision 37).

use cel::common::types::{CelBool, CelString, DYN_TYPE};
use cel::common::value::{CowVal, Val};
use cel::{DeclarationError, Env, ExecutionError, Value};
use memchr::memmem;

/// Declaration of `contains` for any two values. The interpreter calls the first overload that fits, so this one comes
/// before its own library.
pub(super) fn declare(environment: &mut Env) -> Result<(), DeclarationError> {
    environment.add_member_overload("contains", "any_contains_any", DYN_TYPE, vec![DYN_TYPE], |arguments| {
        contains(&arguments).map(|found| CowVal::owned(CelBool::from(found)))
    })
}

fn contains(arguments: &[CowVal<'_, '_>]) -> Result<bool, ExecutionError> {
    let [text, part] = arguments else { return Err(unsupported()) };
    let (Some(text), Some(part)) = (bytes(text.as_ref()), bytes(part.as_ref())) else { return Err(unsupported()) };
    // A text is its own part, and is not searched for itself, which takes longest.
    Ok(if part.len() < text.len() { memmem::find(text, part).is_some() } else { text == part })
}

/// UTF-8 of a text. The encoding of one text is part of another's where its characters are.
fn bytes(value: &dyn Val) -> Option<&[u8]> {
    value.downcast_ref::<CelString<'_>>().map(|text| text.inner().as_bytes())
}

const fn unsupported() -> ExecutionError {
    ExecutionError::UnsupportedBinaryOperator("contains", Value::Null, Value::Null)
}

/// Thousandths of words of four bytes that a search compares at most, for each byte of a text; `None` for a part that
/// is searched for otherwise.
///
/// A place that agrees with the part in its first bytes is compared word by word. Two such places are as far apart as
/// the period of those bytes at least, so that a part of equal letters is compared at each byte of the text.
pub(super) fn compared(part: &str) -> Option<u64> {
    let part = part.as_bytes();
    let words = |words: usize| part.get(..words.saturating_mul(4)).unwrap_or(part);
    let share = |count| 1000_u64.checked_div(period(words(count))).unwrap_or(1000);
    match part.len() {
        0 | 1 => Some(0),
        2..=MAX_SHORT => Some((1..=part.len().div_ceil(4)).map(share).sum()),
        _ => None,
    }
}

/// Least distance at which a text that is not empty agrees with itself.
fn period(text: &[u8]) -> u64 {
    let agrees = |distance: &usize| text.get(*distance..).is_some_and(|rest| text.starts_with(rest));
    (1..text.len()).find(agrees).unwrap_or(text.len()).try_into().unwrap_or(u64::MAX)
}

/// Bytes of the longest part that is searched for by vector instructions alone.
const MAX_SHORT: usize = 32;

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn found(text: &str, part: &str) -> bool {
        let [text, part] = [text, part].map(|text| CowVal::owned(CelString::from(text.to_owned())));
        contains(&[text, part]).unwrap()
    }

    #[test]
    fn parts_are_those_of_the_standard_library() {
        let texts: Vec<_> = ["", "a", "ab", "aaaaaab", "ä€b", "\u{0}b"]
            .iter()
            .flat_map(|text| [0, 1, 5, 40, 200].map(|times| text.repeat(times)))
            .collect();
        for text in &texts {
            for part in &texts {
                for part in [part.clone(), format!("{part}b"), format!("a{part}")] {
                    assert_eq!(found(text, &part), text.contains(&part), "{part:?} in {text:?}");
                }
            }
        }
    }

    #[test]
    fn parts_that_agree_with_themselves_are_compared_most() {
        for (part, expected) in [
            ("", Some(0)),
            ("a", Some(0)),
            ("curl/", Some(1000 / 4 + 1000 / 5)),
            ("aaaa", Some(1000)),
            ("abbaabba", Some(1000 / 3 + 1000 / 4)),
            ("00000000000000000000000000000000", Some(8 * 1000)),
            ("000000000000000000000000000000001", None),
        ] {
            assert_eq!(compared(part), expected, "{part}");
        }
    }

    #[test]
    fn other_values_contain_nothing() {
        let text = || CowVal::owned(CelString::from("a".to_owned()));
        let number = || CowVal::owned(cel::common::types::CelInt::from(1));
        assert!(contains(&[text(), number()]).is_err());
        assert!(contains(&[number(), text()]).is_err());
        assert!(contains(&[text()]).is_err());
    }
}
