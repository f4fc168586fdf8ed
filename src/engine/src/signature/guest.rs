//! Owns the verifying of signatures in pure Rust: RSASSA-PSS and Ed25519.
//!
//! Only public keys come here, so that nothing has to take the same time whatever it works on, and nothing is random.

use brama_policy::identity::{Algorithm, KeyParts, MAX_RSA_BITS, MIN_RSA_BITS, SignatureCheck};
use ed25519_dalek::{Signature, VerifyingKey};
use rsa::{BoxedUint, PublicKey};
use sha2::{Sha256, Sha384, Sha512};

/// Whether a signature is that of its key. A key that is none, such as a point beside its curve, has no signatures.
pub(super) fn is_the_keys(check: &SignatureCheck<'_>) -> bool {
    match check.parts() {
        KeyParts::Rsa { modulus, exponent } => pss(modulus, exponent, check),
        KeyParts::Ed25519(point) => edwards(point, check.signed(), check.signature()).is_some(),
        KeyParts::Point => false,
    }
}

/// RFC 7518, 3.5: the salt is as long as the hash, which is also the mask's.
fn pss(modulus: &[u8], exponent: &[u8], check: &SignatureCheck<'_>) -> bool {
    let [modulus, exponent] = [modulus, exponent].map(BoxedUint::from_be_slice_vartime);
    let Ok(key) = PublicKey::new_with_size_limits(modulus, exponent, MIN_RSA_BITS..=MAX_RSA_BITS) else {
        return false;
    };
    let (signed, signature) = (check.signed(), check.signature());
    match check.algorithm() {
        Algorithm::Ps256 => key.pss_verify::<Sha256>(signed, signature).is_ok(),
        Algorithm::Ps384 => key.pss_verify::<Sha384>(signed, signature).is_ok(),
        Algorithm::Ps512 => key.pss_verify::<Sha512>(signed, signature).is_ok(),
        // The other signatures of an RSA key are none of these.
        Algorithm::Rs256
        | Algorithm::Rs384
        | Algorithm::Rs512
        | Algorithm::Es256
        | Algorithm::Es384
        | Algorithm::Es512
        | Algorithm::EdDsa => false,
    }
}

/// The strict way: no second signature can be made of a good one, and no point of small order counts.
fn edwards(point: &[u8; 32], signed: &[u8], signature: &[u8]) -> Option<()> {
    let signature = Signature::from_slice(signature).ok()?;
    VerifyingKey::from_bytes(point).ok()?.verify_strict(signed, &signature).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037, A.2 and A.4.
    const KEY: [u8; 32] = [
        0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1,
        0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
    ];
    const SIGNED: &[u8] = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    const SIGNATURE: [u8; 64] = [
        0x86, 0x0c, 0x98, 0xd2, 0x29, 0x7f, 0x30, 0x60, 0xa3, 0x3f, 0x42, 0x73, 0x96, 0x72, 0xd6, 0x1b, 0x53, 0xcf,
        0x3a, 0xde, 0xfe, 0xd3, 0xd3, 0xc6, 0x72, 0xf3, 0x20, 0xdc, 0x02, 0x1b, 0x41, 0x1e, 0x9d, 0x59, 0xb8, 0x62,
        0x8d, 0xc3, 0x51, 0xe2, 0x48, 0xb8, 0x8b, 0x29, 0x46, 0x8e, 0x0e, 0x41, 0x85, 0x5b, 0x0f, 0xb7, 0xd8, 0x3b,
        0xb1, 0x5b, 0xe9, 0x02, 0xbf, 0xcc, 0xb8, 0xcd, 0x0a, 0x02,
    ];

    /// The order of the group, the lowest byte first (RFC 8032, 5.1).
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];

    #[test]
    fn standards_example_is_good() {
        assert!(edwards(&KEY, SIGNED, &SIGNATURE).is_some());
        assert!(edwards(&KEY, b"another text", &SIGNATURE).is_none());
        assert!(edwards(&KEY, SIGNED, &SIGNATURE[..63]).is_none());
    }

    #[test]
    fn every_changed_bit_is_seen() {
        for bit in 0..512 {
            let mut changed = SIGNATURE;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(edwards(&KEY, SIGNED, &changed).is_none(), "{bit}");
        }
    }

    /// S + L solves the same equation (RFC 8032, 5.1.7).
    #[test]
    fn no_second_signature_can_be_made_of_a_good_one() {
        let mut second = SIGNATURE;
        let mut carry = 0;
        for (byte, order) in second[32..].iter_mut().zip(ORDER) {
            let sum = u16::from(*byte) + u16::from(order) + carry;
            [*byte, _] = sum.to_le_bytes();
            carry = sum >> 8;
        }
        assert_eq!(carry, 0);
        assert!(edwards(&KEY, SIGNED, &second).is_none());
    }

    /// With the neutral point as key and as R, and S zero, the equation holds for every text.
    #[test]
    fn points_of_small_order_sign_nothing() {
        let mut neutral = [0; 32];
        neutral[0] = 1;
        let signature = [neutral, [0; 32]].concat();
        let parsed = Signature::from_slice(&signature).unwrap();
        let lenient = VerifyingKey::from_bytes(&neutral).unwrap();
        assert!(ed25519_dalek::Verifier::verify(&lenient, SIGNED, &parsed).is_ok(), "what is to be refused here");
        assert!(edwards(&neutral, SIGNED, &signature).is_none());
        assert!(edwards(&KEY, SIGNED, &signature).is_none());
    }
}
