//! Law of credentials in cookies and queries: one is taken only where it has one reading, and what goes on is what came,
//! less exactly what could be taken for it.

use std::sync::{Arc, LazyLock};

use brama_policy::deciding::{Decision, Policy, Request, Step};
use brama_policy::identity::{Answer, Facts};

use crate::gateway;

/// Input: the cookies; after the first zero byte, the query.
///
/// # Panics
/// A credential was taken that is there in more than one reading, or something else went on than what came without it.
pub fn holds_for(sent: &[u8]) {
    let mut parts = sent.splitn(2, |byte| *byte == 0);
    let (cookies, query) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let target = [b"/own?", query].concat();
    let headers =
        [(":method", b"GET".as_slice()), (":authority", b"a.example"), (":path", &target), ("cookie", cookies)];
    let headers: Vec<_> = headers.map(|(name, value)| (name.to_owned(), value.to_vec())).into();
    let policy = policy();
    let (decision, asked) = judged(policy, &headers);
    if let Some(credential) = &asked {
        let text = credential.as_bytes();
        let is_in_cookie = pieces(cookies, b";").any(|piece| piece == [b"session=", text].concat());
        let is_value =
            |piece: &[u8]| piece.strip_prefix(b"t=").is_some_and(|value| unescaped(value, Wide::Kept) == text);
        let is_in_query = pieces(query, b"&").any(is_value);
        assert!(is_in_cookie != is_in_query, "{credential} is what was sent, in one of the two");
        // What is only like it, in the other place, does not go on.
        let readings = if is_in_cookie {
            pieces(cookies, b";").map(readings).sum()
        } else {
            pieces(query, b"&;").filter(|piece| is_named(piece, "t")).count()
        };
        assert_eq!(readings, 1, "one place has one reading");
    }
    let Decision::Allow(grant) = decision else { return };
    assert!(asked.is_some(), "nobody passes without a credential");
    let left =
        if grant.remove().iter().any(|name| name == "cookie") { &[] } else { grant.cookies().unwrap_or(cookies) };
    let kept = pieces(cookies, b";").filter(|piece| readings(piece) == 0);
    // Of nothing but spaces, nothing goes on.
    let (kept, left): (Vec<_>, Vec<_>) = (
        kept.filter(|piece| !piece.is_empty()).collect(),
        pieces(left, b";").filter(|piece| !piece.is_empty()).collect(),
    );
    assert_eq!(left, kept, "the other cookies go on as they came");
    let path = grant.target().unwrap_or(&target);
    let (before, after) = path.split_at(path.iter().position(|byte| *byte == b'?').unwrap_or(path.len()));
    assert_eq!(before, b"/own");
    let raw = |query| <[u8]>::split(query, |byte| b"&;".contains(byte));
    let kept: Vec<_> = raw(query).filter(|piece| !is_named(piece, "t")).filter(|piece| !piece.is_empty()).collect();
    let left: Vec<_> = raw(after.get(1..).unwrap_or_default()).filter(|piece| !piece.is_empty()).collect();
    assert_eq!(left, kept, "the other parameters go on as they came");
}

fn judged(policy: &Arc<Policy>, headers: &[(String, Vec<u8>)]) -> (Decision, Option<String>) {
    let mut asked = None;
    let mut step = policy.begin(&Request::new(headers), gateway::now());
    loop {
        match step {
            Step::Done(decision) => return (decision, asked),
            Step::Ask(lookup, awaiting) => {
                asked = Some(lookup.credential().expose_secret().to_owned());
                step = awaiting.resume(Answer::Active(Arc::new(Facts::none())), gateway::now());
            }
        }
    }
}

/// The parts between some delimiters, without the spaces around them.
fn pieces<'a>(text: &'a [u8], delimiters: &'static [u8]) -> impl Iterator<Item = &'a [u8]> {
    text.split(|byte| delimiters.contains(byte)).map(<[u8]>::trim_ascii)
}

/// Number of readings as the cookie, of a pair and of what stands behind a comma or a space in its value.
fn readings(pair: &[u8]) -> usize {
    let text: String = pair.iter().map(|byte| char::from(*byte)).collect();
    let is_between = |sign: char| sign == ',' || matches!(sign, ' ' | '\t' | '\n' | '\r' | '\x0c');
    let bytes = |text: &str| text.chars().filter_map(|sign| u8::try_from(u32::from(sign)).ok()).collect::<Vec<_>>();
    let (own, value) = text.split_once('=').unwrap_or((&text, ""));
    let own = own.trim_matches(is_between_spaces);
    let last = own.rsplit(is_between).next().unwrap_or_default();
    let further = value.split(is_between).skip(1).filter(|part| part.contains('='));
    usize::from(is_named(&bytes(own), "session") || is_named(&bytes(last), "session"))
        + further.filter(|part| is_named(&bytes(part), "session")).count()
}

const fn is_between_spaces(sign: char) -> bool {
    matches!(sign, ' ' | '\t' | '\n' | '\r' | '\x0c')
}

/// Tells whether somebody could read a name in a pair: unescaped, without case, behind what is no sign, as a list.
fn is_named(pair: &[u8], name: &str) -> bool {
    let sent = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
    let sent = unescaped(sent.trim_ascii_end(), Wide::Read);
    let sent: String = sent.into_iter().map(|byte| char::from(byte).to_ascii_lowercase()).collect();
    let sent = sent.split('\0').next().unwrap_or_default();
    let sent = sent.trim_start_matches(|sign: char| !sign.is_ascii_graphic() || matches!(sign, '[' | ']'));
    // Names of one letter have no signs that could be others.
    let folded =
        |text: &str| text.chars().map(|sign| if sign.is_ascii_alphanumeric() { sign } else { '-' }).collect::<String>();
    sent.split('[').next() == Some(name) || folded(sent.trim_end_matches(']')) == name
}

/// Reading of `%uXXXX`: a letter where it is one and a sign elsewhere, or no escape.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wide {
    Read,
    Kept,
}

/// The bytes of a text in a form, unescaped once.
fn unescaped(text: &[u8], wide: Wide) -> Vec<u8> {
    let number = |digits: Option<&[u8]>| {
        let digits = std::str::from_utf8(digits?).ok()?;
        digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
    };
    let mut bytes = Vec::new();
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let is_wide = wide == Wide::Read && matches!(text.get(at + 1), Some(b'u' | b'U'));
        let escaped = match (*byte, is_wide) {
            (b'%', true) => {
                number(text.get(at + 2..at + 6)).map(|code| (if code < 0x80 { code } else { '_'.into() }, 6))
            }
            (b'%', false) => number(text.get(at + 1..at + 3)).map(|code| (code, 3)),
            (b'+', _) => Some((' '.into(), 1)),
            (_, _) => None,
        };
        let (code, length) = escaped.unwrap_or_else(|| (u32::from(*byte), 1));
        bytes.push(u8::try_from(code).unwrap());
        at += length;
    }
    bytes
}

fn policy() -> &'static Arc<Policy> {
    static POLICY: LazyLock<Arc<Policy>> = LazyLock::new(|| gateway::compile(DOCUMENT).unwrap());
    &POLICY
}

const DOCUMENT: &str = r#"{
    "version": 1, "name": "carried",
    "authorities": { "a": { "cluster": "a", "host": "a", "timeout": "1s", "auth": { "bearer_env": "S" } } },
    "credentials": { "token": {
        "from": [{ "cookie": "session" }, { "query": "t", "because": "it is part of what is tried" }],
        "verify": [{ "introspect": { "authority": "a", "path": "/i", "hint": "t", "expect": { "/u": "t" } } }],
        "cache": { "ttl": "1s", "refused_ttl": "1s", "entries": 1 } } },
    "forward": { "headers": {} },
    "refusals": { "format": "bare" },
    "routes": [{ "id": "own", "methods": ["GET"], "path": "/own",
        "require": { "credentials": ["token"], "scopes": "none" } }]
}"#;
