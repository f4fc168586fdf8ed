//! Owns which paths are judged: anything another reader could take for another path is refused.
//!
//! A gateway and the service behind it must not disagree about which resource a path names. So nothing is
//! normalised: a path that has a second reading is refused before any rule is looked at
//! ([RFC 3986, 3.3 and 6.2](https://www.rfc-editor.org/rfc/rfc3986#section-6.2)). The digits of an escape are the one
//! exception: `%c3` and `%C3` are the same octet to every reader.

use std::borrow::Cow;

use crate::confusable;

mod plain;
mod reading;

pub use reading::{Part, SecondReading, Spot};

/// A path in its one canonical spelling, split into decoded segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanonicalPath<'a> {
    text: &'a str,
    query: &'a str,
    segments: Vec<Cow<'a, str>>,
}

/// Why a request target has more than one reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ambiguity {
    /// A target that is not `/path?query` ([RFC 9112, 3.2.1](https://www.rfc-editor.org/rfc/rfc9112#section-3.2.1)).
    #[error("The request target does not start with a slash.")]
    NotOriginForm,
    /// A byte that no URI has: a control, a space, or one outside ASCII.
    #[error("The request target has a byte that must be percent-encoded.")]
    ForbiddenByte,
    /// A `#`.
    #[error("The request target has a fragment.")]
    Fragment,
    /// `//`, or a segment of which nothing can be seen.
    #[error("The path has an empty segment.")]
    EmptySegment,
    /// `.` or `..`, or what Unicode's compatibility forms take for them.
    #[error("The path has a dot segment.")]
    DotSegment,
    /// `;`, which some servers cut off with what follows.
    #[error("The path has a segment parameter.")]
    SegmentParameter,
    /// A backslash, which some servers read as a slash.
    #[error("The path has a backslash.")]
    Backslash,
    /// A `%` without two hexadecimal digits after it.
    #[error("The path has a malformed percent-encoding.")]
    MalformedEncoding,
    /// `%41` for `A`.
    #[error("The path percent-encodes a character that needs no encoding.")]
    NeedlessEncoding,
    /// `%2F`, `%5C`, `%3B`, `%3F`, `%23`, or an encoded control.
    #[error("The path percent-encodes a separator or a control character.")]
    EncodedSeparator,
    /// `%2541`.
    #[error("The path is percent-encoded twice.")]
    DoubleEncoding,
    /// Bytes that are no UTF-8 once decoded.
    #[error("The path is not UTF-8 once decoded.")]
    NotUtf8,
    /// A path that equals a stricter route but for the case of letters.
    #[error("The path differs from that of a route only in the case of its letters.")]
    LetterCase,
    /// A path that equals a stricter route but for a slash at its end.
    #[error("The path differs from that of a route only in the slash at its end.")]
    TrailingSlash,
}

impl<'a> CanonicalPath<'a> {
    /// Reads the path of a request target (`/path?query`). The query is not judged; it is only refused where services
    /// behind would not take it for one.
    ///
    /// # Errors
    /// The first ambiguity found, and where.
    pub fn parse(target: &'a [u8]) -> Result<Self, SecondReading> {
        match Self::plain(target) {
            Some(plain) => Ok(plain),
            None => Self::checked(target),
        }
    }

    fn checked(target: &'a [u8]) -> Result<Self, SecondReading> {
        let at = |ambiguity, index| SecondReading::at(ambiguity, target, index);
        if let Some(index) = target.iter().position(|byte| !byte.is_ascii_graphic()) {
            return Err(at(Ambiguity::ForbiddenByte, index));
        }
        if let Some(index) = target.iter().position(|byte| *byte == b'#') {
            return Err(at(Ambiguity::Fragment, index));
        }
        let ascii = std::str::from_utf8(target);
        let ascii = ascii.map_err(|not_ascii| at(Ambiguity::ForbiddenByte, not_ascii.valid_up_to()))?;
        let (text, query) = ascii.split_once('?').unwrap_or((ascii, ""));
        // RFC 3986, 3.4 allows fewer still, but brackets, braces and bars are sent all the same, and read alike.
        if let Some(index) = query.find(['"', '<', '>', '\\']) {
            return Err(at(Ambiguity::ForbiddenByte, text.len().saturating_add(1).saturating_add(index)));
        }
        let inner = text.strip_prefix('/').ok_or_else(|| at(Ambiguity::NotOriginForm, 0))?;
        if let Some(index) = text.find("//") {
            return Err(at(Ambiguity::EmptySegment, index.saturating_add(1)));
        }
        let mut start = 1_usize;
        let segments = inner.split('/').map(|raw| {
            let here = start;
            start = start.saturating_add(raw.len()).saturating_add(1);
            segment(raw).map_err(|(ambiguity, index)| at(ambiguity, here.saturating_add(index)))
        });
        let segments = segments.collect::<Result<_, _>>()?;
        Ok(Self { text, query, segments })
    }

    /// The path as it was sent, without the query.
    #[must_use]
    pub const fn as_str(&self) -> &'a str {
        self.text
    }

    /// The path in its normal form: the digits of its escapes in upper case
    /// ([RFC 3986, 6.2.2.1](https://www.rfc-editor.org/rfc/rfc3986#section-6.2.2.1)). Equal where the segments are.
    #[must_use]
    pub fn normal(&self) -> Cow<'a, str> {
        let mut parts = self.text.split('%');
        let (Some(first), true) = (parts.next(), self.text.contains('%')) else { return Cow::Borrowed(self.text) };
        let mut normal = first.to_owned();
        for part in parts {
            // Each escape was read, so two digits stand here.
            let (digits, after) = part.split_at_checked(2).unwrap_or((part, ""));
            normal.push('%');
            normal.push_str(&digits.to_ascii_uppercase());
            normal.push_str(after);
        }
        Cow::Owned(normal)
    }

    /// What follows the first `?`; empty where nothing does.
    pub(crate) const fn query(&self) -> &'a str {
        self.query
    }

    /// The segments between the slashes, percent-decoded once; a trailing slash makes the last one empty.
    #[must_use]
    pub fn segments(&self) -> &[Cow<'a, str>] {
        &self.segments
    }

    /// This path without the slash at its end; `None` where there is none, or nothing else.
    pub(crate) fn without_trailing_slash(&self) -> Option<Self> {
        let text = self.text.strip_suffix('/').filter(|text| !text.is_empty())?;
        let (_empty, segments) = self.segments.split_last()?;
        Some(Self { text, query: self.query, segments: segments.to_vec() })
    }
}

/// One segment, checked and decoded; or what is wrong with it, and at which of its bytes.
fn segment(raw: &str) -> Result<Cow<'_, str>, (Ambiguity, usize)> {
    if raw == "." || raw == ".." {
        return Err((Ambiguity::DotSegment, 0));
    }
    if let Some((index, ambiguity)) = raw.bytes().map(forbidden).enumerate().find_map(|(at, what)| Some((at, what?))) {
        return Err((ambiguity, index));
    }
    if !raw.contains('%') {
        return Ok(Cow::Borrowed(raw));
    }
    let mut decoded = Vec::with_capacity(raw.len());
    let mut rest = raw.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if first == b'%' {
            let index = raw.len().saturating_sub(rest.len());
            let (byte, after) = encoded(after).map_err(|ambiguity| (ambiguity, index))?;
            decoded.push(byte);
            rest = after;
        } else {
            decoded.push(first);
            rest = after;
        }
    }
    let decoded = String::from_utf8(decoded)
        .map_err(|error| (Ambiguity::NotUtf8, sent_index(raw, error.utf8_error().valid_up_to())))?;
    match confusable::dots(&decoded) {
        Some(0) => Err((Ambiguity::EmptySegment, 0)),
        Some(1 | 2) => Err((Ambiguity::DotSegment, 0)),
        Some(_) | None => Ok(Cow::Owned(decoded)),
    }
}

/// Where the bytes stand in a segment, as it was sent, that `decoded` bytes stand before once it is decoded.
fn sent_index(raw: &str, decoded: usize) -> usize {
    let escapes = |index: usize| {
        let after_escape = |back| index.checked_sub(back).is_some_and(|at| raw.as_bytes().get(at) == Some(&b'%'));
        after_escape(1) || after_escape(2)
    };
    (0..raw.len()).filter(|index| !escapes(*index)).nth(decoded).unwrap_or(0)
}

/// What is wrong with a byte that stands for itself, if anything.
const fn forbidden(byte: u8) -> Option<Ambiguity> {
    match byte {
        b';' => Some(Ambiguity::SegmentParameter),
        b'\\' => Some(Ambiguity::Backslash),
        b'%' => None,
        _ if is_pchar(byte) => None,
        _ => Some(Ambiguity::ForbiddenByte),
    }
}

/// The byte that the two digits at the front of `rest` stand for, and what follows them.
fn encoded(rest: &[u8]) -> Result<(u8, &[u8]), Ambiguity> {
    let [high, low, after @ ..] = rest else {
        return Err(Ambiguity::MalformedEncoding);
    };
    let byte = pair(*high, *low).ok_or(Ambiguity::MalformedEncoding)?;
    // RFC 3986, 6.2.2.2: an encoded unreserved character is a second spelling of the character itself.
    if is_unreserved(byte) {
        return Err(Ambiguity::NeedlessEncoding);
    }
    // Who decodes before splitting, or decodes and sends on, takes them for what they are not here: the end of a
    // segment, of its name, or of the path.
    if matches!(byte, b'/' | b'\\' | b';' | b'?' | b'#') || byte.is_ascii_control() {
        return Err(Ambiguity::EncodedSeparator);
    }
    if byte == b'%' && matches!(after, [high, low, ..] if pair(*high, *low).is_some()) {
        return Err(Ambiguity::DoubleEncoding);
    }
    Ok((byte, after))
}

/// The byte that two hexadecimal digits stand for.
pub(crate) fn pair(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

/// RFC 3986, 2.3.
const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// RFC 3986, 3.3, but for `;` and `%`.
const fn is_pchar(byte: u8) -> bool {
    is_unreserved(byte)
        || matches!(byte, b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'=' | b':' | b'@')
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn canonical_paths_are_split_and_decoded_once() {
        for (target, segments) in [
            ("/", &[""][..]),
            ("/a", &["a"]),
            ("/a/", &["a", ""]),
            ("/a/b?c=%2f//..;#".trim_end_matches('#'), &["a", "b"]),
            ("/a%20b/%D0%B1", &["a b", "б"]),
            ("/a%25", &["a%"]),
            ("/100%25-x", &["100%-x"]),
            ("/%5B%7C%5D", &["[|]"]),
            ("/a:b@c,d!$&'()*+=~", &["a:b@c,d!$&'()*+=~"]),
            ("/...", &["..."]),
            ("/a?b[c]={d|e}^`%zz", &["a"]),
        ] {
            assert_eq!(CanonicalPath::parse(target.as_bytes()).unwrap().segments(), segments, "{target}");
        }
    }

    #[test]
    fn digits_of_an_escape_are_the_same_octet_in_either_case() {
        for (sent, normal) in [
            ("/a", "/a"),
            ("/caf%c3%a9", "/caf%C3%A9"),
            ("/caf%c3%A9/x", "/caf%C3%A9/x"),
            ("/%d0%B1%d0%b1", "/%D0%B1%D0%B1"),
            ("/urn%3ax%3A1", "/urn%3Ax%3A1"),
            ("/a%5b%7c%5d", "/a%5B%7C%5D"),
            ("/100%25-%e2%82%ac?q=%c3", "/100%25-%E2%82%AC"),
        ] {
            let (path, of_normal) = (CanonicalPath::parse(sent.as_bytes()), CanonicalPath::parse(normal.as_bytes()));
            let (path, of_normal) = (path.unwrap(), of_normal.unwrap());
            assert_eq!(path.segments(), of_normal.segments(), "{sent}");
            assert_eq!((path.normal(), of_normal.normal()), (normal.into(), normal.into()), "{sent}");
            assert_eq!(path.as_str(), sent.split('?').next().unwrap(), "what goes on is what was sent");
        }
    }

    #[test]
    fn second_spellings_are_refused() {
        for (target, ambiguity) in [
            (&b""[..], Ambiguity::NotOriginForm),
            (b"*", Ambiguity::NotOriginForm),
            (b"a/b", Ambiguity::NotOriginForm),
            (b"http://h/a", Ambiguity::NotOriginForm),
            (b"/a b", Ambiguity::ForbiddenByte),
            (b"/a\0", Ambiguity::ForbiddenByte),
            (b"/a\t", Ambiguity::ForbiddenByte),
            (b"/a\x7f", Ambiguity::ForbiddenByte),
            (b"/\xd0\xb1", Ambiguity::ForbiddenByte),
            (b"/\xff", Ambiguity::ForbiddenByte),
            (b"/a?\xff", Ambiguity::ForbiddenByte),
            (b"/a?b c", Ambiguity::ForbiddenByte),
            (b"/a?b=<c>", Ambiguity::ForbiddenByte),
            (b"/a?\"", Ambiguity::ForbiddenByte),
            (b"/a?\\", Ambiguity::ForbiddenByte),
            (b"/a|b", Ambiguity::ForbiddenByte),
            (b"/a\"b", Ambiguity::ForbiddenByte),
            (b"/a#b", Ambiguity::Fragment),
            (b"/a?b#c", Ambiguity::Fragment),
            (b"//a", Ambiguity::EmptySegment),
            (b"/a//b", Ambiguity::EmptySegment),
            (b"/a//", Ambiguity::EmptySegment),
            (b"/./a", Ambiguity::DotSegment),
            (b"/a/..", Ambiguity::DotSegment),
            (b"/a/../b", Ambiguity::DotSegment),
            (b"/secret/%E2%80%8B", Ambiguity::EmptySegment),
            (b"/%e2%80%8b%C2%AD/admin", Ambiguity::EmptySegment),
            (b"/x/.%E2%80%8B./admin", Ambiguity::DotSegment),
            (b"/x/%EF%BC%8E%EF%BC%8E/admin", Ambiguity::DotSegment),
            (b"/x/%E2%80%A5/admin", Ambiguity::DotSegment),
            (b"/x/%EF%B9%92", Ambiguity::DotSegment),
            (b"/a;b=c", Ambiguity::SegmentParameter),
            (b"/..;/a", Ambiguity::SegmentParameter),
            (b"/a\\b", Ambiguity::Backslash),
            (b"/a%", Ambiguity::MalformedEncoding),
            (b"/a%4", Ambiguity::MalformedEncoding),
            (b"/a%4/", Ambiguity::MalformedEncoding),
            (b"/a%zz", Ambiguity::MalformedEncoding),
            (b"/%+1", Ambiguity::MalformedEncoding),
            (b"/%61", Ambiguity::NeedlessEncoding),
            (b"/%6a", Ambiguity::NeedlessEncoding),
            (b"/%2e%2e", Ambiguity::NeedlessEncoding),
            (b"/%7e", Ambiguity::NeedlessEncoding),
            (b"/a%2fb", Ambiguity::EncodedSeparator),
            (b"/a%5cb", Ambiguity::EncodedSeparator),
            (b"/a%3bb", Ambiguity::EncodedSeparator),
            (b"/a%3fb", Ambiguity::EncodedSeparator),
            (b"/a%0d%0a", Ambiguity::EncodedSeparator),
            (b"/a%7f", Ambiguity::EncodedSeparator),
            (b"/%ff", Ambiguity::NotUtf8),
            (b"/%c0%af", Ambiguity::NotUtf8),
            (b"/%c3", Ambiguity::NotUtf8),
            (b"/a%256a", Ambiguity::DoubleEncoding),
            (b"/%2E%2E", Ambiguity::NeedlessEncoding),
            (b"/%7E", Ambiguity::NeedlessEncoding),
            (b"/a%2Fb", Ambiguity::EncodedSeparator),
            (b"/a%5Cb", Ambiguity::EncodedSeparator),
            (b"/a%3Bb", Ambiguity::EncodedSeparator),
            (b"/..%3B/a", Ambiguity::EncodedSeparator),
            (b"/a%3Fb", Ambiguity::EncodedSeparator),
            (b"/a%23b", Ambiguity::EncodedSeparator),
            (b"/a%00", Ambiguity::EncodedSeparator),
            (b"/a%0D%0A", Ambiguity::EncodedSeparator),
            (b"/a%7F", Ambiguity::EncodedSeparator),
            (b"/a%2541", Ambiguity::DoubleEncoding),
            (b"/a%252F", Ambiguity::DoubleEncoding),
            (b"/a%252f", Ambiguity::DoubleEncoding),
            (b"/%FF", Ambiguity::NotUtf8),
            (b"/%C0%AF", Ambiguity::NotUtf8),
            (b"/%C3", Ambiguity::NotUtf8),
        ] {
            let found = CanonicalPath::parse(target).map_err(|reading| reading.ambiguity);
            assert_eq!(found, Err(ambiguity), "{}", target.escape_ascii());
        }
    }
}
