//! Law of a request target's path: every reader of a path that is taken reads the same.

use brama_policy::deciding::CanonicalPath;

/// Input: the request target.
///
/// # Panics
/// A path was taken that differs from the input, or that a more lenient reader reads otherwise.
pub fn holds_for(target: &[u8]) {
    let Ok(path) = CanonicalPath::parse(target) else { return };
    let sent = target.split(|byte| *byte == b'?').next().unwrap();
    assert_eq!(path.as_str().as_bytes(), sent, "the path is what was sent");
    let segments: Vec<String> = path.segments().iter().map(|segment| segment.clone().into_owned()).collect();
    let normal = path.normal();
    assert!(normal.eq_ignore_ascii_case(path.as_str()), "the normal form is the path but for the case of digits");
    let again = CanonicalPath::parse(normal.as_bytes()).expect("the normal form is a path");
    assert_eq!(again.segments(), path.segments(), "the normal form is the same path");
    assert_eq!(again.normal(), normal, "a path has one normal form");
    assert_eq!(read_leniently(path.as_str()), segments, "a lenient reader reads the same");
    let (_last, inner) = segments.split_last().expect("a path has a segment, if an empty one");
    assert!(inner.iter().all(|segment| !segment.is_empty()), "only the last segment may be empty");
    for segment in &segments {
        assert_eq!(decoded(segment), *segment, "decoded once is decoded");
        assert!(!segment.contains(['/', '\\', ';', '\0']) && segment != "." && segment != "..", "{segment:?}");
    }
}

/// Segments as the most lenient server reads them: backslashes are slashes, escapes are decoded before the path is cut
/// and again after, what follows `;` is a parameter, dots are resolved, empty segments go.
fn read_leniently(path: &str) -> Vec<String> {
    let once = decoded(path).replace('\\', "/");
    let mut segments: Vec<String> = Vec::new();
    for segment in once.split('/').skip(1) {
        match decoded(segment.split(';').next().unwrap()).as_str() {
            "." | "" => {}
            ".." => drop(segments.pop()),
            text => segments.push(text.to_owned()),
        }
    }
    if once.ends_with('/') {
        segments.push(String::new());
    }
    segments
}

pub(crate) fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = (*first == b'%').then(|| after.split_at_checked(2)).flatten().and_then(|(digits, after)| {
            let digits = std::str::from_utf8(digits)
                .ok()
                .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
            Some((u8::from_str_radix(digits, 16).ok()?, after))
        });
        let (byte, after) = escaped.unwrap_or((*first, after));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
