//! Owns the way from a document to a policy: every entry is checked, every fault is kept, and nothing comes of a
//! document that has one.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::credential::CredentialKind;
use crate::document::{ForwardDocument, PolicyDocument};
use crate::facts::FactName;
use crate::fault::{Faults, Place};
use crate::header::{HeaderName, HeaderPattern};
use crate::policy::{FactReference, Forward, Policy, Standing};

mod credentials;
mod routes;

/// The policy that a document stands for.
pub(crate) fn policy(document: &PolicyDocument) -> Result<Policy, Faults> {
    let mut faults = Faults::none();
    let root = Place::root();
    if document.version != VERSION {
        faults
            .add(&root.key("version"), format!("version {} is not known; this is version {VERSION}", document.version));
    }
    if !is_name(&document.name) {
        faults.add(&root.key("name"), format!("`{}` is no name of letters, digits, `-`, `_` and `.`", document.name));
    }
    let authorities = credentials::authorities(&document.authorities, &root.key("authorities"), &mut faults);
    let credentials = credentials::all(&document.credentials, &authorities, &root.key("credentials"), &mut faults);
    let forward = forward(&document.forward, document, &root.key("forward"), &mut faults);
    let routes = routes::all(&document.routes, document, &root.key("routes"), &mut faults);
    match (faults.is_empty(), forward, routes) {
        (true, Some(forward), Some(routes)) => {
            Ok(Policy { name: document.name.clone(), standing: Standing::InForce, credentials, forward, routes })
        }
        // What is `None` has left a fault behind.
        (_, _, _) => Err(faults),
    }
}

fn forward(
    written: &ForwardDocument,
    document: &PolicyDocument,
    place: &Place,
    faults: &mut Faults,
) -> Option<Forward> {
    let place_of_headers = place.key("headers");
    let headers = each(written.headers.iter(), |(name, fact)| {
        let place = place_of_headers.key(name);
        let header: HeaderName = faults.keep(&place, name.parse())?;
        if is_reserved(&header) || names_credential(document, &header) {
            faults.add(&place, format!("`{name}` has a meaning of its own and cannot carry an identity"));
            return None;
        }
        Some((header, fact_reference(fact, document, &place, faults)?))
    });
    let place_of_strip = place.key("strip");
    let strip = each(written.strip.iter().enumerate(), |(index, text)| {
        let place = place_of_strip.index(index);
        let pattern: HeaderPattern = faults.keep(&place, text.parse())?;
        if let Some(reserved) = RESERVED.iter().find(|reserved| pattern.could_be(reserved)) {
            faults.add(&place, format!("`{text}` would remove `{reserved}`, which steers the request itself"));
            return None;
        }
        Some(pattern)
    });
    Some(Forward { headers: headers?, strip: strip? })
}

/// Whether a header steers the request itself, so that it can be neither an identity nor a credential.
fn is_reserved(header: &HeaderName) -> bool {
    RESERVED.contains(&header.as_str()) || header.as_str().starts_with("x-envoy-")
}

fn names_credential(document: &PolicyDocument, header: &HeaderName) -> bool {
    [&document.credentials.api_key, &document.credentials.token]
        .into_iter()
        .flatten()
        .any(|credential| credential.header.eq_ignore_ascii_case(header.as_str()))
}

/// `token.client_id`: a fact of a credential that the policy knows.
fn fact_reference(text: &str, document: &PolicyDocument, place: &Place, faults: &mut Faults) -> Option<FactReference> {
    let Some((kind, name)) = text.split_once('.') else {
        faults.add(place, format!("`{text}` is no fact; write `token.subject` or the like"));
        return None;
    };
    let Some(of) = CredentialKind::ALL.into_iter().find(|known| known.as_str() == kind) else {
        faults.add(place, format!("`{kind}` is no credential; there are `api_key` and `token`"));
        return None;
    };
    if credential_document(document, of).is_none() {
        faults.add(place, format!("`credentials.{kind}` is not in this policy"));
        return None;
    }
    let name: FactName = faults.keep(place, name.parse())?;
    Some(FactReference { of, name })
}

const fn credential_document(
    document: &PolicyDocument,
    kind: CredentialKind,
) -> Option<&crate::document::CredentialDocument> {
    match kind {
        CredentialKind::ApiKey => document.credentials.api_key.as_ref(),
        CredentialKind::Token => document.credentials.token.as_ref(),
    }
}

/// A span of time such as `500ms`, `2s`, `5m`, within bounds that keep a typing error from becoming a policy.
fn span(text: &str, least: Duration, most: Duration, place: &Place, faults: &mut Faults) -> Option<Duration> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = text.strip_prefix(digits);
    let number: Option<u64> = digits.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let span = match (number, unit) {
        (Some(number), Some("ms")) => Some(Duration::from_millis(number)),
        (Some(number), Some("s")) => Some(Duration::from_secs(number)),
        (Some(number), Some("m")) => number.checked_mul(60).map(Duration::from_secs),
        (Some(_) | None, Some(_) | None) => None,
    };
    let Some(span) = span else {
        faults.add(place, format!("`{text}` is no span of time; write `500ms`, `2s` or `5m`"));
        return None;
    };
    if span < least || span > most {
        faults.add(place, format!("`{text}` is not between {least:?} and {most:?}"));
        return None;
    }
    Some(span)
}

/// Every entry, or nothing if one of them is faulty; all of them are looked at, so that every fault is found.
fn each<T, U>(entries: impl Iterator<Item = T>, read: impl FnMut(T) -> Option<U>) -> Option<Vec<U>> {
    entries.map(read).collect::<Vec<_>>().into_iter().collect()
}

/// A name that is safe in a header, a metric and a log.
fn is_name(text: &str) -> bool {
    (1..=LONGEST_NAME).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// An index of compiled entries by the name other entries call them.
type Named<T> = BTreeMap<String, T>;

/// Headers that steer the request itself.
const RESERVED: [&str; 17] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-request-id",
];

/// The version of the language this crate understands.
const VERSION: u64 = 1;

const LONGEST_NAME: usize = 64;
