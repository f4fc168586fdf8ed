//! Owns why the gateway itself refuses a credential: for operators, never for a client.

use std::sync::Arc;

use crate::identity::facts::UnusableFact;
use crate::identity::introspection::Answer;
use crate::identity::jwt::NoKey;

/// Why the gateway vouches for no JWT, or takes an authority's word for none. To the client every one of them is the
/// same
/// 401.
///
/// Nothing that a client sends is in its words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwtRejection {
    /// It is no JWS in compact form.
    #[error("it is not three parts of base64url with points between them, each in its one spelling")]
    Shape,
    /// A header that is too long.
    #[error("its header is too long")]
    HeaderTooLong,
    /// A payload that is too long.
    #[error("its payload is too long")]
    PayloadTooLong,
    /// A header that cannot be read.
    #[error("its header is no JSON object, or repeats a member")]
    Header,
    /// A payload that cannot be read.
    #[error("its payload is no JSON object, or repeats a member")]
    Payload,
    /// An algorithm the policy does not name.
    #[error("its algorithm is none of the policy's")]
    Algorithm,
    /// No algorithm, which a JWS has.
    #[error("the token has no `alg`")]
    NoAlgorithm,
    /// No type, which the policy would have to name.
    #[error("the token has no `typ`")]
    NoType,
    /// A type the policy does not name.
    #[error("its `typ` is none of the policy's")]
    Type,
    /// `crit`: it must not be taken by a reader that does not know its extensions.
    #[error("its header has `crit`, and no extension is known here")]
    Critical,
    /// `b64`: what was signed is not what is sent.
    #[error("its header has `b64`, and only encoded payloads are known here")]
    Unencoded,
    /// A `kid` that names nothing.
    #[error("its `kid` is no text")]
    KeyId,
    /// A signature of another length than the algorithm's.
    #[error("its signature has another length than its algorithm's")]
    SignatureLength,
    /// No key to verify it with.
    #[error(transparent)]
    NoKey(#[from] NoKey),
    /// A signature that is not the key's.
    #[error("its signature is not that of the key")]
    Signature,
    /// A claim that has to be there.
    #[error("`{0}` is not stated")]
    ClaimMissing(&'static str),
    /// A claim of another shape than RFC 7519's.
    #[error("`{0}` is not what RFC 7519 says it is")]
    ClaimShape(&'static str),
    /// Another issuer.
    #[error("`iss` is not the policy's issuer")]
    Issuer,
    /// For others.
    #[error("`aud` is none of the policy's audiences")]
    Audience,
    /// Over.
    #[error("`exp` is not in the future")]
    Expired,
    /// For later.
    #[error("`nbf` is in the future")]
    NotYetValid,
    /// From the future.
    #[error("`iat` is in the future")]
    IssuedLater,
    /// On the deny list of the feed that the policy names.
    #[error("it was revoked")]
    Denied,
    /// A claim, or a member of an authority's answer, that is to become a fact, and cannot be one.
    #[error(transparent)]
    Fact(#[from] Arc<UnusableFact>),
}

impl JwtRejection {
    /// The stable name.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Shape => "shape",
            Self::HeaderTooLong => "header_too_long",
            Self::PayloadTooLong => "payload_too_long",
            Self::Header => "header",
            Self::Payload => "payload",
            Self::Algorithm => "algorithm",
            Self::NoAlgorithm => "algorithm_missing",
            Self::NoType => "type_missing",
            Self::Type => "type",
            Self::Critical => "critical",
            Self::Unencoded => "unencoded",
            Self::KeyId => "key_id",
            Self::SignatureLength => "signature_length",
            Self::NoKey(NoKey::UnknownKid) => "key_unknown",
            Self::NoKey(NoKey::RepeatedKid) => "key_repeated",
            Self::NoKey(NoKey::Unfit) => "key_unfit",
            Self::NoKey(NoKey::NoneFits) => "key_none_fits",
            Self::NoKey(NoKey::SeveralFit) => "key_several_fit",
            Self::Signature => "signature",
            Self::ClaimMissing(_) => "claim_missing",
            Self::ClaimShape(_) => "claim_shape",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::IssuedLater => "issued_later",
            Self::Denied => "denied",
            Self::Fact(_) => "fact",
        }
    }
}

impl From<JwtRejection> for Answer {
    fn from(rejected: JwtRejection) -> Self {
        Self::Rejected(rejected)
    }
}
