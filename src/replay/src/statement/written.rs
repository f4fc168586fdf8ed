//! Owns the JSON of a statement before a policy interprets it. Texts are borrowed from the line they stand in.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A statement, or a fact in one, as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) enum Written<'a> {
    /// `null`, or nothing at all.
    #[default]
    Nothing,
    Text(Cow<'a, str>),
    Number(u64),
    Negative(i64),
    Bool(bool),
    List(Vec<Self>),
    /// Members ordered by name; each name is there once.
    Object(Vec<(Cow<'a, str>, Self)>),
    /// A value that is invalid as a statement and as a fact.
    Other,
}

/// A text that is borrowed wherever the line holds it without escapes.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Written<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WrittenVisitor)
    }
}

struct WrittenVisitor;

impl<'de> Visitor<'de> for WrittenVisitor {
    type Value = Written<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Written::Nothing)
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Written::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Written::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Written::Number(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(u64::try_from(number).map_or(Written::Negative(number), Written::Number))
    }

    fn visit_f64<E: Error>(self, _fraction: f64) -> Result<Self::Value, E> {
        Ok(Written::Other)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Written::Bool(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(entry) = entries.next_element()? {
            list.push(entry);
        }
        Ok(Written::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut object: Vec<(Cow<'de, str>, Written<'de>)> = Vec::with_capacity(STANDARD_AND_EXPIRES);
        while let Some((Text(name), value)) = members.next_entry()? {
            object.push((name, value));
        }
        // Sorted, so that many members cost little to compare: a line may come from anywhere.
        object.sort_unstable_by(|(one, _), (two, _)| one.cmp(two));
        let mut neighbours = object.iter().zip(object.iter().skip(1));
        match neighbours.find(|((one, _), (two, _))| one == two) {
            // RFC 8259, 4: two readers can disagree about it.
            Some(((name, _value), _second)) => Err(A::Error::custom(format_args!("member `{name}` is written twice"))),
            None => Ok(Written::Object(object)),
        }
    }
}

/// The number of members that most statements have.
const STANDARD_AND_EXPIRES: usize = 5;
