//! Owns `routes` as they are written.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{ForwardedDocument, MemberDocument, ReasonDocument, RequireDocument};

/// One entry of what may pass.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RouteDocument {
    /// Its name in logs, metrics and cases.
    pub id: String,
    /// The methods it is for.
    pub methods: Vec<String>,
    /// The hosts it is for: names, `*.suffix`, addresses. Every host by default.
    pub hosts: Option<Vec<String>>,
    /// Its path template, such as `/api/clients/{client_id:uuid}/connections/{_id}`.
    pub path: String,
    /// Mode of this route; by default the document's.
    pub mode: Option<RouteModeDocument>,
    /// Lets CORS preflight requests for this route pass, to a service that answers them itself.
    pub preflight: Option<ReasonDocument>,
    /// Lets everybody pass; instead of `require`.
    pub public: Option<ReasonDocument>,
    /// Requirements of a request; instead of `public`.
    pub require: Option<RequireDocument>,
    /// Identity that the service is told on this route, in the place of the document's `headers` and `json`.
    pub forward: Option<IdentityDocument>,
    /// Headers that carry credentials elsewhere, and go on untouched on this route, which verifies none of them.
    pub pass: Option<Vec<String>>,
}

/// Identity that the service is told on one route.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct IdentityDocument {
    /// Identity headers: name to fact (`token.subject`).
    pub headers: BTreeMap<String, ForwardedDocument>,
    /// Headers that hold a JSON object: name to members, each a fact.
    #[serde(default)]
    pub json: BTreeMap<String, BTreeMap<String, MemberDocument>>,
}

/// Mode of one route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RouteModeDocument {
    /// A lack refuses the request.
    Enforce,
    /// A lack is counted and marked, and the request goes on.
    Shadow,
}
