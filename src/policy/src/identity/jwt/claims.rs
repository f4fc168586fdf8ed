//! Owns what the registered claims of a token must say
//! ([RFC 7519, 4.1](https://www.rfc-editor.org/rfc/rfc7519#section-4.1)).

use std::time::Duration;

use serde_json::Value;

use crate::identity::jwt::issuer::Issuer;
use crate::identity::rejection::JwtRejection;
use crate::time::{UnixTime, numeric_date};

/// What a policy asks of the claims.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Wanted {
    pub(crate) issuer: Issuer,
    pub(crate) audience: Audience,
    pub(crate) leeway: Duration,
}

/// For whom a token must be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Audience {
    /// Written as `audiences: any`.
    Any,
    /// It names one of these.
    OneOf(Vec<String>),
}

/// From when until when a token is good, leeway included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Life {
    pub(super) begins: Option<UnixTime>,
    pub(super) ends: UnixTime,
}

impl Wanted {
    /// RFC 7519, 4.1.1: compared as it is, letter by letter.
    pub(super) fn issuer(&self, claims: &Value) -> Result<(), JwtRejection> {
        self.issuer.check(stated_issuer(claims)?, claims)
    }

    /// RFC 7519, 4.1.3: one text, or a list of texts.
    pub(super) fn audience(&self, claims: &Value) -> Result<(), JwtRejection> {
        let ours = match &self.audience {
            Audience::Any => return Ok(()),
            Audience::OneOf(ours) => ours,
        };
        let stated: Vec<&str> = match claims.get("aud") {
            None | Some(Value::Null) => return Err(JwtRejection::ClaimMissing("aud")),
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => several
                .iter()
                .map(|entry| entry.as_str().ok_or(JwtRejection::ClaimShape("aud")))
                .collect::<Result<_, _>>()?,
            Some(_) => return Err(JwtRejection::ClaimShape("aud")),
        };
        if stated.iter().any(|stated| ours.iter().any(|ours| ours == stated)) {
            Ok(())
        } else {
            Err(JwtRejection::Audience)
        }
    }

    /// RFC 7519, 4.1.4: not "on or after" it.
    pub(super) fn end(&self, claims: &Value) -> Result<UnixTime, JwtRejection> {
        let end = date(claims, "exp")?.ok_or(JwtRejection::ClaimMissing("exp"))?;
        Ok(end.later_by(self.leeway))
    }

    /// The beginning that a claim dates: RFC 7519, 4.1.5 and 4.1.6.
    pub(super) fn beginning(&self, claims: &Value, name: &'static str) -> Result<Option<UnixTime>, JwtRejection> {
        Ok(date(claims, name)?.map(|begin| begin.earlier_by(self.leeway)))
    }

    pub(super) fn life(&self, claims: &Value) -> Result<Life, JwtRejection> {
        let begins = self.beginning(claims, "nbf")?.max(self.beginning(claims, "iat")?);
        Ok(Life { begins, ends: self.end(claims)? })
    }
}

/// RFC 7519, 4.1.1: the issuer that a token states.
pub(crate) fn stated_issuer(claims: &Value) -> Result<&str, JwtRejection> {
    match claims.get("iss") {
        None | Some(Value::Null) => Err(JwtRejection::ClaimMissing("iss")),
        Some(Value::String(stated)) => Ok(stated),
        Some(_) => Err(JwtRejection::ClaimShape("iss")),
    }
}

/// RFC 7519, 4.1.6: when a token was issued.
pub(super) fn issued(claims: &Value) -> Result<Option<UnixTime>, JwtRejection> {
    date(claims, "iat")
}

fn date(claims: &Value, name: &'static str) -> Result<Option<UnixTime>, JwtRejection> {
    match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(stated) => numeric_date(stated).map(Some).ok_or(JwtRejection::ClaimShape(name)),
    }
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use serde_json::json;

    use super::*;

    fn wanted(audience: Audience, leeway: u64) -> Wanted {
        Wanted { issuer: Issuer::Is("https://id.example".to_owned()), audience, leeway: Duration::from_secs(leeway) }
    }

    #[test]
    fn leeway_makes_a_life_longer_at_both_ends() {
        let claims = json!({ "iat": 100, "nbf": 90, "exp": 200 });
        let life = |begins, ends| {
            Ok(Life { begins: Some(UnixTime::from_seconds(begins)), ends: UnixTime::from_seconds(ends) })
        };
        assert_eq!(wanted(Audience::Any, 0).life(&claims), life(100, 200));
        assert_eq!(wanted(Audience::Any, 30).life(&claims), life(70, 230));
        let tenths = json!({ "iat": 100.5, "exp": 200.25 });
        let at = |millis| UnixTime::since_epoch(Duration::from_millis(millis));
        let life_of_tenths = Life { begins: Some(at(100_500)), ends: at(200_250) };
        assert_eq!(wanted(Audience::Any, 0).life(&tenths), Ok(life_of_tenths));
        assert_eq!(wanted(Audience::Any, 30).life(&json!({ "iat": 10, "exp": u64::MAX })), life(0, u64::MAX));
    }

    #[test]
    fn issuer_is_compared_letter_by_letter() {
        let wanted = wanted(Audience::Any, 0);
        assert_eq!(wanted.issuer(&json!({ "iss": "https://id.example" })), Ok(()));
        for other in ["https://id.example/", "HTTPS://id.example", "", "https://id.example\u{0}"] {
            assert_eq!(wanted.issuer(&json!({ "iss": other })), Err(JwtRejection::Issuer), "{other}");
        }
        assert_eq!(wanted.issuer(&json!({ "iss": ["https://id.example"] })), Err(JwtRejection::ClaimShape("iss")));
        assert_eq!(wanted.issuer(&json!({})), Err(JwtRejection::ClaimMissing("iss")));
    }

    #[test]
    fn one_of_several_audiences_is_enough() {
        let wanted = wanted(Audience::OneOf(vec!["a".to_owned(), "b".to_owned()]), 0);
        for (aud, outcome) in [
            (json!("a"), Ok(())),
            (json!(["x", "b"]), Ok(())),
            (json!("A"), Err(JwtRejection::Audience)),
            (json!("a b"), Err(JwtRejection::Audience)),
            (json!([]), Err(JwtRejection::Audience)),
            (json!(["a", 1]), Err(JwtRejection::ClaimShape("aud"))),
            (json!({ "a": "a" }), Err(JwtRejection::ClaimShape("aud"))),
            (json!([["a"]]), Err(JwtRejection::ClaimShape("aud"))),
        ] {
            assert_eq!(wanted.audience(&json!({ "aud": aud })), outcome, "{aud}");
        }
        assert_eq!(wanted.audience(&json!({})), Err(JwtRejection::ClaimMissing("aud")));
    }
}
