//! Owns the requests to the revocation feed: polls, and revocations of many credentials at once.

mod query;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use axum::{Extension, Json};
use serde::{Deserialize, Deserializer};
use serde_json::json;

use super::Authority;
use super::error::AuthorityError;
use crate::observe::Routine;
use crate::store::revocation::{Cursor, LATEST, Revocation, RevocationOutcome};
use query::Query;

/// `GET /revocations`.
pub(super) async fn read(
    State(Authority { feed, .. }): State<Authority>,
    RawQuery(query): RawQuery,
) -> Result<impl IntoResponse, AuthorityError> {
    let Query { since, wait } = Query::read(query.as_deref().unwrap_or_default())?;
    let page = feed.read(since, wait).await?;
    let routine = page.is_routine.then_some(Extension(Routine));
    let headers = [(header::CACHE_CONTROL, "no-store"), (header::CONTENT_TYPE, "application/json")];
    Ok((routine, headers, page.json.clone()))
}

/// `POST /revocations`.
pub(super) async fn revoke(
    State(Authority { feed, .. }): State<Authority>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<impl IntoResponse, AuthorityError> {
    let revocation = understand(&headers, &body)?;
    match feed.store().revoke(&revocation, feed.keep()).await? {
        RevocationOutcome::Done { head } => {
            let body = json!({ "next": Cursor::at(head).to_string() });
            Ok(([(header::CACHE_CONTROL, "no-store")], Json(body)))
        }
        RevocationOutcome::Full => Err(AuthorityError::DenyListFull),
    }
}

/// The document as written: the members of all its forms.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RevocationDocument {
    #[serde(default, deserialize_with = "given")]
    client_id: Option<String>,
    #[serde(default, deserialize_with = "given")]
    user_id: Option<String>,
    #[serde(default, deserialize_with = "given")]
    issued_before: Option<i64>,
    #[serde(default, deserialize_with = "given")]
    jti: Option<String>,
    #[serde(default, deserialize_with = "given")]
    exp: Option<i64>,
    #[serde(default, deserialize_with = "given")]
    all: Option<bool>,
}

/// Reads a member that is given. A `null` is refused rather than taken for a missing member: a program that lost a
/// value would revoke something else.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

fn understand(headers: &HeaderMap, body: &[u8]) -> Result<Revocation, AuthorityError> {
    let is_json = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
        let (essence, _) = value.split_once(';').unwrap_or((value, ""));
        essence.trim().eq_ignore_ascii_case("application/json")
    });
    if !is_json {
        return Err(AuthorityError::invalid("content-type: not application/json"));
    }
    // The deserializer would take `[]` for an empty object.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(AuthorityError::invalid("body: not a JSON object"));
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let document: RevocationDocument =
        serde_path_to_error::deserialize(&mut reader).map_err(|error| match error.path().to_string().as_str() {
            "." => AuthorityError::invalid(format!("body: {}", error.inner())),
            place => AuthorityError::invalid(format!("{place}: {}", error.inner())),
        })?;
    reader.end().map_err(|error| AuthorityError::invalid(format!("body: {error}")))?;

    let RevocationDocument { client_id, user_id, issued_before, jti, exp, all } = document;
    match (client_id, user_id, issued_before, jti, exp, all) {
        (Some(id), None, None, None, None, None) => Ok(Revocation::Client(text("client_id", id)?)),
        (None, Some(id), issued_before, None, None, None) => Ok(Revocation::User {
            id: text("user_id", id)?,
            issued_before: issued_before.map(|issued_before| moment("issued_before", issued_before)).transpose()?,
        }),
        (None, None, None, Some(jti), Some(exp), None) => {
            Ok(Revocation::Jti { jti: text("jti", jti)?, expires_at: moment("exp", exp)? })
        }
        (None, None, None, None, None, Some(true)) => Ok(Revocation::All),
        _ => Err(AuthorityError::invalid(
            "body: not one of client_id; user_id, with or without issued_before; jti and exp; all (true)",
        )),
    }
}

/// An identifier of 1 to 512 characters without a NUL, which the store can keep. It is only compared with what tokens
/// state, so it may be any such text.
pub(super) fn text<T: AsRef<str>>(place: &str, text: T) -> Result<T, AuthorityError> {
    // Characters are counted, since the schema counts them.
    if (1..=MAX_TEXT).contains(&text.as_ref().chars().count()) && !text.as_ref().contains('\0') {
        return Ok(text);
    }
    Err(AuthorityError::invalid(format!("{place}: empty, longer than {MAX_TEXT} characters, or with a NUL")))
}

fn moment(place: &str, moment: i64) -> Result<i64, AuthorityError> {
    if (0..=LATEST).contains(&moment) {
        return Ok(moment);
    }
    Err(AuthorityError::invalid(format!("{place}: not in Unix seconds")))
}

const MAX_TEXT: usize = 512;
