//! Owns the checking of where facts stand.

use super::each;
use crate::document::{
    ClaimsDocument, FactPointerDocument, FactsDocument, FurtherDocument, ScopePointerDocument, ScopePointersDocument,
    TypedPointerDocument,
};
use crate::fault::{Faults, Place};
use crate::identity::facts::{AUDIENCE, AUDIENCE_OF_ROUTE, FactName, FactType};
use crate::identity::introspection::Required;
use crate::identity::pointers::{FactPointer, ListPointer, Needed, Pointers};

/// What both forms of `facts` write.
#[derive(Clone, Copy)]
pub(super) struct Written<'a> {
    subject: &'a str,
    client_id: &'a str,
    client_type: &'a str,
    scope: &'a ScopePointersDocument,
    further: &'a FurtherDocument,
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

/// `needed`: the facts that something looks at, and perhaps others.
pub(super) fn pointers(written: Written<'_>, needed: Needed, place: &Place, faults: &mut Faults) -> Option<Pointers> {
    let place_of_further = place.key("further");
    let further = each(written.further.iter(), |(name, written)| {
        let place = place_of_further.key(name);
        if FactName::standard(name).is_some() || matches!(name.as_str(), "not_before" | "expires" | "scopes") {
            faults.add(&place, format!("`{name}` is a fact already; give this one another name"));
        } else if !is_fact_name(name) {
            faults.add(&place, format!("`{name}` is no name of lower-case letters, digits and `_`"));
        }
        Some((name.as_str().into(), fact_pointer(written, &place, faults)?))
    });
    // RFC 7519, 4.1.3 and RFC 7662, 2.2: a text, or a list of them. Where it cannot be read, the route refuses, and no
    // other one.
    let audience = needed
        .contains_key(AUDIENCE_OF_ROUTE)
        .then(|| (AUDIENCE.into(), FactPointer::List(ListPointer::Entries("/aud".to_owned()))));
    let mut read = |text: &str, name: &str| pointer(text, &place.key(name), faults);
    let subject = read(written.subject, "subject");
    let client_id = read(written.client_id, "client_id");
    let client_type = read(written.client_type, "client_type");
    let scope = scope(written.scope, &place.key("scope"), faults);
    Some(Pointers {
        subject: subject?,
        client_id: client_id?,
        client_type: client_type?,
        scope: scope?,
        further: further?.into_iter().chain(audience).collect(),
        needed,
    })
}

/// The type of a fact as it is written.
pub(super) const fn fact_type(written: &FactPointerDocument) -> FactType {
    match written {
        FactPointerDocument::Text(_) => FactType::Text,
        FactPointerDocument::Typed(TypedPointerDocument::Bool(_)) => FactType::Bool,
        FactPointerDocument::Typed(TypedPointerDocument::Int(_)) => FactType::Int,
        FactPointerDocument::Typed(TypedPointerDocument::List(_) | TypedPointerDocument::Members(_)) => FactType::List,
    }
}

fn fact_pointer(written: &FactPointerDocument, place: &Place, faults: &mut Faults) -> Option<FactPointer> {
    let typed = match written {
        FactPointerDocument::Text(text) => return pointer(text, place, faults).map(FactPointer::Text),
        FactPointerDocument::Typed(typed) => typed,
    };
    Some(match typed {
        TypedPointerDocument::Bool(text) => FactPointer::Bool(pointer(text, &place.key("bool"), faults)?),
        TypedPointerDocument::Int(text) => FactPointer::Int(pointer(text, &place.key("int"), faults)?),
        TypedPointerDocument::List(text) => {
            FactPointer::List(ListPointer::Entries(pointer(text, &place.key("list"), faults)?))
        }
        TypedPointerDocument::Members(text) => {
            FactPointer::List(ListPointer::Members(pointer(text, &place.key("members"), faults)?))
        }
    })
}

fn scope(written: &ScopePointersDocument, place: &Place, faults: &mut Faults) -> Option<Vec<ListPointer>> {
    let mut read = |written: &ScopePointerDocument, place: &Place| match written {
        ScopePointerDocument::At(text) => pointer(text, place, faults).map(ListPointer::Entries),
        ScopePointerDocument::Members(document) => {
            pointer(&document.members, &place.key("members"), faults).map(ListPointer::Members)
        }
    };
    let several = match written {
        ScopePointersDocument::One(one) => return read(one, place).map(|one| vec![one]),
        ScopePointersDocument::Several(several) => several,
    };
    let pointers = each(several.iter().enumerate(), |(index, written)| read(written, &place.index(index)))?;
    if pointers.is_empty() {
        faults.add(place, "write at least one JSON pointer");
    }
    for (index, pointer) in pointers.iter().enumerate() {
        if pointers.iter().take(index).any(|before| before == pointer) {
            faults.add(&place.index(index), format!("`{}` is written twice", pointer.as_str()));
        }
    }
    Some(pointers)
}

/// The end of an answer, and the facts without which it is unusable.
pub(super) fn end_and_required(
    written: &FactsDocument,
    place: &Place,
    faults: &mut Faults,
) -> Option<(String, Required)> {
    let expires = pointer(&written.expires, &place.key("expires"), faults);
    let single = [
        ("subject", &written.subject),
        ("client_id", &written.client_id),
        ("client_type", &written.client_type),
        ("expires", &written.expires),
    ];
    let further = written.further.iter().map(|(name, written)| (name.as_str(), written.pointer()));
    let mut known: Vec<_> = single.into_iter().chain(further).map(|(name, at)| (name, vec![at.clone()])).collect();
    known.push(("scope", written.scope.all().iter().map(|place| place.pointer().clone()).collect()));
    let place_of_required = place.key("required");
    let required = each(written.required.iter().enumerate(), |(index, name)| {
        let found = known.iter().find(|(known, _at)| known == name);
        if found.is_none() {
            let message = format!("`{name}` is no fact of this answer");
            let known = known.iter().map(|(known, _at)| *known);
            faults.add_unknown(&place_of_required.index(index), message, name, known);
        }
        found.map(|(name, at)| ((*name).to_owned(), at.clone()))
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
