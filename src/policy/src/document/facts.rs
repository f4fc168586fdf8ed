//! Owns where facts stand and how they are forwarded, as it is written: the keys that have a short and a long form.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Further facts, by names of the policy's own.
pub(crate) type FurtherDocument = BTreeMap<String, FactPointerDocument>;

/// Place of a fact, by JSON pointer, and its type.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(untagged))]
pub enum FactPointerDocument {
    /// A text, or what has one: a whole number, a boolean.
    Text(String),
    /// A fact of another type.
    Typed(TypedPointerDocument),
}

/// Place of a fact that is no text.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "snake_case"))]
pub enum TypedPointerDocument {
    /// A boolean.
    Bool(String),
    /// A whole number of 64 bits.
    Int(String),
    /// A list of texts; a text alone is a list of one.
    List(String),
    /// The names of an object's members, as a list.
    Members(String),
}

impl FactPointerDocument {
    /// The JSON pointer.
    pub(crate) const fn pointer(&self) -> &String {
        match self {
            Self::Text(pointer) => pointer,
            Self::Typed(typed) => match typed {
                TypedPointerDocument::Bool(pointer)
                | TypedPointerDocument::Int(pointer)
                | TypedPointerDocument::List(pointer)
                | TypedPointerDocument::Members(pointer) => pointer,
            },
        }
    }
}

/// Places of scopes, by JSON pointer; what stands at several is united.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(untagged))]
pub enum ScopePointersDocument {
    /// One place.
    One(ScopePointerDocument),
    /// Several places.
    Several(Vec<ScopePointerDocument>),
}

/// Place of scopes, by JSON pointer.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(untagged))]
pub enum ScopePointerDocument {
    /// A text with spaces between the scopes, or a list.
    At(String),
    /// The names of an object's members.
    Members(MembersDocument),
}

/// The names of an object's members.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MembersDocument {
    /// The object, by JSON pointer.
    pub members: String,
}

impl Default for ScopePointersDocument {
    /// The claim of RFC 9068, 2.2.3, and the member of RFC 7662, 2.2.
    fn default() -> Self {
        Self::One(ScopePointerDocument::At("/scope".to_owned()))
    }
}

impl ScopePointersDocument {
    /// The places in the order of the document.
    pub(crate) const fn all(&self) -> &[ScopePointerDocument] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Several(several) => several.as_slice(),
        }
    }
}

impl ScopePointerDocument {
    /// The JSON pointer.
    pub(crate) const fn pointer(&self) -> &String {
        match self {
            Self::At(pointer) => pointer,
            Self::Members(document) => &document.members,
        }
    }
}

/// A fact that a header carries.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(untagged))]
pub enum ForwardedDocument {
    /// The fact as it is, such as `token.subject`.
    AsItIs(String),
    /// The fact in another form.
    In(ForwardedInDocument),
}

/// A fact that a header carries in a form of its own.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ForwardedInDocument {
    /// The fact, such as `token.name`.
    pub fact: String,
    /// The encoding; without one the fact has to be visible ASCII.
    pub encoding: Option<EncodingDocument>,
    /// The ASCII character between the entries of a list.
    pub separator: Option<String>,
    /// What becomes of the header where the fact is not stated; the request is refused by default.
    pub missing: Option<MissingDocument>,
}

/// A fact that is a member of a JSON header.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(untagged))]
pub enum MemberDocument {
    /// A fact that has to be stated, such as `token.subject`.
    Stated(String),
    /// A fact with what becomes of the member where it is not stated.
    Perhaps(MemberPerhapsDocument),
}

/// A member of a JSON header whose fact need not be stated.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MemberPerhapsDocument {
    /// The fact, such as `token.subject`.
    pub fact: String,
    /// What becomes of the member where the fact is not stated.
    pub missing: MissingDocument,
}

/// Fate of a header or a member whose fact is not stated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum MissingDocument {
    /// It is left out, and the request goes on.
    Omit,
}

/// How a fact is encoded in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum EncodingDocument {
    /// Base64 with padding ([RFC 4648, 4](https://www.rfc-editor.org/rfc/rfc4648#section-4)).
    Base64,
    /// JSON in which all but ASCII is escaped.
    Json,
    /// Percent-encoding ([RFC 3986, 2.1](https://www.rfc-editor.org/rfc/rfc3986#section-2.1)).
    Percent,
}

impl<'de> Deserialize<'de> for MemberDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MemberVisitor)
    }
}

struct MemberVisitor;

impl<'de> Visitor<'de> for MemberVisitor {
    type Value = MemberDocument;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a fact, or `fact` and `missing`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<MemberDocument, E> {
        Ok(MemberDocument::Stated(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<MemberDocument, A::Error> {
        MemberPerhapsDocument::deserialize(MapAccessDeserializer::new(members)).map(MemberDocument::Perhaps)
    }
}

impl<'de> Deserialize<'de> for FactPointerDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FactPointerVisitor)
    }
}

struct FactPointerVisitor;

impl<'de> Visitor<'de> for FactPointerVisitor {
    type Value = FactPointerDocument;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON pointer, or one of `bool`, `int`, `list`, `members` with a JSON pointer")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<FactPointerDocument, E> {
        Ok(FactPointerDocument::Text(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<FactPointerDocument, A::Error> {
        let one = || A::Error::custom("write one of `bool`, `int`, `list`, `members`");
        let of_type = match members.next_key::<String>()?.ok_or_else(one)?.as_str() {
            "bool" => TypedPointerDocument::Bool,
            "int" => TypedPointerDocument::Int,
            "list" => TypedPointerDocument::List,
            "members" => TypedPointerDocument::Members,
            unknown => return Err(A::Error::unknown_field(unknown, &["bool", "int", "list", "members"])),
        };
        let document = FactPointerDocument::Typed(of_type(members.next_value()?));
        if members.next_key::<String>()?.is_some() { Err(one()) } else { Ok(document) }
    }
}

impl<'de> Deserialize<'de> for ScopePointersDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScopePointersVisitor)
    }
}

struct ScopePointersVisitor;

impl<'de> Visitor<'de> for ScopePointersVisitor {
    type Value = ScopePointersDocument;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON pointer, `members` with one, or a list of them")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ScopePointersDocument, E> {
        ScopePointerVisitor.visit_str(text).map(ScopePointersDocument::One)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<ScopePointersDocument, A::Error> {
        ScopePointerVisitor.visit_map(members).map(ScopePointersDocument::One)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<ScopePointersDocument, A::Error> {
        let mut several = Vec::new();
        while let Some(entry) = entries.next_element()? {
            several.push(entry);
        }
        Ok(ScopePointersDocument::Several(several))
    }
}

impl<'de> Deserialize<'de> for ScopePointerDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScopePointerVisitor)
    }
}

struct ScopePointerVisitor;

impl<'de> Visitor<'de> for ScopePointerVisitor {
    type Value = ScopePointerDocument;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON pointer, or `members` with one")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ScopePointerDocument, E> {
        Ok(ScopePointerDocument::At(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<ScopePointerDocument, A::Error> {
        MembersDocument::deserialize(MapAccessDeserializer::new(members)).map(ScopePointerDocument::Members)
    }
}

impl<'de> Deserialize<'de> for ForwardedDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ForwardedVisitor)
    }
}

struct ForwardedVisitor;

impl<'de> Visitor<'de> for ForwardedVisitor {
    type Value = ForwardedDocument;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a fact, or `fact` with `encoding`, `separator` or `missing`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ForwardedDocument, E> {
        Ok(ForwardedDocument::AsItIs(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<ForwardedDocument, A::Error> {
        ForwardedInDocument::deserialize(MapAccessDeserializer::new(members)).map(ForwardedDocument::In)
    }
}
