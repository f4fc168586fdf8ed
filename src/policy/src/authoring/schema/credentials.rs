//! Owns what compiling asks of a credential and its places, beyond their types.

use serde_json::{Value, json};

use super::patterns::{COOKIE_NAME, HEADER, POINTER, PREFIX, SCHEME, SOMETHING, TENANT};
use crate::identity::verifiers::MAX_VERIFIERS;

pub(super) fn narrower() -> Vec<(&'static str, Value)> {
    vec![
        (
            "CredentialDocument",
            json!({
                "properties": {
                    "header": { "pattern": HEADER },
                    "scheme": { "pattern": SCHEME },
                    "from": { "minItems": 1 },
                    "verify": { "minItems": 1, "maxItems": MAX_VERIFIERS },
                },
                "oneOf": [
                    { "required": ["header"] },
                    { "required": ["from"], "not": { "required": ["scheme"] } },
                ],
            }),
        ),
        ("TenantDocument", json!({ "properties": { "claim": { "pattern": POINTER } } })),
        ("TenantsDocument", json!({ "minItems": 1, "uniqueItems": true, "items": { "pattern": TENANT } })),
        ("WhenDocument", json!({ "properties": { "prefix": { "pattern": PREFIX } } })),
        (
            "SourceDocument",
            json!({
                "properties": {
                    "header": { "pattern": HEADER },
                    "scheme": { "pattern": SCHEME },
                    "cookie": { "pattern": COOKIE_NAME },
                    "query": { "pattern": COOKIE_NAME },
                    "because": { "pattern": SOMETHING },
                },
                "oneOf": [
                    { "required": ["header"] },
                    { "required": ["cookie"] },
                    { "required": ["query", "because"] },
                ],
                "dependencies": { "scheme": ["header"], "because": ["query"] },
            }),
        ),
    ]
}
