//! Owns why a key verifies nothing here.

/// Why a key verifies nothing here. Nothing of the key is in its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum InvalidKey {
    /// A kind of key that verifies nothing here.
    #[error("a key's `kty` is `RSA`, `EC` or `OKP`")]
    Type,
    /// A private key, or a secret.
    #[error("this is a private key; only its public half may be told")]
    Private,
    /// A name that is no text.
    #[error("a key's `kid` is a text")]
    Id,
    /// A key for something else.
    #[error("a key that verifies has `use` `sig`, or none")]
    Use,
    /// A key for something else.
    #[error("a key that verifies has `verify` among its `key_ops`, or no `key_ops`")]
    Operations,
    /// A key for an algorithm that is not known here, or of another make.
    #[error(
        "a key's `alg` is one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA that fits it, or not there"
    )]
    Algorithm,
    /// An RSA modulus that is none, or too short or too long.
    #[error("`n` is base64url of an odd number of 2048 to 8192 bits")]
    Modulus,
    /// A modulus whose factors can be found, so that anybody can sign with it.
    #[error(
        "`n` has the fingerprint of a library whose private keys can be found from the public ones (ROCA, CVE-2017-15361)"
    )]
    Roca,
    /// An RSA exponent that is none, or out of range.
    #[error("`e` is base64url of an odd number from 3 to 8589934591")]
    Exponent,
    /// A curve that is not known here.
    #[error("`crv` is `P-256`, `P-384` or `P-521`")]
    Curve,
    /// A curve that is not known here.
    #[error("`crv` is `Ed25519`, the one curve of EdDSA that is known here")]
    EdwardsCurve,
    /// A point of another size.
    #[error("`x` and `y` are base64url of as many bytes as the curve has")]
    Point,
    /// A point of another size, or one that every signature could be of.
    #[error("`x` is base64url of 32 bytes, and not a point of small order")]
    EdwardsPoint,
}
