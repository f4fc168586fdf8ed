//! Owns the compact form of a JWS ([RFC 7515, 7.1](https://www.rfc-editor.org/rfc/rfc7515#section-7.1)): its three
//! parts, and what its header says.

use serde_json::{Map, Value};

use super::base64url;
use super::jwt::stated_issuer;
use super::rejection::JwtRejection;
use crate::json;

/// The three parts, as they were sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Compact<'a> {
    pub(super) header: &'a str,
    pub(super) payload: &'a str,
    pub(super) signature: &'a str,
    /// RFC 7515, 5.2: the signing input is the text as it was sent, not what it decodes to.
    pub(super) signed: &'a str,
}

impl<'a> Compact<'a> {
    pub(super) fn split(text: &'a str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        // Five parts are a JWE, and any other number is nothing at all.
        (!payload.contains('.')).then_some(Self { header, payload, signature, signed })
    }
}

/// What a header says, as far as it is listened to: `jku`, `jwk`, `x5u` and `x5c` would let a token bring its own key.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) algorithm: String,
    /// Type; `None` where there is no `typ`.
    pub(super) kind: Option<String>,
    pub(super) key_id: Option<String>,
}

impl Header {
    pub(super) fn read(encoded: &str) -> Result<Self, JwtRejection> {
        let members = object(encoded, MAX_HEADER, JwtRejection::HeaderTooLong, JwtRejection::Header)?;
        // RFC 7515, 4.1.11: an extension that is not understood refuses the token.
        if members.contains_key("crit") {
            return Err(JwtRejection::Critical);
        }
        // RFC 7797, 6: whoever does not know `b64` would take the signing input for another.
        if members.contains_key("b64") {
            return Err(JwtRejection::Unencoded);
        }
        let text = |name, otherwise| match members.get(name) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(_) | None => Err(otherwise),
        };
        Ok(Self {
            // RFC 7515, 4.1.1: it must be there.
            algorithm: match members.get("alg") {
                None | Some(Value::Null) => return Err(JwtRejection::NoAlgorithm),
                Some(_) => text("alg", JwtRejection::Algorithm)?,
            },
            kind: match members.get("typ") {
                // RFC 7519, 5.1 makes it optional.
                None | Some(Value::Null) => None,
                Some(_) => Some(media_type(&text("typ", JwtRejection::Type)?)),
            },
            key_id: match members.get("kid") {
                None | Some(Value::Null) => None,
                Some(_) => Some(text("kid", JwtRejection::KeyId)?),
            },
        })
    }
}

/// A member of a header, unread and unverified; `None` where there is none, or no header.
pub(super) fn member(compact: Compact<'_>, name: &str) -> Option<Value> {
    let bytes = base64url::decode(compact.header)?;
    json::parse(&bytes).ok()?.get_mut(name).map(Value::take)
}

/// The claims of a payload, before anything is known of them.
pub(super) fn payload(encoded: &str) -> Result<Value, JwtRejection> {
    object(encoded, MAX_PAYLOAD, JwtRejection::PayloadTooLong, JwtRejection::Payload).map(Value::Object)
}

/// The issuer that a token states, to tell whose it is. Nothing of it is verified, and it is read again by whoever
/// verifies the token.
pub(super) fn issuer(text: &str) -> Result<String, JwtRejection> {
    let compact = Compact::split(text).ok_or(JwtRejection::Shape)?;
    stated_issuer(&payload(compact.payload)?).map(str::to_owned)
}

fn object(
    encoded: &str,
    longest: usize,
    too_long: JwtRejection,
    otherwise: JwtRejection,
) -> Result<Map<String, Value>, JwtRejection> {
    let bytes = base64url::decode(encoded).ok_or(JwtRejection::Shape)?;
    if bytes.len() > longest {
        return Err(too_long);
    }
    match json::parse(&bytes) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) | Err(_) => Err(otherwise),
    }
}

/// Whether a credential is a JWS, good or bad: parts with points between them, of which the first is a JSON object with
/// `alg`. A JWE in compact form is none: five parts, and `enc` in its header (RFC 7516, 7.1 and 4.1.2).
///
/// More is taken for one than is read as one. What a strict reading refuses must not go to another verifier for that:
/// some readers drop empty parts, and others what stands behind the third.
pub(crate) fn claims_to_be_one(text: &str) -> bool {
    let has_parts = text.bytes().filter(|byte| *byte == b'.').nth(1).is_some();
    let header = text.trim_start_matches('.').split('.').next().filter(|_header| has_parts);
    let bytes = header.and_then(|header| base64url::decode_any_spelling(header.trim_end_matches('=')));
    bytes.and_then(|bytes| serde_json::from_slice::<Map<String, Value>>(&bytes).ok()).is_some_and(|header| {
        let is_jwe = header.contains_key("enc") && text.split('.').count() == 5;
        header.contains_key("alg") && !is_jwe
    })
}

/// RFC 7515, 4.1.9: a type without a slash means `application/` before it; RFC 6838, 4.2: case does not matter.
pub(crate) fn media_type(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    match lower.strip_prefix("application/") {
        Some(short) if !short.contains('/') => short.to_owned(),
        Some(_) | None => lower,
    }
}

/// Bytes of a header; room for all that is listened to, and for no chain of certificates.
const MAX_HEADER: usize = 1024;

/// Bytes of a payload: with an RSA signature of 2048 bits, about as much as a credential can hold.
const MAX_PAYLOAD: usize = 5120;
