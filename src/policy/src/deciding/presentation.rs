//! Owns how a credential is presented: in which of its sources, in which form, exactly once.

use std::borrow::Cow;
use std::fmt;

use crate::deciding::header_table::{Copies, Seen};
use crate::identity::credential::{Credential, InvalidCredential, MAX_CREDENTIAL};

mod beginning;
mod cookie;
mod found;
mod header;
mod parameter;
mod presenting;

pub(crate) use cookie::{Left, without_cookies};
pub(crate) use found::Found;
pub use found::{Malformed, Repeated};
pub(crate) use header::Form;
pub use header::HeaderSource;
#[cfg(test)]
pub(crate) use header::only;
pub(crate) use parameter::without_parameters;

/// Places and form in which a kind of credential is presented.
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

/// Characters of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alphabet {
    /// RFC 9110, 11.2.
    Token68,
    /// Every visible sign of ASCII.
    Visible,
}

impl Presentation {
    /// The credential of this kind in a request, whatever its characters, and the number of the source that it stands
    /// in, or that is to blame. Only a parameter that is escaped is copied.
    pub(crate) fn find<'a>(&self, seen: &Seen<'a>) -> (Found<Cow<'a, str>>, usize) {
        let is_alone = self.sources.len() == 1;
        let mut found = (Found::Nothing, 0);
        for (number, source) in self.sources.iter().enumerate() {
            found = match (found, source.find(seen, is_alone)) {
                (_, Found::Repeated(how)) => return (Found::Repeated(how), number),
                (before, Found::Nothing) => before,
                ((Found::Nothing, _), here) => (here, number),
                // What stands in a header with a scheme of nobody's is no second credential.
                (before, Found::Malformed(Malformed::Scheme)) => before,
                ((Found::Malformed(Malformed::Scheme), _), here) => (here, number),
                (_, _) => return (Found::Repeated(Repeated::Sources), number),
            };
        }
        found
    }

    /// The one credential of this kind in a request, and the number of the source that it stands in, or that is to
    /// blame.
    pub(crate) fn read(&self, seen: &Seen<'_>) -> (Found<Credential>, usize) {
        let (found, number) = self.find(seen);
        let usual = self.sources.get(number).map_or(Alphabet::Visible, Source::alphabet);
        (found.and_then(|text| credential(&text, self.alphabet.unwrap_or(usual))), number)
    }
}

impl Source {
    /// The credential in this source. `is_alone`: it is the only one of its kind.
    fn find<'a>(&self, seen: &Seen<'a>, is_alone: bool) -> Found<Cow<'a, str>> {
        match self {
            Self::Header(source) => source.find(seen.carrier(source.carrier), is_alone).map(Cow::Borrowed),
            Self::Cookie { name, carrier } => match seen.carrier(*carrier) {
                Copies::None | Copies::Alike => Found::Nothing,
                Copies::Repeated => Found::Repeated(Repeated::CookieHeaders),
                Copies::Once(cookies) => cookie::find(cookies, name).map(Cow::Borrowed).and_then(text),
            },
            Self::Parameter { name } => match seen.path.once().and_then(parameter::query) {
                Some((_path, query)) => parameter::find(query, name).and_then(text),
                None => Found::Nothing,
            },
        }
    }

    /// Characters of what stands in it, where the policy says nothing else.
    const fn alphabet(&self) -> Alphabet {
        match self {
            Self::Header(HeaderSource { form: Form::Scheme(_), .. }) => Alphabet::Token68,
            Self::Header(HeaderSource { form: Form::Raw, .. }) | Self::Cookie { .. } | Self::Parameter { .. } => {
                Alphabet::Visible
            }
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

/// The text of what stands in a cookie or a parameter.
fn text(value: Cow<'_, [u8]>) -> Result<Cow<'_, str>, Malformed> {
    let text = match value {
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
        Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
    };
    text.ok_or(Malformed::NotUtf8)
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

/// Tells whether a text is a token68, by RFC 9110, 11.2:
/// `token68 = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`.
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
    fn read(form: Form, values: &[&[u8]]) -> Found<String> {
        let headers: Vec<_> = values.iter().map(|value| ("authorization".to_owned(), value.to_vec())).collect();
        read_from(&[header("authorization", form)], &headers)
    }

    fn read_from(sources: &[Source], headers: &[(String, Vec<u8>)]) -> Found<String> {
        let presentation = Presentation { sources: sources.to_vec(), alphabet: None };
        let mut table = HeaderTable::of_every_policy();
        table.add_carrier(0, sources[0].name(), false);
        let seen = table.read(&Request::new(headers));
        let (found, number) = presentation.read(&seen);
        assert_eq!(number, 0);
        found.map(|credential| credential.expose_secret().to_owned())
    }

    fn bearer(values: &[&[u8]]) -> Found<String> {
        read(Form::Scheme("Bearer".to_owned()), values)
    }

    #[test]
    fn scheme_is_case_insensitive_and_token_is_exact() {
        for value in ["Bearer abc", "bearer abc", "BEARER   abc"] {
            assert_eq!(bearer(&[value.as_bytes()]), Found::One("abc".to_owned()));
        }
        assert_eq!(bearer(&[b"Bearer A-._~+/9=="]), Found::One("A-._~+/9==".to_owned()));
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
            (b"Bearer\tabc", Malformed::NotToken68),
            (b" Bearer abc", Malformed::NotToken68),
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
            assert_eq!(bearer(&[value]), Found::Malformed(malformed), "{}", value.escape_ascii());
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
            assert_eq!(bearer(values), Found::Repeated(repeated));
        }
        assert_eq!(read(Form::Raw, &[b"a,b"]), Found::Repeated(Repeated::Comma));
    }

    #[test]
    fn name_with_other_signs_is_a_second_credential_and_no_first() {
        let read = |names: &[&str]| {
            let headers: Vec<_> = names.iter().map(|name| ((*name).to_owned(), b"k".to_vec())).collect();
            read_from(&[header("api-key", Form::Raw)], &headers)
        };
        assert_eq!(read(&["api-key", "apikey", "x-api-key"]), Found::One("k".to_owned()));
        for names in [["api-key", "api_key"], ["api.key", "API-Key"], ["api-key", "Api-Key"]] {
            assert_eq!(read(&names), Found::Repeated(Repeated::Copies), "{names:?}");
        }
        assert_eq!(read(&["api_key"]), Found::Nothing);
    }

    #[test]
    fn raw_credential_is_the_whole_value() {
        assert_eq!(read(Form::Raw, &[b"id:secret"]), Found::One("id:secret".to_owned()));
        for (value, malformed) in [
            (&b""[..], Malformed::Empty),
            (b"a b", Malformed::NotVisible),
            (b" a", Malformed::NotVisible),
            (b"a\x7f", Malformed::NotVisible),
            (b"\xd0\xb1", Malformed::NotVisible),
            (b"\xd0", Malformed::NotUtf8),
        ] {
            let found = read(Form::Raw, &[value]);
            assert_eq!(found, Found::Malformed(malformed), "{}", value.escape_ascii());
        }
        assert_eq!(read(Form::Raw, &[]), Found::Nothing);
    }
}
