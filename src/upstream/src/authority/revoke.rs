//! Owns token revocation, RFC 7009.

use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;

use super::Authority;
use super::error::AuthorityError;
use super::form::{Parameters, TokenForm};
use super::revocations::text;
use crate::jws;
use crate::secret::Secret;
use crate::store::revocation::{DeniedJwt, TokenRevocation};

/// `POST /revoke`.
pub(super) async fn revoke(
    State(Authority { feed, .. }): State<Authority>,
    form: Result<Parameters, FormRejection>,
) -> Result<impl IntoResponse, AuthorityError> {
    let TokenForm { token, first } = TokenForm::read(form)?;
    let jwt = jws::denied(&token);
    if let Some(DeniedJwt { jti: Some(jti), .. }) = &jwt {
        text("token: `jti`", jti)?;
    }
    let hash = Secret::new(token).hash();
    match feed.store().revoke_token(hash, first, jwt.as_ref(), feed.keep()).await? {
        // RFC 7009, 2.2: 200 for an unknown token, too; the client ignores the body.
        TokenRevocation::Done => Ok(([(header::CACHE_CONTROL, "no-store")], StatusCode::OK)),
        TokenRevocation::Full => Err(AuthorityError::DenyListFull),
        TokenRevocation::IsApiKey => Err(AuthorityError::UnsupportedTokenType),
    }
}
