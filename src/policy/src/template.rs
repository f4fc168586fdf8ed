//! Owns path templates: what they match, and what their captures take.

use std::borrow::Cow;
use std::fmt;

use crate::path::CanonicalPath;

mod foreign;
mod kind;

use foreign::Meaning;
pub(crate) use kind::{CaptureKind, is_canonical_int, is_canonical_uuid, is_uuid_but_for_case, takes};

/// A path with named captures: `/api/clients/{client_id:uuid}/connections/{connection_id}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathTemplate {
    text: String,
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    Literal(String),
    Capture { name: String, kind: CaptureKind },
}

/// What the captures of a template took, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Captures(Vec<(String, String)>);

impl Captures {
    pub(crate) fn as_slice(&self) -> &[(String, String)] {
        &self.0
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _value)| known == name).map(|(_name, value)| value.as_str())
    }
}

impl PathTemplate {
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidTemplate> {
        // The router goes down a level for each segment.
        if text.len() > MAX_TEMPLATE || text.matches('/').count() > MAX_SEGMENTS {
            return Err(InvalidTemplate::TooLong);
        }
        if text.starts_with(['^', '~']) {
            return Err(InvalidTemplate::RegularExpression);
        }
        let inner = text.strip_prefix('/').ok_or_else(|| match foreign::of_literal(text) {
            Some(meaning) => wildcard(text, meaning),
            None => InvalidTemplate::NoSlash,
        })?;
        if inner.is_empty() {
            return Ok(Self { text: text.to_owned(), segments: vec![Segment::Literal(String::new())] });
        }
        let segments = inner.split('/').map(segment).collect::<Result<Vec<_>, _>>()?;
        if segments
            .iter()
            .rev()
            .skip(1)
            .any(|segment| matches!(segment, Segment::Capture { kind: CaptureKind::Rest, .. }))
        {
            return Err(InvalidTemplate::RestBeforeTheEnd);
        }
        let template = Self { text: text.to_owned(), segments };
        match template.repeated_capture() {
            Some(name) => Err(InvalidTemplate::RepeatedCapture(name)),
            None => Ok(template),
        }
    }

    /// The template as the policy writes it.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The segments, from the left.
    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// What the capture of this name takes.
    pub(crate) fn kind_of(&self, name: &str) -> Option<CaptureKind> {
        self.named().find(|(known, _kind)| *known == name).map(|(_name, kind)| kind)
    }

    /// What its captures take of a path, letter by letter; `None` where it does not match.
    pub(crate) fn matches(&self, mut sent: &[Cow<'_, str>]) -> Option<Captures> {
        let mut captures = Vec::new();
        for segment in &self.segments {
            let (first, after) = sent.split_first()?;
            let (name, taken) = match segment {
                Segment::Literal(text) if text == first => {
                    sent = after;
                    continue;
                }
                Segment::Literal(_) => return None,
                Segment::Capture { name, kind: CaptureKind::Rest } => (name, rest(std::mem::take(&mut sent))),
                Segment::Capture { name, kind } => {
                    sent = after;
                    (name, takes(*kind, first).then(|| first.clone().into_owned()))
                }
            };
            captures.push((name.clone(), taken?));
        }
        sent.is_empty().then_some(Captures(captures))
    }

    /// A path that it matches but for the case of letters, as it spells that path.
    pub(crate) fn spell<'p>(
        &'p self,
        sent: &'p [Cow<'_, str>],
        folded: impl Fn(usize) -> &'p str,
    ) -> Vec<Cow<'p, str>> {
        let mut spelt: Vec<_> = sent.iter().map(|segment| Cow::Borrowed(segment.as_ref())).collect();
        for (depth, (place, segment)) in spelt.iter_mut().zip(&self.segments).enumerate() {
            match segment {
                Segment::Literal(text) => *place = Cow::Borrowed(text),
                Segment::Capture { kind: CaptureKind::Uuid | CaptureKind::Int, .. } => {
                    *place = Cow::Borrowed(folded(depth))
                }
                Segment::Capture { kind: CaptureKind::Any | CaptureKind::Rest, .. } => {}
            }
        }
        spelt
    }

    pub(crate) fn capture_names(&self) -> impl Iterator<Item = &str> {
        self.named().map(|(name, _kind)| name)
    }

    /// The captures: names and what they take.
    pub(crate) fn named(&self) -> impl Iterator<Item = (&str, CaptureKind)> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Literal(_) => None,
            Segment::Capture { name, kind } => Some((name.as_str(), *kind)),
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

/// A text that is no path template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidTemplate {
    #[error("a path template begins with `/`")]
    NoSlash,
    #[error("a path template has no empty segment and no slash at its end")]
    EmptySegment,
    #[error(
        "a path template is no regular expression; write literals, `{{name}}` for a segment, `{{rest...}}` for all that is left"
    )]
    RegularExpression,
    #[error("`{segment}` is no capture; {meaning}")]
    Capture { segment: String, meaning: Meaning },
    #[error("`{segment}` is no literal, but a wildcard of another router; {meaning}")]
    Wildcard { segment: String, meaning: Meaning },
    #[error("`{segment}` is no literal, but a wildcard of another router; {meaning}, or `{spelt}` for this very text")]
    WildcardOrText { segment: String, meaning: Meaning, spelt: String },
    #[error(
        "`{segment}` is no literal, but a wildcard of another router; write `{spelt}` for this very text, or {meaning}"
    )]
    TextOrWildcard { segment: String, meaning: Meaning, spelt: String },
    #[error("a path template has at most {MAX_TEMPLATE} bytes and {MAX_SEGMENTS} segments")]
    TooLong,
    #[error("a capture of all that is left can only be the last segment")]
    RestBeforeTheEnd,
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
        return capture(text)
            .ok_or_else(|| InvalidTemplate::Capture { segment: text.to_owned(), meaning: foreign::of_braces(text) });
    }
    match foreign::of_literal(text) {
        Some(meaning) => Err(wildcard(text, meaning)),
        None => literal(text),
    }
}

/// A wildcard of another router; where it could be a literal all the same, how to spell that.
fn wildcard(text: &str, meaning: Meaning) -> InvalidTemplate {
    let (segment, spelt) = (text.to_owned(), foreign::encoded(text));
    if spelt == text || foreign::of_literal(&spelt).is_some() || literal(&spelt).is_err() {
        InvalidTemplate::Wildcard { segment, meaning }
    } else if foreign::is_operation_of_some(text) {
        InvalidTemplate::TextOrWildcard { segment, meaning, spelt }
    } else {
        InvalidTemplate::WildcardOrText { segment, meaning, spelt }
    }
}

fn literal(text: &str) -> Result<Segment, InvalidTemplate> {
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
    let (name, kind) = match (inner.strip_suffix("..."), inner.split_once(':')) {
        (Some(name), _) => (name, CaptureKind::Rest),
        (None, None) => (inner, CaptureKind::Any),
        (None, Some((name, "int"))) => (name, CaptureKind::Int),
        (None, Some((name, "uuid"))) => (name, CaptureKind::Uuid),
        (None, Some(_)) => return None,
    };
    // A name that begins with `_` says that nothing looks at what it takes.
    let named = name.trim_start_matches('_').starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    named.then(|| Segment::Capture { name: name.to_owned(), kind })
}

/// What a capture of all segments that are left takes. No segment contains a slash, so nothing is lost.
fn rest(sent: &[Cow<'_, str>]) -> Option<String> {
    let first = sent.first()?;
    (!first.is_empty()).then(|| sent.join("/"))
}

/// Bytes of a template; a request's whole head has little more room in most proxies.
pub(crate) const MAX_TEMPLATE: usize = 4096;

const MAX_SEGMENTS: usize = 64;

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn matches(template: &str, path: &str) -> Option<Captures> {
        PathTemplate::parse(template).unwrap().matches(CanonicalPath::parse(path.as_bytes()).unwrap().segments())
    }

    fn taken(template: &str, path: &str) -> Vec<(String, String)> {
        matches(template, path).unwrap_or_else(|| panic!("{template} does not match {path}")).0
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
            assert_eq!(matches(template, path), None, "{template} {path}");
        }
    }

    #[test]
    fn uuid_is_canonical_or_no_match() {
        let id = "1380df72-275a-11e7-93ae-92361f002671";
        assert_eq!(taken("/{id:uuid}", &format!("/{id}")), [("id".into(), id.into())]);
        assert_eq!(matches("/{id:uuid}", &format!("/{}", id.to_uppercase())), None);
        for odd in [id.replace('-', ""), format!("urn:uuid:{id}"), id.replace("1380", "138"), "x".to_owned()] {
            assert_eq!(matches("/{id:uuid}", &format!("/{odd}")), None, "{odd}");
        }
    }

    #[test]
    fn other_letter_case_does_not_match_and_is_spelt_as_the_template_does() {
        for (template, sent, spelt) in [
            ("/api/{x}", "/API/Y", "/api/Y"),
            ("/%D0%91", "/%D0%B1", "/%D0%91"),
            ("/clients/{id:int}", "/client%C5%BF/%EF%BC%97", "/clients/7"),
            ("/Admin/{r...}", "/adm%C4%B0n/B/c", "/Admin/B/c"),
        ] {
            assert_eq!(matches(template, sent), None, "{template} {sent}");
            let (sent, spelt) = [sent, spelt].map(|path| CanonicalPath::parse(path.as_bytes()).unwrap()).into();
            let folded: Vec<_> = sent.segments().iter().map(|segment| crate::confusable::folded(segment)).collect();
            assert_eq!(
                PathTemplate::parse(template).unwrap().spell(sent.segments(), |depth| &folded[depth]),
                spelt.segments()
            );
        }
    }

    #[test]
    fn int_has_one_spelling() {
        assert_eq!(taken("/{n:int}", "/42"), [("n".into(), "42".into())]);
        assert_eq!(taken("/{n:int}", "/0"), [("n".into(), "0".into())]);
        assert_eq!(taken("/{n:int}", "/9223372036854775807"), [("n".into(), "9223372036854775807".into())]);
        for odd in ["-1", "+1", "00", "01", "1.0", "1e3", "0x1", "9223372036854775808", "%20", "x", "%D9%A1"] {
            assert_eq!(matches("/{n:int}", &format!("/{odd}")), None, "{odd}");
        }
    }

    #[test]
    fn rest_takes_all_that_is_left_and_at_least_one_segment() {
        assert_eq!(taken("/a/{r...}", "/a/b"), [("r".into(), "b".into())]);
        assert_eq!(
            taken("/a/{x}/{r...}", "/a/b/c/d%20e/f"),
            [("x".into(), "b".into()), ("r".into(), "c/d e/f".into())]
        );
        assert_eq!(taken("/{r...}", "/a/b/"), [("r".into(), "a/b/".into())]);
        assert_eq!(matches("/A/{r...}", "/a/B"), None);
        for path in ["/", "/a", "/a/", "/b/c"] {
            assert_eq!(matches("/a/{r...}", path), None, "{path}");
        }
        assert_eq!(matches("/{r...}", "/"), None);
    }

    #[test]
    fn faulty_templates_are_refused() {
        for text in [
            "",
            "a",
            "/a/",
            "//",
            "/a//b",
            "/{",
            "/{}",
            "/{a",
            "/a{b}",
            "/{A}",
            "/{a:num}",
            "/{a}/{a}",
            "/a b",
            "/a%2f",
            "/..",
            "/a?b",
            "/%61",
            "/a;b",
            "/{1}",
            "/{_}",
            "/{a...}/b",
            "/{...}",
            "/{a:uuid...}",
            "/x{a...}",
        ] {
            assert!(PathTemplate::parse(text).is_err(), "{text}");
        }
    }
}
