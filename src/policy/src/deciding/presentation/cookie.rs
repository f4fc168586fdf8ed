//! Owns the cookies of a request: which of them is a credential, and what is left of the others.
//!
//! Services read the header `cookie` in different ways: some take a quoted value whole, some split at commas, some
//! unescape names. What only some of them would take for the cookie is never taken for it here, and never ignored.

use super::{Found, Malformed, Repeated};
use crate::deciding::field_name::is_alike;
use crate::deciding::policy::Named;

/// What goes on of a header with cookies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// All of it, as it was sent.
    Whole,
    /// This part of it.
    Part(Vec<u8>),
    /// None of it.
    Nothing,
}

/// The value of a cookie, as it was sent. Where some read several pairs in what is one to others, each of them counts.
pub(crate) fn find<'a>(header: &'a [u8], name: &str) -> Found<&'a [u8]> {
    let exact = pairs(header).find(|(_start, pair)| name_of(pair) == name.as_bytes());
    let (start, pair) = match (exact, readings(header, name)) {
        (None, 0 | 1) => return Found::Nothing,
        (_, 2..) => return Found::Repeated(Repeated::Copies),
        (Some(exact), _) => exact,
    };
    let value = pair.get(name.len()..).and_then(|rest| rest.strip_prefix(b"=")).unwrap_or_default();
    let before = header.get(..start).unwrap_or_default();
    let is_quoted = before.iter().filter(|byte| **byte == b'"').count() % 2 == 1;
    // RFC 6265, 4.1.1: a cookie's value has none of these.
    if is_quoted || value.iter().any(|byte| matches!(byte, b'"' | b',' | b'\\')) {
        return Found::Malformed(Malformed::Delimiter);
    }
    Found::One(value)
}

/// What goes on of a header without these cookies, and without those that could be taken for them; all else as it was
/// sent.
pub(crate) fn without_cookies(header: &[u8], taken: &[Named]) -> Left {
    let is_taken = |pair: &[u8]| {
        taken.iter().any(|Named { name, is_kept }| {
            let own = name_of(trimmed(pair)) == name.as_bytes();
            readings(pair, name) > usize::from(own && *is_kept)
        })
    };
    if !header.split(|byte| *byte == b';').any(is_taken) {
        return Left::Whole;
    }
    let mut left = Vec::with_capacity(header.len());
    let mut is_first = true;
    for (number, pair) in header.split(|byte| *byte == b';').enumerate() {
        if is_taken(pair) {
            continue;
        }
        if !is_first {
            left.push(b';');
        }
        // The space behind a semicolon goes with it.
        left.extend_from_slice(if is_first && number > 0 { pair.trim_ascii_start() } else { pair });
        is_first = false;
    }
    if left.trim_ascii().is_empty() { Left::Nothing } else { Left::Part(left) }
}

/// The pairs of the header, without the spaces around them, each with its place.
fn pairs(header: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut next = 0_usize;
    header.split(|byte| *byte == b';').map(move |pair| {
        let start = next;
        next = next.saturating_add(pair.len()).saturating_add(1);
        (start, trimmed(pair))
    })
}

/// The name of a pair; the whole of one that has no `=`.
fn name_of(pair: &[u8]) -> &[u8] {
    pair.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii_end()
}

/// Number of pairs in a header that somebody could read as the cookie of a name. Some split at commas and spaces too.
fn readings(header: &[u8], name: &str) -> usize {
    let is_between = |byte: &u8| *byte == b',' || byte.is_ascii_whitespace();
    let of_pair = |pair: &[u8]| {
        let (before, value) = match pair.iter().position(|byte| *byte == b'=') {
            Some(at) => pair.split_at_checked(at).unwrap_or((pair, b"")),
            None => (pair, &[][..]),
        };
        let own = trimmed(before);
        let is_own = is_alike(own, name) || own.rsplit(is_between).next().is_some_and(|last| is_alike(last, name));
        let further = value.split(is_between).skip(1).filter(|piece| piece.contains(&b'='));
        usize::from(is_own).saturating_add(further.filter(|piece| is_alike(name_of(piece), name)).count())
    };
    header.split(|byte| *byte == b';').map(of_pair).fold(0, usize::saturating_add)
}

const fn trimmed(pair: &[u8]) -> &[u8] {
    pair.trim_ascii()
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn cookie_is_found_once_and_under_its_own_name() {
        for (header, found) in [
            ("session=abc", Found::One(&b"abc"[..])),
            ("a=b; session=abc", Found::One(b"abc")),
            ("a=b;session=abc;c=d", Found::One(b"abc")),
            ("a=b;\tsession=a=b==; c", Found::One(b"a=b==")),
            ("session=", Found::One(b"")),
            ("session=12|ab%20", Found::One(b"12|ab%20")),
            ("a=\"b\"; session=abc; c={\"d\":1}", Found::One(b"abc")),
            ("", Found::Nothing),
            ("sessions=abc; my-session=a", Found::Nothing),
            // To some, none of these is the cookie, and it is no credential here.
            ("Session=abc", Found::Nothing),
            ("%73ession=abc", Found::Nothing),
            ("session[]=abc", Found::Nothing),
            ("a=b,session=abc", Found::Nothing),
            ("session=a; session=b", Found::Repeated(Repeated::Copies)),
            ("session=a; session=a", Found::Repeated(Repeated::Copies)),
            ("session=a; Session=b", Found::Repeated(Repeated::Copies)),
            ("%73ession=b; session=a", Found::Repeated(Repeated::Copies)),
            ("session=a; x=y,session=b", Found::Repeated(Repeated::Copies)),
            ("session=a; session", Found::Repeated(Repeated::Copies)),
            ("session=a; session[x]=b", Found::Repeated(Repeated::Copies)),
            ("session=a; b=c session=d", Found::Repeated(Repeated::Copies)),
            ("session=a; \u{a0}session=d", Found::Repeated(Repeated::Copies)),
            ("[session]=d; session=a", Found::Repeated(Repeated::Copies)),
            ("x=\"; session=abc; y=\"", Found::Malformed(Malformed::Delimiter)),
            ("session=\"abc\"", Found::Malformed(Malformed::Delimiter)),
            ("session=a,b", Found::Malformed(Malformed::Delimiter)),
            ("session=a\\b", Found::Malformed(Malformed::Delimiter)),
        ] {
            assert_eq!(find(header.as_bytes(), "session"), found, "{header}");
        }
        assert_eq!(find(b"session =abc", "session"), Found::One(&b""[..]), "a space is no part of a value");
    }

    fn taken(name: &str) -> Named {
        Named { name: name.to_owned(), is_kept: false }
    }

    #[test]
    fn kept_cookie_goes_on_and_nothing_like_it() {
        let kept = [Named { name: "session".to_owned(), is_kept: true }];
        let left = |header: &str| without_cookies(header.as_bytes(), &kept);
        assert_eq!(left("a=b; session=c"), Left::Whole);
        assert_eq!(left("a=b; Session=c; session=d"), Left::Part(b"a=b; session=d".to_vec()));
        assert_eq!(left("session=c d,session=e"), Left::Nothing);
    }

    #[test]
    fn others_go_on_as_they_were_sent() {
        let part = |text: &str| Left::Part(text.as_bytes().to_vec());
        for (header, left) in [
            ("session=abc", Left::Nothing),
            ("session=abc; ", Left::Nothing),
            ("a=b", Left::Whole),
            ("session=abc; a=b", part("a=b")),
            ("a=b; session=abc", part("a=b")),
            ("a=b; session=abc; c=\"d\" ;e", part("a=b; c=\"d\" ;e")),
            ("a=b;session=abc;c=d", part("a=b;c=d")),
            ("a=b; SESSION=x; c=d; %73ession=y", part("a=b; c=d")),
            (" a=b ;; c", Left::Whole),
            ("sessions=1; a=b", Left::Whole),
            ("a=b,session=c; d=e", part("d=e")),
            ("a=b session=c; d=e", part("d=e")),
            ("Session =c; d=e", part("d=e")),
            ("x session=c; d=e", part("d=e")),
            ("note=my session here, session", Left::Whole),
            ("\u{a0}session=c; d=e", part("d=e")),
        ] {
            let found = without_cookies(header.as_bytes(), &[taken("session")]);
            assert_eq!(found, left, "{header}");
        }
        let bytes = [b'a', b'=', 0xff, b';', b' ', b's', b'=', b'1'];
        assert_eq!(without_cookies(&bytes, &[taken("s"), taken("t")]), Left::Part(vec![b'a', b'=', 0xff]));
    }
}
