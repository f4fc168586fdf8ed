//! Owns the reading of the keys of `introspect` that have two forms.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{
    ActiveDocument, ActiveOnDocument, ExpectDocument, ExpectNothingDocument, ExpectedDocument, HasDocument,
    ScalarDocument, SendDocument, SendInDocument, StatedDocument,
};

impl<'de> Deserialize<'de> for SendDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SendVisitor)
    }
}

struct SendVisitor;

impl<'de> Visitor<'de> for SendVisitor {
    type Value = SendDocument;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a credential, or `credential` and `header`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<SendDocument, E> {
        Ok(SendDocument::AsItCame(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<SendDocument, A::Error> {
        SendInDocument::deserialize(MapAccessDeserializer::new(members)).map(SendDocument::In)
    }
}

impl<'de> Deserialize<'de> for ActiveDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ActiveVisitor)
    }
}

struct ActiveVisitor;

impl<'de> Visitor<'de> for ActiveVisitor {
    type Value = ActiveDocument;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON pointer, or `on` some statuses")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ActiveDocument, E> {
        Ok(ActiveDocument::At(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<ActiveDocument, A::Error> {
        ActiveOnDocument::deserialize(MapAccessDeserializer::new(members)).map(ActiveDocument::On)
    }
}

impl<'de> Deserialize<'de> for ExpectDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ExpectVisitor)
    }
}

struct ExpectVisitor;

impl<'de> Visitor<'de> for ExpectVisitor {
    type Value = ExpectDocument;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what an answer must state by JSON pointer, or `none`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<ExpectDocument, A::Error> {
        let mut stated = BTreeMap::new();
        while let Some(key) = members.next_key::<String>()? {
            // A JSON pointer is empty or begins with `/` (RFC 6901, 3), so this is none.
            if key == "none" {
                let none = members.next_value()?;
                let alone = stated.is_empty() && members.next_key::<String>()?.is_none();
                return alone
                    .then_some(ExpectDocument::Nothing(ExpectNothingDocument { none }))
                    .ok_or_else(|| A::Error::custom("write either `none`, or what an answer must state"));
            }
            stated.insert(key, members.next_value()?);
        }
        Ok(ExpectDocument::Stated(StatedDocument(stated)))
    }
}

impl<'de> Deserialize<'de> for ExpectedDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ExpectedVisitor)
    }
}

struct ExpectedVisitor;

impl<'de> Visitor<'de> for ExpectedVisitor {
    type Value = ExpectedDocument;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a boolean, a whole number, a list of them, or `has` with one")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ExpectedDocument, E> {
        ScalarVisitor.visit_str(text).map(ExpectedDocument::Is)
    }

    fn visit_bool<E: Error>(self, is_true: bool) -> Result<ExpectedDocument, E> {
        ScalarVisitor.visit_bool(is_true).map(ExpectedDocument::Is)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<ExpectedDocument, E> {
        ScalarVisitor.visit_i64(number).map(ExpectedDocument::Is)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<ExpectedDocument, E> {
        ScalarVisitor.visit_u64(number).map(ExpectedDocument::Is)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<ExpectedDocument, A::Error> {
        let mut several = Vec::new();
        while let Some(entry) = entries.next_element()? {
            several.push(entry);
        }
        Ok(ExpectedDocument::OneOf(several))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<ExpectedDocument, A::Error> {
        HasDocument::deserialize(MapAccessDeserializer::new(members)).map(ExpectedDocument::Has)
    }
}

impl<'de> Deserialize<'de> for ScalarDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl Visitor<'_> for ScalarVisitor {
    type Value = ScalarDocument;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a boolean, or a whole number")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ScalarDocument, E> {
        Ok(ScalarDocument::Text(text.to_owned()))
    }

    fn visit_bool<E: Error>(self, is_true: bool) -> Result<ScalarDocument, E> {
        Ok(ScalarDocument::Bool(is_true))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<ScalarDocument, E> {
        Ok(ScalarDocument::Int(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<ScalarDocument, E> {
        let number = i64::try_from(number);
        number
            .map(ScalarDocument::Int)
            .map_err(|_too_large| E::custom("this number has more than 64 bits with its sign"))
    }
}
