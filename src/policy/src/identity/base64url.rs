//! Owns base64url without padding ([RFC 7515, 2](https://www.rfc-editor.org/rfc/rfc7515#section-2)), each value in its
//! one spelling: bits that no byte takes must be zero.
//!
//! Size is why the decoder is written here. The plugin only encodes with the `base64` crate, whose decoder would add
//! 4.6 KB to its 1.99 MB (1.5 KB compressed), to read a payload of 700 letters in a sixth of the time: 7 µs less in V8.
//! The tests hold the two against each other.

/// The bytes a text stands for; `None` where it is no base64url, or not the one spelling of its bytes.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let (bytes, rest) = decode_open(text)?;
    // RFC 4648, 3.5: what is not zero here would be a second spelling of the same bytes.
    (rest == 0).then_some(bytes)
}

/// The bytes a text stands for, and the bits left over behind them.
pub(super) fn decode_open(text: &str) -> Option<(Vec<u8>, u32)> {
    let mut bytes = Vec::with_capacity(text.len());
    let (mut held, mut width) = (0_u32, 0_u32);
    for letter in text.bytes() {
        held = (held << 6) | sextet(letter)?;
        width = width.saturating_add(6);
        if width >= 8 {
            width = width.saturating_sub(8);
            let [_, _, _, byte] = (held >> width).to_be_bytes();
            bytes.push(byte);
            held &= mask(width);
        }
    }
    // One letter alone holds no whole byte.
    (width < 6).then_some((bytes, held))
}

/// The lowest `width` bits; there are fewer than eight.
const fn mask(width: u32) -> u32 {
    (1_u32 << width).wrapping_sub(1)
}

fn sextet(letter: u8) -> Option<u32> {
    let (first, base) = match letter {
        b'A'..=b'Z' => (b'A', 0),
        b'a'..=b'z' => (b'a', 26),
        b'0'..=b'9' => (b'0', 52),
        b'-' => (b'-', 62),
        b'_' => (b'_', 63),
        _ => return None,
    };
    Some(u32::from(letter.wrapping_sub(first)).wrapping_add(base))
}

// Draws from the system's randomness, which plain Wasm has not.
#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod oracle;

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
}
