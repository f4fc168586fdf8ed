//! Owns the checking of what a route requires.

use std::collections::BTreeMap;

use super::conditions::{Entry, Known, conditions};
use super::{each, fact_of, fact_reference, kind, type_of};
use crate::deciding::condition::Hidden;
use crate::deciding::forward::FactReference;
use crate::deciding::policy::{Binding, Kinds, Owner, Ownership, RequiredScopes, Verified};
use crate::document::{
    OwnerDocument, PolicyDocument, RequireDocument, ScopesDocument, VerifierDocument, WantedScopesDocument,
};
use crate::fault::{Faults, Place};
use crate::identity::credential::{API_KEY, CredentialKind, TOKEN};
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
    let credentials =
        kinds(&written.credentials, "a route for everybody is `public`", document, &place.key("credentials"), faults);
    if let Some(credentials) = &credentials {
        send_verified(credentials, document, &place.key("credentials"), faults);
    }
    let binding = match &written.bind {
        None => Some(Binding::Unbound),
        Some(written) => binding(written, credentials.as_ref(), document, &place.key("bind"), faults),
    };
    let scopes = scopes(&written.scopes, credentials.as_ref(), document, &place.key("scopes"), faults);
    let owner = match &written.owner {
        None => Some(Ownership::NotOwned),
        Some(written) => {
            owner(written, entry.map(|entry| entry.path), credentials.as_ref(), document, &place.key("owner"), faults)
                .map(Ownership::Owned)
        }
    };
    let conditions = match &written.conditions {
        None => Some(Vec::new()),
        Some(written) => {
            let place = place.key("conditions");
            let known = entry.zip(credentials.as_ref()).map(|(entry, kinds)| Known::of(entry, kinds, document, hidden));
            conditions(written, known.as_ref(), &place, faults)
        }
    };
    Some(Verified {
        credentials: credentials?,
        binding: binding?,
        scopes: scopes?,
        owner: owner?,
        conditions: conditions?,
    })
}

/// The kinds of a list, in its order; but the API key is judged before the token.
fn kinds(
    written: &[String],
    otherwise: &str,
    document: &PolicyDocument,
    place: &Place,
    faults: &mut Faults,
) -> Option<Kinds> {
    if written.is_empty() {
        faults.add(place, format!("write at least one credential; {otherwise}"));
        return None;
    }
    let mut kinds = each(written.iter().enumerate(), |(index, name)| {
        let place = place.index(index);
        if written.iter().take(index).any(|before| before == name) {
            faults.add(&place, format!("`{name}` is written twice"));
        }
        kind(name, document, &place, faults)
    })?;
    let place_of = |name: &str| kinds.iter().position(|kind| kind.as_str() == name);
    if let (Some(api_key), Some(token)) = (place_of(API_KEY), place_of(TOKEN))
        && token < api_key
    {
        let api_key = kinds.remove(api_key);
        kinds.insert(token, api_key);
    }
    Some(Kinds(kinds))
}

/// Only a credential that is verified goes along with the question about another one.
fn send_verified(credentials: &Kinds, document: &PolicyDocument, place: &Place, faults: &mut Faults) {
    for (index, kind) in credentials.iter().enumerate() {
        let verifiers = document.credentials.get(kind.as_str()).into_iter().flat_map(|credential| &credential.verify);
        for sent in verifiers.flat_map(VerifierDocument::sends) {
            if credentials.iter().skip(index).skip(1).any(|later| later.as_str() == sent) {
                let kind = kind.as_str();
                let message = format!("`{sent}` goes along with the question about `{kind}`, and is verified after it");
                faults.add_hinted(place, message, Some(format!("write `{sent}` before `{kind}`")));
            }
        }
    }
}

fn binding(
    written: &BTreeMap<String, String>,
    credentials: Option<&Kinds>,
    document: &PolicyDocument,
    place: &Place,
    faults: &mut Faults,
) -> Option<Binding> {
    let facts = each(written.iter(), |(of, name)| {
        let place = place.key(of);
        let of = kind(of, document, &place, faults)?;
        let reference = fact_of(&of, name, document, &place, faults)?;
        require_kind(credentials, &of, &place, faults);
        require_single(&reference, "cannot bind", document, &place, faults);
        Some(reference)
    })?;
    let Ok([one, two]) = <[FactReference; 2]>::try_from(facts) else {
        faults.add(
            place,
            "write one fact of each of two credentials, such as `{ api_key: client_id, token: client_id }`",
        );
        return None;
    };
    let order = |fact: &FactReference| credentials?.iter().position(|kind| *kind == fact.of);
    let (earlier, later) = if order(&one) <= order(&two) { (one, two) } else { (two, one) };
    Some(Binding::Bound { later, earlier })
}

fn scopes(
    written: &ScopesDocument,
    credentials: Option<&Kinds>,
    document: &PolicyDocument,
    place: &Place,
    faults: &mut Faults,
) -> Option<RequiredScopes> {
    let written = match written {
        ScopesDocument::None(_word) => return Some(RequiredScopes::AnyCaller),
        ScopesDocument::Wanted(written) => written,
    };
    let wanted = wanted(written, place, faults);
    let of = match (&written.of, credentials) {
        (None, None) => None,
        (None, Some(credentials)) => usual(credentials, place, faults),
        (Some(written), _) => {
            let place = place.key("of");
            let of = kinds(written, "without `of` it is the token's", document, &place, faults)?;
            of.iter().for_each(|kind| require_kind(credentials, kind, &place, faults));
            Some(of)
        }
    };
    Some(RequiredScopes::Wanted { wanted: wanted?, of: of? })
}

/// Whose scopes a route wants where it does not say: the token's, or those of the only credential.
fn usual(credentials: &Kinds, place: &Place, faults: &mut Faults) -> Option<Kinds> {
    let token = credentials.iter().find(|kind| kind.as_str() == TOKEN);
    match (token, credentials.0.as_slice()) {
        (Some(of), _) | (None, [of]) => Some(Kinds(vec![of.clone()])),
        (None, _) => {
            let names: Vec<_> = credentials.iter().map(CredentialKind::as_str).collect();
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
    credentials: Option<&Kinds>,
    document: &PolicyDocument,
    place: &Place,
    faults: &mut Faults,
) -> Option<Owner> {
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
            let fact = fact_reference(text, document, &place, faults)?;
            if type_of(&fact, document) == FactType::List {
                faults.add_hinted(&place, format!("`{fact}` is a list"), Some(format!("write `in: {fact}`")));
            } else {
                require_single(&fact, "cannot own a resource", document, &place, faults);
            }
            require_kind(credentials, &fact.of, &place, faults);
            fact
        }
        (None, Some(text)) => {
            let place = place.key("in");
            let fact = fact_reference(text, document, &place, faults)?;
            let of = type_of(&fact, document);
            if fact.name == FactName::Scope {
                require_single(&fact, "cannot own a resource", document, &place, faults);
            } else if of != FactType::List {
                let message = format!("`{fact}` is {}, and no list", of.as_str());
                faults.add_hinted(&place, message, Some(format!("write `equals: {fact}`")));
            }
            require_kind(credentials, &fact.of, &place, faults);
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
fn require_single(
    reference: &FactReference,
    cannot: &str,
    document: &PolicyDocument,
    place: &Place,
    faults: &mut Faults,
) {
    if reference.name == FactName::Scope || type_of(reference, document) == FactType::List {
        faults.add(place, format!("`{}` is a list and {cannot}", reference.name.as_str()));
    }
}

fn require_kind(credentials: Option<&Kinds>, kind: &CredentialKind, place: &Place, faults: &mut Faults) {
    if credentials.is_some_and(|credentials| !credentials.include(kind)) {
        faults.add(place, format!("this route does not require `{}`", kind.as_str()));
    }
}

/// Bytes of the scopes a route wants: a refusal names them in one header.
const MAX_WANTED: usize = 2048;
