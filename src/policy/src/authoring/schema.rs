//! Owns the JSON Schema of documents, which lets an editor help an author before anything is compiled.
//!
//! It is made from the document's types, and narrowed here to what compiling asks of a single value. What compares two
//! places of a document (an authority's name, a capture, a route written twice) no schema says.
//!
//! INVARIANT: the schema never refuses what [`Policy::compile`](crate::deciding::Policy::compile) accepts. Where the
//! two cannot agree, it is laxer.

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

use crate::compile::credentials::MAX_CREDENTIALS;
use crate::deciding::decision::Denial;
use crate::deciding::header_table::refused_headers;
use crate::document::PolicyDocument;
use crate::identity::authority::LookupRate;
use crate::identity::facts::{FactName, MAX_FACT};
use crate::identity::jwt::Algorithm;
use patterns::{
    CLUSTER, CREDENTIAL, FACT, FACT_NAME, HEADER, HEADER_VALUE, HOST, MEDIA_TYPE, MESSAGE, NAME, PATH_AND_QUERY,
    POINTER, SOMETHING, SPAN, TARGET,
};

mod credentials;
mod patterns;
mod routes;

impl PolicyDocument {
    /// The JSON Schema of documents, draft 7: the newest that the YAML language server reads.
    #[must_use]
    pub fn schema() -> Value {
        schema_of::<Self>(narrower())
    }
}

/// The schema of a document of another kind, made from its types as a policy's is: with keywords that its types do not
/// say, by the name of the type.
#[must_use]
pub fn schema_of<T: JsonSchema>(narrower: Vec<(&'static str, Value)>) -> Value {
    let mut schema = plain::<T>();
    for (name, keywords) in narrower {
        // Each place is found: `every_narrowing_has_its_place`.
        if let Some(found) = definition(&mut schema, &T::schema_name(), name) {
            merge(found, keywords);
        }
    }
    schema
}

/// The schema as the types say it.
fn plain<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft07().with_transform(RecursiveTransform(as_it_is_read));
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// Takes out what the types allow and the reading of documents does not: a null for what is left out. The width of
/// integers goes too, for it is no format that validators know.
fn as_it_is_read(schema: &mut Schema) {
    schema.remove("format");
    if let Some(types) = schema.get_mut("type")
        && let Value::Array(names) = types
    {
        names.retain(|name| name != "null");
        if let [only] = names.as_slice() {
            *types = only.clone();
        }
    }
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type") != Some(&json!("null")));
    }
}

/// The schema of one type.
fn definition<'a>(schema: &'a mut Value, root: &str, name: &str) -> Option<&'a mut Value> {
    if name == root {
        return Some(schema);
    }
    schema.get_mut("definitions")?.get_mut(name)
}

/// Adds keywords to a schema, member by member.
fn merge(schema: &mut Value, keywords: Value) {
    match (schema, keywords) {
        (Value::Object(members), Value::Object(keywords)) => {
            for (name, keyword) in keywords {
                merge(members.entry(name).or_insert(Value::Null), keyword);
            }
        }
        (schema, keyword) => *schema = keyword,
    }
}

/// What compiling asks beyond the types, by type.
fn narrower() -> Vec<(&'static str, Value)> {
    let reserved: Vec<_> = FactName::STANDARD.into_iter().chain(["not_before", "expires", "scopes"]).collect();
    let further = json!({
        "propertyNames": { "pattern": FACT_NAME, "not": { "enum": reserved } },
    });
    let headers = json!({ "propertyNames": { "pattern": HEADER } });
    let json = json!({
        "propertyNames": { "pattern": HEADER },
        "additionalProperties": { "minProperties": 1, "propertyNames": { "pattern": "^[!-~]+$" } },
    });
    let others = vec![
        (
            "PolicyDocument",
            json!({
                "title": "Brama policy",
                "properties": {
                    "version": { "const": 1 },
                    "name": { "pattern": NAME },
                    "routes": { "minItems": 1 },
                    "credentials": { "maxProperties": MAX_CREDENTIALS, "propertyNames": { "pattern": CREDENTIAL } },
                },
            }),
        ),
        ("ReasonDocument", properties(json!({ "because": { "pattern": SOMETHING } }))),
        (
            "AuthorityDocument",
            properties(json!({
                "cluster": { "pattern": CLUSTER },
                "host": { "pattern": HOST },
                "timeout": { "pattern": SPAN },
            })),
        ),
        (
            "LookupsDocument",
            properties(json!({
                "per_second": { "minimum": 1, "maximum": LookupRate::MOST },
                "per_second_behind_a_key": { "minimum": 1, "maximum": LookupRate::MOST },
            })),
        ),
        (
            "RevocationsDocument",
            properties(json!({
                "path": { "pattern": "^/[^?#]*$" },
                "every": { "pattern": SPAN },
                "max_lag": { "pattern": SPAN },
            })),
        ),
        (
            "ServeStaleDocument",
            properties(json!({ "serve_for": { "pattern": SPAN }, "because": { "pattern": SOMETHING } })),
        ),
        ("VariableDocument", json!({ "pattern": "^[A-Z0-9_]+$" })),
        ("HeaderEnvDocument", properties(json!({ "name": { "pattern": HEADER } }))),
        (
            "IntrospectDocument",
            json!({
                "oneOf": [
                    { "required": ["hint"] },
                    { "required": ["form"] },
                    { "properties": { "method": { "const": "GET" } }, "required": ["method"] },
                ],
                "properties": {
                "path": { "pattern": TARGET },
                "hint": { "minLength": 1 },
                "form": {
                    "propertyNames": { "minLength": 1 },
                    "additionalProperties": { "pattern": r"^([^{}]*|\{credential\})$" },
                },
                "accept": { "pattern": HEADER_VALUE, "maxLength": MAX_FACT },
                "headers": {
                    "propertyNames": { "pattern": HEADER },
                    "additionalProperties": { "pattern": HEADER_VALUE, "maxLength": MAX_FACT },
                },
                "inactive_on": { "items": { "minimum": 400, "maximum": 499, "not": { "enum": [408, 425, 429] } } },
                },
            }),
        ),
        ("SendDocument", json!({ "pattern": CREDENTIAL })),
        (
            "SendInDocument",
            properties(json!({ "credential": { "pattern": CREDENTIAL }, "header": { "pattern": HEADER } })),
        ),
        (
            "ActiveOnDocument",
            properties(
                json!({ "on": { "minItems": 1, "items": { "minimum": 200, "maximum": 299, "not": { "enum": [204, 205] } } } }),
            ),
        ),
        ("StatedDocument", json!({ "minProperties": 1, "propertyNames": { "pattern": POINTER } })),
        (
            "JwtDocument",
            properties(json!({
                "issuer": { "minLength": 1 },
                "audiences": { "minItems": 1, "uniqueItems": true, "items": { "minLength": 1 } },
                "types": { "minItems": 1, "uniqueItems": true, "items": { "pattern": MEDIA_TYPE } },
                "algorithms": {
                    "minItems": 1,
                    "uniqueItems": true,
                    "items": { "enum": Algorithm::ALL.map(Algorithm::as_str) },
                },
                "leeway": { "pattern": SPAN },
            })),
        ),
        (
            "KeysDocument",
            json!({
                "properties": {
                    "inline": { "minItems": 1 },
                    "path": { "pattern": PATH_AND_QUERY },
                    "every": { "pattern": SPAN },
                    "max_stale": { "pattern": SPAN },
                },
                "oneOf": [{ "required": ["inline"] }, { "required": ["authority", "path", "every", "max_stale"] }],
            }),
        ),
        (
            "ClaimsDocument",
            properties(json!({
                "subject": { "pattern": POINTER },
                "client_id": { "pattern": POINTER },
                "client_type": { "pattern": POINTER },
                "further": further.clone(),
            })),
        ),
        (
            "FactsDocument",
            properties(json!({
                "subject": { "pattern": POINTER },
                "client_id": { "pattern": POINTER },
                "client_type": { "pattern": POINTER },
                "expires": { "pattern": POINTER },
                "further": further,
                "required": { "items": { "pattern": FACT_NAME } },
            })),
        ),
        // A text, or an object of one key.
        ("FactPointerDocument", json!({ "pattern": POINTER })),
        ("ScopePointersDocument", json!({ "minItems": 1, "uniqueItems": true })),
        ("ScopePointerDocument", json!({ "pattern": POINTER })),
        ("MembersDocument", properties(json!({ "members": { "pattern": POINTER } }))),
        ("ForwardedDocument", json!({ "pattern": FACT })),
        ("MemberDocument", json!({ "pattern": FACT })),
        ("MemberPerhapsDocument", properties(json!({ "fact": { "pattern": FACT } }))),
        ("IdentityDocument", properties(json!({ "headers": headers.clone(), "json": json.clone() }))),
        (
            "ForwardedInDocument",
            properties(json!({ "fact": { "pattern": FACT }, "separator": { "pattern": "^[ -~]$" } })),
        ),
        (
            "CacheDocument",
            properties(json!({
                "ttl": { "pattern": SPAN },
                "refused_ttl": { "pattern": SPAN },
                "entries": { "minimum": 1, "maximum": LookupRate::MOST },
            })),
        ),
        (
            "ForwardDocument",
            properties(json!({
                "headers": headers,
                "json": json,
                "fixed": {
                    "propertyNames": { "pattern": HEADER },
                    "additionalProperties": { "pattern": HEADER_VALUE, "maxLength": MAX_FACT },
                },
                "strip": {
                    "items": {
                        "pattern": "^[a-z0-9][a-z0-9-]*[*]?$",
                        "not": { "enum": refused_headers().collect::<Vec<_>>() },
                    },
                },
            })),
        ),
        (
            "LogDocument",
            properties(json!({ "facts": { "minItems": 1, "uniqueItems": true, "items": { "pattern": FACT } } })),
        ),
        (
            "RefusalsDocument",
            properties(json!({
                "messages": {
                    "propertyNames": { "pattern": Denial::code_pattern() },
                    "additionalProperties": { "pattern": MESSAGE, "maxLength": 512 },
                },
            })),
        ),
    ];
    others.into_iter().chain(credentials::narrower()).chain(routes::narrower()).collect()
}

fn properties(keywords: Value) -> Value {
    json!({ "properties": keywords })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every property that is narrowed, by its type.
    fn narrowed() -> impl Iterator<Item = (&'static str, String)> {
        narrower().into_iter().flat_map(|(name, keywords)| {
            let properties = keywords.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
            properties.into_iter().map(move |(property, _keywords)| (name, property))
        })
    }

    #[test]
    fn every_narrowing_has_its_place() {
        let (mut plain, root) = (plain::<PolicyDocument>(), PolicyDocument::schema_name());
        for (name, _keywords) in narrower() {
            assert!(definition(&mut plain, &root, name).is_some(), "{name}");
        }
        for (name, property) in narrowed() {
            let place = definition(&mut plain, &root, name).map(|definition| &definition["properties"][&property]);
            assert!(place.is_some_and(Value::is_object), "{name}.{property}");
        }
    }

    #[test]
    fn nothing_is_null_and_no_object_takes_unknown_keys() {
        let text = PolicyDocument::schema().to_string();
        assert!(!text.contains("null"), "{text}");
        let definitions = PolicyDocument::schema()["definitions"].clone();
        for (name, definition) in definitions.as_object().unwrap() {
            if definition.get("properties").is_some() {
                assert_eq!(definition["additionalProperties"], false, "{name}");
            }
        }
    }
}
