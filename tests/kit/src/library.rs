//! Verification of signatures by aws-lc, which is not Envoy's own library.

use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use brama_policy::identity::{Algorithm, KeySet, SignatureCheck};
use serde_json::json;

use crate::signer::Signer;

/// The public keys of these signers.
pub fn set(signers: &[Signer]) -> KeySet {
    let keys: Vec<_> = signers.iter().map(Signer::jwk).collect();
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

/// Verdict on whether a signature was made with the key.
pub fn is_the_keys(check: &SignatureCheck<'_>) -> bool {
    let algorithm: &dyn VerificationAlgorithm = match check.algorithm() {
        Algorithm::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
        Algorithm::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
        Algorithm::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
        Algorithm::Es256 => &signature::ECDSA_P256_SHA256_ASN1,
        Algorithm::Es384 => &signature::ECDSA_P384_SHA384_ASN1,
        Algorithm::Es512 => &signature::ECDSA_P521_SHA512_ASN1,
        Algorithm::EdDsa => &signature::ED25519,
    };
    UnparsedPublicKey::new(algorithm, check.spki()).verify(check.signed(), check.signature()).is_ok()
}
