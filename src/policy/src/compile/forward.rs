//! Owns the checking of `forward`.

use std::collections::BTreeMap;

use super::references::{Alternatives, credential_document, kind};
use super::{each, is_reserved, names_credential};
use crate::deciding::forward::{FactReference, Forward, Forwarded, IdentityHeaders, Missing};
use crate::deciding::header_table::refused_headers;
use crate::deciding::presentation::COOKIE;
use crate::document::{
    EncodingDocument, ForwardDocument, ForwardedDocument, IdentityDocument, MemberDocument, MissingDocument,
    PolicyDocument, RequiredCredentialsDocument,
};
use crate::fault::{Faults, Place};
use crate::header::{HeaderName, HeaderPattern};
use crate::identity::facts::{Encoding, Fact, FactName, FactType, HeaderForm, is_plain};

/// The credentials that a fact can be of: those of the document, and `any` of some alternatives.
type Known<'a> = (&'a PolicyDocument, &'a Alternatives<'a>);

pub(super) fn all(
    written: &ForwardDocument,
    document: &PolicyDocument,
    alternatives: &Alternatives<'_>,
    place: &Place,
    faults: &mut Faults,
) -> Option<Forward> {
    let identity = identity(&written.headers, &written.json, (document, alternatives), place, faults);
    let at = place.key("fixed");
    let fixed = each(written.fixed.iter(), |(name, value)| {
        let place = at.key(name);
        let header = header(name, document, &place, faults);
        Some((header?, header_value(value, &place, faults)?))
    });
    let at = place.key("strip");
    let strip = each(written.strip.iter().enumerate(), |(index, text)| pattern(text, &at.index(index), faults));
    let at = place.key("keep");
    let keep = each(written.keep.iter().enumerate(), |(index, kept)| {
        let place = at.index(index);
        let kind = kind(kept, document, &place, faults)?;
        let credential = credential_document(document, &kind)?;
        if written.keep.iter().take(index).any(|before| before == kept) {
            faults.add(&place, format!("`{}` is written twice", kind.as_str()));
        }
        if credential.sources().iter().any(|source| source.query.is_some()) {
            faults.add(
                &place,
                format!("`{}` can stand in the query, which is logged, and cannot be kept", kind.as_str()),
            );
        }
        for header in credential.headers() {
            if let Some(pattern) = strip.iter().flatten().find(|pattern| pattern.is_confusable_with(&header)) {
                faults.add(&place, format!("`{header}` cannot be kept, since `strip` removes it with `{pattern}`"));
            }
            let stops = document.credentials.iter().find(|(name, other)| {
                header != COOKIE && !written.keep.contains(name) && other.headers().contains(&header)
            });
            if let Some((other, _credential)) = stops {
                let message =
                    format!("`{header}` carries `{other}` too, which is not kept: it goes on whole, or not at all");
                faults.add(&place, message);
            }
        }
        Some(kind)
    });
    let forward = Forward { identity: identity?, fixed: fixed?, strip: strip?, keep: keep? };
    each_once(forward.names(), place, faults);
    Some(forward)
}

/// Identity headers of a route with a `forward` of its own; `required` are the credentials that it looks at.
pub(super) fn of_route(
    written: &IdentityDocument,
    required: Option<&RequiredCredentialsDocument>,
    document: &PolicyDocument,
    place: &Place,
    faults: &mut Faults,
) -> Option<IdentityHeaders> {
    let alternatives = Alternatives::of(required.into_iter().flat_map(RequiredCredentialsDocument::any));
    let identity = identity(&written.headers, &written.json, (document, &alternatives), place, faults)?;
    each_once(identity.names(), place, faults);
    let is_required = |forwarded: &Forwarded| {
        let of = &forwarded.fact.of;
        // Without alternatives, `any` has left a fault.
        of.is_any() || required.is_some_and(|required| required.names().any(|name| name == of.as_str()))
    };
    let (headers, json) = (place.key("headers"), place.key("json"));
    let headers = identity.headers.iter().map(|(name, forwarded)| (name, headers.key(name.as_str()), forwarded));
    let json = identity.json.iter().flat_map(|(name, members)| {
        let place = json.key(name.as_str());
        members.values().map(move |forwarded| (name, place.clone(), forwarded))
    });
    for (name, place, forwarded) in headers.chain(json) {
        if document.forward.fixed.contains_key(name.as_str()) {
            faults.add(&place, format!("`{name}` is set for every request by `forward.fixed`"));
        }
        if !is_required(forwarded) {
            faults.add(&place, format!("this route does not require `{}`", forwarded.fact.of.as_str()));
        }
    }
    Some(identity)
}

fn identity(
    headers: &BTreeMap<String, ForwardedDocument>,
    json: &BTreeMap<String, BTreeMap<String, MemberDocument>>,
    known: Known<'_>,
    place: &Place,
    faults: &mut Faults,
) -> Option<IdentityHeaders> {
    let at = place.key("headers");
    let headers = each(headers.iter(), |(name, written)| {
        let place = at.key(name);
        let header = header(name, known.0, &place, faults);
        let forwarded = forwarded(written, known, &place, faults);
        Some((header?, forwarded?))
    });
    let at = place.key("json");
    let json = each(json.iter(), |(name, members)| {
        let place = at.key(name);
        if members.is_empty() {
            faults.add(&place, "write at least one member");
        }
        let header = header(name, known.0, &place, faults);
        let members = members_of(members, known, &place, faults);
        Some((header?, members?))
    });
    Some(IdentityHeaders { headers: headers?, json: json? })
}

fn members_of(
    written: &BTreeMap<String, MemberDocument>,
    known: Known<'_>,
    place: &Place,
    faults: &mut Faults,
) -> Option<BTreeMap<String, Forwarded>> {
    let members = each(written.iter(), |(name, written)| {
        let place = place.key(name);
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            faults.add(&place, format!("`{name}` is no name of visible ASCII"));
        }
        let (fact, place_of_fact, missing) = match written {
            MemberDocument::Stated(fact) => (fact, place.clone(), Missing::Refuse),
            MemberDocument::Perhaps(document) => (&document.fact, place.key("fact"), missing(Some(document.missing))),
        };
        let fact = known.1.fact_reference(fact, known.0, &place_of_fact, faults)?;
        always_stated(&fact, missing, &place, faults);
        Some((name.clone(), Forwarded { fact, form: HeaderForm::Json, missing }))
    });
    members.map(|members| members.into_iter().collect())
}

/// Fate of a header or a member whose fact is not stated: a refusal, unless another one is written.
const fn missing(written: Option<MissingDocument>) -> Missing {
    match written {
        None => Missing::Refuse,
        Some(MissingDocument::Omit) => Missing::Omit,
    }
}

/// A fact, and how a header carries it.
fn forwarded(written: &ForwardedDocument, known: Known<'_>, place: &Place, faults: &mut Faults) -> Option<Forwarded> {
    let (fact, place_of_fact, missing, (encoding, separator)) = match written {
        ForwardedDocument::AsItIs(fact) => (fact, place.clone(), Missing::Refuse, (None, None)),
        ForwardedDocument::In(document) => {
            let form = (document.encoding, document.separator.as_deref());
            (&document.fact, place.key("fact"), missing(document.missing), form)
        }
    };
    let fact = known.1.fact_reference(fact, known.0, &place_of_fact, faults)?;
    if fact.name == FactName::Scope && separator.is_some() {
        faults.add(&place.key("separator"), "scopes have a space between them; remove the separator");
        return None;
    }
    let form = form(&fact, encoding, separator, known, place, faults)?;
    always_stated(&fact, missing, place, faults);
    Some(Forwarded { fact, form, missing })
}

fn always_stated(fact: &FactReference, missing: Missing, place: &Place, faults: &mut Faults) {
    if fact.name == FactName::Scope && missing == Missing::Omit {
        faults.add(&place.key("missing"), "a scope is never missing: without one it is empty");
    }
}

fn form(
    fact: &FactReference,
    encoding: Option<EncodingDocument>,
    separator: Option<&str>,
    known: Known<'_>,
    place: &Place,
    faults: &mut Faults,
) -> Option<HeaderForm> {
    let text = match encoding {
        None => Encoding::Plain,
        Some(EncodingDocument::Percent) => Encoding::Percent,
        Some(EncodingDocument::Base64) => Encoding::Base64,
        Some(EncodingDocument::Json) if separator.is_some() => {
            faults.add(&place.key("separator"), "JSON separates the entries of a list itself; remove the separator");
            return None;
        }
        Some(EncodingDocument::Json) => return Some(HeaderForm::Json),
    };
    match (known.1.type_of(fact, known.0), separator) {
        (FactType::List, Some(separator)) => {
            let sign = sign_between(separator, text, &place.key("separator"), faults)?;
            Some(HeaderForm::Joined(sign, text))
        }
        (FactType::List, None) => {
            let message = format!("`{fact}` is a list; say how a header carries it");
            let hint = format!("write `{{ fact: {fact}, separator: \",\" }}`, or `encoding: json`");
            faults.add_hinted(place, message, Some(hint));
            None
        }
        (FactType::Text | FactType::Int | FactType::Bool, None) => Some(HeaderForm::Single(text)),
        (of, Some(_)) => {
            faults.add(&place.key("separator"), format!("`{fact}` is {}, and has no entries to separate", of.as_str()));
            None
        }
    }
}

/// The character between the entries of a list, which none of them can have in it once it is encoded.
fn sign_between(text: &str, encoding: Encoding, place: &Place, faults: &mut Faults) -> Option<char> {
    let mut signs = text.chars();
    match (signs.next(), signs.next()) {
        (Some(sign @ ' '..='~'), None) if !encoding.can_have(sign) => Some(sign),
        (Some(sign @ ' '..='~'), None) => {
            faults.add(place, format!("an entry can have `{sign}` in it; write another separator"));
            None
        }
        (_, _) => {
            faults.add(place, format!("`{text}` is not one character of visible ASCII, or a space"));
            None
        }
    }
}

/// A value that every request gets.
pub(super) fn header_value(text: &str, place: &Place, faults: &mut Faults) -> Option<Fact> {
    let value: Option<Fact> = text.parse().ok().filter(|_value| is_plain(text));
    if value.is_none() {
        faults.add(place, NO_VALUE);
    }
    value
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
fn each_once<'a>(names: impl Iterator<Item = &'a HeaderName>, place: &Place, faults: &mut Faults) {
    let names: Vec<_> = names.collect();
    for (index, name) in names.iter().enumerate() {
        if names.iter().take(index).any(|before| before == name) {
            faults.add(place, format!("`{name}` is set twice"));
        }
    }
}

const NO_VALUE: &str = "a header's value is 1 to 256 bytes of visible ASCII";
