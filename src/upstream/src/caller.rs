//! Owns the caller: the identity that the gateway puts on the request.

use axum::http::HeaderMap;

use crate::error::ApiError;
use crate::id::Id;

/// The user in whose name the request is made, as the gateway states it.
///
/// The gateway removes the client's own copies of the header. A request without it bypassed the gateway's rules, and is
/// refused here as well.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Caller {
    /// The user of the access token.
    pub(crate) user_id: Id,
}

impl Caller {
    /// Reads the identity. Errors: [`ApiError::AccessDenied`], unless the header is there once with a canonical
    /// identifier.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Result<Self, ApiError> {
        let mut values = headers.get_all(CONSUMER_ID).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err(ApiError::AccessDenied);
        };
        let text = value.to_str().map_err(|_| ApiError::AccessDenied)?;
        let user_id = text.parse().map_err(|_| ApiError::AccessDenied)?;
        Ok(Self { user_id })
    }
}

/// The gateway's header for the token's user.
const CONSUMER_ID: &str = "x-consumer-id";

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const USER: &str = "6f1c3b52-0b6d-4d5e-9c39-6b3f4b1f7a01";

    fn caller(values: &[&'static str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(CONSUMER_ID, HeaderValue::from_static(value));
        }
        let caller = Caller::from_headers(&headers).ok()?;
        Some(caller.user_id.to_string())
    }

    #[test]
    fn one_canonical_identifier_is_an_identity() {
        assert_eq!(caller(&[USER]).as_deref(), Some(USER));
    }

    #[test]
    fn anything_else_is_no_identity() {
        for values in [
            &[][..],
            &[""],
            &["admin"],
            &["6F1C3B52-0B6D-4D5E-9C39-6B3F4B1F7A01"],
            &[USER, USER],
            &["6f1c3b52-0b6d-4d5e-9c39-6b3f4b1f7a01,6f1c3b52-0b6d-4d5e-9c39-6b3f4b1f7a01"],
            &["6f1c3b520b6d4d5e9c396b3f4b1f7a01"],
        ] {
            assert_eq!(caller(values), None, "{values:?}");
        }
    }
}
