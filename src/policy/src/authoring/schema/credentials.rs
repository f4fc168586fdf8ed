//! Owns what compiling asks of a credential and its places, beyond their types.

use serde_json::{Value, json};

use super::patterns::{COOKIE_NAME, HEADER, SCHEME, SOMETHING};

pub(super) fn narrower() -> Vec<(&'static str, Value)> {
    vec![
        (
            "CredentialDocument",
            json!({
                "properties": {
                    "header": { "pattern": HEADER },
                    "scheme": { "pattern": SCHEME },
                    "from": { "minItems": 1 },
                    "verify": { "minItems": 1, "maxItems": 2 },
                },
                "oneOf": [
                    { "required": ["header"] },
                    { "required": ["from"], "not": { "required": ["scheme"] } },
                ],
            }),
        ),
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
