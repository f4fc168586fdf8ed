//! Owns the reading of a target that is plain: nearly all are, and one pass over the path is enough to see it.

use std::borrow::Cow;

use super::{CanonicalPath, is_pchar};

impl<'a> CanonicalPath<'a> {
    /// The path of a target in which every segment stands for itself; `None` where something has to be decoded, or is
    /// wrong.
    pub(super) fn plain(target: &'a [u8]) -> Option<Self> {
        let target = std::str::from_utf8(target).ok()?;
        let (text, query) = target.split_once('?').unwrap_or((target, ""));
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'#' | b'"' | b'<' | b'>' | b'\\');
        if !query.bytes().all(is_plain) {
            return None;
        }
        let inner = text.strip_prefix('/')?;
        let slashes = inner.bytes().filter(|byte| *byte == b'/').count();
        let mut segments = Vec::with_capacity(slashes.saturating_add(1));
        let mut start = 0_usize;
        for (index, byte) in inner.bytes().enumerate() {
            if byte == b'/' {
                // Only the last one may be empty.
                segments.push(segment(inner.get(start..index)?).filter(|segment| !segment.is_empty())?);
                start = index.saturating_add(1);
            } else if !is_pchar(byte) {
                return None;
            }
        }
        segments.push(segment(inner.get(start..)?)?);
        Some(Self { text, query, segments })
    }
}

/// Segment whose bytes stand for themselves; `None` for `.` and `..`.
fn segment(raw: &str) -> Option<Cow<'_, str>> {
    (raw != "." && raw != "..").then_some(Cow::Borrowed(raw))
}

// Proptest draws from the system's randomness, which plain Wasm has not.
#[cfg(all(test, not(target_family = "wasm")))]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    fn target() -> impl Strategy<Value = Vec<u8>> {
        let pieces = vec![
            "/", "/", "//", ".", "..", "a", "Bc", "~", ":", "@", "?", "%41", "%20", "%", "%2f", ";", "\\", "#", "\"",
            "<", "|", " ", "\t", "\u{7f}", "é", "=", "&",
        ];
        let piece = prop_oneof![
            20 => select(pieces).prop_map(|piece| piece.as_bytes().to_vec()),
            1 => any::<u8>().prop_map(|byte| vec![byte]),
        ];
        (any::<bool>(), prop::collection::vec(piece, 0..8)).prop_map(|(is_origin_form, pieces)| {
            let start = if is_origin_form { &b"/"[..] } else { b"" };
            [start, &pieces.concat()].concat()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(8192) })]

        #[test]
        fn plain_target_is_read_as_any_other(target in target()) {
            if let Some(plain) = CanonicalPath::plain(&target) {
                prop_assert_eq!(Ok(plain), CanonicalPath::checked(&target));
            } else if let Ok(path) = CanonicalPath::checked(&target) {
                // What stands for itself throughout is plain.
                prop_assert!(path.text.contains('%'), "{}", target.escape_ascii());
            }
        }
    }
}
