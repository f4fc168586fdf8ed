//! Owns the one way from a token to facts: over a signature that somebody has verified.

use crate::identity::facts::Facts;
use crate::identity::rejection::JwtRejection;
use crate::identity::revocation::DenyListKeys;
use crate::time::UnixTime;

use super::Opened;
use super::algorithm::Algorithm;
use super::key::{Key, KeyFingerprint, KeyParts};

/// A signature to be verified, in the form that signature libraries and Envoy's `verify_signature` take.
#[must_use]
#[derive(Clone, Copy, Debug)]
pub struct SignatureCheck<'c> {
    opened: &'c Opened<'c>,
    key: &'c Key,
}

/// A token whose signature is that of its key. Only [`SignatureCheck::verified_by`] makes one, of the token that was
/// checked, so that no claim of another one can become a fact.
#[must_use]
#[derive(Clone, Copy, Debug)]
pub struct SignatureVerified<'c>(SignatureCheck<'c>);

impl<'c> SignatureCheck<'c> {
    pub(super) const fn new(opened: &'c Opened<'c>, key: &'c Key) -> Self {
        Self { opened, key }
    }

    /// The algorithm, which the policy names and the key is for.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.opened.algorithm
    }

    /// The public key, as the DER of a SubjectPublicKeyInfo.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.key.spki
    }

    /// The public key in its parts, for what reads no DER.
    #[must_use]
    pub const fn parts(&self) -> &KeyParts {
        &self.key.parts
    }

    /// The signature: DER of ECDSA's two numbers, RSA's and EdDSA's as it is.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.opened.signature
    }

    /// What was signed.
    #[must_use]
    pub const fn signed(&self) -> &[u8] {
        self.opened.signed.as_bytes()
    }

    /// The key, for remembering what it verified.
    #[must_use]
    pub fn key(&self) -> KeyFingerprint {
        self.key.fingerprint()
    }

    /// The verified token, if `verify` says that the signature is the key's. What cannot say must say no.
    ///
    /// # Errors
    /// The signature is not the key's.
    pub fn verified_by(self, verify: impl FnOnce(&Self) -> bool) -> Result<SignatureVerified<'c>, JwtRejection> {
        if verify(&self) { Ok(SignatureVerified(self)) } else { Err(JwtRejection::Signature) }
    }
}

impl SignatureVerified<'_> {
    /// The key that verified it.
    #[must_use]
    pub fn key(&self) -> KeyFingerprint {
        self.0.key()
    }

    /// What a deny list can call the token by.
    ///
    /// # Errors
    /// A claim of another shape: nobody could say whether it is meant.
    pub fn deniable(&self) -> Result<DenyListKeys, JwtRejection> {
        self.0.opened.deniable()
    }

    /// The facts the token states.
    ///
    /// # Errors
    /// A claim is missing, of another shape, or not what the policy wants; the token has ended or not begun.
    pub fn accept(self, now: UnixTime) -> Result<Facts, JwtRejection> {
        self.0.opened.facts(now)
    }
}
