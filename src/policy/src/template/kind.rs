//! Owns the kinds of captures, and which segments each takes: those in the one spelling of a value.

use uuid::Uuid;
use uuid::fmt::Hyphenated;

/// What a capture takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CaptureKind {
    /// One segment that is not empty.
    Any,
    /// A whole number without sign and without leading zeros, up to the greatest that 63 bits hold.
    Int,
    /// All segments that are left, at least one; the first is not empty.
    Rest,
    /// A UUID in its canonical spelling: lower case, hyphens ([RFC 9562,
    /// 4](https://www.rfc-editor.org/rfc/rfc9562#section-4)).
    Uuid,
}

/// Whether a capture of one segment takes this one, letter case and all.
pub(crate) fn takes(kind: CaptureKind, sent: &str) -> bool {
    match kind {
        CaptureKind::Any | CaptureKind::Rest => !sent.is_empty(),
        CaptureKind::Int => is_canonical_int(sent),
        CaptureKind::Uuid => is_canonical_uuid(sent),
    }
}

pub(crate) fn is_canonical_int(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'))
        && text.parse::<i64>().is_ok()
}

pub(crate) fn is_canonical_uuid(text: &str) -> bool {
    is_uuid_but_for_case(text) && !text.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// A UUID, or what would be one in lower case.
pub(crate) fn is_uuid_but_for_case(text: &str) -> bool {
    // Of the spellings that are taken, only the hyphenated one is as long.
    text.len() == Hyphenated::LENGTH && Uuid::try_parse(text).is_ok()
}
