//! Owns the scopes that a route wants, as they are written: `none`, or some of them.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// The scopes a route wants. Wanting none has to be written.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(untagged))]
pub enum ScopesDocument {
    /// `none`: any verified caller will do.
    None(NoScopes),
    /// Some are wanted.
    Wanted(WantedScopesDocument),
}

/// The word for wanting no scope.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "snake_case"))]
pub enum NoScopes {
    /// Any verified caller will do.
    None,
}

/// Scopes that are wanted, and of whom.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct WantedScopesDocument {
    /// Every one of these; instead of `any`.
    pub all: Option<Vec<String>>,
    /// At least one of these; instead of `all`.
    pub any: Option<Vec<String>>,
    /// Credentials that must each have the scopes; by default `token`, or the only one that is required.
    pub of: Option<Vec<String>>,
}

impl<'de> Deserialize<'de> for ScopesDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScopesVisitor)
    }
}

struct ScopesVisitor;

impl<'de> Visitor<'de> for ScopesVisitor {
    type Value = ScopesDocument;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(WANTED)
    }

    fn visit_bool<E: Error>(self, _value: bool) -> Result<ScopesDocument, E> {
        Err(E::custom(WANTED))
    }

    fn visit_i64<E: Error>(self, _value: i64) -> Result<ScopesDocument, E> {
        Err(E::custom(WANTED))
    }

    fn visit_u64<E: Error>(self, _value: u64) -> Result<ScopesDocument, E> {
        Err(E::custom(WANTED))
    }

    fn visit_f64<E: Error>(self, _value: f64) -> Result<ScopesDocument, E> {
        Err(E::custom(WANTED))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _entries: A) -> Result<ScopesDocument, A::Error> {
        Err(A::Error::custom(WANTED))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ScopesDocument, E> {
        match text {
            "none" => Ok(ScopesDocument::None(NoScopes::None)),
            _ => Err(E::unknown_variant(text, &["none", "all", "any"])),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<ScopesDocument, A::Error> {
        WantedScopesDocument::deserialize(MapAccessDeserializer::new(members)).map(ScopesDocument::Wanted)
    }
}

const WANTED: &str = "`none`, or an object of `all` or `any`, and `of`, belongs here";
