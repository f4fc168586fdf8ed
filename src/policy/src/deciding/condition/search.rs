//! Owns `contains`: a search that is quick in a Wasm guest too, whatever is searched for (decision 37).

use cel::common::types::{CelBool, CelString, DYN_TYPE};
use cel::common::value::{CowVal, Val};
use cel::{DeclarationError, Env, ExecutionError, Value};
use memchr::memmem;

/// Declares it for any two values: of several overloads the interpreter calls the first that fits, so this comes before
/// the interpreter's own library.
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

/// Bytes of the longest text that is searched for by vector instructions alone.
pub(super) const MAX_SHORT: usize = 32;

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
    fn other_values_contain_nothing() {
        let text = || CowVal::owned(CelString::from("a".to_owned()));
        let number = || CowVal::owned(cel::common::types::CelInt::from(1));
        assert!(contains(&[text(), number()]).is_err());
        assert!(contains(&[number(), text()]).is_err());
        assert!(contains(&[text()]).is_err());
    }
}
