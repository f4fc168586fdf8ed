//! Owns the values that facts can have: texts, whole numbers, booleans and lists of texts.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde_json::Value;

/// One stated text: 1 to [`MAX_FACT`] bytes of UTF-8 without control characters, and without white space at its ends,
/// which another reader might cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact(Box<str>);

impl Fact {
    /// The text as it was stated.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Fact {
    type Err = InvalidFact;

    fn from_str(text: &str) -> Result<Self, InvalidFact> {
        if (1..=MAX_FACT).contains(&text.len()) && !text.contains(char::is_control) && text.trim() == text {
            Ok(Self(text.into()))
        } else {
            Err(InvalidFact)
        }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a text is safe as a header's value: visible ASCII with spaces inside. A value loses its outer spaces on the
/// way ([RFC 9110, 5.5](https://www.rfc-editor.org/rfc/rfc9110#section-5.5)), so that it would be another text.
pub(crate) fn is_plain(text: &str) -> bool {
    // To the end, whatever is met: so it is compiled to a few vector instructions, and this is asked for each request.
    let visible = text.bytes().fold(true, |visible, byte| visible & (b' '..=b'~').contains(&byte));
    visible && !text.starts_with(' ') && !text.ends_with(' ')
}

/// The type of a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FactType {
    /// A text. A whole number or a boolean is stated as one too, such as `7` and `true`.
    Text,
    /// A whole number of 64 bits, with a sign.
    Int,
    /// A boolean.
    Bool,
    /// A list of texts.
    List,
}

impl FactType {
    /// The type as an author reads it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Int => "a whole number",
            Self::Bool => "a boolean",
            Self::List => "a list",
        }
    }
}

/// A stated value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FactValue {
    /// A text.
    Text(Fact),
    /// A whole number.
    Int(i64),
    /// A boolean.
    Bool(bool),
    /// Texts in the order in which they are stated.
    List(FactList),
}

impl FactValue {
    /// The value, as it is compared and forwarded.
    #[must_use]
    pub fn stated(&self) -> Stated<'_> {
        match self {
            Self::Text(text) => Stated::Text(text.as_str()),
            Self::Int(number) => Stated::Int(*number),
            Self::Bool(is_true) => Stated::Bool(*is_true),
            Self::List(list) => Stated::List(list),
        }
    }
}

impl FromStr for FactValue {
    type Err = InvalidFact;

    fn from_str(text: &str) -> Result<Self, InvalidFact> {
        text.parse().map(Self::Text)
    }
}

/// A list of texts, each a [`Fact`], together at most [`MAX_FACT_LIST`] bytes; possibly empty.
///
/// One text with a line feed between the entries, which none of them holds: in as little memory as that takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactList(Box<str>);

impl FactList {
    /// A list of these texts.
    ///
    /// # Errors
    /// An entry that is no [`Fact`]; a list that is too long.
    pub fn new<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidFact> {
        let mut list = String::new();
        for (index, entry) in entries.into_iter().enumerate() {
            let _checked: Fact = entry.parse()?;
            if index > 0 {
                list.push('\n');
            }
            list.push_str(entry);
        }
        if list.len() > MAX_FACT_LIST { Err(InvalidFact) } else { Ok(Self(list.into())) }
    }

    /// The entries in the order in which they were stated.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.split('\n').filter(|entry| !entry.is_empty())
    }

    /// Whether an entry is this text, letter by letter.
    #[must_use]
    pub fn contains(&self, text: &str) -> bool {
        self.iter().any(|entry| entry == text)
    }
}

/// A stated value, as it is compared and forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stated<'a> {
    /// A text.
    Text(&'a str),
    /// A whole number.
    Int(i64),
    /// A boolean.
    Bool(bool),
    /// A list of texts.
    List(&'a FactList),
}

impl<'a> Stated<'a> {
    /// The value as a text; `None` of a list.
    #[must_use]
    pub fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Int(number) => Some(Cow::Owned(number.to_string())),
            Self::Bool(is_true) => Some(Cow::Borrowed(if is_true { "true" } else { "false" })),
            Self::List(_) => None,
        }
    }

    /// The value in JSON.
    #[must_use]
    pub fn json(self) -> Value {
        match self {
            Self::Text(text) => text.into(),
            Self::Int(number) => number.into(),
            Self::Bool(is_true) => is_true.into(),
            Self::List(list) => list.iter().collect(),
        }
    }
}

/// A list is shown in JSON.
impl fmt::Display for Stated<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text() {
            Some(text) => f.write_str(&text),
            None => self.json().fmt(f),
        }
    }
}

/// A value that no fact can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a fact must be 1 to {MAX_FACT} bytes without control characters or outer spaces, and a list of them {MAX_FACT_LIST}"
)]
pub struct InvalidFact;

/// Bytes of one text.
pub const MAX_FACT: usize = 256;

/// Bytes of a list, with one between two entries.
pub const MAX_FACT_LIST: usize = 8192;

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn text_is_any_but_control_characters() {
        for text in ["a", "NHS ADMIN", "Олена", "1380df72-275a-11e7-93ae-92361f002671", &"a".repeat(MAX_FACT)] {
            assert_eq!(text.parse::<Fact>().unwrap().as_str(), text);
        }
        for text in
            ["", " a", "a ", "\u{a0}a", "a\u{3000}", "a\r\nx: y", "a\0", "a\t", "\u{85}", &"a".repeat(MAX_FACT + 1)]
        {
            assert_eq!(text.parse::<Fact>(), Err(InvalidFact), "{text:?}");
        }
    }

    #[test]
    fn plain_texts_are_safe_as_headers() {
        for text in ["a", "NHS ADMIN", "!~"] {
            assert!(is_plain(text), "{text}");
        }
        for text in [" a", "a ", " ", "a\r\nx: y", "a\0", "é", "a\t", "\u{a0}"] {
            assert!(!is_plain(text), "{text:?}");
        }
    }

    #[test]
    fn list_keeps_its_order_and_repetitions() {
        let list = FactList::new(["b", "a b", "b", "Адміни"]).unwrap();
        assert_eq!(list.iter().collect::<Vec<_>>(), ["b", "a b", "b", "Адміни"]);
        assert!(list.contains("a b") && !list.contains("a") && !list.contains("") && !list.contains("b\na b"));
        assert_eq!(FactList::new([]).unwrap().iter().count(), 0);
        for entries in [&["a", ""][..], &["a\nb"], &[&"a".repeat(MAX_FACT + 1)]] {
            assert_eq!(FactList::new(entries.iter().copied()), Err(InvalidFact), "{entries:?}");
        }
        let entry = "a".repeat(255);
        assert!(FactList::new(vec![&*entry; 32]).is_ok());
        assert_eq!(FactList::new(vec![&*entry; 33]), Err(InvalidFact));
    }

    #[test]
    fn numbers_and_booleans_have_a_text() {
        assert_eq!(Stated::Int(-7).text().as_deref(), Some("-7"));
        assert_eq!(Stated::Bool(true).text().as_deref(), Some("true"));
        let list = FactList::new(["a", "\""]).unwrap();
        assert_eq!(Stated::List(&list).text(), None);
        assert_eq!(Stated::List(&list).to_string(), r#"["a","\""]"#);
    }
}
