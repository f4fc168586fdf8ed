//! Owns the checking of where the facts are in an answer.

use super::pointer;
use crate::compile::each;
use crate::document::FactsDocument;
use crate::facts::FactName;
use crate::fault::{Faults, Place};
use crate::introspection::Pointers;

pub(super) fn pointers(written: &FactsDocument, place: &Place, faults: &mut Faults) -> Option<Pointers> {
    let place_of_further = place.key("further");
    let further = each(written.further.iter(), |(name, text)| {
        let place = place_of_further.key(name);
        if FactName::standard(name).is_some() || name == "expires" || name == "scopes" {
            faults.add(&place, format!("`{name}` is a fact already; write its pointer beside `further`"));
        } else if !is_fact_name(name) {
            faults.add(&place, format!("`{name}` is no name of lower-case letters, digits and `_`"));
        }
        Some((name.as_str().into(), pointer(text, &place, faults)?))
    });
    let standard = [
        ("subject", &written.subject),
        ("client_id", &written.client_id),
        ("client_type", &written.client_type),
        ("scope", &written.scope),
        ("expires", &written.expires),
    ];
    let [subject, client_id, client_type, scope, expires] =
        standard.map(|(name, text)| pointer(text, &place.key(name), faults));
    let further_names = written.further.iter().map(|(name, text)| (name.as_str(), text));
    let known: Vec<_> = standard.into_iter().chain(further_names).collect();
    let place_of_required = place.key("required");
    let required = each(written.required.iter().enumerate(), |(index, name)| {
        let found = known.iter().find(|(known, _text)| known == name);
        if found.is_none() {
            let message = format!("`{name}` is no fact of this answer");
            let known = known.iter().map(|(known, _text)| *known);
            faults.add_unknown(&place_of_required.index(index), message, name, known);
        }
        found.map(|(_name, text)| (*text).clone())
    });
    Some(Pointers {
        subject: subject?,
        client_id: client_id?,
        client_type: client_type?,
        scope: scope?,
        expires: expires?,
        further: further?,
        required: required?,
    })
}

/// A name that a condition can write.
fn is_fact_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}
