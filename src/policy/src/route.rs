//! Owns path templates: what they match, and which of two matching ones wins.

use std::fmt;

use uuid::Uuid;
use uuid::fmt::Hyphenated;

use crate::path::CanonicalPath;

/// A path with named captures: `/api/clients/{client_id:uuid}/connections/{connection_id}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathTemplate {
    text: String,
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Capture { name: String, kind: CaptureKind },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CaptureKind {
    /// One segment that is not empty.
    Any,
    /// A UUID in its canonical spelling: lower case, hyphens ([RFC 9562, 4](https://www.rfc-editor.org/rfc/rfc9562#section-4)).
    Uuid,
}

/// What the captures of a template took, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Captures(Vec<(String, String)>);

impl Captures {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _value)| known == name).map(|(_name, value)| value.as_str())
    }
}

/// How a path stands to a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    No,
    /// It would match but for the case of letters: a reader that ignores case would take this route.
    ButForCase,
    Yes(Captures),
}

/// How specific a template is: the kinds of its segments from the left, a literal before a typed capture before any.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Specificity(Vec<Rank>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Literal,
    Typed,
    Any,
}

impl PathTemplate {
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidTemplate> {
        let inner = text.strip_prefix('/').ok_or(InvalidTemplate::NoSlash)?;
        if inner.is_empty() {
            return Ok(Self { text: text.to_owned(), segments: vec![Segment::Literal(String::new())] });
        }
        let segments = inner.split('/').map(segment).collect::<Result<Vec<_>, _>>()?;
        let template = Self { text: text.to_owned(), segments };
        match template.repeated_capture() {
            Some(name) => Err(InvalidTemplate::RepeatedCapture(name)),
            None => Ok(template),
        }
    }

    pub(crate) fn captures(&self, name: &str) -> bool {
        self.capture_names().any(|known| known == name)
    }

    /// The order in which templates are tried: the first that matches wins.
    pub(crate) fn specificity(&self) -> Specificity {
        Specificity(self.segments.iter().map(Segment::rank).collect())
    }

    /// Whether both match the same paths, equally well, so that no order between them would mean anything.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        self.segments.len() == other.segments.len()
            && self.segments.iter().zip(&other.segments).all(|(one, two)| match (one, two) {
                (Segment::Literal(one), Segment::Literal(two)) => same_but_for_case(one, two),
                (Segment::Capture { kind: one, .. }, Segment::Capture { kind: two, .. }) => one == two,
                (Segment::Literal(_), Segment::Capture { .. }) | (Segment::Capture { .. }, Segment::Literal(_)) => {
                    false
                }
            })
    }

    pub(crate) fn matches(&self, path: &CanonicalPath<'_>) -> Match {
        if path.segments().len() != self.segments.len() {
            return Match::No;
        }
        let mut exact = true;
        let mut captures = Vec::new();
        for (segment, sent) in self.segments.iter().zip(path.segments()) {
            match segment {
                Segment::Literal(text) if text == sent => {}
                Segment::Literal(text) if same_but_for_case(text, sent) => exact = false,
                Segment::Capture { name, kind: CaptureKind::Any } if !sent.is_empty() => {
                    captures.push((name.clone(), sent.to_string()));
                }
                Segment::Capture { name, kind: CaptureKind::Uuid } if is_canonical_uuid(sent) => {
                    captures.push((name.clone(), sent.to_string()));
                }
                Segment::Capture { kind: CaptureKind::Uuid, .. } if is_uuid_but_for_case(sent) => exact = false,
                Segment::Literal(_) | Segment::Capture { .. } => return Match::No,
            }
        }
        if exact { Match::Yes(Captures(captures)) } else { Match::ButForCase }
    }

    fn capture_names(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Literal(_) => None,
            Segment::Capture { name, .. } => Some(name.as_str()),
        })
    }

    fn repeated_capture(&self) -> Option<String> {
        let names: Vec<_> = self.capture_names().collect();
        names
            .iter()
            .enumerate()
            .find(|(index, name)| names.iter().take(*index).any(|before| before == *name))
            .map(|(_, name)| (*name).to_owned())
    }
}

impl fmt::Display for PathTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Segment {
    const fn rank(&self) -> Rank {
        match self {
            Self::Literal(_) => Rank::Literal,
            Self::Capture { kind: CaptureKind::Uuid, .. } => Rank::Typed,
            Self::Capture { kind: CaptureKind::Any, .. } => Rank::Any,
        }
    }
}

/// A text that is no path template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidTemplate {
    #[error("a path template begins with `/`")]
    NoSlash,
    #[error("a path template has no empty segment and no slash at its end")]
    EmptySegment,
    #[error("`{0}` is no capture; write `{{name}}` or `{{name:uuid}}` as a whole segment")]
    Capture(String),
    #[error("capture `{0}` is named twice")]
    RepeatedCapture(String),
    #[error("`{segment}` can match no request: {reason}")]
    Unmatchable { segment: String, reason: String },
}

fn segment(text: &str) -> Result<Segment, InvalidTemplate> {
    if text.is_empty() {
        return Err(InvalidTemplate::EmptySegment);
    }
    if text.contains(['{', '}']) {
        return capture(text).ok_or_else(|| InvalidTemplate::Capture(text.to_owned()));
    }
    // A literal is compared with decoded segments, so it is read exactly as a request's path is.
    let path = format!("/{text}");
    let unmatchable = |reason: String| InvalidTemplate::Unmatchable { segment: text.to_owned(), reason };
    let canonical = CanonicalPath::parse(path.as_bytes()).map_err(|ambiguity| unmatchable(ambiguity.to_string()))?;
    match canonical.segments() {
        [literal] if canonical.as_str() == path => Ok(Segment::Literal(literal.to_string())),
        _ => Err(unmatchable("a query is not part of a path".to_owned())),
    }
}

fn capture(text: &str) -> Option<Segment> {
    let inner = text.strip_prefix('{')?.strip_suffix('}')?;
    let (name, kind) = match inner.split_once(':') {
        None => (inner, CaptureKind::Any),
        Some((name, "uuid")) => (name, CaptureKind::Uuid),
        Some(_) => return None,
    };
    let named = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    named.then(|| Segment::Capture { name: name.to_owned(), kind })
}

fn is_canonical_uuid(text: &str) -> bool {
    let mut buffer = Uuid::encode_buffer();
    Uuid::try_parse(text).is_ok_and(|uuid| uuid.hyphenated().encode_lower(&mut buffer) == text)
}

fn is_uuid_but_for_case(text: &str) -> bool {
    text.len() == Hyphenated::LENGTH && is_canonical_uuid(&text.to_ascii_lowercase())
}

fn same_but_for_case(one: &str, two: &str) -> bool {
    // Upper case first: `ſ` is `S` there, and would be itself in lower case.
    let folded =
        |text: &str| text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect::<String>();
    one.eq_ignore_ascii_case(two) || (!(one.is_ascii() && two.is_ascii()) && folded(one) == folded(two))
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn matches(template: &str, path: &str) -> Match {
        PathTemplate::parse(template).unwrap().matches(&CanonicalPath::parse(path.as_bytes()).unwrap())
    }

    fn taken(template: &str, path: &str) -> Vec<(String, String)> {
        match matches(template, path) {
            Match::Yes(captures) => captures.0,
            other => panic!("{template} {path}: {other:?}"),
        }
    }

    #[test]
    fn captures_take_one_decoded_segment() {
        assert_eq!(taken("/a/{x}/{y}", "/a/b%20c/d"), [("x".into(), "b c".into()), ("y".into(), "d".into())]);
        assert_eq!(taken("/", "/"), []);
        assert_eq!(taken("/a!b", "/a%21b"), []);
    }

    #[test]
    fn whole_path_must_match() {
        for (template, path) in [
            ("/a", "/"),
            ("/a", "/b"),
            ("/a", "/a/"),
            ("/a", "/a/b"),
            ("/a/{x}", "/a"),
            ("/a/{x}", "/a/"),
            ("/a/{x}", "/a/b/c"),
            ("/", "/a"),
        ] {
            assert_eq!(matches(template, path), Match::No, "{template} {path}");
        }
    }

    #[test]
    fn uuid_is_canonical_or_no_match() {
        let id = "1380df72-275a-11e7-93ae-92361f002671";
        assert_eq!(taken("/{id:uuid}", &format!("/{id}")), [("id".into(), id.into())]);
        assert_eq!(matches("/{id:uuid}", &format!("/{}", id.to_uppercase())), Match::ButForCase);
        for odd in [id.replace('-', ""), format!("urn:uuid:{id}"), id.replace("1380", "138"), "x".to_owned()] {
            assert_eq!(matches("/{id:uuid}", &format!("/{odd}")), Match::No, "{odd}");
        }
    }

    #[test]
    fn other_letter_case_is_told_apart() {
        assert_eq!(matches("/api/{x}", "/API/y"), Match::ButForCase);
        assert_eq!(matches("/%D0%91", "/%D0%B1"), Match::ButForCase);
        assert_eq!(matches("/clients", "/client%C5%BF"), Match::ButForCase);
        assert_eq!(matches("/api/{x}", "/apj/y"), Match::No);
    }

    #[test]
    fn leftmost_literal_wins() {
        let order = ["/a/b/c", "/a/b/{x}", "/a/{x:uuid}/c", "/a/{x}/c", "/a/{x}/{y}", "/{x}/b/c"];
        let ranks: Vec<_> = order.iter().map(|text| PathTemplate::parse(text).unwrap().specificity()).collect();
        assert!(ranks.is_sorted(), "{ranks:?}");
    }

    #[test]
    fn faulty_templates_are_refused() {
        for text in [
            "", "a", "/a/", "//", "/a//b", "/{", "/{}", "/{a", "/a{b}", "/{A}", "/{a:int}", "/{a}/{a}", "/a b",
            "/a%2f", "/..", "/a?b", "/%61", "/a;b", "/{1}",
        ] {
            assert!(PathTemplate::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn templates_that_differ_in_names_or_case_only_are_equal() {
        let equal = |one: &str, two: &str| PathTemplate::parse(one).unwrap().equals(&PathTemplate::parse(two).unwrap());
        assert!(equal("/a/{x}", "/a/{y}") && equal("/A", "/a"));
        assert!(!equal("/a/{x}", "/b/{x}") && !equal("/a/{x}", "/a/{x:uuid}") && !equal("/a", "/a/b"));
    }
}
