//! Owns how a credential is presented: in which header, in which form, exactly once.

use crate::deciding::header_table::Copies;
use crate::header::HeaderName;
use crate::identity::credential::{Credential, InvalidCredential, MAX_CREDENTIAL};

/// Where and in which form a kind of credential is presented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Presentation {
    pub(crate) header: HeaderName,
    /// Number of the header among those that carry credentials.
    pub(crate) carrier: usize,
    pub(crate) form: Form,
}

/// The form of a credential inside its header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The whole value.
    Raw,
    /// An authentication scheme, then token68.
    Scheme(String),
}

/// Why a request presents no credential of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotPresented {
    Missing,
    Malformed(Malformed),
    Repeated(Repeated),
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
    /// Behind a scheme, something else than token68.
    NotToken68,
}

/// How a credential is there more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeated {
    /// In several headers of its name, or of names that could be taken for it.
    Headers,
    /// In one header, with a comma, by which copies are joined.
    Comma,
}

impl Presentation {
    /// The one credential of this kind in a request that has these copies of its header.
    pub(crate) fn read(&self, copies: Copies<'_>) -> Result<Credential, NotPresented> {
        self.credential(presented(copies)?).map_err(NotPresented::Malformed)
    }

    /// The credential in a header's value.
    fn credential(&self, value: &[u8]) -> Result<Credential, Malformed> {
        let value = std::str::from_utf8(value).map_err(|_not_utf8| Malformed::NotUtf8)?;
        let (secret, is_in_form) = match &self.form {
            Form::Raw => (value, true),
            Form::Scheme(scheme) => {
                let secret = after_scheme(value, scheme).ok_or(Malformed::Scheme)?;
                (secret, is_token68(secret))
            }
        };
        match secret.parse() {
            Ok(credential) if is_in_form => Ok(credential),
            Err(InvalidCredential) if secret.is_empty() => Err(Malformed::Empty),
            Err(InvalidCredential) if secret.len() > MAX_CREDENTIAL => Err(Malformed::TooLong),
            Err(InvalidCredential) => Err(Malformed::NotVisible),
            Ok(_) => Err(Malformed::NotToken68),
        }
    }
}

/// The one value that presents a credential, in whichever form.
pub(crate) fn presented(copies: Copies<'_>) -> Result<&[u8], NotPresented> {
    match copies {
        Copies::None | Copies::Alike => Err(NotPresented::Missing),
        // "First wins" and "last wins" are both somebody's reading, and so is a name with other signs. Envoy joins the
        // copies of some headers with a comma, and no credential has one.
        Copies::Repeated => Err(NotPresented::Repeated(Repeated::Headers)),
        Copies::Once(value) if value.contains(&b',') => Err(NotPresented::Repeated(Repeated::Comma)),
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

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::deciding::header_table::HeaderTable;
    use crate::deciding::request::Request;
    use crate::header::Spelling;

    fn read(form: Form, values: &[&[u8]]) -> Result<String, NotPresented> {
        let presentation = Presentation { header: "authorization".parse().unwrap(), carrier: 0, form };
        let mut copies = Copies::None;
        values.iter().for_each(|value| copies.add(Spelling::Same, value));
        presentation.read(copies).map(|credential| credential.expose_secret().to_owned())
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
            assert_eq!(bearer(&[value]), Err(NotPresented::Malformed(malformed)), "{}", value.escape_ascii());
        }
    }

    #[test]
    fn repeated_credentials_are_refused_however_they_arrive() {
        for (values, repeated) in [
            (&[&b"Bearer a"[..], b"Bearer a"][..], Repeated::Headers),
            (&[b"Bearer a,Bearer b"], Repeated::Comma),
            (&[b"Bearer a, Basic b"], Repeated::Comma),
            (&[b"Bearer a", b""], Repeated::Headers),
        ] {
            assert_eq!(bearer(values), Err(NotPresented::Repeated(repeated)));
        }
        assert_eq!(read(Form::Raw, &[b"a,b"]), Err(NotPresented::Repeated(Repeated::Comma)));
    }

    #[test]
    fn name_with_other_signs_is_a_second_credential_and_no_first() {
        let presentation = Presentation { header: "api-key".parse().unwrap(), carrier: 0, form: Form::Raw };
        let mut table = HeaderTable::of_every_policy();
        table.add_carrier(0, "api-key", false);
        let read = |names: &[&str]| {
            let headers: Vec<_> = names.iter().map(|name| ((*name).to_owned(), b"k".to_vec())).collect();
            let copies = table.read(&Request::new(&headers)).carrier(0);
            presentation.read(copies).map(|credential| credential.expose_secret().to_owned())
        };
        assert_eq!(read(&["api-key", "apikey", "x-api-key"]), Ok("k".to_owned()));
        for names in [["api-key", "api_key"], ["api.key", "API-Key"], ["api-key", "Api-Key"]] {
            assert_eq!(read(&names), Err(NotPresented::Repeated(Repeated::Headers)), "{names:?}");
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
            assert_eq!(found, Err(NotPresented::Malformed(malformed)), "{}", value.escape_ascii());
        }
        assert_eq!(read(Form::Raw, &[]), Err(NotPresented::Missing));
    }
}
