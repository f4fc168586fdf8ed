//! Owns the identifier: a UUID, in its canonical lower-case form only.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

/// An identifier of a row or a user.
///
/// Only the canonical lower-case form parses, so that one row has one name: the text that the gateway compared names
/// the row here.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[serde(try_from = "String")]
pub struct Id(Uuid);

/// A text that is no canonical identifier.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a UUID in canonical lower-case form")]
pub struct InvalidId;

impl FromStr for Id {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let uuid = Uuid::try_parse(text).map_err(|_| InvalidId)?;
        // `Uuid` also reads upper case, braces, `urn:uuid:` and 32 bare digits.
        let mut buffer = Uuid::encode_buffer();
        if uuid.hyphenated().encode_lower(&mut buffer) != text {
            return Err(InvalidId);
        }
        Ok(Self(uuid))
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl TryFrom<String> for Id {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_form_round_trips() {
        let text = "1380df72-275a-11e7-93ae-92361f002671";
        assert_eq!(text.parse::<Id>().unwrap().to_string(), text);
    }

    #[test]
    fn other_forms_are_refused() {
        for text in [
            "",
            "7",
            "1380DF72-275A-11E7-93AE-92361F002671",
            "1380Df72-275a-11e7-93ae-92361f002671",
            "1380df72275a11e793ae92361f002671",
            "{1380df72-275a-11e7-93ae-92361f002671}",
            "urn:uuid:1380df72-275a-11e7-93ae-92361f002671",
            " 1380df72-275a-11e7-93ae-92361f002671",
            "1380df72-275a-11e7-93ae-92361f002671\n",
            "1380df72-275a-11e7-93ae-92361f00267g",
            "1380df72-275a-11e7-93ae-92361f0026711",
        ] {
            assert_eq!(text.parse::<Id>(), Err(InvalidId), "`{text}`");
        }
    }
}
