//! Owns token introspection, RFC 7662, and the facts in its answers.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::header;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::Authority;
use super::error::AuthorityError;
use super::form::{Parameters, TokenForm};
use crate::secret::Secret;
use crate::store::Introspection;

/// `POST /introspect`.
pub(super) async fn introspect(
    State(Authority { feed, .. }): State<Authority>,
    form: Result<Parameters, FormRejection>,
) -> Result<impl IntoResponse, AuthorityError> {
    let TokenForm { token, first } = TokenForm::read(form)?;
    let introspection = feed.store().introspect(Secret::new(token).hash(), first).await?;
    // RFC 7662, 4: a cached answer could outlive the token.
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(facts(introspection))))
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
        // RFC 7662, 2.2: the answer about an inactive token has only this member.
        Introspection::Inactive => json!({ "active": false }),
    }
}
