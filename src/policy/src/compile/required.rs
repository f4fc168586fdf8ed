//! Owns the checking of the credentials that a route looks at, and of the audience that they must name.

use super::each;
use super::references::{credential_document, further_facts, kind};
use crate::deciding::required::{Kinds, Required};
use crate::document::{
    PolicyDocument, RequiredCredentialsDocument, RouteAudienceDocument, SomeCredentialsDocument, VerifierDocument,
};
use crate::fault::{Faults, Place};
use crate::identity::credential::{API_KEY, CredentialKind, TOKEN};
use crate::identity::facts::{AUDIENCE, Fact, InvalidFact};

/// The credentials of a route.
pub(super) fn required(
    written: &RequiredCredentialsDocument,
    document: &PolicyDocument,
    place: &Place,
    faults: &mut Faults,
) -> Option<Required> {
    let required = match written {
        RequiredCredentialsDocument::All(all) => {
            let all = in_old_order(kinds(all, "a route for everybody is `public`", document, place, faults)?);
            Required { all, ..Required::default() }
        }
        RequiredCredentialsDocument::Some(some) => of_some(some, document, place, faults)?,
    };
    send_verified(&required, document, place, faults);
    Some(required)
}

fn of_some(
    written: &SomeCredentialsDocument,
    document: &PolicyDocument,
    place: &Place,
    faults: &mut Faults,
) -> Option<Required> {
    let SomeCredentialsDocument { all, any, optional, because } = written;
    let mut read = |list: &Option<Vec<String>>, name: &str| match list {
        None => Some(Kinds::default()),
        Some(list) => kinds(list, "without any, remove the key", document, &place.key(name), faults),
    };
    let (all, any, optional) = (read(all, "all"), read(any, "any"), read(optional, "optional"));
    let required = Required { all: all?, any: any?, optional: optional?, because: because.clone() };
    for (index, kind) in required.iter().enumerate() {
        if required.iter().take(index).any(|before| before == kind) {
            faults.add(place, format!("`{}` is written in two of the lists", kind.as_str()));
        }
    }
    if let [only] = required.any.0.as_slice() {
        let hint = Some(format!("write `all: [{}]`", only.as_str()));
        faults.add_hinted(&place.key("any"), "one alternative is none", hint);
    }
    let is_asked = !required.all.are_none() || !required.any.are_none();
    match &required.because {
        None if !is_asked && required.optional.are_none() => {
            faults.add(place, "write `all`, `any` or `optional` with at least one credential");
        }
        None if !is_asked => {
            let hint = "write `because: …` beside `optional`, or `all` or `any` with what a request needs";
            let message = "a request may pass with no credential; say why";
            faults.add_hinted(place, message, Some(hint.to_owned()));
        }
        Some(_) if is_asked => {
            faults.add(&place.key("because"), "a request needs a credential here, so there is nothing to say why of");
        }
        Some(because) if because.trim().is_empty() => {
            faults.add(&place.key("because"), "say why a request may pass with no credential");
        }
        Some(_) if required.optional.are_none() => {
            faults.add(place, "write `optional` with at least one credential; a route for everybody is `public`");
        }
        Some(_) | None => {}
    }
    Some(required)
}

/// The kinds of a list, in its order.
pub(super) fn kinds(
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
    each(written.iter().enumerate(), |(index, name)| {
        let place = place.index(index);
        if written.iter().take(index).any(|before| before == name) {
            faults.add(&place, format!("`{name}` is written twice"));
        }
        kind(name, document, &place, faults)
    })
    .map(Kinds)
}

/// The API key is judged before the token, in whatever order a plain list has them: such lists are of the time when
/// there were these two only.
fn in_old_order(Kinds(mut kinds): Kinds) -> Kinds {
    let place_of = |name: &str| kinds.iter().position(|kind| kind.as_str() == name);
    if let (Some(api_key), Some(token)) = (place_of(API_KEY), place_of(TOKEN))
        && token < api_key
    {
        let api_key = kinds.remove(api_key);
        kinds.insert(token, api_key);
    }
    Kinds(kinds)
}

/// Only a credential that is verified goes along with the question about another one.
fn send_verified(required: &Required, document: &PolicyDocument, place: &Place, faults: &mut Faults) {
    for (index, kind) in required.iter().enumerate() {
        let verifiers = credential_document(document, kind).into_iter().flat_map(|credential| &credential.verify);
        for sent in verifiers.flat_map(VerifierDocument::sends) {
            if required.iter().skip(index).skip(1).any(|later| later.as_str() == sent) {
                let kind = kind.as_str();
                let message = format!("`{sent}` goes along with the question about `{kind}`, and is verified after it");
                faults.add_hinted(place, message, Some(format!("write `{sent}` before `{kind}`")));
            } else if required
                .iter()
                .any(|other| other.as_str() == sent && other != kind && !required.is_certain(other))
            {
                // Its client would choose what the authority is told.
                let kind = kind.as_str();
                let message = format!("`{sent}` goes along with the question about `{kind}`, and may be absent here");
                faults.add_hinted(place, message, Some(format!("write `{sent}` under `all`")));
            }
        }
    }
}

/// The audiences that credentials of a route must name, each kind once.
pub(super) fn audiences(
    written: Option<&RouteAudienceDocument>,
    required: Option<&Required>,
    document: &PolicyDocument,
    place: &Place,
    faults: &mut Faults,
) -> Option<Vec<(CredentialKind, String)>> {
    let by_credential = match written {
        None => return Some(Vec::new()),
        Some(RouteAudienceDocument::Single(audience)) => {
            let kind = only_with_audience(required?, document, place, faults)?;
            audience_of(&kind, audience, document, place, faults);
            return Some(vec![(kind, audience.clone())]);
        }
        Some(RouteAudienceDocument::ByCredential(by_credential)) => by_credential,
    };
    if by_credential.is_empty() {
        faults.add(place, "write at least one audience, or remove the key");
    }
    each(by_credential.iter(), |(name, audience)| {
        let place = place.key(name);
        let kind = kind(name, document, &place, faults)?;
        if required.is_some_and(|required| !required.include(&kind)) {
            faults.add(&place, format!("this route does not require `{name}`"));
        }
        audience_of(&kind, audience, document, &place, faults);
        Some((kind, audience.clone()))
    })
}

fn audience_of(kind: &CredentialKind, audience: &str, document: &PolicyDocument, place: &Place, faults: &mut Faults) {
    if audience.parse::<Fact>().is_err() {
        faults.add(place, format!("no token can name the audience `{audience}`: {InvalidFact}"));
    }
    if credential_document(document, kind).is_some_and(|credential| further_facts(credential).contains_key(AUDIENCE)) {
        let (kind, own) = (kind.as_str(), AUDIENCE);
        let message = format!("`{kind}.{own}` is a fact of the policy's own, and the audience is read under that name");
        faults.add_hinted(place, message, Some(format!("give the fact `{own}` of `{kind}` another name")));
    }
}

/// The credential that one audience is meant for: the only one, or the only one that can be a JWT.
fn only_with_audience(
    required: &Required,
    document: &PolicyDocument,
    place: &Place,
    faults: &mut Faults,
) -> Option<CredentialKind> {
    let can_be_jwt = |kind: &&CredentialKind| {
        let verifiers = credential_document(document, kind).into_iter().flat_map(|credential| &credential.verify);
        verifiers.into_iter().any(|verifier| matches!(verifier, VerifierDocument::Jwt(_)))
    };
    let (all, jwt): (Vec<_>, Vec<_>) = (required.iter().collect(), required.iter().filter(can_be_jwt).collect());
    let is_open = !required.any.are_none() || !required.optional.are_none();
    match (all.as_slice(), jwt.as_slice()) {
        ([only], _) => Some((*only).clone()),
        // Where another one may stand in its place, the author says which is held to it.
        (_, [only]) if !is_open => Some((*only).clone()),
        (several, _) => {
            let names: Vec<_> = several.iter().map(|kind| kind.as_str()).collect();
            let hint = names.first().map(|first| format!("write `audience: {{ {first}: … }}`"));
            faults.add_hinted(place, format!("say of which credential: {}", names.join(", ")), hint);
            None
        }
    }
}
