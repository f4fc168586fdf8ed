//! Owns token introspection, RFC 7662: the form that is read and the facts that are written.

use axum::Json;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::error::AuthorityError;
use crate::secret::Secret;
use crate::store::{CredentialKind, Introspection, Store};

/// `POST /introspect`.
pub(super) async fn introspect(
    State(store): State<Store>,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Result<impl IntoResponse, AuthorityError> {
    let Form(parameters) = form.map_err(unreadable)?;
    let (token, first) = understand(parameters)?;
    let introspection = store.introspect(token.hash(), first).await?;
    // RFC 7662, 4: an answer that is kept elsewhere outlives the token.
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(facts(introspection))))
}

fn unreadable(rejection: FormRejection) -> AuthorityError {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => AuthorityError::TooLarge,
        _ => AuthorityError::InvalidRequest,
    }
}

/// The token and the kind to look for first. Other parameters are ignored: RFC 7662, 2.1 lets servers define some.
fn understand(parameters: Vec<(String, String)>) -> Result<(Secret, CredentialKind), AuthorityError> {
    let (mut tokens, mut hints) = (Vec::new(), Vec::new());
    for (name, value) in parameters {
        match name.as_str() {
            "token" => tokens.push(value),
            "token_type_hint" => hints.push(value),
            _ => {}
        }
    }
    // RFC 6749, 3.2: parameters are not repeated, and one without a value counts as omitted.
    let [token] = <[String; 1]>::try_from(tokens).map_err(|_| AuthorityError::InvalidRequest)?;
    if token.is_empty() {
        return Err(AuthorityError::InvalidRequest);
    }
    let first = match hints.as_slice() {
        [hint] if hint == "api_key" => CredentialKind::ApiKey,
        // RFC 7662, 2.1: a hint that says nothing to us is ignored.
        [] | [_] => CredentialKind::AccessToken,
        _ => return Err(AuthorityError::InvalidRequest),
    };
    Ok((Secret::new(token), first))
}

fn facts(introspection: Introspection) -> Value {
    match introspection {
        Introspection::AccessToken(token) => json!({
            "active": true,
            "token_use": "access_token",
            "token_type": "Bearer",
            "sub": token.user_id,
            "client_id": token.client_id,
            "client_type": token.client_type,
            "scope": token.scope,
            "exp": token.expires_at,
        }),
        Introspection::ApiKey(key) => json!({
            "active": true,
            "token_use": "api_key",
            "client_id": key.client_id,
            "client_type": key.client_type,
            "scope": key.scope,
            "consumer_id": key.consumer_id,
        }),
        // RFC 7662, 2.2: nothing else about a token that is not active, nor why.
        Introspection::Inactive => json!({ "active": false }),
    }
}
