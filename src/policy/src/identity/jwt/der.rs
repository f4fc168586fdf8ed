//! Owns the little DER ([X.690](https://www.itu.int/rec/T-REC-X.690)) that signature libraries want: public keys as
//! SubjectPublicKeyInfo, and ECDSA signatures as a pair of integers.

/// An RSA public key ([RFC 8017, A.1](https://www.rfc-editor.org/rfc/rfc8017#appendix-A.1)).
pub(super) fn rsa_public_key(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let key = sequence(&[&integer(modulus), &integer(exponent)]);
    sequence(&[&sequence(&[RSA_ENCRYPTION, NULL]), &bit_string(&[&key])])
}

/// A public key on a named curve ([RFC 5480, 2](https://www.rfc-editor.org/rfc/rfc5480#section-2)), its point
/// uncompressed.
pub(super) fn curve_public_key(curve: &[u8], x: &[u8], y: &[u8]) -> Vec<u8> {
    sequence(&[&sequence(&[EC_PUBLIC_KEY, curve]), &bit_string(&[&[UNCOMPRESSED], x, y])])
}

/// A public key of Ed25519 ([RFC 8410, 4](https://www.rfc-editor.org/rfc/rfc8410#section-4)), which has no parameters.
pub(super) fn ed25519_public_key(point: &[u8]) -> Vec<u8> {
    sequence(&[&sequence(&[ED_25519]), &bit_string(&[point])])
}

/// An ECDSA signature ([RFC 3279, 2.2.3](https://www.rfc-editor.org/rfc/rfc3279#section-2.2.3)) of its two halves.
pub(super) fn signature(r: &[u8], s: &[u8]) -> Vec<u8> {
    sequence(&[&integer(r), &integer(s)])
}

/// A number that is not negative, in as few bytes as it takes.
fn integer(big_endian: &[u8]) -> Vec<u8> {
    let zeros = big_endian.iter().take_while(|byte| **byte == 0).count();
    let digits = big_endian.get(zeros..).unwrap_or_default();
    // X.690, 8.3: the first bit is the sign, and nothing is written as one zero.
    let padding: &[u8] = if digits.first().is_none_or(|first| *first >= 0x80) { &[0] } else { &[] };
    element(INTEGER, &[padding, digits])
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    element(SEQUENCE, parts)
}

/// Whole bytes: no bit of the last one is unused.
fn bit_string(parts: &[&[u8]]) -> Vec<u8> {
    element(BIT_STRING, &[&[&[0][..]], parts].concat())
}

fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut element = vec![tag];
    match u8::try_from(content.len()) {
        // X.690, 8.1.3: the short form, while it fits.
        Ok(length) if length < 0x80 => element.push(length),
        Ok(_) | Err(_) => {
            let length = content.len().to_be_bytes();
            let digits: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
            // A length has at most eight bytes.
            element.push(0x80 | u8::try_from(digits.len()).unwrap_or(0x7f));
            element.extend(digits);
        }
    }
    element.extend(content);
    element
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;
const NULL: &[u8] = &[0x05, 0x00];

/// SEC 1, 2.3.3.
const UNCOMPRESSED: u8 = 0x04;

/// 1.2.840.113549.1.1.1
const RSA_ENCRYPTION: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// 1.2.840.10045.2.1
const EC_PUBLIC_KEY: &[u8] = &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

/// 1.2.840.10045.3.1.7
pub(super) const P_256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

/// 1.3.132.0.34
pub(super) const P_384: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];

/// 1.3.132.0.35
pub(super) const P_521: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23];

/// 1.3.101.112
const ED_25519: &[u8] = &[0x06, 0x03, 0x2b, 0x65, 0x70];

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn integers_are_minimal_and_never_negative() {
        for (number, der) in [
            (&[0x00][..], &[2, 1, 0][..]),
            (&[], &[2, 1, 0]),
            (&[0, 0, 0], &[2, 1, 0]),
            (&[1], &[2, 1, 1]),
            (&[0x7f], &[2, 1, 0x7f]),
            (&[0x80], &[2, 2, 0, 0x80]),
            (&[0, 0, 0x80, 0], &[2, 3, 0, 0x80, 0]),
            (&[0, 1, 2], &[2, 2, 1, 2]),
        ] {
            assert_eq!(integer(number), der, "{number:?}");
        }
    }

    #[test]
    fn lengths_have_the_shortest_form() {
        for (length, head) in [
            (0, &[0x30, 0][..]),
            (0x7f, &[0x30, 0x7f]),
            (0x80, &[0x30, 0x81, 0x80]),
            (0xff, &[0x30, 0x81, 0xff]),
            (0x100, &[0x30, 0x82, 1, 0]),
        ] {
            let element = sequence(&[&vec![7; length]]);
            assert!(element.starts_with(head), "{length}");
            assert_eq!(element.len(), head.len() + length);
        }
    }
}
