//! Owns the claims of a JWT that is read without a key.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::store::revocation::DeniedJwt;

/// Deny-list entry of a JWT, from unverified claims: they say what to refuse, and must never say what to accept.
/// `None`: the token is not a JWT in the compact form (RFC 7515, 7.1).
pub(crate) fn denied(token: &str) -> Option<DeniedJwt> {
    let mut parts = token.split('.');
    let (Some(header), Some(payload), Some(_signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    // RFC 7515, 4.1.1: `alg` is a must.
    object(header)?.get("alg")?.as_str()?;
    let claims = object(payload)?;
    Some(DeniedJwt {
        jti: claims.get("jti").and_then(Value::as_str).map(str::to_owned),
        expires_at: claims.get("exp").and_then(seconds),
    })
}

fn object(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

/// A NumericDate (RFC 7519, 2) in whole seconds; a fraction is rounded up. `None`: not a number that fits.
fn seconds(value: &Value) -> Option<i64> {
    let text = value.as_number()?.to_string();
    match text.split_once('.') {
        None => text.parse().ok(),
        Some((whole, _)) => whole.parse::<i64>().ok()?.checked_add(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(header: &str, payload: &str) -> String {
        let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.c2ln", part(header), part(payload))
    }

    const HEADER: &str = r#"{"alg":"ES256","typ":"at+jwt"}"#;

    #[test]
    fn jwt_states_its_jti_and_its_end() {
        for (payload, jti, exp) in [
            (r#"{"jti":"a","exp":1700000000}"#, Some("a"), Some(1_700_000_000)),
            (r#"{"jti":"a","exp":1700000000.5}"#, Some("a"), Some(1_700_000_001)),
            (r#"{"exp":-1}"#, None, Some(-1)),
            (r#"{"jti":7,"exp":"1700000000"}"#, None, None),
            (r#"{"exp":1e300}"#, None, None),
            ("{}", None, None),
        ] {
            let claims = denied(&jwt(HEADER, payload));
            assert_eq!(claims, Some(DeniedJwt { jti: jti.map(str::to_owned), expires_at: exp }), "{payload}");
        }
    }

    #[test]
    fn other_tokens_are_no_jwts() {
        for token in [
            "",
            "c2778f3064753ea70de870a53795f5c9",
            "a.b.c",
            "..",
            &jwt("{}", "{}"),
            &jwt(r#"{"alg":1}"#, "{}"),
            &jwt(HEADER, "[]"),
            &jwt(HEADER, "text"),
            &format!("{}.d", jwt(HEADER, "{}")),
            &jwt(HEADER, "{}").replace(".c2ln", ""),
        ] {
            assert_eq!(denied(token), None, "`{token}`");
        }
    }
}
