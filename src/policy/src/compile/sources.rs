//! Owns the checking of where credentials are presented: each place is one credential's.

use super::{each, is_reserved, require_reason};
use crate::deciding::field_name::is_alike;
use crate::deciding::header_table::refused_headers;
use crate::deciding::policy::{Carrier, CredentialRule, Credentials, Named};
use crate::deciding::presentation::{Alphabet, COOKIE, Form, HeaderSource, Presentation, Source};
use crate::document::{AlphabetDocument, CredentialDocument, SourceDocument};
use crate::fault::{Faults, Place};
use crate::header::confusable;
use crate::identity::credential::{API_KEY, CredentialKind};

/// The places that credentials are presented in, with whose they are.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// Headers with their names, and with the schemes by which each carries credentials.
    headers: Vec<(String, Vec<Scheme>)>,
    cookies: Vec<(String, CredentialKind)>,
    parameters: Vec<(String, CredentialKind)>,
}

/// Scheme with its credential; `None` where the whole value is one.
type Scheme = (CredentialKind, Option<String>);

impl Taken {
    /// The headers that carry credentials, by their numbers.
    pub(super) fn carriers(&self) -> impl Iterator<Item = &str> {
        self.headers.iter().map(|(name, _schemes)| name.as_str())
    }

    /// Number of a header.
    fn carrier(&mut self, name: &str) -> usize {
        let known = self.headers.iter().position(|(known, _schemes)| known.eq_ignore_ascii_case(name));
        known.unwrap_or_else(|| {
            self.headers.push((name.to_owned(), Vec::new()));
            self.headers.len().saturating_sub(1)
        })
    }

    /// The credentials of these rules, of which some kinds are kept.
    pub(super) fn into_credentials(
        self,
        rules: Vec<CredentialRule>,
        is_kept: impl Fn(&CredentialKind) -> bool,
    ) -> Credentials {
        let named = |taken: Vec<(String, CredentialKind)>| {
            taken.into_iter().map(|(name, kind)| Named { name, is_kept: is_kept(&kind) }).collect()
        };
        let cookie_carrier = self.headers.iter().position(|(name, _schemes)| name == COOKIE);
        let carriers = self.headers.into_iter().map(|(name, schemes)| {
            let carries_kept = !schemes.is_empty() && schemes.iter().all(|(kind, _scheme)| is_kept(kind));
            // Of cookies, only the credentials are taken.
            let is_kept = carries_kept || name == COOKIE;
            Carrier { name, is_kept }
        });
        Credentials {
            rules,
            carriers: carriers.collect(),
            cookie_carrier,
            cookies: named(self.cookies),
            parameters: named(self.parameters),
        }
    }

    /// Tells each source in a header by which schemes that header carries other credentials.
    pub(super) fn tell_others(&self, rules: &mut [CredentialRule]) {
        for source in rules.iter_mut().flat_map(|rule| &mut rule.presentation.sources) {
            let Source::Header(source) = source else { continue };
            let Some((_name, schemes)) = self.headers.get(source.carrier) else { continue };
            let Form::Scheme(own) = &source.form else { continue };
            let others = schemes.iter().filter_map(|(_kind, scheme)| scheme.as_ref());
            source.others = others.filter(|scheme| !scheme.eq_ignore_ascii_case(own)).cloned().collect();
        }
    }
}

/// Places and form in which a credential is presented.
pub(super) fn presentation(
    written: &CredentialDocument,
    kind: &CredentialKind,
    taken: &mut Taken,
    place: &Place,
    faults: &mut Faults,
) -> Option<Presentation> {
    let sources = match (&written.header, &written.from) {
        (Some(_), Some(_)) => {
            faults.add(&place.key("from"), "write either `header` or `from`");
            return None;
        }
        (None, None) => {
            faults.add(place, "write the `header` it is presented in, or several places as `from`");
            return None;
        }
        (Some(_), None) => {
            written.sources().iter().map(|written| source(written, kind, taken, place, faults)).collect()
        }
        (None, Some(from)) => {
            if written.scheme.is_some() {
                faults.add(&place.key("scheme"), "beside `from`, a scheme belongs to its header there");
            }
            let place = place.key("from");
            if from.is_empty() {
                faults.add(&place, "write at least one place");
                return None;
            }
            each(from.iter().enumerate(), |(index, written)| source(written, kind, taken, &place.index(index), faults))
        }
    };
    let sources: Option<Vec<Source>> = sources;
    let alphabet = written.alphabet.map(|alphabet| match alphabet {
        AlphabetDocument::Token68 => Alphabet::Token68,
        AlphabetDocument::Visible => Alphabet::Visible,
    });
    Some(Presentation { sources: sources?, alphabet })
}

fn source(
    written: &SourceDocument,
    kind: &CredentialKind,
    taken: &mut Taken,
    place: &Place,
    faults: &mut Faults,
) -> Option<Source> {
    let SourceDocument { header, scheme, cookie, query, because } = written;
    if scheme.is_some() && header.is_none() {
        faults.add(&place.key("scheme"), "only a header has a scheme");
    }
    if because.is_some() && query.is_none() {
        faults.add(&place.key("because"), "only a credential in a query wants a reason");
    }
    match (header, cookie, query) {
        (Some(name), None, None) => in_header((name, scheme.as_deref()), kind, taken, place, faults),
        (None, Some(name), None) => {
            let place = place.key("cookie");
            named(name, &place, faults)?;
            once(&mut taken.cookies, name, kind, &place, faults);
            Some(Source::Cookie { name: name.clone(), carrier: taken.carrier(COOKIE) })
        }
        (None, None, Some(name)) => {
            require_reason(
                because.as_deref().unwrap_or_default(),
                "why a secret may stand in a URL, which browsers and services keep",
                place,
                faults,
            );
            let place = place.key("query");
            named(name, &place, faults)?;
            if is_alike(name.as_bytes(), "_method") {
                faults.add(&place, format!("`{name}` replaces the method: whoever brings it is refused"));
            }
            once(&mut taken.parameters, name, kind, &place, faults);
            Some(Source::Parameter { name: name.clone() })
        }
        (_, _, _) => {
            faults.add(place, "write one of `header`, `cookie` and `query`");
            None
        }
    }
}

fn in_header(
    (name, scheme): (&str, Option<&str>),
    kind: &CredentialKind,
    taken: &mut Taken,
    place: &Place,
    faults: &mut Faults,
) -> Option<Source> {
    let at = place.key("header");
    let header = faults.keep(&at, name.parse());
    if header.as_ref().is_some_and(is_reserved) {
        let message = format!("`{name}` has a meaning of its own and cannot carry a credential");
        let hint = (name == COOKIE).then(|| "write `from: [{ cookie: … }]` with the cookie's name".to_owned());
        faults.add_hinted(&at, message, hint);
    } else if refused_headers().any(|refused| confusable(refused, name)) {
        faults.add(&at, format!("`{name}` replaces the path or the method: whoever brings it is refused"));
    }
    let form = match scheme {
        None => Some(Form::Raw),
        Some(scheme) if is_scheme(scheme) => Some(Form::Scheme(scheme.to_owned())),
        Some(scheme) => {
            faults.add(&place.key("scheme"), format!("`{scheme}` is no authentication scheme"));
            None
        }
    };
    let carrier = taken.carrier(name);
    let (_name, known) = taken.headers.get_mut(carrier)?;
    // A value without a scheme of its own could be any other's.
    let same = |other: &Option<String>| match (other, scheme) {
        (Some(other), Some(scheme)) => other.eq_ignore_ascii_case(scheme),
        (None, _) | (_, None) => true,
    };
    if let Some((other, _scheme)) = known.iter().find(|(_kind, other)| same(other)) {
        let (by, hint) = match scheme {
            Some(scheme) if known.iter().all(|(_kind, other)| other.is_some()) => (format!(" with `{scheme}`"), None),
            Some(_) | None => (String::new(), Some("only with a scheme for each can one header carry two".to_owned())),
        };
        let other = whose(other);
        faults.add_hinted(&at, format!("`{name}` carries {other} already{by}"), hint.filter(|_| scheme.is_some()));
    }
    known.push((kind.clone(), scheme.map(str::to_owned)));
    Some(Source::Header(HeaderSource { name: header?, carrier, form: form?, others: Vec::new() }))
}

/// Checks the name of a cookie or a parameter: it has none of the signs that some unescape or cut a name at.
fn named(name: &str, place: &Place, faults: &mut Faults) -> Option<()> {
    let is_name = (1..=MAX_NAME).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    if is_name {
        return Some(());
    }
    faults.add(place, format!("`{name}` is no name of letters, digits, `-`, `_` and `.`, at most {MAX_NAME}"));
    None
}

/// Two names that a service could take for one another are one.
fn once(
    taken: &mut Vec<(String, CredentialKind)>,
    name: &str,
    kind: &CredentialKind,
    place: &Place,
    faults: &mut Faults,
) {
    if let Some((known, other)) = taken.iter().find(|(known, _kind)| is_alike(known.as_bytes(), name)) {
        let other = whose(other);
        faults.add(place, format!("`{name}` could be taken for `{known}`, which carries {other} already"));
    }
    taken.push((name.to_owned(), kind.clone()));
}

fn whose(kind: &CredentialKind) -> String {
    if kind.as_str() == API_KEY { "the API key".to_owned() } else { format!("`{}`", kind.as_str()) }
}

/// Tells whether a text is an authentication scheme (RFC 9110, 11.1: a token).
fn is_scheme(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Bytes of the name of a cookie or a parameter.
const MAX_NAME: usize = 64;
