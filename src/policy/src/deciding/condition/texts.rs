//! Owns which texts a condition can meet: what is folded, cut, filtered or enumerated before a condition sees it.

use super::Around;
use super::language::{Pattern, Signs, Test};
use crate::host::HostPattern;
use crate::identity::facts::MAX_FACT;
use crate::path::pair;
use crate::template::{CaptureKind, Segment};

/// What is known of a text before there is a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Texts {
    pub(super) pattern: Pattern,
    /// Where it comes from; `None` where it comes from the condition itself.
    pub(super) source: Option<Source>,
    /// The texts themselves, where the author wrote each of them.
    pub(super) written: Option<Vec<String>>,
}

/// Where a text comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Capture(CaptureKind),
    /// A number that was made a text.
    Digits,
    Fact,
    HeaderName,
    HeaderValue,
    Host,
    Method,
    Path,
    Scope,
}

impl Texts {
    pub(super) fn written(text: &str) -> Self {
        Self { pattern: Pattern::text(text), source: None, written: Some(vec![text.to_owned()]) }
    }

    pub(super) fn of(source: Source, around: &Around<'_>) -> Self {
        let pattern = match source {
            Source::Capture(CaptureKind::Any) => decoded(),
            Source::Capture(CaptureKind::Rest) => rest(decoded()),
            Source::Capture(CaptureKind::Uuid) => uuid(),
            Source::Capture(CaptureKind::Int) => whole_number(),
            Source::Digits => Pattern::Sequence(vec![Pattern::text("-").optional(), whole_number()]),
            Source::Fact => fact(),
            Source::HeaderName => Pattern::signs(&[('-', '-'), ('0', '9'), ('a', 'z')]).some(),
            Source::HeaderValue => header_value(),
            Source::Host => Pattern::Either(around.hosts.iter().map(host).collect()),
            Source::Method => Pattern::Either(around.methods.iter().map(Pattern::text).collect()),
            Source::Path => path(around),
            Source::Scope => Pattern::signs(&[('!', '!'), ('#', '['), (']', '~')]).some(),
        };
        Self { pattern, source: Some(source), written: None }
    }

    /// One of two.
    pub(super) fn or(self, other: Self) -> Self {
        let written = self.written.zip(other.written).map(|(mut one, two)| {
            one.extend(two);
            one
        });
        let pattern = Pattern::Either(vec![self.pattern, other.pattern]);
        Self { pattern, source: self.source.or(other.source), written }
    }

    /// One after the other.
    pub(super) fn then(self, other: Self) -> Self {
        let written = match (self.written.as_deref(), other.written.as_deref()) {
            (Some([one]), Some([two])) => Some(vec![format!("{one}{two}")]),
            (Some(_) | None, Some(_) | None) => None,
        };
        let pattern = Pattern::Sequence(vec![self.pattern, other.pattern]);
        Self { pattern, source: self.source.or(other.source), written }
    }
}

impl Source {
    /// Why a text is none of these: what they are.
    pub(super) fn reason(self, around: &Around<'_>) -> String {
        match self {
            Self::Capture(CaptureKind::Any) => {
                "a segment is not empty, is percent-decoded, and has no `/`, `\\`, `;`, `?`, `#`, control character or further encoding such as `%41`"
                    .to_owned()
            }
            Self::Capture(CaptureKind::Rest) => {
                "what is left of a path is percent-decoded, does not begin with `/`, and has no `//`, `\\`, `;`, `?`, `#`, control character or further encoding such as `%41`"
                    .to_owned()
            }
            Self::Capture(CaptureKind::Uuid) => "a UUID is in lower case, with hyphens".to_owned(),
            Self::Capture(CaptureKind::Int) => "a capture of a number has no sign and no leading zeros".to_owned(),
            Self::Digits => "a number has no leading zeros, spaces or `+`".to_owned(),
            Self::Fact => {
                "a fact is 1 to 256 bytes without control characters, and without a space at its ends".to_owned()
            }
            Self::HeaderName => "names are in lower case, with `-` for every other sign".to_owned(),
            Self::HeaderValue => "a value has no control character, and no space in front".to_owned(),
            Self::Host => match around.hosts {
                [HostPattern::Any] => "a host is in lower case, and has no port".to_owned(),
                hosts => format!("this route is for {}, in lower case and without a port", listed(hosts)),
            },
            Self::Method => format!("this route is for {}, in capitals", listed(around.methods)),
            Self::Path => format!(
                "this route is for `{}`, and the path is in its one spelling, without a query, `//`, dot segments, encoded separators or needless encodings",
                around.path
            ),
            Self::Scope => "a scope is one word of visible ASCII, without a space, a quote or a backslash".to_owned(),
        }
    }

    /// Other spellings of a text, of which one was perhaps meant.
    pub(super) fn spellings(self, test: Test, text: &str) -> Vec<String> {
        let lower = text.to_lowercase();
        match self {
            Self::Host => {
                let name = lower.split_once("://").map_or(lower.as_str(), |(_scheme, name)| name);
                let name = name.split('/').next().unwrap_or(name);
                let without_port = name.rsplit_once(':').map_or(name, |(name, _port)| name);
                [lower.as_str(), name, without_port, without_port.trim_end_matches('.')].map(str::to_owned).into()
            }
            Self::Method => vec![text.to_uppercase()],
            Self::Path => {
                let (path, _query) = text.split_once(['?', '#']).unwrap_or((text, ""));
                let single = path.replace("//", "/");
                let rooted = format!("/{}", single.trim_start_matches('/'));
                let without_end = rooted.trim_end_matches('/').to_owned();
                let anywhere = vec![one_spelling(path), path.to_lowercase(), single];
                match test {
                    Test::Contains | Test::EndsWith => anywhere,
                    Test::Equals | Test::StartsWith => {
                        [vec![path.to_owned()], anywhere, vec![rooted, without_end]].concat()
                    }
                }
            }
            Self::HeaderName => {
                vec![lower.clone(), crate::header::folded(&lower).map(char::from).collect()]
            }
            Self::Capture(CaptureKind::Uuid) => {
                let hyphens: String = lower.chars().filter(|sign| !matches!(sign, '{' | '}')).collect();
                vec![lower, hyphens, decoded_once(text).to_lowercase()]
            }
            Self::Capture(CaptureKind::Any | CaptureKind::Rest) => {
                let decoded = decoded_once(text);
                let relative = decoded.trim_start_matches('/').to_owned();
                vec![text.trim_start_matches('/').to_owned(), decoded, relative]
            }
            Self::Capture(CaptureKind::Int) | Self::Digits => {
                let digits = |text: &str| text.trim().trim_start_matches('+').trim_start_matches('0').to_owned();
                vec![digits(text), digits(&decoded_once(text))]
            }
            Self::Fact | Self::HeaderValue | Self::Scope => vec![text.trim().to_owned()],
        }
    }
}

/// A part of a path as conditions meet it: what needs no encoding is decoded, and what needs one has it, in capitals.
fn one_spelling(path: &str) -> String {
    let mut spelt = String::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, after @ ..] = rest {
        let (byte, is_encoded, after) =
            escaped(rest).map_or((*first, false, after), |(byte, after)| (byte, true, after));
        let sign = char::from(byte);
        let has = |signs: &[(char, char)]| signs.iter().any(|(first, last)| (*first..=*last).contains(&sign));
        // A delimiter is met as it was sent.
        let stays = has(&UNRESERVED) || !is_encoded && (has(&DELIMITERS) || matches!(sign, '/' | '%'));
        if stays {
            spelt.push(sign)
        } else {
            spelt.push_str(&format!("%{byte:02X}"))
        }
        rest = after;
    }
    spelt
}

/// A text without its percent-encodings; as it is, where they are no UTF-8.
fn decoded_once(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let (byte, after) = escaped(rest).unwrap_or((*first, after));
        decoded.push(byte);
        rest = after;
    }
    String::from_utf8(decoded).unwrap_or_else(|_invalid| text.to_owned())
}

/// The byte of the percent-encoding that some bytes begin with, and what follows it.
fn escaped(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let [b'%', high, low, after @ ..] = bytes else { return None };
    Some((pair(*high, *low)?, after))
}

fn listed<T: std::fmt::Display>(parts: &[T]) -> String {
    parts.iter().map(|part| format!("`{part}`")).collect::<Vec<_>>().join(", ")
}

fn host(pattern: &HostPattern) -> Pattern {
    match pattern {
        HostPattern::Any => Pattern::Either(vec![name(), ipv4(), ipv6()]),
        HostPattern::Name(name) => Pattern::text(name),
        HostPattern::Suffix(suffix) => {
            Pattern::Sequence(vec![labels(LABEL.some()), Pattern::text(format!(".{suffix}"))])
        }
    }
}

/// A name of labels, of which one has something else than digits: all others would be an address.
fn name() -> Pattern {
    let word =
        Pattern::Sequence(vec![LABEL.many(), Pattern::signs(&[('-', '-'), ('_', '_'), ('a', 'z')]), LABEL.many()]);
    let before = Pattern::Sequence(vec![LABEL.some(), Pattern::text(".")]).many();
    let after = Pattern::Sequence(vec![Pattern::text("."), LABEL.some()]).many();
    Pattern::Sequence(vec![before, word, after])
}

fn labels(label: Pattern) -> Pattern {
    let after = Pattern::Sequence(vec![Pattern::text("."), label.clone()]).many();
    Pattern::Sequence(vec![label, after])
}

fn ipv4() -> Pattern {
    let octet = Pattern::Either(vec![
        DIGIT,
        Pattern::Sequence(vec![Pattern::signs(&[('1', '9')]), DIGIT]),
        Pattern::Sequence(vec![Pattern::text("1"), DIGIT, DIGIT]),
        Pattern::Sequence(vec![Pattern::text("2"), Pattern::signs(&[('0', '4')]), DIGIT]),
        Pattern::Sequence(vec![Pattern::text("25"), Pattern::signs(&[('0', '5')])]),
    ]);
    let after = Pattern::Sequence(vec![Pattern::text("."), octet.clone()]);
    Pattern::Sequence(vec![octet, after.times(3)])
}

fn ipv6() -> Pattern {
    let inner = Pattern::signs(&[('.', '.'), ('0', ':'), ('a', 'f')]).some();
    Pattern::Sequence(vec![Pattern::text("["), inner, Pattern::text("]")])
}

fn fact() -> Pattern {
    // All but white space and control characters.
    let end = Pattern::signs(&[
        ('!', '~'),
        ('\u{a1}', '\u{167f}'),
        ('\u{1681}', '\u{1fff}'),
        ('\u{200b}', '\u{2027}'),
        ('\u{202a}', '\u{202e}'),
        ('\u{2030}', '\u{205e}'),
        ('\u{2060}', '\u{2fff}'),
        ('\u{3001}', char::MAX),
    ]);
    let inner = Pattern::signs(&[(' ', '~'), ('\u{a0}', char::MAX)]).up_to(MAX_FACT.saturating_sub(2));
    Pattern::Sequence(vec![end.clone(), Pattern::Sequence(vec![inner, end]).optional()])
}

/// Values of one name are joined with a comma and a space, so a space can stand at the end.
fn header_value() -> Pattern {
    let sign = Pattern::signs(&[('\t', '\t'), (' ', '~'), ('\u{80}', char::MAX)]);
    let first = Pattern::signs(&[('!', '~'), ('\u{80}', char::MAX)]);
    Pattern::Sequence(vec![first, sign.many()]).optional()
}

pub(super) fn whole_number() -> Pattern {
    let more = Pattern::Sequence(vec![Pattern::signs(&[('1', '9')]), DIGIT.up_to(MAX_DIGITS.saturating_sub(1))]);
    Pattern::Either(vec![Pattern::text("0"), more])
}

fn uuid() -> Pattern {
    let digits = |count| Pattern::signs(&[('0', '9'), ('a', 'f')]).times(count);
    let group = |count| Pattern::Sequence(vec![Pattern::text("-"), digits(count)]);
    Pattern::Sequence(vec![digits(8), group(4), group(4), group(4), group(12)])
}

/// What is left of a path: a segment that is not empty, more of them, and perhaps a slash at the end.
fn rest(segment: Pattern) -> Pattern {
    let slash = || Pattern::text("/");
    let more = Pattern::Sequence(vec![slash(), segment.clone()]).many();
    Pattern::Sequence(vec![segment, more, slash().optional()])
}

/// A segment that is not empty and no dot segment, of dots and other signs, and of what stands at its end only.
fn segment(other: &Pattern, end: Option<&Pattern>) -> Pattern {
    let dots = |count: usize| Pattern::text(".".repeat(count));
    let any = || Pattern::Either(vec![dots(1), other.clone()]);
    let first = Pattern::Either(vec![
        Pattern::Sequence(vec![dots(1).optional(), other.clone()]),
        Pattern::Sequence(vec![dots(2), any()]),
    ]);
    let Some(end) = end else { return Pattern::Sequence(vec![first, any().many()]) };
    Pattern::Either(vec![
        Pattern::Sequence(vec![first, any().many(), end.clone().optional()]),
        Pattern::Sequence(vec![Pattern::Either(vec![dots(0), dots(1), dots(2)]), end.clone()]),
    ])
}

/// A decoded segment, in which no `%` has two hexadecimal digits behind it: who sends that has encoded twice.
fn decoded() -> Pattern {
    let hex = || Pattern::signs(&HEX);
    let percents = Pattern::Sequence(vec![Pattern::text("%"), hex().optional()]).some();
    let followed = Pattern::Sequence(vec![percents.clone(), Pattern::Either(vec![Pattern::text("."), TAKEN])]);
    segment(&Pattern::Either(vec![TAKEN, hex(), followed]), Some(&percents))
}

/// The paths that the route takes, as they are sent.
fn path(around: &Around<'_>) -> Pattern {
    let mut parts = Vec::new();
    for written in around.path.segments() {
        parts.push(Pattern::text("/"));
        parts.push(match written {
            Segment::Literal(text) => Pattern::Sequence(text.chars().map(spelt).collect()),
            Segment::Capture { kind: CaptureKind::Any, .. } => segment(&sent(), None),
            Segment::Capture { kind: CaptureKind::Int, .. } => whole_number(),
            Segment::Capture { kind: CaptureKind::Uuid, .. } => uuid(),
            Segment::Capture { kind: CaptureKind::Rest, .. } => rest(segment(&sent(), None)),
        });
    }
    Pattern::Sequence(parts)
}

/// The spellings of one character of a literal segment.
fn spelt(sign: char) -> Pattern {
    let mut bytes = [0; 4];
    let escaped: String = sign.encode_utf8(&mut bytes).bytes().map(|byte| format!("%{byte:02X}")).collect();
    let has = |signs: &[(char, char)]| signs.iter().any(|(first, last)| (*first..=*last).contains(&sign));
    match (has(&UNRESERVED), has(&DELIMITERS)) {
        (true, _) => Pattern::text(sign),
        (false, true) => Pattern::Either(vec![Pattern::text(sign), Pattern::text(escaped)]),
        (false, false) => Pattern::text(escaped),
    }
}

/// What a segment is made of besides dots, as it is sent.
fn sent() -> Pattern {
    Pattern::Either(vec![Pattern::signs(&UNDOTTED), Pattern::signs(&DELIMITERS), escape()])
}

/// A percent-encoding of what needs one and is no separator or control character.
fn escape() -> Pattern {
    let pair = |high: &'static [(char, char)], low: &'static [(char, char)]| {
        Pattern::Sequence(vec![Pattern::signs(high), Pattern::signs(low)])
    };
    let pairs = Pattern::Either(vec![
        pair(&[('2', '2')], &[('0', '2'), ('4', '9'), ('A', 'C')]),
        pair(&[('3', '3')], &[('A', 'A'), ('C', 'E')]),
        pair(&[('4', '4'), ('6', '6')], &[('0', '0')]),
        pair(&[('5', '5')], &[('B', 'B'), ('D', 'E')]),
        pair(&[('7', '7')], &[('B', 'D')]),
        pair(&[('8', '9'), ('A', 'F')], &[('0', '9'), ('A', 'F')]),
    ]);
    Pattern::Sequence(vec![Pattern::text("%"), pairs])
}

const DIGIT: Pattern = Pattern::signs(&[('0', '9')]);

/// Digits of the largest number, 9223372036854775807.
const MAX_DIGITS: usize = 19;

/// What a label of a host is made of.
const LABEL: Pattern = Pattern::signs(&[('-', '-'), ('0', '9'), ('_', '_'), ('a', 'z')]);

/// What a decoded segment is made of besides dots, `%` and hexadecimal digits.
const TAKEN: Pattern = Pattern::Sign(Signs::Borrowed(&[
    (' ', '"'),
    ('$', '$'),
    ('&', '-'),
    (':', ':'),
    ('<', '>'),
    ('@', '@'),
    ('G', '['),
    (']', '`'),
    ('g', '~'),
    ('\u{80}', char::MAX),
]));

const HEX: [(char, char); 3] = [('0', '9'), ('A', 'F'), ('a', 'f')];

/// RFC 3986, 2.3.
const UNRESERVED: [(char, char); 6] = [('-', '.'), ('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z'), ('~', '~')];

const UNDOTTED: [(char, char); 6] = [('-', '-'), ('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z'), ('~', '~')];

/// What else a segment may hold as it is: RFC 3986, 3.3, but for `;`.
const DELIMITERS: [(char, char); 6] = [('!', '!'), ('$', '$'), ('&', ','), (':', ':'), ('=', '='), ('@', '@')];
