//! Owns the presenting of a credential, as a client does it: for whoever makes up requests, and for no gateway.

use super::{COOKIE, Form, Source, cookie, parameter};
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

    /// Whether a request with these headers has something in this place, good or not.
    #[must_use]
    pub fn is_in(&self, headers: &[(String, Vec<u8>)]) -> bool {
        let of_name = |name: &str| headers.iter().find(|(known, _value)| known.eq_ignore_ascii_case(name));
        match self {
            Self::Header(source) => of_name(source.name.as_str()).is_some(),
            Self::Cookie { name, .. } => {
                of_name(COOKIE).is_some_and(|(_name, value)| cookie::find(value, name) != cookie::Found::Nothing)
            }
            Self::Parameter { name } => {
                let query = of_name(":path").and_then(|(_name, target)| parameter::query(target));
                query.is_some_and(|(_path, query)| parameter::find(query, name) != parameter::Found::Nothing)
            }
        }
    }
}
