//! Owns how the paths of the revocation feed are described.

use serde_json::{Value, json};

use super::error::AuthorityError;
use super::revocations::LONGEST_TEXT;
use super::{REVOCATIONS, refusals};
use crate::feed::LONGEST_WAIT;
use crate::openapi::{JSON, Operation, Served, exactly, joined, object};
use crate::store::revocation::LATEST;

/// `GET /revocations`.
pub(super) fn read_revocations() -> Operation {
    let parameter = |name: &str, description: &str, schema: Value| json!({ "name": name, "in": "query", "required": false, "description": description, "schema": schema });
    let longest = u64::try_from(LONGEST_WAIT.as_millis()).unwrap_or(u64::MAX);
    Operation::new(Served::Get, REVOCATIONS, "readRevocations", "What was revoked since")
        .parameters(json!([
            parameter("after", "The `next` of the answer before", cursor()),
            parameter(
                "from",
                "Only without `after`: from now on, or the deny list for JWTs first",
                json!({ "type": "string", "enum": ["head", "start"], "default": "head" }),
            ),
            parameter(
                "wait",
                "Only with `after`: for how many milliseconds to wait for news",
                json!({ "type": "integer", "minimum": 0, "maximum": longest, "default": 0 }),
            ),
        ]))
        .done("A page of the feed", JSON, page())
        .refused(refusals([AuthorityError::invalid("")]))
}

/// `POST /revocations`.
pub(super) fn revoke() -> Operation {
    let text = || json!({ "type": "string", "minLength": 1, "maxLength": LONGEST_TEXT });
    let user = object(json!({ "user_id": text() }), json!({ "issued_before": moment() }));
    let forms = json!({ "oneOf": [
        exactly(json!({ "client_id": text() })),
        user,
        exactly(json!({ "jti": text(), "exp": moment() })),
        exactly(json!({ "all": { "const": true } })),
    ]});
    let done = exactly(json!({ "next": cursor() }));
    let errors =
        [AuthorityError::invalid(""), AuthorityError::TooLarge, AuthorityError::TooSlow, AuthorityError::DenyListFull];
    Operation::new(Served::Post, REVOCATIONS, "revoke", "Revokes all of a client, of a user, of a `jti`, or everything")
        .body(JSON, forms)
        .done("Revoked", JSON, done)
        .refused(refusals(errors))
}

fn page() -> Value {
    exactly(json!({
        "feed": { "type": "string", "format": "uuid" },
        "head": { "type": "integer", "minimum": 0 },
        "entries": { "type": "array", "items": { "oneOf": [
            entry("all", json!({})),
            entry("client", json!({ "client_id": { "type": "string" } })),
            entry("credential", json!({ "sha256": { "type": "string", "pattern": "^[0-9a-f]{64}$" } })),
            entry("jti", json!({ "jti": { "type": "string" } })),
            entry("user", json!({ "user_id": { "type": "string" } })),
        ]}},
        "more": { "type": "boolean" },
        "next": cursor(),
        "reset": { "type": "boolean" },
    }))
}

/// An entry of `kind`, which `names` something.
fn entry(kind: &str, names: Value) -> Value {
    let time = || json!({ "type": "integer" });
    let number = json!({ "type": "integer", "minimum": 1 });
    let required = joined(names, json!({ "kind": { "const": kind }, "number": number, "at": time() }));
    object(required, json!({ "issued_before": time(), "until": time() }))
}

/// Unix seconds.
fn moment() -> Value {
    json!({ "type": "integer", "minimum": 0, "maximum": LATEST })
}

fn cursor() -> Value {
    // Opaque to gateways; the form is told so that tools can tell a sound one from others.
    json!({ "type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(:(0|[1-9][0-9]{0,17})){1,2}$" })
}
