//! Owns the names of parameters and cookies: the spellings that a framework could take for one.

use crate::header::{fold, folded};
use crate::path::pair;

/// Tells whether a sent name is one of the policy's, in any spelling in which a framework could read that: escaped
/// (`%u0061` of older ones included), in other letter case, with other signs, behind bytes that are trimmed, before a
/// zero byte, as a list (`name[]`, `[name]`).
///
/// One pass: it ends at the first byte that no spelling of the name has there, and nothing is copied.
pub(crate) fn is_alike(sent: &[u8], name: &str) -> bool {
    let is_before_it = |byte: &u8| !byte.is_ascii_graphic() || matches!(byte, b'[' | b']');
    let plain = unescaped(sent, |rest| wide_escape(rest).or_else(|| form_escape(rest)));
    let mut plain = plain.take_while(|byte| *byte != 0).skip_while(is_before_it);
    if !folded(name).all(|own| plain.next().is_some_and(|byte| fold(byte) == own)) {
        return false;
    }
    match plain.next() {
        None | Some(b'[') => true,
        Some(b']') => plain.all(|byte| byte == b']'),
        Some(_) => false,
    }
}

/// Bytes of a text in a form: escapes decoded once, `+` a space. What is no escape stands for itself.
pub(crate) fn decoded(text: &[u8]) -> impl Iterator<Item = u8> {
    unescaped(text, form_escape)
}

/// Bytes of a text in which `escape` reads what is escaped at the start of the rest: the byte, and what follows.
fn unescaped(mut rest: &[u8], escape: impl Fn(&[u8]) -> Option<(u8, &[u8])>) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let (byte, after) = escape(rest).or_else(|| rest.split_first().map(|(first, after)| (*first, after)))?;
        rest = after;
        Some(byte)
    })
}

/// Escape of a form (<https://url.spec.whatwg.org/#urlencoded-parsing>): `%XX`, or `+`.
fn form_escape(rest: &[u8]) -> Option<(u8, &[u8])> {
    match rest {
        [b'%', high, low, after @ ..] => pair(*high, *low).map(|byte| (byte, after)),
        [b'+', after @ ..] => Some((b' ', after)),
        _ => None,
    }
}

/// Escape that no standard knows and ASP.NET reads, `%uXXXX`: the byte it stands for, or `_` beyond ASCII.
fn wide_escape(rest: &[u8]) -> Option<(u8, &[u8])> {
    let [b'%', b'u' | b'U', a, b, c, d, after @ ..] = rest else { return None };
    let (high, low) = (pair(*a, *b)?, pair(*c, *d)?);
    Some((if high == 0 && low.is_ascii() { low } else { b'_' }, after))
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
            b"access%UFF3Ftoken",
            b"access_token%u0000x",
            b"access_token]]",
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
            b"%00access_token",
            b"access_token][",
            b"access%u5Ftoken",
            b"access%u00ZZtoken",
            // Unescaped once.
            b"%u002561ccess_token",
            b"%%u0061ccess_token",
        ] {
            assert!(!is_alike(sent, "access_token"), "{}", sent.escape_ascii());
        }
    }
}
