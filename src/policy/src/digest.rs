//! Owns the name of a document by what it says, which tells an operator what is in force.

use std::fmt;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// The SHA-256 of a document in its one spelling: JSON without spaces, members in the order of their names. The same
/// document has the same digest however it is laid out, whoever passes it on, and under every version of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DocumentDigest([u8; 32]);

impl DocumentDigest {
    /// The digest of a document that was read.
    #[must_use]
    pub fn of(document: &Value) -> Self {
        Self(Sha256::digest(document.to_string()).into())
    }

    /// The digest of a document as JSON text; `None` where it is none.
    #[must_use]
    pub fn of_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().map(|document| Self::of(&document))
    }
}

impl fmt::Display for DocumentDigest {
    /// 64 digits of hexadecimal, in lower case.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    /// `printf '{"a":"é\\n","name":"x","version":1}' | sha256sum`.
    #[test]
    fn digest_is_that_of_the_one_spelling() {
        let expected = "29fac0e7d0b6ed1843331c9f9a7e115bbf54231af271d53c18f25676412e4ef0";
        for text in [
            r#"{"a":"é\n","name":"x","version":1}"#,
            r#" { "version": 1, "name": "x",
                 "a": "\u00e9\u000a" } "#,
        ] {
            assert_eq!(DocumentDigest::of_text(text).unwrap().to_string(), expected, "{text}");
        }
        assert_ne!(DocumentDigest::of_text(r#"{"a":"é\n","name":"x","version":2}"#).unwrap().to_string(), expected);
        assert_eq!(DocumentDigest::of_text("version: 1"), None);
    }
}
