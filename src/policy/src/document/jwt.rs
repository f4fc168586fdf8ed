//! Owns the verification of JSON Web Tokens, as it is written.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::{ExpectDocument, FurtherDocument, ReasonDocument, ScopePointersDocument};

/// Verification by a token's own signature ([RFC 7519](https://www.rfc-editor.org/rfc/rfc7519)).
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct JwtDocument {
    /// The issuer, exactly as `iss` states it; beside `tenant`, with `{tenant}` for one segment of its path.
    pub issuer: String,
    /// Tenants of an issuer that has one for each, and the claim that names them.
    pub tenant: Option<TenantDocument>,
    /// For whom a token must be, or `any`.
    pub audiences: AudiencesDocument,
    /// The types that are taken, such as `at+jwt` ([RFC 9068](https://www.rfc-editor.org/rfc/rfc9068)); `absent` for a
    /// token without a type.
    pub types: Vec<String>,
    /// The algorithms that are taken.
    pub algorithms: Vec<String>,
    /// Tolerated difference of the issuer's clock, at most `300s`; `0s` by default.
    #[serde(default = "no_leeway")]
    pub leeway: String,
    /// Values that the claims must state, by JSON pointer, such as `/token_use: access`; none by default.
    pub expect: Option<ExpectDocument>,
    /// Source of the issuer's keys.
    pub keys: KeysDocument,
    /// The authority whose feed of revocations says which tokens are refused before they end, by its name under
    /// `authorities`; by default that of `keys`, if it has a feed.
    pub revocations: Option<String>,
    /// Places of the facts among the claims, where they differ from RFC 9068.
    #[serde(default)]
    pub facts: ClaimsDocument,
}

/// Tenants of an issuer that has one for each.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TenantDocument {
    /// JSON pointer of the claim that must name the same tenant as `iss`, such as `/tid`.
    pub claim: String,
    /// The tenants whose tokens are taken.
    pub allow: TenantsDocument,
}

/// Tenants whose tokens are taken. That every one is has to be written.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(untagged))]
pub enum TenantsDocument {
    /// These.
    OneOf(Vec<String>),
    /// Every one.
    Any(AnyTenantDocument),
}

/// The choice that every tenant's tokens are taken.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AnyTenantDocument {
    /// Reason why whoever has a tenant there may come in.
    pub any: ReasonDocument,
}

/// For whom a token must be. That it may be for anybody has to be written.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(untagged))]
pub enum AudiencesDocument {
    /// `any`: also a token that is for somebody else.
    Any(AnyAudience),
    /// For one of these.
    OneOf(Vec<String>),
}

/// The word for taking tokens that are for anybody.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "snake_case"))]
pub enum AnyAudience {
    /// Also a token that is for somebody else.
    Any,
}

/// Source of an issuer's keys: `inline`, or an authority that publishes them.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct KeysDocument {
    /// Public keys as JWKs ([RFC 7517](https://www.rfc-editor.org/rfc/rfc7517)); instead of `authority`.
    pub inline: Option<Vec<Map<String, Value>>>,
    /// The authority that publishes them, by its name under `authorities`; instead of `inline`.
    pub authority: Option<String>,
    /// The path of its JWK Set, with a query where it wants one.
    pub path: Option<String>,
    /// Interval of fetches, such as `5m`.
    pub every: Option<String>,
    /// Time for which keys are trusted after they were last fetched.
    pub max_stale: Option<String>,
}

/// JSON pointers ([RFC 6901](https://www.rfc-editor.org/rfc/rfc6901)) of the facts among the claims. When a token
/// begins and ends is where RFC 7519 says.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ClaimsDocument {
    /// Default `/sub`.
    pub subject: String,
    /// Default `/client_id`.
    pub client_id: String,
    /// Default `/client_type`.
    pub client_type: String,
    /// Default `/scope`.
    pub scope: ScopePointersDocument,
    /// Further facts, by names of the policy's own; none by default.
    pub further: FurtherDocument,
}

impl Default for ClaimsDocument {
    fn default() -> Self {
        Self {
            subject: "/sub".to_owned(),
            client_id: "/client_id".to_owned(),
            client_type: "/client_type".to_owned(),
            scope: ScopePointersDocument::default(),
            further: FurtherDocument::new(),
        }
    }
}

/// The default leeway: none. Only a policy can make a token last longer than it says.
fn no_leeway() -> String {
    "0s".to_owned()
}

impl<'de> Deserialize<'de> for AudiencesDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AudiencesVisitor)
    }
}

struct AudiencesVisitor;

impl<'de> Visitor<'de> for AudiencesVisitor {
    type Value = AudiencesDocument;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`any`, or a list of audiences")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<AudiencesDocument, E> {
        match text {
            "any" => Ok(AudiencesDocument::Any(AnyAudience::Any)),
            _ => Err(E::custom(format_args!("`{text}` is no list; write `[{text}]`, or `any`"))),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<AudiencesDocument, A::Error> {
        let mut audiences = Vec::new();
        while let Some(audience) = entries.next_element()? {
            audiences.push(audience);
        }
        Ok(AudiencesDocument::OneOf(audiences))
    }
}

impl<'de> Deserialize<'de> for TenantsDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TenantsVisitor)
    }
}

struct TenantsVisitor;

impl<'de> Visitor<'de> for TenantsVisitor {
    type Value = TenantsDocument;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of tenants, or `{ any: { because: … } }`")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<TenantsDocument, A::Error> {
        let mut tenants = Vec::new();
        while let Some(tenant) = entries.next_element()? {
            tenants.push(tenant);
        }
        Ok(TenantsDocument::OneOf(tenants))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<TenantsDocument, A::Error> {
        AnyTenantDocument::deserialize(MapAccessDeserializer::new(members)).map(TenantsDocument::Any)
    }
}
