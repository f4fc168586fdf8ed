//! Owns the JSON of a page of the feed.

use axum::body::Bytes;
use serde_json::{Value, json};

use crate::store::revocation::{Entry, Page, Revoked};

/// A page in JSON, encoded once for all polls that receive it.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) json: Bytes,
    /// A page with neither entries nor a reset.
    pub(crate) is_routine: bool,
    /// More entries can be read at once.
    pub(super) more: bool,
}

impl From<Page> for Document {
    fn from(page: Page) -> Self {
        let (is_routine, more) = (page.entries.is_empty() && !page.reset, page.more);
        let entries: Vec<Value> = page.entries.into_iter().map(entry_json).collect();
        let json = json!({
            "feed": page.head.feed.to_string(),
            "head": page.head.number,
            "entries": entries,
            "more": page.more,
            "next": page.next.to_string(),
            "reset": page.reset,
        });
        Self { json: json.to_string().into(), is_routine, more }
    }
}

fn entry_json(entry: Entry) -> Value {
    let (mut json, issued_before) = match entry.revoked {
        Revoked::All { issued_before } => (json!({ "kind": "all" }), issued_before),
        Revoked::Client { id, issued_before } => (json!({ "kind": "client", "client_id": id }), issued_before),
        Revoked::Credential(hash) => (json!({ "kind": "credential", "sha256": hash.to_hex() }), None),
        Revoked::Jti(jti) => (json!({ "kind": "jti", "jti": jti }), None),
        Revoked::User { id, issued_before } => (json!({ "kind": "user", "user_id": id }), issued_before),
    };
    if let Some(members) = json.as_object_mut() {
        members.insert("number".to_owned(), entry.number.into());
        members.insert("at".to_owned(), entry.at.into());
        members.extend(issued_before.map(|moment| ("issued_before".to_owned(), moment.into())));
        members.extend(entry.until.map(|moment| ("until".to_owned(), moment.into())));
    }
    json
}
