//! Owns base64url without padding ([RFC 7515, 2](https://www.rfc-editor.org/rfc/rfc7515#section-2)), each value in its
//! one spelling: bits that no byte takes must be zero.

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD, URL_SAFE_NO_PAD};

/// Decoder that takes a second spelling of the same bytes (RFC 4648, 3.5) too.
const ANY_SPELLING: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, NO_PAD.with_decode_allow_trailing_bits(true));

/// The bytes a text stands for; `None` where it is no base64url, or not the one spelling of its bytes.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// The bytes a text stands for, in whatever spelling.
pub(super) fn decode_any_spelling(text: &str) -> Option<Vec<u8>> {
    ANY_SPELLING.decode(text).ok()
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn every_byte_is_read() {
        for (text, bytes) in [
            ("", &b""[..]),
            ("Zg", b"f"),
            ("Zm8", b"fo"),
            ("Zm9v", b"foo"),
            ("Zm9vYg", b"foob"),
            ("_-8", b"\xff\xef"),
            // RFC 7515, appendix C.
            ("A-z_4ME", &[3, 236, 255, 224, 193]),
        ] {
            assert_eq!(decode(text).as_deref(), Some(bytes), "{text}");
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in
            ["Z", "A", "Zm9vY", "Zm9vA", "Zg==", "Zg=", "Zh", "Zm9", "Zm9v\n", " Zm9v", "Zm9+", "Zm9/", "Zm.v", "Zé"]
        {
            assert_eq!(decode(text), None, "{text}");
        }
    }

    #[test]
    fn other_bits_behind_the_last_byte_are_another_spelling() {
        for (text, bytes) in [("Zh", Some(b"f".to_vec())), ("Zm9", Some(b"fo".to_vec())), ("Z", None), ("Zh==", None)] {
            assert_eq!(decode_any_spelling(text), bytes, "{text}");
        }
    }
}
