//! Owns how the revocation feed is asked for and written, and how many credentials are revoked at once.

mod query;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Deserializer};
use serde_json::json;

use super::error::AuthorityError;
use super::form::unreadable;
use crate::feed::Feed;
use crate::observe::Routine;
use crate::store::revocation::{Cursor, LATEST, Revocation, RevocationOutcome};
use query::Query;

/// `GET /revocations`.
pub(super) async fn read(
    State(feed): State<Feed>,
    RawQuery(query): RawQuery,
) -> Result<impl IntoResponse, AuthorityError> {
    let Query { since, wait } = Query::read(query.as_deref().unwrap_or_default())?;
    let page = feed.read(since, wait).await?;
    let headers = [(header::CACHE_CONTROL, "no-store"), (header::CONTENT_TYPE, "application/json")];
    let mut response = (headers, page.json.clone()).into_response();
    if page.is_routine {
        response.extensions_mut().insert(Routine);
    }
    Ok(response)
}

/// `POST /revocations`.
pub(super) async fn revoke(
    State(feed): State<Feed>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<impl IntoResponse, AuthorityError> {
    let body = body.map_err(|rejection| unreadable(rejection.status()))?;
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

/// Reads what is given. A `null` is no way to leave it out: a program that lost a value would revoke something else.
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
    // The reader would take `[]` for a document of which nothing is given.
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

    match document {
        RevocationDocument {
            client_id: Some(id),
            user_id: None,
            issued_before: None,
            jti: None,
            exp: None,
            all: None,
        } => {
            check_text("client_id", &id)?;
            Ok(Revocation::Client(id))
        }
        RevocationDocument { client_id: None, user_id: Some(id), issued_before, jti: None, exp: None, all: None } => {
            check_text("user_id", &id)?;
            issued_before.map_or(Ok(()), |moment| check_moment("issued_before", moment))?;
            Ok(Revocation::User { id, issued_before })
        }
        RevocationDocument {
            client_id: None,
            user_id: None,
            issued_before: None,
            jti: Some(jti),
            exp: Some(expires_at),
            all: None,
        } => {
            check_text("jti", &jti)?;
            check_moment("exp", expires_at)?;
            Ok(Revocation::Jti { jti, expires_at })
        }
        RevocationDocument {
            client_id: None,
            user_id: None,
            issued_before: None,
            jti: None,
            exp: None,
            all: Some(true),
        } => Ok(Revocation::All),
        _ => Err(AuthorityError::invalid(
            "body: not one of client_id; user_id, with or without issued_before; jti and exp; all (true)",
        )),
    }
}

/// Whether an identifier can be kept; it is compared with what tokens state, so it may be anything short.
pub(super) fn check_text(place: &str, text: &str) -> Result<(), AuthorityError> {
    // Letters are counted, since the schema counts them.
    if (1..=LONGEST_TEXT).contains(&text.chars().count()) && !text.contains('\0') {
        return Ok(());
    }
    Err(AuthorityError::invalid(format!("{place}: empty, longer than {LONGEST_TEXT} characters, or with a NUL")))
}

fn check_moment(place: &str, moment: i64) -> Result<(), AuthorityError> {
    if (0..=LATEST).contains(&moment) {
        return Ok(());
    }
    Err(AuthorityError::invalid(format!("{place}: not in Unix seconds")))
}

const LONGEST_TEXT: usize = 512;
