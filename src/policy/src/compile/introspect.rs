//! Owns the checking of `introspect`.

use super::{Named, each};
use crate::document::IntrospectDocument;
use crate::facts::FactName;
use crate::fault::{Faults, Place};
use crate::introspection::{Asked, Authority, CacheLimits, Introspection, Pointers};
use crate::path::CanonicalPath;

pub(super) fn introspection(
    written: &IntrospectDocument,
    authorities: &Named<Option<Authority>>,
    cache: Option<CacheLimits>,
    place: &Place,
    faults: &mut Faults,
) -> Option<Introspection> {
    let authority = authorities.get(&written.authority);
    if authority.is_none() {
        let message = format!("`{}` is not under `authorities`", written.authority);
        let known = authorities.keys().map(String::as_str);
        faults.add_unknown(&place.key("authority"), message, &written.authority, known);
    }
    if !CanonicalPath::parse(written.path.as_bytes()).is_ok_and(|path| path.as_str() == written.path) {
        faults.add(&place.key("path"), format!("`{}` is no canonical path", written.path));
    }
    if written.hint.is_empty() {
        faults.add(&place.key("hint"), "write the `token_type_hint` the authority knows");
    }
    if written.expect.is_empty() {
        faults.add(
            &place.key("expect"),
            "write what an active answer must state: a hint alone lets a credential of another kind pass",
        );
    }
    let place_of_expect = place.key("expect");
    let expect = each(written.expect.iter(), |(pointer, value)| {
        Some((self::pointer(pointer, &place_of_expect.key(pointer), faults)?, value.clone()))
    });
    let facts = place.key("facts");
    let place_of_further = facts.key("further");
    let further = each(written.facts.further.iter(), |(name, pointer)| {
        let place = place_of_further.key(name);
        if FactName::standard(name).is_some() || name == "expires" || name == "scopes" {
            faults.add(&place, format!("`{name}` is a fact already; write its pointer beside `further`"));
        } else if !is_fact_name(name) {
            faults.add(&place, format!("`{name}` is no name of lower-case letters, digits and `_`"));
        }
        Some((name.as_str().into(), self::pointer(pointer, &place, faults)?))
    });
    let mut read = |text: &str, name: &str| self::pointer(text, &facts.key(name), faults);
    let subject = read(&written.facts.subject, "subject");
    let client_id = read(&written.facts.client_id, "client_id");
    let client_type = read(&written.facts.client_type, "client_type");
    let scope = read(&written.facts.scope, "scope");
    let expires = read(&written.facts.expires, "expires");
    let pointers = Pointers {
        subject: subject?,
        client_id: client_id?,
        client_type: client_type?,
        scope: scope?,
        expires: expires?,
        further: further?,
    };
    let (path, hint) = (written.path.clone(), written.hint.clone());
    let asked = Asked { authority: authority?.clone()?, path, hint, expect: expect?, pointers };
    Some(Introspection::new(asked, cache?))
}

/// RFC 6901, 3. The empty pointer means the whole answer, which is no fact.
fn pointer(text: &str, place: &Place, faults: &mut Faults) -> Option<String> {
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
