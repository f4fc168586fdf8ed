//! Owns the checking of what a route requires.

use super::conditions::{Entry, Known, conditions};
use super::{credential_document, each, fact_of, fact_reference, kind, type_of};
use crate::deciding::condition::Hidden;
use crate::deciding::forward::FactReference;
use crate::deciding::policy::{Binding, Kinds, Owner, Ownership, RequiredScopes, Verified};
use crate::document::{
    BindDocument, KindDocument, OwnerDocument, PolicyDocument, RequireDocument, ScopesDocument, WantedScopesDocument,
};
use crate::fault::{Faults, Place};
use crate::identity::credential::CredentialKind;
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
    let binding = match &written.bind {
        None => Some(Binding::Unbound),
        Some(written) => binding(written, credentials, document, &place.key("bind"), faults),
    };
    let scopes = scopes(&written.scopes, credentials, document, &place.key("scopes"), faults);
    let owner = match &written.owner {
        None => Some(Ownership::NotOwned),
        Some(written) => {
            owner(written, entry.map(|entry| entry.path), credentials, document, &place.key("owner"), faults)
                .map(Ownership::Owned)
        }
    };
    let conditions = match &written.conditions {
        None => Some(Vec::new()),
        Some(written) => {
            let place = place.key("conditions");
            let known = entry.zip(credentials).map(|(entry, kinds)| Known::of(entry, kinds, document, hidden));
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

fn kinds(
    written: &[KindDocument],
    otherwise: &str,
    document: &PolicyDocument,
    place: &Place,
    faults: &mut Faults,
) -> Option<Kinds> {
    let kinds: Vec<_> = written.iter().map(|written| kind(*written)).collect();
    for (index, kind) in kinds.iter().enumerate() {
        if credential_document(document, *kind).is_none() {
            faults.add(&place.index(index), format!("`credentials.{}` is not in this policy", kind.as_str()));
        }
        if kinds.iter().take(index).any(|before| before == kind) {
            faults.add(&place.index(index), format!("`{}` is written twice", kind.as_str()));
        }
    }
    match (kinds.contains(&CredentialKind::ApiKey), kinds.contains(&CredentialKind::Token)) {
        (true, true) => Some(Kinds::Both),
        (true, false) => Some(Kinds::ApiKey),
        (false, true) => Some(Kinds::Token),
        (false, false) => {
            faults.add(place, format!("write at least one credential; {otherwise}"));
            None
        }
    }
}

fn binding(
    written: &BindDocument,
    credentials: Option<Kinds>,
    document: &PolicyDocument,
    place: &Place,
    faults: &mut Faults,
) -> Option<Binding> {
    let mut read = |of: CredentialKind, name: &str| {
        let place = place.key(of.as_str());
        let reference = fact_of(of, name, document, &place, faults)?;
        require_kind(credentials, of, &place, faults);
        require_single(&reference, "cannot bind", document, &place, faults);
        Some(reference)
    };
    let (token, api_key) =
        (read(CredentialKind::Token, &written.token), read(CredentialKind::ApiKey, &written.api_key));
    Some(Binding::Bound { token: token?, api_key: api_key? })
}

fn scopes(
    written: &ScopesDocument,
    credentials: Option<Kinds>,
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
        // The token's, where one is required.
        (None, Some(Kinds::Token | Kinds::Both)) => Some(Kinds::Token),
        (None, Some(Kinds::ApiKey)) => Some(Kinds::ApiKey),
        (None, None) => None,
        (Some(written), _) => {
            let place = place.key("of");
            let of = kinds(written, "without `of` it is the token's", document, &place, faults)?;
            of.iter().for_each(|kind| require_kind(credentials, kind, &place, faults));
            Some(of)
        }
    };
    Some(RequiredScopes::Wanted { wanted: wanted?, of: of? })
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
    credentials: Option<Kinds>,
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
            require_kind(credentials, fact.of, &place, faults);
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
            require_kind(credentials, fact.of, &place, faults);
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

fn require_kind(credentials: Option<Kinds>, kind: CredentialKind, place: &Place, faults: &mut Faults) {
    if credentials.is_some_and(|credentials| !credentials.include(kind)) {
        faults.add(place, format!("this route does not require `{}`", kind.as_str()));
    }
}

/// Bytes of the scopes a route wants: a refusal names them in one header.
const MAX_WANTED: usize = 2048;
