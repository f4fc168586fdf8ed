//! Owns the checking of where facts stand.

use std::collections::BTreeMap;

use super::each;
use crate::document::{ClaimsDocument, FactsDocument};
use crate::fault::{Faults, Place};
use crate::identity::facts::FactName;
use crate::identity::pointers::Pointers;

/// What both forms of `facts` write.
#[derive(Clone, Copy)]
pub(super) struct Written<'a> {
    subject: &'a str,
    client_id: &'a str,
    client_type: &'a str,
    scope: &'a str,
    further: &'a BTreeMap<String, String>,
}

impl<'a> From<&'a FactsDocument> for Written<'a> {
    fn from(document: &'a FactsDocument) -> Self {
        let FactsDocument { subject, client_id, client_type, scope, expires: _, further, required: _ } = document;
        Self { subject, client_id, client_type, scope, further }
    }
}

impl<'a> From<&'a ClaimsDocument> for Written<'a> {
    fn from(document: &'a ClaimsDocument) -> Self {
        let ClaimsDocument { subject, client_id, client_type, scope, further } = document;
        Self { subject, client_id, client_type, scope, further }
    }
}

/// `needed`: the names of the facts that something looks at, and perhaps of others.
pub(super) fn pointers<'a>(
    written: Written<'_>,
    needed: impl Iterator<Item = &'a str>,
    place: &Place,
    faults: &mut Faults,
) -> Option<Pointers> {
    let place_of_further = place.key("further");
    let further = each(written.further.iter(), |(name, text)| {
        let place = place_of_further.key(name);
        if FactName::standard(name).is_some() || matches!(name.as_str(), "not_before" | "expires" | "scopes") {
            faults.add(&place, format!("`{name}` is a fact already; give this one another name"));
        } else if !is_fact_name(name) {
            faults.add(&place, format!("`{name}` is no name of lower-case letters, digits and `_`"));
        }
        Some((name.as_str().into(), pointer(text, &place, faults)?))
    });
    let mut read = |text: &str, name: &str| pointer(text, &place.key(name), faults);
    let subject = read(written.subject, "subject");
    let client_id = read(written.client_id, "client_id");
    let client_type = read(written.client_type, "client_type");
    let scope = read(written.scope, "scope");
    Some(Pointers {
        subject: subject?,
        client_id: client_id?,
        client_type: client_type?,
        scope: scope?,
        further: further?,
        needed: needed.map(str::to_owned).collect(),
    })
}

/// The end of an answer, and the facts without which it is unusable.
pub(super) fn end_and_required(
    written: &FactsDocument,
    place: &Place,
    faults: &mut Faults,
) -> Option<(String, Vec<(String, String)>)> {
    let expires = pointer(&written.expires, &place.key("expires"), faults);
    let standard = [
        ("subject", &written.subject),
        ("client_id", &written.client_id),
        ("client_type", &written.client_type),
        ("scope", &written.scope),
        ("expires", &written.expires),
    ];
    let further = written.further.iter().map(|(name, text)| (name.as_str(), text));
    let known: Vec<_> = standard.into_iter().chain(further).collect();
    let place_of_required = place.key("required");
    let required = each(written.required.iter().enumerate(), |(index, name)| {
        let found = known.iter().find(|(known, _text)| known == name);
        if found.is_none() {
            let message = format!("`{name}` is no fact of this answer");
            let known = known.iter().map(|(known, _text)| *known);
            faults.add_unknown(&place_of_required.index(index), message, name, known);
        }
        found.map(|(name, text)| ((*name).to_owned(), (*text).clone()))
    });
    Some((expires?, required?))
}

/// RFC 6901, 3. The empty pointer means the whole answer, which is no fact.
pub(super) fn pointer(text: &str, place: &Place, faults: &mut Faults) -> Option<String> {
    let escapes_are_whole = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    if text.starts_with('/') && escapes_are_whole {
        return Some(text.to_owned());
    }
    faults.add(place, format!("`{text}` is no JSON pointer; write `/client_id` or the like"));
    None
}

/// A name that a condition can write.
fn is_fact_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}
