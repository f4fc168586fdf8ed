//! Owns the credential in a header: whole, or behind an authentication scheme.

use super::{Found, Malformed, Repeated};
use crate::deciding::header_table::Copies;
use crate::header::HeaderName;

/// A header in which a credential can stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderSource {
    pub(crate) name: HeaderName,
    /// Number of the header among those that carry credentials.
    pub(crate) carrier: usize,
    pub(crate) form: Form,
    /// Schemes by which the header carries other credentials.
    pub(crate) others: Vec<String>,
}

/// The form of a credential inside its header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The whole value.
    Raw,
    /// An authentication scheme, then token68.
    Scheme(String),
}

impl HeaderSource {
    /// The credential in the copies of this header. `is_alone`: it can stand nowhere else.
    pub(super) fn find<'a>(&self, copies: Copies<'a>, is_alone: bool) -> Found<&'a str> {
        let scheme = match &self.form {
            Form::Raw => return only(copies).and_then(text),
            Form::Scheme(scheme) => scheme,
        };
        let text = match only(copies) {
            // Digest and its like have commas of their own. Where the credential can stand elsewhere, none is here.
            Found::Repeated(Repeated::Comma)
                if !is_alone && copies.once().is_some_and(|value| self.is_nobodys(value)) =>
            {
                return Found::Malformed(Malformed::Scheme);
            }
            value => value.and_then(text),
        };
        match text {
            Found::One(text) => match after_scheme(text, scheme) {
                Some(secret) => Found::One(secret),
                None if self.others.iter().any(|scheme| after_scheme(text, scheme).is_some()) => Found::Nothing,
                // A scheme of this credential's, and no space behind it: another reader may take what follows.
                None if text.len() > scheme.len() && self.is_own(text.as_bytes()) => {
                    Found::Malformed(Malformed::NotToken68)
                }
                None => Found::Malformed(Malformed::Scheme),
            },
            lack => lack,
        }
    }

    /// Tells whether a value of this header is its credential's, by its form, good or not.
    pub(super) fn is_own(&self, value: &[u8]) -> bool {
        match &self.form {
            Form::Raw => true,
            Form::Scheme(scheme) => words(value).any(|word| word.eq_ignore_ascii_case(scheme.as_bytes())),
        }
    }

    /// Tells whether neither the scheme at the beginning of a value nor a word behind one of its commas, where a second
    /// credential would begin, is a scheme of the policy's.
    fn is_nobodys(&self, value: &[u8]) -> bool {
        let is_known = |word: &[u8]| self.others.iter().any(|scheme| word.eq_ignore_ascii_case(scheme.as_bytes()));
        !self.is_own(value) && !words(value).any(is_known)
    }
}

/// The first word of a value, and the first behind each of its commas.
fn words(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let parts = value.split(|byte| *byte == b',');
    parts.filter_map(|part| part.split(|byte| !byte.is_ascii_graphic()).find(|word| !word.is_empty()))
}

/// The one value of a header that presents a credential, in whichever form.
pub(crate) fn only(copies: Copies<'_>) -> Found<&[u8]> {
    match copies {
        Copies::None | Copies::Alike => Found::Nothing,
        // "First wins" and "last wins" are both somebody's reading, and so is a name with other signs. Envoy joins the
        // copies of some headers with a comma, and no credential has one.
        Copies::Repeated => Found::Repeated(Repeated::Copies),
        Copies::Once(value) if value.contains(&b',') => Found::Repeated(Repeated::Comma),
        Copies::Once(value) => Found::One(value),
    }
}

/// What follows `scheme` and its spaces (RFC 9110, 11.4: `auth-scheme 1*SP token68`).
fn after_scheme<'a>(value: &'a str, scheme: &str) -> Option<&'a str> {
    let (name, rest) = value.split_once(' ')?;
    // RFC 9110, 11.1: the scheme is case-insensitive.
    name.eq_ignore_ascii_case(scheme).then(|| rest.trim_start_matches(' '))
}

fn text(value: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(value).map_err(|_not_utf8| Malformed::NotUtf8)
}
