//! Owns what a route requires, as it is written.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::ScopesDocument;

/// Requirements of a request.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RequireDocument {
    /// The credentials: a list of those that it needs, or which of them it needs, and which may be there.
    pub credentials: RequiredCredentialsDocument,
    /// Audience that a token must name on this route, besides those of its verifier: of the only credential that can
    /// state one, or by the names of credentials.
    pub audience: Option<RouteAudienceDocument>,
    /// Two facts that must be equal: `client_id` or the like, each by the name of its credential.
    pub bind: Option<BTreeMap<String, String>>,
    /// The scopes.
    pub scopes: ScopesDocument,
    /// Whose resource the path names.
    pub owner: Option<OwnerDocument>,
    /// Anything else, in CEL; all of them must hold.
    pub conditions: Option<Vec<String>>,
}

/// Credentials of a route.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(untagged))]
pub enum RequiredCredentialsDocument {
    /// All of them.
    All(Vec<String>),
    /// Some of them.
    Some(SomeCredentialsDocument),
}

/// Credentials of a route, of which some may be absent. Whichever is there must be good.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SomeCredentialsDocument {
    /// Those that must all be there.
    pub all: Option<Vec<String>>,
    /// Those of which one must be there at least. The first of the list that is there is the identity `any`.
    pub any: Option<Vec<String>>,
    /// Those that may be there.
    pub optional: Option<Vec<String>>,
    /// The reason why a request may pass with no credential; needed where neither `all` nor `any` asks for one.
    pub because: Option<String>,
}

impl RequiredCredentialsDocument {
    /// Every credential that the route looks at, in the order of judgement.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let parts: [&[String]; 3] = match self {
            Self::All(all) => [all, &[], &[]],
            Self::Some(SomeCredentialsDocument { all, any, optional, because: _ }) => {
                [all, any, optional].map(|part| part.as_deref().unwrap_or_default())
            }
        };
        parts.into_iter().flatten().map(String::as_str)
    }

    /// Alternatives of which a request needs one.
    pub(crate) fn any(&self) -> &[String] {
        match self {
            Self::All(_) => &[],
            Self::Some(some) => some.any.as_deref().unwrap_or_default(),
        }
    }
}

impl<'de> Deserialize<'de> for RequiredCredentialsDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RequiredCredentialsVisitor)
    }
}

struct RequiredCredentialsVisitor;

impl<'de> Visitor<'de> for RequiredCredentialsVisitor {
    type Value = RequiredCredentialsDocument;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of credentials, or `all`, `any` and `optional` with lists")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, entries: A) -> Result<RequiredCredentialsDocument, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(entries)).map(RequiredCredentialsDocument::All)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<RequiredCredentialsDocument, A::Error> {
        let members = MapAccessDeserializer::new(members);
        SomeCredentialsDocument::deserialize(members).map(RequiredCredentialsDocument::Some)
    }
}

/// Audiences that a route wants.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(untagged))]
pub enum RouteAudienceDocument {
    /// Of the only credential of the route that can state one.
    Single(String),
    /// By the names of credentials.
    ByCredential(BTreeMap<String, String>),
}

impl<'de> Deserialize<'de> for RouteAudienceDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RouteAudienceVisitor)
    }
}

struct RouteAudienceVisitor;

impl<'de> Visitor<'de> for RouteAudienceVisitor {
    type Value = RouteAudienceDocument;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an audience, or audiences by the names of credentials")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<RouteAudienceDocument, E> {
        Ok(RouteAudienceDocument::Single(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<RouteAudienceDocument, A::Error> {
        BTreeMap::deserialize(MapAccessDeserializer::new(members)).map(RouteAudienceDocument::ByCredential)
    }
}

/// Ownership: a captured path parameter must equal a fact of the caller, or be in a list of the caller's.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OwnerDocument {
    /// The capture's name.
    pub param: String,
    /// The fact, such as `token.client_id`; instead of `in`.
    pub equals: Option<String>,
    /// The list, such as `token.orgs`; instead of `equals`.
    #[serde(rename = "in")]
    pub within: Option<String>,
    /// Client types that may act on anybody's.
    #[serde(default)]
    pub except_client_types: Vec<String>,
}
