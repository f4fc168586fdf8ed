//! Owns the JSON Schema of files of cases, which lets an editor help whoever writes them.
//!
//! INVARIANT: the schema accepts what [`Corpus::read`] accepts under some policy. Which facts and rules there are is
//! left to the policy.

use std::collections::BTreeMap;

use brama_policy::authoring::schema_of;
use brama_policy::deciding::Denial;
use schemars::JsonSchema;
use serde_json::{Value, json};

use super::Corpus;
use super::document::CorpusDocument;

impl Corpus {
    /// The JSON Schema of files of cases, draft 7.
    #[must_use]
    pub fn schema() -> Value {
        schema_of::<CorpusDocument>(narrower())
    }
}

/// Answer of an authority about a credential.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "it is read as a statement; here is its form")]
pub(super) enum Identity {
    /// Nobody vouches for it, or nobody can say.
    Word(Word),
    /// Facts.
    Facts(Facts),
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
#[expect(dead_code, reason = "it is read as a statement; here is its form")]
pub(super) enum Word {
    /// Nobody vouches for it.
    Refused,
    /// Nobody can say.
    Unavailable,
}

/// A text, or a number or boolean that is read as one.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "it is read as a statement; here is its form")]
pub(super) enum TextFact {
    /// A text.
    Text(String),
    /// A whole number.
    Int(i64),
    /// A boolean.
    Bool(bool),
}

/// Facts, further ones by the names that the policy gives them.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it is read as a statement; here is its form")]
pub(super) struct Facts {
    /// Who.
    subject: Option<TextFact>,
    /// The client it belongs to.
    client_id: Option<TextFact>,
    /// The kind of that client.
    client_type: Option<TextFact>,
    /// Scopes that it grants, with spaces between.
    scope: Option<String>,
    /// When it ends, in seconds since 1970.
    expires: Option<u64>,
    /// When it begins, in seconds since 1970; of what is verified as a JWT.
    not_before: Option<u64>,
    #[schemars(flatten)]
    further: BTreeMap<String, Value>,
}

fn narrower() -> Vec<(&'static str, Value)> {
    let beside = |keys: &[&str]| json!({ "not": { "anyOf": keys.iter().map(|key| json!({ "required": [key] })).collect::<Vec<_>>() } });
    let refusal = json!({
        "required": ["refuse"],
        "allOf": [beside(&["allow", "would_refuse", "forward", "remove"])],
    });
    let grant = json!({
        "anyOf": [{ "required": ["allow"] }, { "required": ["would_refuse"] }],
        "allOf": [beside(&["refuse", "rule", "status", "message"])],
    });
    vec![
        ("CorpusDocument", json!({ "title": "Cases of a Brama policy", "properties": { "cases": { "minItems": 1 } } })),
        ("CaseDocument", json!({ "properties": { "name": { "minLength": 1 } } })),
        (
            "ExpectDocument",
            json!({
                "oneOf": [refusal, grant],
                "properties": {
                    "refuse": { "pattern": Denial::code_pattern() },
                    "would_refuse": { "pattern": Denial::code_pattern() },
                },
            }),
        ),
    ]
}
