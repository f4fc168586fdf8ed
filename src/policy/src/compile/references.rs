//! Owns the names that a rule calls credentials and their facts by: `token`, `token.client_id`, `any.client_id`.

use std::collections::{BTreeMap, BTreeSet};

use super::facts;
use crate::deciding::forward::FactReference;
use crate::document::{CredentialDocument, PolicyDocument, VerifierDocument};
use crate::fault::{Faults, Place};
use crate::identity::credential::{ANY, CredentialKind};
use crate::identity::facts::{FactName, FactType};

/// Credentials of which one is the identity `any`, by their names; none where there is no such identity.
#[derive(Clone, Debug, Default)]
pub(super) struct Alternatives<'a>(BTreeSet<&'a str>);

impl<'a> Alternatives<'a> {
    /// Those of one route.
    pub(super) fn of(names: impl IntoIterator<Item = &'a String>) -> Self {
        Self(names.into_iter().map(String::as_str).collect())
    }

    /// Those of all routes together, for what is written once for all of them.
    pub(super) fn of_every_route(document: &'a PolicyDocument) -> Self {
        let required = document.routes.iter().filter_map(|route| route.require.as_ref());
        Self(required.flat_map(|require| require.credentials.any()).map(String::as_str).collect())
    }

    /// The credentials that a kind stands for; none of one that the policy does not know.
    fn meant<'d>(&self, kind: &CredentialKind, document: &'d PolicyDocument) -> Vec<&'d CredentialDocument> {
        if kind.is_any() {
            self.0.iter().filter_map(|name| document.credentials.get(*name)).collect()
        } else {
            credential_document(document, kind).into_iter().collect()
        }
    }

    /// The further facts of a kind, with their types. Of `any` those that each alternative can state, with the same
    /// type.
    pub(super) fn further_facts<'d>(
        &self,
        kind: &CredentialKind,
        document: &'d PolicyDocument,
    ) -> BTreeMap<&'d str, FactType> {
        let mut meant = self.meant(kind, document).into_iter();
        let mut facts = meant.next().map(further_facts).unwrap_or_default();
        for other in meant.map(further_facts) {
            facts.retain(|name, of| other.get(name) == Some(of));
        }
        facts
    }

    /// The kind of credential of a name, or the identity `any` where there are alternatives.
    pub(super) fn kind(
        &self,
        name: &str,
        document: &PolicyDocument,
        place: &Place,
        faults: &mut Faults,
    ) -> Option<CredentialKind> {
        if name != ANY {
            return kind(name, document, place, faults);
        }
        if self.0.is_empty() {
            let hint = "write `credentials: { any: [...] }`, or a credential in the place of `any`";
            faults.add_hinted(
                place,
                "`any` stands for one of several alternatives, and there are none",
                Some(hint.to_owned()),
            );
            return None;
        }
        Some(CredentialKind::any().clone())
    }

    /// `token.client_id`: a fact of a credential that the policy knows.
    pub(super) fn fact_reference(
        &self,
        text: &str,
        document: &PolicyDocument,
        place: &Place,
        faults: &mut Faults,
    ) -> Option<FactReference> {
        let Some((kind, name)) = text.split_once('.') else {
            faults.add(place, format!("`{text}` is no fact; write `token.subject` or the like"));
            return None;
        };
        let of = self.kind(kind, document, place, faults)?;
        self.fact_of(&of, name, document, place, faults)
    }

    /// A fact of a credential that the policy knows, by its name.
    pub(super) fn fact_of(
        &self,
        of: &CredentialKind,
        name: &str,
        document: &PolicyDocument,
        place: &Place,
        faults: &mut Faults,
    ) -> Option<FactReference> {
        let kind = of.as_str();
        let further = self.further_facts(of, document);
        let own = further.contains_key(name).then(|| FactName::Further(name.into()));
        let Some(name) = FactName::standard(name).or(own) else {
            let known = || FactName::STANDARD.into_iter().chain(further.keys().copied());
            let listed: Vec<_> = known().map(|known| format!("`{known}`")).collect();
            let message = format!("`{name}` is no fact of `{kind}`; there are {}", listed.join(", "));
            faults.add_unknown(place, message, name, known());
            return None;
        };
        Some(FactReference { of: of.clone(), name })
    }

    /// The type of a fact of a credential that the policy knows.
    pub(super) fn type_of(&self, fact: &FactReference, document: &PolicyDocument) -> FactType {
        match &fact.name {
            FactName::Further(name) => {
                let further = self.further_facts(&fact.of, document);
                further.get(&**name).copied().unwrap_or(FactType::Text)
            }
            FactName::ClientId | FactName::ClientType | FactName::Scope | FactName::Subject => FactType::Text,
        }
    }
}

/// The names of a credential's further facts, with their types. A name that two verifiers know is one fact.
pub(super) fn further_facts(credential: &CredentialDocument) -> BTreeMap<&str, FactType> {
    let further = credential.verify.iter().flat_map(VerifierDocument::further);
    further.map(|(name, written)| (name.as_str(), facts::fact_type(written))).collect()
}

pub(super) fn credential_document<'a>(
    document: &'a PolicyDocument,
    kind: &CredentialKind,
) -> Option<&'a CredentialDocument> {
    document.credentials.get(kind.as_str())
}

/// The kind of credential of a name.
pub(super) fn kind(
    name: &str,
    document: &PolicyDocument,
    place: &Place,
    faults: &mut Faults,
) -> Option<CredentialKind> {
    let found = document.kinds().iter().find(|known| known.as_str() == name);
    if found.is_none() {
        let known: Vec<_> = document.kinds().iter().map(|known| format!("`{}`", known.as_str())).collect();
        let known = match known.as_slice() {
            [] => "there is none".to_owned(),
            [only] => format!("there is {only}"),
            several => format!("there are {}", several.join(", ")),
        };
        let message = format!("`credentials.{name}` is not in this policy; {known}");
        faults.add_unknown(place, message, name, document.credentials.keys().map(String::as_str));
    }
    found.cloned()
}
