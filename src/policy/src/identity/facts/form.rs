//! Owns how a fact is written into a header: as it is, or in an encoding that the policy names.

use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::value::{Stated, is_plain};
use crate::identity::percent::{encoded, is_unreserved};

/// How a fact is written into a header.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HeaderForm {
    /// A text, a whole number or a boolean.
    Single(Encoding),
    /// The entries of a list with a separator between them: an ASCII character that no entry, once encoded, has in it.
    Joined(char, Encoding),
    /// JSON of visible ASCII; whatever else is escaped.
    Json,
}

/// How one text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Encoding {
    /// As it is, which has to be visible ASCII with spaces inside.
    Plain,
    /// Percent-encoded ([RFC 3986, 2.1](https://www.rfc-editor.org/rfc/rfc3986#section-2.1)), all but unreserved
    /// characters.
    Percent,
    /// Base64 with padding ([RFC 4648, 4](https://www.rfc-editor.org/rfc/rfc4648#section-4)).
    Base64,
}

impl HeaderForm {
    /// A fact as a header's value.
    ///
    /// # Errors
    /// What is wrong with the fact: it cannot be written in this form, and be read again as the same.
    pub fn write(&self, fact: Stated<'_>) -> Result<String, &'static str> {
        match (self, fact) {
            (Self::Json, fact) => Ok(ascii_json(&fact.json())),
            (Self::Single(encoding), fact) => {
                let text = fact.text().ok_or("is a list")?;
                encoding.write(&text)
            }
            (Self::Joined(separator, encoding), Stated::List(list)) => {
                let entries = list.iter().map(|entry| encoding.write(entry)).collect::<Result<Vec<_>, _>>()?;
                if entries.iter().any(|entry| entry.contains(*separator)) {
                    return Err("has the separator in an entry; name an encoding, or forward it as JSON");
                }
                Ok(entries.join(separator.encode_utf8(&mut [0; 4])))
            }
            (Self::Joined(_, _), Stated::Text(_) | Stated::Int(_) | Stated::Bool(_)) => Err("is no list"),
        }
    }
}

impl Encoding {
    fn write(self, text: &str) -> Result<String, &'static str> {
        match self {
            Self::Plain if is_plain(text) => Ok(text.to_owned()),
            Self::Plain => Err("is no visible ASCII; name an encoding, or forward it as JSON"),
            Self::Percent => Ok(encoded(text)),
            Self::Base64 => Ok(STANDARD.encode(text)),
        }
    }

    /// Whether what it writes can have a character in it.
    #[must_use]
    pub const fn can_have(self, sign: char) -> bool {
        match self {
            Self::Plain => sign.is_ascii_alphanumeric(),
            Self::Percent => is_unreserved(sign) || sign == '%',
            Self::Base64 => sign.is_ascii_alphanumeric() || matches!(sign, '+' | '/' | '='),
        }
    }
}

/// JSON in which a character outside of ASCII is written as `\u` and the units of UTF-16
/// ([RFC 8259, 7](https://www.rfc-editor.org/rfc/rfc8259#section-7)), so that a header can hold it.
pub(crate) fn ascii_json(value: &Value) -> String {
    let json = value.to_string();
    let mut ascii = String::with_capacity(json.len());
    for sign in json.chars() {
        // JSON escapes control characters itself, but for DEL.
        if sign.is_ascii() && sign != '\u{7f}' {
            ascii.push(sign);
        } else {
            for unit in sign.encode_utf16(&mut [0; 2]) {
                let _written = write!(ascii, "\\u{unit:04x}");
            }
        }
    }
    ascii
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use serde_json::json;

    use super::super::FactList;
    use super::*;

    #[test]
    fn texts_are_written_as_their_encoding_says() {
        for (encoding, text, written) in [
            (Encoding::Plain, "NHS ADMIN", Some("NHS ADMIN")),
            (Encoding::Plain, "Олена", None),
            (Encoding::Plain, " a", None),
            (Encoding::Percent, "Олена К.", Some("%D0%9E%D0%BB%D0%B5%D0%BD%D0%B0%20%D0%9A.")),
            (Encoding::Percent, "a%20~b/c", Some("a%2520~b%2Fc")),
            (Encoding::Base64, "Олена", Some("0J7Qu9C10L3QsA==")),
        ] {
            assert_eq!(
                HeaderForm::Single(encoding).write(Stated::Text(text)).ok().as_deref(),
                written,
                "{encoding:?} {text}"
            );
        }
        assert_eq!(HeaderForm::Single(Encoding::Plain).write(Stated::Int(-7)), Ok("-7".to_owned()));
        assert_eq!(HeaderForm::Single(Encoding::Plain).write(Stated::Bool(false)), Ok("false".to_owned()));
    }

    #[test]
    fn entries_are_told_apart_again() {
        let list = FactList::new(["a b", "Адмін", "c,d"]).unwrap();
        let written = |form: HeaderForm| form.write(Stated::List(&list));
        assert!(written(HeaderForm::Joined(',', Encoding::Plain)).is_err());
        assert_eq!(
            written(HeaderForm::Joined(',', Encoding::Percent)).unwrap(),
            "a%20b,%D0%90%D0%B4%D0%BC%D1%96%D0%BD,c%2Cd"
        );
        assert_eq!(written(HeaderForm::Json).unwrap(), r#"["a b","\u0410\u0434\u043c\u0456\u043d","c,d"]"#);
        let plain = FactList::new(["a b", "c;d"]).unwrap();
        let joined = |separator| HeaderForm::Joined(separator, Encoding::Plain).write(Stated::List(&plain));
        assert_eq!(joined(','), Ok("a b,c;d".to_owned()));
        assert!(joined(';').is_err() && joined(' ').is_err());
        let none = FactList::new([]).unwrap();
        assert_eq!(HeaderForm::Joined(',', Encoding::Plain).write(Stated::List(&none)), Ok(String::new()));
    }

    #[test]
    fn form_for_the_other_type_writes_nothing() {
        let list = FactList::new(["a"]).unwrap();
        assert!(HeaderForm::Single(Encoding::Base64).write(Stated::List(&list)).is_err());
        assert!(HeaderForm::Joined(',', Encoding::Plain).write(Stated::Text("a")).is_err());
    }

    #[test]
    fn json_is_visible_ascii_and_says_the_same() {
        let value = json!({ "name": "Олена \u{1f600}\u{7f}\u{85}\t\"", "list": ["é", 1, true] });
        let ascii = ascii_json(&value);
        assert!(ascii.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' '), "{ascii}");
        assert_eq!(serde_json::from_str::<Value>(&ascii).unwrap(), value);
    }
}
