//! Owns the names of parameters and cookies: the spellings that a framework could take for one.

use crate::header::{fold, folded};
use crate::path::pair;

/// Whether a sent name is one of the policy's, in any spelling in which a framework could read that: escaped (`%u0061`
/// of older ones included), in other letter case, with other signs, behind bytes that are trimmed, before a zero byte,
/// as a list (`name[]`, `[name]`).
pub(crate) fn is_alike(sent: &[u8], name: &str) -> bool {
    // As most names are: no spelling of another one begins otherwise.
    let is_near =
        |byte: &u8| !byte.is_ascii_alphanumeric() || name.bytes().next().is_some_and(|own| fold(own) == fold(*byte));
    if !sent.first().is_some_and(is_near) {
        return false;
    }
    let plain: Vec<u8> = decoded(&without_wide_escapes(sent)).take_while(|byte| *byte != 0).collect();
    let is_space = |byte: &u8| !byte.is_ascii_graphic();
    let start = plain.iter().position(|byte| !is_space(byte) && !matches!(byte, b'[' | b']')).unwrap_or(plain.len());
    let inner = plain.get(start..).unwrap_or_default();
    let is = |text: &[u8]| text.iter().copied().map(fold).eq(folded(name));
    let end = inner.iter().rposition(|byte| *byte != b']').map_or(0, |last| last.saturating_add(1));
    let whole = inner.get(..end).unwrap_or_default();
    let before_list = inner.split(|byte| *byte == b'[').next().unwrap_or_default();
    is(whole) || is(before_list)
}

/// A name in which `%uXXXX`, an escape that no standard knows and ASP.NET reads, is the byte it stands for, or a `_`.
fn without_wide_escapes(name: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(name.len());
    let mut rest = name;
    loop {
        rest = match rest {
            [b'%', b'u' | b'U', a, b, c, d, after @ ..] => match (pair(*a, *b), pair(*c, *d)) {
                (Some(high), Some(low)) => {
                    plain.push(if high == 0 && low.is_ascii() { low } else { b'_' });
                    after
                }
                (_, _) => {
                    plain.extend([b'%', b'u']);
                    rest.get(2..).unwrap_or_default()
                }
            },
            [first, after @ ..] => {
                plain.push(*first);
                after
            }
            [] => return plain,
        };
    }
}

/// The bytes of a name in a form: escapes decoded once, `+` a space. What is no escape stands for itself.
pub(crate) fn decoded(mut rest: &[u8]) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let escaped = match rest {
            [b'%', high, low, after @ ..] => pair(*high, *low).map(|byte| (byte, after)),
            _ => None,
        };
        let (byte, after) = match (escaped, rest) {
            (Some(escaped), _) => escaped,
            (None, [b'+', after @ ..]) => (b' ', after),
            (None, [first, after @ ..]) => (*first, after),
            (None, []) => return None,
        };
        rest = after;
        Some(byte)
    })
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn every_spelling_that_somebody_reads_is_alike() {
        for sent in [
            &b"access_token"[..],
            b"Access.Token",
            b"access%5Ftoken",
            b"%61ccess%5ftoken",
            b"%u0061ccess_token",
            b"access%u005Ftoken",
            b"access_token[]",
            b"access_token[a][b]",
            b"access_token%5B%5D",
            b"[access_token]",
            b"%5Baccess_token%5D",
            b"access_token]",
            b"access[token",
            b"access_token%00x",
            b"+access_token",
            b"%20access_token",
            b"\xa0access_token",
            b"\xc2\xa0access_token",
            b"%09access_token",
        ] {
            assert!(is_alike(sent, "access_token"), "{}", sent.escape_ascii());
        }
        for sent in [
            &b""[..],
            b"access_tokens",
            b"my_access_token",
            b"token",
            b"access%255Ftoken",
            b"access_token_",
            b"access_token+",
            b"a",
            b"%",
            b"[",
            b"][",
        ] {
            assert!(!is_alike(sent, "access_token"), "{}", sent.escape_ascii());
        }
    }
}
