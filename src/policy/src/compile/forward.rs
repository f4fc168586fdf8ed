//! Owns the checking of `forward`.

use std::collections::BTreeMap;

use super::{each, fact_reference, is_reserved, kind, names_credential};
use crate::deciding::forward::{FactReference, Forward};
use crate::deciding::header_table::refused_headers;
use crate::document::{ForwardDocument, PolicyDocument};
use crate::fault::{Faults, Place};
use crate::header::{HeaderName, HeaderPattern};
use crate::identity::facts::Fact;

pub(super) fn all(
    written: &ForwardDocument,
    document: &PolicyDocument,
    place: &Place,
    faults: &mut Faults,
) -> Option<Forward> {
    let at = place.key("headers");
    let headers = each(written.headers.iter(), |(name, fact)| {
        let place = at.key(name);
        let header = header(name, document, &place, faults);
        let fact = fact_reference(fact, document, &place, faults);
        Some((header?, fact?))
    });
    let at = place.key("json");
    let json = each(written.json.iter(), |(name, members)| {
        let place = at.key(name);
        if members.is_empty() {
            faults.add(&place, "write at least one member");
        }
        let header = header(name, document, &place, faults);
        let members = members_of(members, document, &place, faults);
        Some((header?, members?))
    });
    let at = place.key("fixed");
    let fixed = each(written.fixed.iter(), |(name, value)| {
        let place = at.key(name);
        let header = header(name, document, &place, faults);
        let value: Option<Fact> = faults.keep(&place, value.parse().map_err(|_invalid| NO_VALUE));
        Some((header?, value?))
    });
    let at = place.key("strip");
    let strip = each(written.strip.iter().enumerate(), |(index, text)| pattern(text, &at.index(index), faults));
    let at = place.key("keep");
    let keep = each(written.keep.iter().enumerate(), |(index, kept)| {
        let kind = kind(*kept);
        let place = at.index(index);
        let Some(credential) = super::credential_document(document, kind) else {
            faults.add(&place, format!("`credentials.{}` is not in this policy", kind.as_str()));
            return None;
        };
        if written.keep.iter().take(index).any(|before| before == kept) {
            faults.add(&place, format!("`{}` is written twice", kind.as_str()));
        }
        if let Some(pattern) = strip.iter().flatten().find(|pattern| pattern.is_confusable_with(&credential.header)) {
            let header = &credential.header;
            faults.add(&place, format!("`{header}` cannot be kept, since `strip` removes it with `{pattern}`"));
        }
        Some(kind)
    });
    let forward = Forward { headers: headers?, json: json?, fixed: fixed?, strip: strip?, keep: keep? };
    each_once(&forward, place, faults);
    Some(forward)
}

fn members_of(
    written: &BTreeMap<String, String>,
    document: &PolicyDocument,
    place: &Place,
    faults: &mut Faults,
) -> Option<BTreeMap<String, FactReference>> {
    let members = each(written.iter(), |(name, fact)| {
        let place = place.key(name);
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            faults.add(&place, format!("`{name}` is no name of visible ASCII"));
        }
        Some((name.clone(), fact_reference(fact, document, &place, faults)?))
    });
    members.map(|members| members.into_iter().collect())
}

fn header(name: &str, document: &PolicyDocument, place: &Place, faults: &mut Faults) -> Option<HeaderName> {
    let header: HeaderName = faults.keep(place, name.parse())?;
    if is_reserved(&header) || names_credential(document, &header) {
        faults.add(place, format!("`{name}` has a meaning of its own and cannot carry an identity"));
        return None;
    }
    Some(header)
}

fn pattern(text: &str, place: &Place, faults: &mut Faults) -> Option<HeaderPattern> {
    let pattern: HeaderPattern = faults.keep(place, text.parse())?;
    if let Some(reserved) = super::STEERING.iter().find(|reserved| pattern.is_confusable_with(reserved)) {
        faults.add(place, format!("`{text}` would remove `{reserved}`, which steers the request itself"));
        return None;
    }
    // A prefix covers other names too, so it does something: that one is a lint.
    if matches!(pattern, HeaderPattern::Exact(_))
        && refused_headers().any(|refused| pattern.is_confusable_with(refused))
    {
        let message = format!("`{text}` is never stripped: a request that brings it is refused before that (400)");
        let hint = "if a proxy in front sets it, let Envoy remove it first, by `early_header_mutation_extensions`";
        faults.add_hinted(place, message, Some(hint.to_owned()));
    }
    Some(pattern)
}

/// Two values under one name would be joined, or one of them lost.
fn each_once(forward: &Forward, place: &Place, faults: &mut Faults) {
    let names: Vec<_> = forward.names().collect();
    for (index, name) in names.iter().enumerate() {
        if names.iter().take(index).any(|before| before == name) {
            faults.add(place, format!("`{name}` is set twice"));
        }
    }
}

const NO_VALUE: &str = "a header's value is 1 to 256 bytes of visible ASCII";
