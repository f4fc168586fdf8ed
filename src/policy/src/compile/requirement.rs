//! Owns the checking of what a route requires.

use std::collections::BTreeMap;

use super::conditions::{Entry, Known, conditions};
use super::each;
use super::references::Alternatives;
use super::required::{audiences, required};
use crate::deciding::condition::Hidden;
use crate::deciding::forward::FactReference;
use crate::deciding::policy::{Binding, Owner, Ownership, RequiredScopes, Verified};
use crate::deciding::required::{Kinds, Required};
use crate::document::{OwnerDocument, PolicyDocument, RequireDocument, ScopesDocument, WantedScopesDocument};
use crate::fault::{Faults, Place};
use crate::identity::credential::{ANY, CredentialKind, TOKEN};
use crate::identity::facts::{FactName, FactType};
use crate::identity::scope::{Scopes, WantedScopes};
use crate::template::PathTemplate;

/// What a route requires; without `entry`, which has left faults of its own, nobody can say what a condition may name.
/// `hidden` is what no condition sees.
pub(super) fn verified(
    written: &RequireDocument,
    entry: Option<Entry<'_>>,
    (document, hidden): (&PolicyDocument, &[Hidden]),
    place: &Place,
    faults: &mut Faults,
) -> Option<Verified> {
    let credentials = required(&written.credentials, document, &place.key("credentials"), faults);
    let audiences =
        audiences(written.audience.as_ref(), credentials.as_ref(), document, &place.key("audience"), faults);
    let around =
        Around { document, alternatives: &Alternatives::of(written.credentials.any()), required: credentials.as_ref() };
    let binding = match &written.bind {
        None => Some(Binding::Unbound),
        Some(written) => binding(written, around, &place.key("bind"), faults),
    };
    let scopes = scopes(&written.scopes, around, &place.key("scopes"), faults);
    let owner = match &written.owner {
        None => Some(Ownership::NotOwned),
        Some(written) => {
            let path = entry.map(|entry| entry.path);
            owner(written, path, around, &place.key("owner"), faults).map(Ownership::Owned)
        }
    };
    let conditions = match &written.conditions {
        None => Some(Vec::new()),
        Some(written) => {
            let place = place.key("conditions");
            let known =
                entry.zip(credentials.as_ref()).map(|(entry, required)| Known::of(entry, required, document, hidden));
            conditions(written, known.as_ref(), &place, faults)
        }
    };
    Some(Verified {
        credentials: credentials?,
        audiences: audiences?,
        binding: binding?,
        scopes: scopes?,
        owner: owner?,
        conditions: conditions?,
    })
}

/// Surroundings of the requirements of one route.
#[derive(Clone, Copy)]
struct Around<'a> {
    document: &'a PolicyDocument,
    alternatives: &'a Alternatives<'a>,
    /// `None` where the credentials have left faults of their own.
    required: Option<&'a Required>,
}

fn binding(
    written: &BTreeMap<String, String>,
    around: Around<'_>,
    place: &Place,
    faults: &mut Faults,
) -> Option<Binding> {
    let Around { document, alternatives, required } = around;
    let facts = each(written.iter(), |(of, name)| {
        let place = place.key(of);
        let of = alternatives.kind(of, document, &place, faults)?;
        let reference = alternatives.fact_of(&of, name, document, &place, faults)?;
        if required.is_some_and(|required| !required.include(&of)) {
            faults.add(&place, format!("this route does not require `{}`", of.as_str()));
        }
        require_single(&reference, "cannot bind", around, &place, faults);
        Some(reference)
    })?;
    let Ok([one, two]) = <[FactReference; 2]>::try_from(facts) else {
        faults.add(
            place,
            "write one fact of each of two credentials, such as `{ api_key: client_id, token: client_id }`",
        );
        return None;
    };
    if [&one, &two].iter().any(|fact| fact.of.is_any())
        && let Some(other) =
            [&one, &two].iter().find(|fact| required.is_some_and(|required| required.any.include(&fact.of)))
    {
        let message =
            format!("`{}` is one of the alternatives itself, and perhaps the same as `any`", other.of.as_str());
        faults.add(place, message);
    }
    let order = |fact: &FactReference| {
        required?.iter().position(|kind| required.is_some_and(|required| required.meant(&fact.of).contains(kind)))
    };
    let (earlier, later) = if order(&one) <= order(&two) { (one, two) } else { (two, one) };
    Some(Binding::Bound { later, earlier })
}

fn scopes(written: &ScopesDocument, around: Around<'_>, place: &Place, faults: &mut Faults) -> Option<RequiredScopes> {
    let written = match written {
        ScopesDocument::None(_word) => return Some(RequiredScopes::AnyCaller),
        ScopesDocument::Wanted(written) => written,
    };
    let Around { document, alternatives, required } = around;
    let wanted = wanted(written, place, faults);
    let of = match (&written.of, required) {
        (None, None) => None,
        (None, Some(required)) => usual(required, place, faults),
        (Some(names), _) => {
            let place = place.key("of");
            if names.is_empty() {
                faults.add(&place, "write at least one credential; without `of` it is the token's");
            }
            each(names.iter().enumerate(), |(index, name)| {
                let place = place.index(index);
                if names.iter().take(index).any(|before| before == name) {
                    faults.add(&place, format!("`{name}` is written twice"));
                }
                let kind = alternatives.kind(name, document, &place, faults)?;
                require_certain(&kind, "scopes", around, &place, faults);
                Some(kind)
            })
            .map(Kinds)
        }
    };
    Some(RequiredScopes::Wanted { wanted: wanted?, of: of? })
}

/// Whose scopes a route wants where it does not say: the token's, or those of the only identity that each of its
/// requests has.
fn usual(required: &Required, place: &Place, faults: &mut Faults) -> Option<Kinds> {
    let token = required.all.iter().find(|kind| kind.as_str() == TOKEN).filter(|_token| required.any.are_none());
    match (token, required.all.0.as_slice(), required.any.are_none()) {
        (Some(of), _, _) | (None, [of], true) => Some(Kinds(vec![of.clone()])),
        (None, [], false) => Some(Kinds(vec![CredentialKind::any().clone()])),
        (None, [], true) => {
            faults.add_hinted(place, "a request may have no credential here, and no scopes", Some(WITH_HAS.to_owned()));
            None
        }
        (None, all, _) => {
            let any = (!required.any.are_none()).then_some(ANY);
            let names: Vec<_> = all.iter().map(CredentialKind::as_str).chain(any).collect();
            let hint = format!("write `of: [{}]`, or one of them", names.join(", "));
            faults.add_hinted(place, "say whose scopes these are", Some(hint));
            None
        }
    }
}

fn wanted(written: &WantedScopesDocument, place: &Place, faults: &mut Faults) -> Option<WantedScopes> {
    let mut read = |list: &[String], name: &str| {
        let place = place.key(name);
        let scopes = each(list.iter().enumerate(), |(index, text)| faults.keep(&place.index(index), text.parse()))?;
        let scopes = Scopes::new(scopes);
        if list.iter().map(String::len).sum::<usize>() > MAX_WANTED {
            faults.add(
                &place,
                format!("these scopes are longer than {MAX_WANTED} bytes, which is too long for a challenge"),
            );
        }
        if scopes.is_none() {
            faults.add(&place, "write at least one scope; a route that wants none says `scopes: none`");
        }
        scopes
    };
    match (&written.all, &written.any) {
        (Some(list), None) => read(list, "all").map(WantedScopes::All),
        (None, Some(list)) => read(list, "any").map(WantedScopes::Any),
        (Some(_), Some(_)) | (None, None) => {
            faults.add(place, "write either `all` or `any`; a route that wants no scope says `scopes: none`");
            None
        }
    }
}

fn owner(
    written: &OwnerDocument,
    path: Option<&PathTemplate>,
    around: Around<'_>,
    place: &Place,
    faults: &mut Faults,
) -> Option<Owner> {
    let Around { document, alternatives, .. } = around;
    if let Some(path) = path.filter(|path| path.kind_of(&written.param).is_none()) {
        let message = format!("`{path}` captures no `{}`", written.param);
        faults.add_unknown(&place.key("param"), message, &written.param, path.capture_names());
    }
    if let Some(index) = written.except_client_types.iter().position(|client_type| client_type.trim().is_empty()) {
        faults.add(&place.key("except_client_types").index(index), "an empty client type exempts nobody");
    }
    let fact = match (&written.equals, &written.within) {
        (Some(text), None) => {
            let place = place.key("equals");
            let fact = alternatives.fact_reference(text, document, &place, faults)?;
            if alternatives.type_of(&fact, document) == FactType::List {
                faults.add_hinted(&place, format!("`{fact}` is a list"), Some(format!("write `in: {fact}`")));
            } else {
                require_single(&fact, "cannot own a resource", around, &place, faults);
            }
            require_certain(&fact.of, "owner", around, &place, faults);
            fact
        }
        (None, Some(text)) => {
            let place = place.key("in");
            let fact = alternatives.fact_reference(text, document, &place, faults)?;
            let of = alternatives.type_of(&fact, document);
            if fact.name == FactName::Scope {
                require_single(&fact, "cannot own a resource", around, &place, faults);
            } else if of != FactType::List {
                let message = format!("`{fact}` is {}, and no list", of.as_str());
                faults.add_hinted(&place, message, Some(format!("write `equals: {fact}`")));
            }
            require_certain(&fact.of, "owner", around, &place, faults);
            fact
        }
        (Some(_), Some(_)) | (None, None) => {
            faults.add(place, "write either `equals`, with one fact, or `in`, with a list");
            return None;
        }
    };
    let (param, except_client_types) = (written.param.clone(), written.except_client_types.clone());
    Some(Owner { param, fact, is_list: written.within.is_some(), except_client_types })
}

/// Several values are no single one.
fn require_single(reference: &FactReference, cannot: &str, around: Around<'_>, place: &Place, faults: &mut Faults) {
    let is_list = around.alternatives.type_of(reference, around.document) == FactType::List;
    if reference.name == FactName::Scope || is_list {
        faults.add(place, format!("`{}` is a list and {cannot}", reference.name.as_str()));
    }
}

/// Requires a credential that every request of the route has: where it may be absent, an author would take the rule for a
/// guard that it is not.
fn require_certain(kind: &CredentialKind, what: &str, around: Around<'_>, place: &Place, faults: &mut Faults) {
    let (Some(required), name) = (around.required, kind.as_str()) else { return };
    if !required.include(kind) {
        faults.add(place, format!("this route does not require `{name}`"));
    } else if required.any.include(kind) {
        let message = format!("`{name}` is one of several alternatives, and a request without it has no such {what}");
        faults.add_hinted(place, message, Some(format!("write `any`, or {WITH_HAS}")));
    } else if !required.is_certain(kind) {
        let message = format!("`{name}` is optional, and a request without it has no such {what}");
        faults.add_hinted(place, message, Some(WITH_HAS.to_owned()));
    }
}

const WITH_HAS: &str = "write a condition, such as `!has(token) || \"read\" in token.scopes`";

/// Bytes of the scopes a route wants: a refusal names them in one header.
const MAX_WANTED: usize = 2048;
