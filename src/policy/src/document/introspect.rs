//! Owns `introspect` as it is written: the authority, the form of a question, and the places of facts in an answer.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{FurtherDocument, ReasonDocument, ScopePointersDocument};

mod either;

/// Verification by introspection ([RFC 7662](https://www.rfc-editor.org/rfc/rfc7662)), or by what an authority has for
/// it.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct IntrospectDocument {
    /// Credentials that it is for, of those that are no JWT for another verifier; without it, all that are left.
    pub when: Option<WhenDocument>,
    /// The authority asked, by its name under `authorities`.
    pub authority: String,
    /// Method of the request; `POST` by default.
    #[serde(default)]
    pub method: MethodDocument,
    /// The path of its endpoint. `{credential}` may be a whole segment, or a whole value of the query.
    pub path: String,
    /// The `token_type_hint` of the form of RFC 7662.
    pub hint: Option<String>,
    /// Another form than that of RFC 7662: its fields; the value `{credential}` is the credential.
    pub form: Option<BTreeMap<String, String>>,
    /// The `accept` header; `application/json` by default.
    pub accept: Option<String>,
    /// Headers that say the same in every question.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Credentials of the request that are sent in headers: this one, or others that the route requires.
    #[serde(default)]
    pub send: Vec<SendDocument>,
    /// Sign of an active credential; by default `/active` in the answer.
    #[serde(default)]
    pub active: ActiveDocument,
    /// Statuses that say that it is inactive; none by default.
    #[serde(default)]
    pub inactive_on: Vec<u16>,
    /// Values that an active answer must state, by JSON pointer; a hint alone is no guard.
    pub expect: ExpectDocument,
    /// Places of the facts in an answer, where they differ from RFC 7662.
    #[serde(default)]
    pub facts: FactsDocument,
}

/// Credentials that a verifier is for.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct WhenDocument {
    /// Their beginning, such as `ghp_`.
    pub prefix: String,
}

/// The method of a question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum MethodDocument {
    /// With a form.
    #[default]
    Post,
    /// Without a body.
    Get,
}

/// A credential that is sent in a header.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(untagged))]
pub enum SendDocument {
    /// The credential unchanged, in the header that it came in.
    AsItCame(String),
    /// Alone, in another header.
    In(SendInDocument),
}

/// A credential that is sent in another header than it came in.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SendInDocument {
    /// The credential.
    pub credential: String,
    /// The header that holds it, without a scheme.
    pub header: String,
}

/// Sign of an active credential.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(untagged))]
pub enum ActiveDocument {
    /// A boolean of the answer, by JSON pointer.
    At(String),
    /// The status alone.
    On(ActiveOnDocument),
}

impl Default for ActiveDocument {
    /// The member `active` of RFC 7662, 2.2.
    fn default() -> Self {
        Self::At("/active".to_owned())
    }
}

/// Statuses that say that a credential is active.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ActiveOnDocument {
    /// The statuses.
    pub on: Vec<u16>,
}

/// Values that an active answer must state. Expecting nothing has to be written.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(untagged))]
pub enum ExpectDocument {
    /// These, by JSON pointer.
    Stated(StatedDocument),
    /// Nothing.
    Nothing(ExpectNothingDocument),
}

/// Values that must be stated, by JSON pointer.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(transparent))]
pub struct StatedDocument(pub BTreeMap<String, ExpectedDocument>);

/// Value that must be stated.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(untagged))]
pub enum ExpectedDocument {
    /// This one.
    Is(ScalarDocument),
    /// One of these.
    OneOf(Vec<ScalarDocument>),
    /// A list that has one of these, or one of these alone.
    Has(HasDocument),
}

/// A list that has a value.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct HasDocument {
    /// The values of which the list must have one.
    pub has: Vec<ScalarDocument>,
}

/// A text, a boolean, or a whole number.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(untagged))]
pub enum ScalarDocument {
    /// A text.
    Text(String),
    /// A boolean.
    Bool(bool),
    /// A whole number of 64 bits.
    Int(i64),
}

/// The choice that nothing has to be stated.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct ExpectNothingDocument {
    /// Reason why a credential of another kind cannot be taken for this one.
    pub none: ReasonDocument,
}

/// JSON pointers ([RFC 6901](https://www.rfc-editor.org/rfc/rfc6901)) of the facts in an answer.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct FactsDocument {
    /// Default `/sub`.
    pub subject: String,
    /// Default `/client_id`.
    pub client_id: String,
    /// Default `/client_type`.
    pub client_type: String,
    /// Default `/scope`.
    pub scope: ScopePointersDocument,
    /// Default `/exp`.
    pub expires: String,
    /// Further facts, by names of the policy's own; none by default.
    pub further: FurtherDocument,
    /// Facts without which an answer is unusable, by their names; none by default.
    pub required: Vec<String>,
}

impl Default for FactsDocument {
    fn default() -> Self {
        Self {
            subject: "/sub".to_owned(),
            client_id: "/client_id".to_owned(),
            client_type: "/client_type".to_owned(),
            scope: ScopePointersDocument::default(),
            expires: "/exp".to_owned(),
            further: FurtherDocument::new(),
            required: Vec::new(),
        }
    }
}
