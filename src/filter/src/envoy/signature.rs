//! Owns the words in which Envoy is asked to verify a signature (`verify_signature`), and its answer: two messages of
//! protocol buffers.

use brama_policy::identity::SignatureCheck;

/// `VerifySignatureArguments`: the hash, the public key, the signature, what was signed; `None` where Envoy does not
/// verify signatures of this algorithm.
#[must_use]
pub fn arguments(check: &SignatureCheck<'_>) -> Option<Vec<u8>> {
    let hash = check.algorithm().envoy_hash()?;
    let fields = [(1, hash.as_bytes()), (2, check.spki()), (3, check.signature()), (4, check.signed())];
    let mut message = Vec::new();
    for (number, bytes) in fields {
        // A field's number and its wire type: 2, a length and so many bytes.
        message.push(number << 3 | 2);
        length(bytes.len(), &mut message);
        message.extend_from_slice(bytes);
    }
    Some(message)
}

/// Tells whether a `VerifySignatureResult` says that the signature is the key's: `result`, the first field, is true,
/// and nothing else is said. Anything else is a no.
#[must_use]
pub fn is_a_yes(result: &[u8]) -> bool {
    result == [0x08, 0x01]
}

/// A varint: seven bits a byte, the lowest first.
fn length(mut rest: usize, message: &mut Vec<u8>) {
    loop {
        let [low, ..] = rest.to_le_bytes();
        rest >>= 7;
        if rest == 0 {
            return message.push(low);
        }
        message.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_varints() {
        for (number, bytes) in
            [(0, &[0][..]), (1, &[1]), (127, &[127]), (128, &[0x80, 1]), (300, &[0xac, 2]), (16384, &[0x80, 0x80, 1])]
        {
            let mut message = Vec::new();
            length(number, &mut message);
            assert_eq!(message, bytes, "{number}");
        }
    }

    #[test]
    fn only_a_plain_yes_is_one() {
        assert!(is_a_yes(&[8, 1]));
        for odd in [&[][..], &[8], &[8, 0], &[8, 1, 0x12, 0], &[0x12, 1, b'x'], &[8, 2], &[1, 8]] {
            assert!(!is_a_yes(odd), "{odd:?}");
        }
    }
}
