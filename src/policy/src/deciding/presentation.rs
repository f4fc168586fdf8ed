//! Owns how a credential is presented: in which of its sources, in which form, exactly once.

use std::fmt;

use crate::deciding::header_table::{Copies, Seen};
use crate::header::HeaderName;
use crate::identity::credential::{Credential, InvalidCredential, MAX_CREDENTIAL};

mod cookie;
mod parameter;
mod presenting;

pub(crate) use cookie::without_cookies;
pub(crate) use parameter::without_parameters;

/// Where and in which form a kind of credential is presented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Presentation {
    /// At least one.
    pub(crate) sources: Vec<Source>,
    /// Characters that it can have; `None` where the form of a source says that.
    pub(crate) alphabet: Option<Alphabet>,
}

/// A place in which a credential can stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A header.
    Header(HeaderSource),
    /// A cookie ([RFC 6265, 4.2](https://www.rfc-editor.org/rfc/rfc6265#section-4.2)).
    Cookie {
        /// Its name.
        name: String,
        /// Number of the header `cookie` among those that carry credentials.
        carrier: usize,
    },
    /// A parameter of the query ([RFC 6750, 2.3](https://www.rfc-editor.org/rfc/rfc6750#section-2.3)).
    Parameter {
        /// Its name.
        name: String,
    },
}

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

/// Characters of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alphabet {
    /// RFC 9110, 11.2.
    Token68,
    /// Every visible sign of ASCII.
    Visible,
}

/// Why a request presents no credential of a kind, and the number of the source, among those of the kind, that is to
/// blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotPresented {
    Missing,
    Malformed(Malformed, usize),
    Repeated(Repeated, usize),
}

/// In what a credential has no known form. A kind only: what was sent may be a secret all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Bytes that are no text.
    NotUtf8,
    /// Something else than the policy's scheme stands before it.
    Scheme,
    /// Nothing is there.
    Empty,
    /// More than [`MAX_CREDENTIAL`] bytes.
    TooLong,
    /// A space, a control, or a byte outside ASCII.
    NotVisible,
    /// Something else than token68.
    NotToken68,
    /// A quote, a comma or a semicolon, by which some read the cookies or the query otherwise.
    Delimiter,
}

/// How a credential is there more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeated {
    /// In several headers, cookies or parameters of its name, or of names that could be taken for it.
    Copies,
    /// Perhaps in each of several headers that hold cookies.
    CookieHeaders,
    /// In one header, with a comma, by which copies are joined.
    Comma,
    /// In several of its sources.
    Sources,
}

impl Presentation {
    /// The one credential of this kind in a request, and the source in which it stands.
    pub(crate) fn read(&self, seen: &Seen<'_>) -> Result<(Credential, &Source), NotPresented> {
        let mut found = None;
        for (number, source) in self.sources.iter().enumerate() {
            let read = match source.read(seen, self.alphabet, number) {
                Err(NotPresented::Missing) => continue,
                Err(NotPresented::Repeated(how, number)) => return Err(NotPresented::Repeated(how, number)),
                read => read,
            };
            found = match (found, read) {
                (None, read) => Some((read, source)),
                // What stands in a header with a scheme of nobody's is no second credential.
                (Some(before), Err(NotPresented::Malformed(Malformed::Scheme, _))) => Some(before),
                (Some((Err(NotPresented::Malformed(Malformed::Scheme, _)), _)), read) => Some((read, source)),
                (Some(_), _) => return Err(NotPresented::Repeated(Repeated::Sources, number)),
            };
        }
        let (read, source) = found.ok_or(NotPresented::Missing)?;
        read.map(|credential| (credential, source))
    }
}

impl Source {
    /// The credential in this source, which is number `number` of its kind.
    fn read(&self, seen: &Seen<'_>, alphabet: Option<Alphabet>, number: usize) -> Result<Credential, NotPresented> {
        let malformed = |what| NotPresented::Malformed(what, number);
        let repeated = |how| NotPresented::Repeated(how, number);
        match self {
            Self::Header(source) => {
                let value = presented(seen.carrier(source.carrier), number)?;
                let text = std::str::from_utf8(value).map_err(|_not_utf8| malformed(Malformed::NotUtf8))?;
                let (secret, usual) = match &source.form {
                    Form::Raw => (text, Alphabet::Visible),
                    Form::Scheme(scheme) => match after_scheme(text, scheme) {
                        Some(secret) => (secret, Alphabet::Token68),
                        None if source.is_for_another(text) => return Err(NotPresented::Missing),
                        None => return Err(malformed(Malformed::Scheme)),
                    },
                };
                credential(secret, alphabet.unwrap_or(usual)).map_err(malformed)
            }
            Self::Cookie { name, carrier } => {
                let value = match seen.carrier(*carrier) {
                    Copies::None | Copies::Alike => return Err(NotPresented::Missing),
                    Copies::Repeated => return Err(repeated(Repeated::CookieHeaders)),
                    Copies::Once(value) => value,
                };
                let value = match cookie::find(value, name) {
                    cookie::Found::Nothing => return Err(NotPresented::Missing),
                    cookie::Found::Several => return Err(repeated(Repeated::Copies)),
                    cookie::Found::Unclear => return Err(malformed(Malformed::Delimiter)),
                    cookie::Found::One(value) => value,
                };
                let text = std::str::from_utf8(value).map_err(|_not_utf8| malformed(Malformed::NotUtf8))?;
                credential(text, alphabet.unwrap_or(Alphabet::Visible)).map_err(malformed)
            }
            Self::Parameter { name } => {
                let Some((_path, query)) = seen.path.once().and_then(parameter::query) else {
                    return Err(NotPresented::Missing);
                };
                let value = match parameter::find(query, name) {
                    parameter::Found::Nothing => return Err(NotPresented::Missing),
                    parameter::Found::Several => return Err(repeated(Repeated::Copies)),
                    parameter::Found::Unclear => return Err(malformed(Malformed::Delimiter)),
                    parameter::Found::One(value) => value,
                };
                let text = String::from_utf8(value).map_err(|_not_utf8| malformed(Malformed::NotUtf8))?;
                credential(&text, alphabet.unwrap_or(Alphabet::Visible)).map_err(malformed)
            }
        }
    }

    /// The header that it stands in, or `cookie`; `None` of a parameter.
    pub(crate) fn header(&self) -> Option<&str> {
        match self {
            Self::Header(source) => Some(source.name.as_str()),
            Self::Cookie { .. } => Some(COOKIE),
            Self::Parameter { .. } => None,
        }
    }

    /// The scheme before the credential, where it has one.
    #[must_use]
    pub fn scheme(&self) -> Option<&str> {
        match self {
            Self::Header(HeaderSource { form: Form::Scheme(scheme), .. }) => Some(scheme),
            Self::Header(_) | Self::Cookie { .. } | Self::Parameter { .. } => None,
        }
    }

    /// What it is, as policies write it: `header`, `cookie`, `query`.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Header(_) => "header",
            Self::Cookie { .. } => "cookie",
            Self::Parameter { .. } => "query",
        }
    }

    /// The name of the header, the cookie or the parameter.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Header(source) => source.name.as_str(),
            Self::Cookie { name, .. } | Self::Parameter { name } => name,
        }
    }
}

/// A source, as in ``the header `authorization` ``.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(source) => write!(f, "header `{}`", source.name),
            Self::Cookie { name, .. } => write!(f, "cookie `{name}`"),
            Self::Parameter { name } => write!(f, "parameter `{name}`"),
        }
    }
}

impl HeaderSource {
    /// Whether a value is another credential's, by its scheme.
    fn is_for_another(&self, value: &str) -> bool {
        self.others.iter().any(|scheme| after_scheme(value, scheme).is_some())
    }
}

/// The credential of a text.
fn credential(text: &str, alphabet: Alphabet) -> Result<Credential, Malformed> {
    let is_in_form = match alphabet {
        Alphabet::Token68 => is_token68(text),
        Alphabet::Visible => true,
    };
    match text.parse() {
        Ok(credential) if is_in_form => Ok(credential),
        Err(InvalidCredential) if text.is_empty() => Err(Malformed::Empty),
        Err(InvalidCredential) if text.len() > MAX_CREDENTIAL => Err(Malformed::TooLong),
        Err(InvalidCredential) => Err(Malformed::NotVisible),
        Ok(_) => Err(Malformed::NotToken68),
    }
}

/// The one value of a header that presents a credential, in whichever form.
pub(crate) fn presented(copies: Copies<'_>, number: usize) -> Result<&[u8], NotPresented> {
    match copies {
        Copies::None | Copies::Alike => Err(NotPresented::Missing),
        // "First wins" and "last wins" are both somebody's reading, and so is a name with other signs. Envoy joins the
        // copies of some headers with a comma, and no credential has one.
        Copies::Repeated => Err(NotPresented::Repeated(Repeated::Copies, number)),
        Copies::Once(value) if value.contains(&b',') => Err(NotPresented::Repeated(Repeated::Comma, number)),
        Copies::Once(value) => Ok(value),
    }
}

/// What follows `scheme` and its spaces (RFC 9110, 11.4: `auth-scheme 1*SP token68`).
fn after_scheme<'a>(value: &'a str, scheme: &str) -> Option<&'a str> {
    let (name, rest) = value.split_once(' ')?;
    // RFC 9110, 11.1: the scheme is case-insensitive.
    name.eq_ignore_ascii_case(scheme).then(|| rest.trim_start_matches(' '))
}

/// RFC 9110, 11.2: `token68 = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`.
fn is_token68(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !body.is_empty()
        && body
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/'))
}

/// The header that holds cookies.
pub(crate) const COOKIE: &str = "cookie";

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::deciding::header_table::HeaderTable;
    use crate::deciding::request::Request;

    fn header(name: &str, form: Form) -> Source {
        let name = name.parse().unwrap();
        Source::Header(HeaderSource { name, carrier: 0, form, others: Vec::new() })
    }

    /// The credential in the only header of a request that carries one.
    fn read(form: Form, values: &[&[u8]]) -> Result<String, NotPresented> {
        let headers: Vec<_> = values.iter().map(|value| ("authorization".to_owned(), value.to_vec())).collect();
        read_from(&[header("authorization", form)], &headers)
    }

    fn read_from(sources: &[Source], headers: &[(String, Vec<u8>)]) -> Result<String, NotPresented> {
        let presentation = Presentation { sources: sources.to_vec(), alphabet: None };
        let mut table = HeaderTable::of_every_policy();
        table.add_carrier(0, sources[0].header().unwrap(), false);
        let seen = table.read(&Request::new(headers));
        presentation.read(&seen).map(|(credential, _source)| credential.expose_secret().to_owned())
    }

    fn bearer(values: &[&[u8]]) -> Result<String, NotPresented> {
        read(Form::Scheme("Bearer".to_owned()), values)
    }

    #[test]
    fn scheme_is_case_insensitive_and_token_is_exact() {
        for value in ["Bearer abc", "bearer abc", "BEARER   abc"] {
            assert_eq!(bearer(&[value.as_bytes()]), Ok("abc".to_owned()));
        }
        assert_eq!(bearer(&[b"Bearer A-._~+/9=="]), Ok("A-._~+/9==".to_owned()));
    }

    #[test]
    fn malformed_credentials_are_refused() {
        let too_long = format!("Bearer {}", "a".repeat(MAX_CREDENTIAL + 1));
        for (value, malformed) in [
            (&b""[..], Malformed::Scheme),
            (b"Bearer", Malformed::Scheme),
            (b"Bearer ", Malformed::Empty),
            (b"Bearer  ", Malformed::Empty),
            (b"abc", Malformed::Scheme),
            (b"Basic abc", Malformed::Scheme),
            (b"Bearerabc", Malformed::Scheme),
            (b"Bearer\tabc", Malformed::Scheme),
            (b" Bearer abc", Malformed::Scheme),
            (b"Bearer a b", Malformed::NotVisible),
            (b"Bearer a=b", Malformed::NotToken68),
            (b"Bearer 12|ab", Malformed::NotToken68),
            (b"Bearer =", Malformed::NotToken68),
            (b"Bearer abc ", Malformed::NotVisible),
            (b"Bearer \xff", Malformed::NotUtf8),
            (b"Bearer a\0", Malformed::NotVisible),
            (b"Bearer a\"", Malformed::NotToken68),
            (b"Bearer a%20", Malformed::NotToken68),
            (too_long.as_bytes(), Malformed::TooLong),
        ] {
            assert_eq!(bearer(&[value]), Err(NotPresented::Malformed(malformed, 0)), "{}", value.escape_ascii());
        }
    }

    #[test]
    fn repeated_credentials_are_refused_however_they_arrive() {
        for (values, repeated) in [
            (&[&b"Bearer a"[..], b"Bearer a"][..], Repeated::Copies),
            (&[b"Bearer a,Bearer b"], Repeated::Comma),
            (&[b"Bearer a, Basic b"], Repeated::Comma),
            (&[b"Bearer a", b""], Repeated::Copies),
        ] {
            assert_eq!(bearer(values), Err(NotPresented::Repeated(repeated, 0)));
        }
        assert_eq!(read(Form::Raw, &[b"a,b"]), Err(NotPresented::Repeated(Repeated::Comma, 0)));
    }

    #[test]
    fn name_with_other_signs_is_a_second_credential_and_no_first() {
        let read = |names: &[&str]| {
            let headers: Vec<_> = names.iter().map(|name| ((*name).to_owned(), b"k".to_vec())).collect();
            read_from(&[header("api-key", Form::Raw)], &headers)
        };
        assert_eq!(read(&["api-key", "apikey", "x-api-key"]), Ok("k".to_owned()));
        for names in [["api-key", "api_key"], ["api.key", "API-Key"], ["api-key", "Api-Key"]] {
            assert_eq!(read(&names), Err(NotPresented::Repeated(Repeated::Copies, 0)), "{names:?}");
        }
        assert_eq!(read(&["api_key"]), Err(NotPresented::Missing));
    }

    #[test]
    fn raw_credential_is_the_whole_value() {
        assert_eq!(read(Form::Raw, &[b"id:secret"]), Ok("id:secret".to_owned()));
        for (value, malformed) in [
            (&b""[..], Malformed::Empty),
            (b"a b", Malformed::NotVisible),
            (b" a", Malformed::NotVisible),
            (b"a\x7f", Malformed::NotVisible),
            (b"\xd0\xb1", Malformed::NotVisible),
            (b"\xd0", Malformed::NotUtf8),
        ] {
            let found = read(Form::Raw, &[value]);
            assert_eq!(found, Err(NotPresented::Malformed(malformed, 0)), "{}", value.escape_ascii());
        }
        assert_eq!(read(Form::Raw, &[]), Err(NotPresented::Missing));
    }
}
