//! Owns what the registered claims of a token must say
//! ([RFC 7519, 4.1](https://www.rfc-editor.org/rfc/rfc7519#section-4.1)).

use std::time::Duration;

use serde_json::Value;

use super::rejected::Rejected;
use crate::time::UnixTime;

/// What a policy asks of the claims.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Wanted {
    pub(crate) issuer: String,
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
    pub(super) fn issuer(&self, claims: &Value) -> Result<(), Rejected> {
        match claims.get("iss") {
            None => Err(Rejected::ClaimMissing("iss")),
            Some(Value::String(stated)) if *stated == self.issuer => Ok(()),
            Some(Value::String(_)) => Err(Rejected::Issuer),
            Some(_) => Err(Rejected::ClaimShape("iss")),
        }
    }

    /// RFC 7519, 4.1.3: one text, or a list of texts.
    pub(super) fn audience(&self, claims: &Value) -> Result<(), Rejected> {
        let ours = match &self.audience {
            Audience::Any => return Ok(()),
            Audience::OneOf(ours) => ours,
        };
        let stated: Vec<&str> = match claims.get("aud") {
            None => return Err(Rejected::ClaimMissing("aud")),
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => several
                .iter()
                .map(|entry| entry.as_str().ok_or(Rejected::ClaimShape("aud")))
                .collect::<Result<_, _>>()?,
            Some(_) => return Err(Rejected::ClaimShape("aud")),
        };
        if stated.iter().any(|stated| ours.iter().any(|ours| ours == stated)) {
            Ok(())
        } else {
            Err(Rejected::Audience)
        }
    }

    /// RFC 7519, 4.1.4: not "on or after" it.
    pub(super) fn end(&self, claims: &Value) -> Result<UnixTime, Rejected> {
        let end = date(claims, "exp", Rounding::Down)?.ok_or(Rejected::ClaimMissing("exp"))?;
        Ok(end.later_by(self.leeway))
    }

    /// The beginning that a claim dates: RFC 7519, 4.1.5 and 4.1.6.
    pub(super) fn beginning(&self, claims: &Value, name: &'static str) -> Result<Option<UnixTime>, Rejected> {
        Ok(date(claims, name, Rounding::Up)?.map(|begin| begin.earlier_by(self.leeway)))
    }

    pub(super) fn life(&self, claims: &Value) -> Result<Life, Rejected> {
        let begins = self.beginning(claims, "nbf")?.max(self.beginning(claims, "iat")?);
        Ok(Life { begins, ends: self.end(claims)? })
    }
}

/// RFC 7519, 4.1.6: the second in which a token was issued.
pub(super) fn issued(claims: &Value) -> Result<Option<UnixTime>, Rejected> {
    date(claims, "iat", Rounding::Down)
}

/// To which second a fraction belongs: a token is good a little shorter than it says, never longer.
#[derive(Clone, Copy)]
enum Rounding {
    Down,
    Up,
}

/// RFC 7519, 2 (NumericDate): seconds since 1970, with a fraction if the issuer likes.
fn date(claims: &Value, name: &'static str, rounding: Rounding) -> Result<Option<UnixTime>, Rejected> {
    let number = match claims.get(name) {
        None => return Ok(None),
        Some(Value::Number(number)) => number,
        Some(_) => return Err(Rejected::ClaimShape(name)),
    };
    if let Some(seconds) = number.as_u64() {
        return Ok(Some(UnixTime::from_seconds(seconds)));
    }
    let span = number.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let span = span.ok_or(Rejected::ClaimShape(name))?;
    let more = match rounding {
        Rounding::Up if span.subsec_nanos() > 0 => 1,
        Rounding::Up | Rounding::Down => 0,
    };
    Ok(Some(UnixTime::from_seconds(span.as_secs().saturating_add(more))))
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use serde_json::json;

    use super::*;

    fn wanted(audience: Audience, leeway: u64) -> Wanted {
        Wanted { issuer: "https://id.example".to_owned(), audience, leeway: Duration::from_secs(leeway) }
    }

    #[test]
    fn dates_are_whole_seconds_on_the_safe_side() {
        for (number, down, up) in [
            (json!(0), 0, 0),
            (json!(1_700_000_000), 1_700_000_000, 1_700_000_000),
            (json!(1_700_000_000.0), 1_700_000_000, 1_700_000_000),
            (json!(1_700_000_000.5), 1_700_000_000, 1_700_000_001),
            (json!(1.7e9), 1_700_000_000, 1_700_000_000),
            (json!(0.999), 0, 1),
            (json!(u64::MAX), u64::MAX, u64::MAX),
        ] {
            let claims = json!({ "exp": number });
            assert_eq!(date(&claims, "exp", Rounding::Down), Ok(Some(UnixTime::from_seconds(down))), "{claims}");
            assert_eq!(date(&claims, "exp", Rounding::Up), Ok(Some(UnixTime::from_seconds(up))), "{claims}");
        }
        for number in [json!("1700000000"), json!(-1), json!(-0.5), json!(1e300), json!([1]), json!(null), json!(true)]
        {
            let claims = json!({ "exp": number });
            assert_eq!(date(&claims, "exp", Rounding::Down), Err(Rejected::ClaimShape("exp")), "{claims}");
        }
    }

    #[test]
    fn leeway_makes_a_life_longer_at_both_ends() {
        let claims = json!({ "iat": 100, "nbf": 90, "exp": 200 });
        let life = |begins, ends| {
            Ok(Life { begins: Some(UnixTime::from_seconds(begins)), ends: UnixTime::from_seconds(ends) })
        };
        assert_eq!(wanted(Audience::Any, 0).life(&claims), life(100, 200));
        assert_eq!(wanted(Audience::Any, 30).life(&claims), life(70, 230));
        assert_eq!(wanted(Audience::Any, 30).life(&json!({ "iat": 10, "exp": u64::MAX })), life(0, u64::MAX));
    }

    #[test]
    fn issuer_is_compared_letter_by_letter() {
        let wanted = wanted(Audience::Any, 0);
        assert_eq!(wanted.issuer(&json!({ "iss": "https://id.example" })), Ok(()));
        for other in ["https://id.example/", "HTTPS://id.example", "", "https://id.example\u{0}"] {
            assert_eq!(wanted.issuer(&json!({ "iss": other })), Err(Rejected::Issuer), "{other}");
        }
        assert_eq!(wanted.issuer(&json!({ "iss": ["https://id.example"] })), Err(Rejected::ClaimShape("iss")));
        assert_eq!(wanted.issuer(&json!({})), Err(Rejected::ClaimMissing("iss")));
    }

    #[test]
    fn one_of_several_audiences_is_enough() {
        let wanted = wanted(Audience::OneOf(vec!["a".to_owned(), "b".to_owned()]), 0);
        for (aud, outcome) in [
            (json!("a"), Ok(())),
            (json!(["x", "b"]), Ok(())),
            (json!("A"), Err(Rejected::Audience)),
            (json!("a b"), Err(Rejected::Audience)),
            (json!([]), Err(Rejected::Audience)),
            (json!(["a", 1]), Err(Rejected::ClaimShape("aud"))),
            (json!({ "a": "a" }), Err(Rejected::ClaimShape("aud"))),
            (json!([["a"]]), Err(Rejected::ClaimShape("aud"))),
        ] {
            assert_eq!(wanted.audience(&json!({ "aud": aud })), outcome, "{aud}");
        }
        assert_eq!(wanted.audience(&json!({})), Err(Rejected::ClaimMissing("aud")));
    }
}
