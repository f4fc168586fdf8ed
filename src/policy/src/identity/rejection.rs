//! Owns why the gateway itself refuses a credential: for operators, never for a client.

use std::sync::Arc;

use crate::identity::facts::UnusableFact;

/// Why the gateway vouches for no JWT, or takes an authority's word for none. To the client every one of them is the
/// same 401.
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
    /// Another issuer than those of all verifiers.
    #[error("`iss` is none of the policy's issuers")]
    IssuerUnclaimed,
    /// A tenant of its issuer that the policy does not let in.
    #[error("the tenant in `iss` is none of the policy's")]
    Tenant,
    /// A tenant in `iss` that the claim of the tenant does not state.
    #[error("`{0}` is not the tenant that `iss` names")]
    TenantClaim(Arc<str>),
    /// For others.
    #[error("`aud` is none of the policy's audiences")]
    Audience,
    /// For others, or for other routes.
    #[error("`aud` has not the audience `{0}` that the route wants")]
    RouteAudience(Arc<str>),
    /// A claim that does not say what the policy expects.
    #[error("`{0}` is not what the policy expects")]
    Expected(Arc<str>),
    /// Over.
    #[error("`exp` is not in the future")]
    Expired,
    /// For later.
    #[error("`nbf` is in the future")]
    NotYetValid,
    /// From the future.
    #[error("`iat` is in the future")]
    IssuedLater,
    /// No JWT, and nothing that a verifier claims by its beginning.
    #[error("no verifier is for such a credential: it is no JWT, and has none of their prefixes")]
    Unclaimed,
    /// On the deny list of the feed that the policy names.
    #[error("it was revoked")]
    Denied,
    /// A claim, or a member of an authority's answer, that is to become a fact, and cannot be one.
    #[error(transparent)]
    Fact(#[from] Arc<UnusableFact>),
}

/// Why no key of a set is the token's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoKey {
    /// The token names a key that is not in the set. A newer set may have it.
    #[error("no key has its `kid`")]
    UnknownKid,
    /// More than one key has the name, and is for the algorithm.
    #[error("more than one key has its `kid`, and is for its algorithm")]
    RepeatedKid,
    /// The key of that name is for something else.
    #[error("the key of its `kid` is not for its algorithm")]
    Unfit,
    /// The token names no key, and there is none for its algorithm.
    #[error("it has no `kid`, and no key is for its algorithm")]
    NoneFits,
    /// The token names no key, and there is more than one it could be.
    #[error("it has no `kid`, and more than one key is for its algorithm")]
    SeveralFit,
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
            Self::Issuer | Self::IssuerUnclaimed => "issuer",
            Self::Tenant => "tenant",
            Self::TenantClaim(_) => "tenant_claim",
            Self::Audience | Self::RouteAudience(_) => "audience",
            Self::Expected(_) => "expected",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::IssuedLater => "issued_later",
            Self::Unclaimed => "unclaimed",
            Self::Denied => "denied",
            Self::Fact(_) => "fact",
        }
    }
}
