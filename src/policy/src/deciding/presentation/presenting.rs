//! Owns the presenting of a credential, as a client does it: for whoever makes up requests, and for no gateway.

use super::{COOKIE, Form, Found, Source, cookie, parameter};
use crate::identity::percent::encoded;

impl Source {
    /// Adds a credential to the headers of a request, pseudo-headers included.
    pub fn present(&self, credential: &str, headers: &mut Vec<(String, Vec<u8>)>) {
        match self {
            Self::Header(source) => {
                let value = match &source.form {
                    Form::Raw => credential.to_owned(),
                    Form::Scheme(scheme) => format!("{scheme} {credential}"),
                };
                headers.push((source.name.to_string(), value.into_bytes()));
            }
            Self::Cookie { name, .. } => {
                let pair = format!("{name}={credential}");
                match headers.iter_mut().find(|(name, _value)| name.eq_ignore_ascii_case(COOKIE)) {
                    Some((_name, cookies)) => cookies.extend(format!("; {pair}").bytes()),
                    None => headers.push((COOKIE.to_owned(), pair.into_bytes())),
                }
            }
            Self::Parameter { name } => {
                let Some((_name, target)) = headers.iter_mut().find(|(name, _value)| name == ":path") else { return };
                let sign = if target.contains(&b'?') { '&' } else { '?' };
                target.extend(format!("{sign}{name}={}", encoded(credential)).bytes());
            }
        }
    }

    /// Tells whether a request with these headers has a credential in this place, good or not. What stands in a header
    /// with another scheme is none.
    #[must_use]
    pub fn is_in(&self, headers: &[(String, Vec<u8>)]) -> bool {
        match self {
            Self::Header(source) => values(headers, source.name.as_str()).any(|value| source.is_own(value)),
            Self::Cookie { name, .. } => {
                values(headers, COOKIE).any(|value| cookie::find(value, name) != Found::Nothing)
            }
            Self::Parameter { name } => {
                let mut queries = values(headers, ":path").filter_map(parameter::query);
                queries.any(|(_path, query)| parameter::find(query, name) != Found::Nothing)
            }
        }
    }

    /// Tells whether a credential can be presented in this place of a request with these headers: nothing else is
    /// there, of a header in whatever scheme.
    #[must_use]
    pub fn is_free(&self, headers: &[(String, Vec<u8>)]) -> bool {
        match self {
            Self::Header(source) => values(headers, source.name.as_str()).next().is_none(),
            Self::Cookie { .. } | Self::Parameter { .. } => !self.is_in(headers),
        }
    }
}

fn values<'a>(headers: &'a [(String, Vec<u8>)], name: &str) -> impl Iterator<Item = &'a [u8]> {
    let of_name = headers.iter().filter(move |(known, _value)| known.eq_ignore_ascii_case(name));
    of_name.map(|(_name, value)| value.as_slice())
}
