//! Owns where a request target has its second reading: the part, the place in it, and the byte that stands there.

use std::fmt;

use super::{Ambiguity, CanonicalPath};

/// A second reading of a request target. What it displays is for the client, who learns no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{ambiguity}")]
pub struct SecondReading {
    /// Why there is one.
    pub ambiguity: Ambiguity,
    /// Where it begins; `None` where it is in no one place.
    pub at: Option<Spot>,
}

/// A place in a request target. It displays as `byte 4 of the path, 0x3B`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// The part of the target.
    pub part: Part,
    /// The number of the byte in that part; the first is 1.
    pub number: usize,
    /// What stands there; `None` where the part ends before.
    pub byte: Option<u8>,
}

/// A part of a request target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What stands before the first `?`.
    Path,
    /// What stands after it.
    Query,
}

impl SecondReading {
    /// The reading that begins at this index of a target.
    pub(super) fn at(ambiguity: Ambiguity, target: &[u8], index: usize) -> Self {
        let before = target.iter().take(index).position(|byte| *byte == b'?');
        let (part, start) = before.map_or((Part::Path, 0), |mark| (Part::Query, mark.saturating_add(1)));
        let number = index.saturating_sub(start).saturating_add(1);
        Self { ambiguity, at: Some(Spot { part, number, byte: target.get(index).copied() }) }
    }

    /// The reading of a path that only a policy's routes give it.
    pub(crate) fn by_route(ambiguity: Ambiguity, path: &CanonicalPath<'_>) -> Self {
        if ambiguity == Ambiguity::TrailingSlash {
            let text = path.as_str().as_bytes();
            return Self::at(ambiguity, text, text.len().saturating_sub(1));
        }
        Self { ambiguity, at: None }
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = match self.part {
            Part::Path => "path",
            Part::Query => "query",
        };
        write!(f, "byte {} of the {part}", self.number)?;
        match self.byte {
            Some(byte) => write!(f, ", 0x{byte:02X}"),
            None => f.write_str(", its end"),
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn second_reading_is_told_with_its_place() {
        for (target, place) in [
            (&b""[..], "byte 1 of the path, its end"),
            (b"*", "byte 1 of the path, 0x2A"),
            (b"/a b", "byte 3 of the path, 0x20"),
            (b"/a?\xff", "byte 1 of the query, 0xFF"),
            (b"/a?f={\"a\":1}", "byte 4 of the query, 0x22"),
            (b"/a?b??\\", "byte 4 of the query, 0x5C"),
            (b"/a|b", "byte 3 of the path, 0x7C"),
            (b"/a#b", "byte 3 of the path, 0x23"),
            (b"/a?b#c", "byte 2 of the query, 0x23"),
            (b"//a", "byte 2 of the path, 0x2F"),
            (b"/a/b//", "byte 6 of the path, 0x2F"),
            (b"/abc/../b", "byte 6 of the path, 0x2E"),
            (b"/ab/c;d", "byte 6 of the path, 0x3B"),
            (b"/ab/c%2", "byte 6 of the path, 0x25"),
            (b"/ab/%D0%B1%2Fb", "byte 11 of the path, 0x25"),
            (b"/ab/x%2541", "byte 6 of the path, 0x25"),
            (b"/ab/x%D0%B1y%C3z", "byte 13 of the path, 0x25"),
        ] {
            let found = CanonicalPath::parse(target).unwrap_err();
            assert_eq!(found.at.unwrap().to_string(), place, "{}", target.escape_ascii());
            assert_eq!(found.to_string(), found.ambiguity.to_string(), "the client learns no place");
        }
    }

    #[test]
    fn slash_at_the_end_has_a_place_and_letter_case_has_none() {
        let path = CanonicalPath::parse(b"/a/b/").unwrap();
        let slash = SecondReading::by_route(Ambiguity::TrailingSlash, &path);
        assert_eq!(slash.at.unwrap().to_string(), "byte 5 of the path, 0x2F");
        assert_eq!(SecondReading::by_route(Ambiguity::LetterCase, &path).at, None);
    }
}
