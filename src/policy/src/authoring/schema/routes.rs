//! Owns what compiling asks of a route and its requirements, beyond their types.

use serde_json::{Value, json};

use super::patterns::{CREDENTIAL, FACT, FACT_NAME, HEADER, HOST_PATTERN, NAME, PATH, SCOPE, SOMETHING};
use super::properties;
use crate::identity::facts::MAX_FACT;
use crate::identity::scope::MAX_SCOPE_LIST;

pub(super) fn narrower() -> Vec<(&'static str, Value)> {
    vec![
        (
            "RouteDocument",
            json!({
                "properties": {
                    "id": { "pattern": NAME },
                    "methods": {
                        "minItems": 1,
                        "uniqueItems": true,
                        "items": { "pattern": "^[A-Z]+$", "not": { "enum": ["CONNECT", "TRACE"] } },
                    },
                    "hosts": { "minItems": 1, "uniqueItems": true, "items": { "pattern": HOST_PATTERN } },
                    "path": { "pattern": PATH },
                    "pass": { "minItems": 1, "uniqueItems": true, "items": { "pattern": HEADER } },
                },
                "oneOf": [{ "required": ["public"] }, { "required": ["require"] }],
            }),
        ),
        (
            "RequireDocument",
            properties(json!({
                "credentials": { "minItems": 1, "uniqueItems": true, "items": { "pattern": CREDENTIAL } },
                "audience": {
                    "minLength": 1,
                    "maxLength": MAX_FACT,
                    "minProperties": 1,
                    "propertyNames": { "pattern": CREDENTIAL },
                    "additionalProperties": { "minLength": 1, "maxLength": MAX_FACT },
                },
                "bind": {
                    "minProperties": 2,
                    "maxProperties": 2,
                    "propertyNames": { "pattern": CREDENTIAL },
                    "additionalProperties": { "pattern": FACT_NAME },
                },
                "conditions": { "minItems": 1 },
            })),
        ),
        (
            "SomeCredentialsDocument",
            json!({
                "properties": {
                    "all": { "minItems": 1, "uniqueItems": true, "items": { "pattern": CREDENTIAL } },
                    "any": { "minItems": 2, "uniqueItems": true, "items": { "pattern": CREDENTIAL } },
                    "optional": { "minItems": 1, "uniqueItems": true, "items": { "pattern": CREDENTIAL } },
                    "because": { "pattern": SOMETHING },
                },
                "oneOf": [
                    {
                        "anyOf": [{ "required": ["all"] }, { "required": ["any"] }],
                        "not": { "required": ["because"] },
                    },
                    {
                        "required": ["because", "optional"],
                        "not": { "anyOf": [{ "required": ["all"] }, { "required": ["any"] }] },
                    },
                ],
            }),
        ),
        (
            "WantedScopesDocument",
            json!({
                "properties": {
                    "all": { "minItems": 1, "items": { "pattern": SCOPE, "maxLength": MAX_SCOPE_LIST } },
                    "any": { "minItems": 1, "items": { "pattern": SCOPE, "maxLength": MAX_SCOPE_LIST } },
                    "of": { "minItems": 1, "uniqueItems": true, "items": { "pattern": CREDENTIAL } },
                },
                "oneOf": [{ "required": ["all"] }, { "required": ["any"] }],
            }),
        ),
        (
            "OwnerDocument",
            json!({
                "properties": {
                    "param": { "pattern": "^_*[a-z][a-z0-9_]*$" },
                    "equals": { "pattern": FACT },
                    "in": { "pattern": FACT },
                    "except_client_types": { "items": { "pattern": SOMETHING } },
                },
                "oneOf": [{ "required": ["equals"] }, { "required": ["in"] }],
            }),
        ),
    ]
}
