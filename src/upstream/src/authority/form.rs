//! Owns the form that names a token, the same in RFC 7662, 2.1 and RFC 7009, 2.1.

use axum::extract::Form;
use axum::extract::rejection::FormRejection;

use super::error::AuthorityError;
use crate::store::CredentialKind;

/// A token, and the kind to look for first.
pub(super) struct TokenForm {
    pub(super) token: String,
    pub(super) first: CredentialKind,
}

/// A form as it was written, with its names in order.
pub(super) type Parameters = Form<Vec<(String, String)>>;

impl TokenForm {
    /// Reads the form. Other parameters are ignored: RFC 7662, 2.1 lets servers define some.
    pub(super) fn read(form: Result<Parameters, FormRejection>) -> Result<Self, AuthorityError> {
        let Form(parameters) = form.map_err(|_| AuthorityError::InvalidRequest)?;
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
            // RFC 7662, 2.1: an unknown hint is ignored.
            [] | [_] => CredentialKind::AccessToken,
            _ => return Err(AuthorityError::InvalidRequest),
        };
        Ok(Self { token, first })
    }
}
