//! Owns the checking of `routes`.

use super::{credential_document, each, fact_reference, is_name};
use crate::credential::CredentialKind;
use crate::document::{KindDocument, OwnerDocument, PolicyDocument, RequireDocument, RouteDocument, ScopesDocument};
use crate::facts::FactName;
use crate::fault::{Faults, Place};
use crate::policy::{Owner, Ownership, RequiredCredentials, RequiredScopes, Requirement, Route, RuleId, Verified};
use crate::route::PathTemplate;
use crate::scope::AllOf;

/// The routes, most specific first.
pub(super) fn all(
    written: &[RouteDocument],
    document: &PolicyDocument,
    place: &Place,
    faults: &mut Faults,
) -> Option<Vec<Route>> {
    if written.is_empty() {
        faults.add(place, "a policy without routes refuses everything; write at least one");
    }
    let routes = each(written.iter().enumerate(), |(index, entry)| route(entry, document, &place.index(index), faults));
    // A template that cannot be read is reported where it is compiled, and collides with nothing.
    let templates: Vec<_> = written.iter().map(|entry| PathTemplate::parse(&entry.path).ok()).collect();
    for (index, (entry, template)) in written.iter().zip(&templates).enumerate() {
        let place = place.index(index);
        let mut before = written.iter().zip(&templates).take(index);
        if before.clone().any(|(other, _template)| other.id == entry.id) {
            faults.add(&place.key("id"), format!("`{}` is the id of another route", entry.id));
        }
        let collides = |(other, known): &(&RouteDocument, &Option<PathTemplate>)| {
            template.as_ref().zip(known.as_ref()).is_some_and(|(template, known)| template.equals(known))
                && entry.methods.iter().any(|method| other.methods.contains(method))
        };
        if let Some((other, _template)) = before.find(collides) {
            faults
                .add(&place.key("path"), format!("`{}` matches the same requests as route `{}`", entry.path, other.id));
        }
    }
    let mut routes = routes?;
    // Stable, and equals were faults: the order in the file never decides.
    routes.sort_by_key(|route| route.path.specificity());
    Some(routes)
}

fn route(written: &RouteDocument, document: &PolicyDocument, place: &Place, faults: &mut Faults) -> Option<Route> {
    if !is_name(&written.id) {
        faults.add(&place.key("id"), format!("`{}` is no id of letters, digits, `-`, `_` and `.`", written.id));
    }
    if written.methods.is_empty() {
        faults.add(&place.key("methods"), "a route without methods matches nothing; write at least one");
    }
    for (index, method) in written.methods.iter().enumerate() {
        let place = place.key("methods").index(index);
        if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
            faults.add(&place, format!("`{method}` is no method in capitals"));
        } else if method == "CONNECT" || method == "TRACE" {
            faults.add(&place, format!("`{method}` is refused before any route is looked at"));
        }
    }
    let path = faults.keep(&place.key("path"), PathTemplate::parse(&written.path));
    let requirement = match (&written.public, &written.require) {
        (Some(public), None) if public.because.trim().is_empty() => {
            faults.add(&place.key("public").key("because"), "say why everybody may pass");
            None
        }
        (Some(_public), None) => Some(Requirement::Public),
        (None, Some(require)) => {
            verified(require, path.as_ref(), document, &place.key("require"), faults).map(Requirement::Verified)
        }
        (Some(_), Some(_)) | (None, None) => {
            faults.add(place, "write either `public` or `require`");
            None
        }
    };
    Some(Route {
        id: RuleId(written.id.as_str().into()),
        methods: written.methods.clone(),
        path: path?,
        requirement: requirement?,
    })
}

fn verified(
    written: &RequireDocument,
    path: Option<&PathTemplate>,
    document: &PolicyDocument,
    place: &Place,
    faults: &mut Faults,
) -> Option<Verified> {
    let credentials = credentials(&written.credentials, document, &place.key("credentials"), faults);
    let scopes = scopes(&written.scopes, &place.key("scopes"), faults);
    let ownership = match &written.owner {
        None => Some(Ownership::NotOwned),
        Some(written) => owner(written, path, credentials, document, &place.key("owner"), faults).map(Ownership::Owned),
    };
    Some(Verified { credentials: credentials?, scopes: scopes?, owner: ownership? })
}

fn credentials(
    written: &[KindDocument],
    document: &PolicyDocument,
    place: &Place,
    faults: &mut Faults,
) -> Option<RequiredCredentials> {
    let kinds: Vec<_> = written
        .iter()
        .map(|kind| match kind {
            KindDocument::ApiKey => CredentialKind::ApiKey,
            KindDocument::Token => CredentialKind::Token,
        })
        .collect();
    for (index, kind) in kinds.iter().enumerate() {
        if credential_document(document, *kind).is_none() {
            faults.add(&place.index(index), format!("`credentials.{}` is not in this policy", kind.as_str()));
        }
        if kinds.iter().take(index).any(|before| before == kind) {
            faults.add(&place.index(index), format!("`{}` is written twice", kind.as_str()));
        }
    }
    match (kinds.contains(&CredentialKind::ApiKey), kinds.contains(&CredentialKind::Token)) {
        (true, true) => Some(RequiredCredentials::Both),
        (true, false) => Some(RequiredCredentials::ApiKey),
        (false, true) => Some(RequiredCredentials::Token),
        (false, false) => {
            faults.add(place, "write at least one credential; a route for everybody is `public`");
            None
        }
    }
}

fn scopes(written: &ScopesDocument, place: &Place, faults: &mut Faults) -> Option<RequiredScopes> {
    let list = match written {
        ScopesDocument::None => return Some(RequiredScopes::AnyCaller),
        ScopesDocument::All(list) => list,
    };
    let place = place.key("all");
    let scopes = each(list.iter().enumerate(), |(index, text)| faults.keep(&place.index(index), text.parse()))?;
    let required = AllOf::new(scopes);
    if required.is_none() {
        faults.add(&place, "write at least one scope; a route that wants none says `scopes: none`");
    }
    required.map(RequiredScopes::All)
}

fn owner(
    written: &OwnerDocument,
    path: Option<&PathTemplate>,
    credentials: Option<RequiredCredentials>,
    document: &PolicyDocument,
    place: &Place,
    faults: &mut Faults,
) -> Option<Owner> {
    if let Some(path) = path.filter(|path| !path.captures(&written.param)) {
        faults.add(&place.key("param"), format!("`{path}` captures no `{}`", written.param));
    }
    if let Some(index) = written.except_client_types.iter().position(|client_type| client_type.trim().is_empty()) {
        faults.add(&place.key("except_client_types").index(index), "an empty client type exempts nobody");
    }
    let place = place.key("equals");
    let equals = fact_reference(&written.equals, document, &place, faults)?;
    if equals.name == FactName::Scope {
        faults.add(&place, "`scope` is a list and cannot own a resource");
    }
    if credentials.is_some_and(|credentials| !credentials.include(equals.of)) {
        faults.add(&place, format!("this route does not require `{}`", equals.of.as_str()));
    }
    Some(Owner { param: written.param.clone(), equals, except_client_types: written.except_client_types.clone() })
}
