//! Owns the parameters of a query: which of them is a credential, and what is left of the others.

use std::borrow::Cow;

use super::{Found, Malformed, Repeated};
use crate::deciding::field_name::{decoded, is_alike};
use crate::deciding::policy::Named;

/// The path and the query of a target; `None` where it has no query.
pub(crate) fn query(target: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = target.iter().position(|byte| *byte == b'?')?;
    let (path, rest) = target.split_at_checked(at)?;
    Some((path, rest.strip_prefix(b"?")?))
}

/// The value of a parameter, unescaped.
pub(crate) fn find<'a>(query: &'a [u8], name: &str) -> Found<Cow<'a, [u8]>> {
    let exact = query.split(|byte| *byte == b'&').find(|pair| name_of(pair) == name.as_bytes());
    let alike = query.split(is_delimiter).filter(|pair| is_alike(name_of(pair), name));
    let pair = match (exact, alike.count()) {
        (None, 0 | 1) => return Found::Nothing,
        (_, 2..) => return Found::Repeated(Repeated::Copies),
        (Some(exact), _) => exact,
    };
    let value = pair.get(name.len()..).and_then(|rest| rest.strip_prefix(b"=")).unwrap_or_default();
    if value.contains(&b';') {
        // Some end it there.
        Found::Malformed(Malformed::Delimiter)
    } else if value.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        Found::One(decoded(value).collect())
    } else {
        Found::One(Cow::Borrowed(value))
    }
}

/// The target without these parameters, and without those that could be taken for them; all else as it was sent. `None`
/// where there are none.
pub(crate) fn without_parameters(target: &[u8], taken: &[Named]) -> Option<Vec<u8>> {
    let (path, query) = query(target)?;
    let is_taken = |pair: &[u8]| taken.iter().any(|named| is_alike(name_of(pair), &named.name));
    if !query.split(is_delimiter).any(is_taken) {
        return None;
    }
    let mut left = Vec::with_capacity(query.len());
    let mut rest = query;
    let mut delimiter = None;
    loop {
        let end = rest.iter().position(is_delimiter);
        let (pair, after) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, b""));
        if !is_taken(pair) {
            // The sign between two that go on is that before the second.
            left.extend(delimiter.filter(|_| !left.is_empty()));
            left.extend_from_slice(pair);
        }
        let Some((sign, next)) = after.split_first() else { break };
        (delimiter, rest) = (Some(*sign), next);
    }
    let mut target = path.to_vec();
    if !left.is_empty() {
        target.push(b'?');
        target.extend(left);
    }
    Some(target)
}

/// Tells whether a byte stands between two parameters; to some a semicolon does.
const fn is_delimiter(byte: &u8) -> bool {
    matches!(byte, b'&' | b';')
}

fn name_of(pair: &[u8]) -> &[u8] {
    pair.split(|byte| *byte == b'=').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn parameter_is_found_once_and_under_its_own_name() {
        let one = |value: &str| Found::One(Cow::Owned(value.as_bytes().to_vec()));
        for (query, found) in [
            ("access_token=abc", one("abc")),
            ("a=b&access_token=abc&c", one("abc")),
            ("access_token=a%2Bb%3D", one("a+b=")),
            ("access_token=a+b", one("a b")),
            ("access_token=a=b", one("a=b")),
            ("access_token", one("")),
            ("access_token=a%ZZ", one("a%ZZ")),
            ("", Found::Nothing),
            ("access_tokens=abc", Found::Nothing),
            ("Access_Token=abc", Found::Nothing),
            ("access%5Ftoken=abc", Found::Nothing),
            ("a=b;access_token=abc", Found::Nothing),
            ("access_token=a&access_token=a", Found::Repeated(Repeated::Copies)),
            ("access_token=a&access.token=b", Found::Repeated(Repeated::Copies)),
            ("access%5ftoken=a&access_token=b", Found::Repeated(Repeated::Copies)),
            ("access_token=a&access_token[]=b", Found::Repeated(Repeated::Copies)),
            ("access_token=a&x=y;access_token=b", Found::Repeated(Repeated::Copies)),
            ("access_token=a;b", Found::Malformed(Malformed::Delimiter)),
        ] {
            assert_eq!(find(query.as_bytes(), "access_token"), found, "{query}");
        }
    }

    #[test]
    fn others_go_on_as_they_were_sent() {
        let taken = [Named { name: "access_token".to_owned(), is_kept: false }];
        for (target, left) in [
            ("/a", None),
            ("/a?", None),
            ("/a?b=c", None),
            ("/a?access_token=x", Some("/a")),
            ("/a?access_token=x&b=%2F+c&d", Some("/a?b=%2F+c&d")),
            ("/a?b=c&access_token=x", Some("/a?b=c")),
            ("/a?b=c&access_token=x&d=e;f", Some("/a?b=c&d=e;f")),
            ("/a?b&&access_token=x&c", Some("/a?b&&c")),
            ("/a?b;access_token=x&c", Some("/a?b&c")),
            ("/a?ACCESS.TOKEN=x&access_token[]=y", Some("/a")),
            ("/a?b=access_token=x", None),
            ("/a?access_token=x?y&b", Some("/a?b")),
        ] {
            let found = without_parameters(target.as_bytes(), &taken);
            assert_eq!(found.as_deref(), left.map(str::as_bytes), "{target}");
        }
    }
}
