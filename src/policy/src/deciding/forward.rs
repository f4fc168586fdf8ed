//! Owns what the service behind the gateway is told, and what nobody else may tell it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::header::{HeaderName, HeaderPattern};
use crate::identity::credential::CredentialKind;
use crate::identity::facts::{Fact, FactName};

/// Which headers carry which facts, and which headers a client must not send.
#[derive(Debug, Default)]
pub(crate) struct Forward {
    /// One fact a header.
    pub(crate) headers: Vec<(HeaderName, FactReference)>,
    /// Several facts a header, as a JSON object.
    pub(crate) json: Vec<(HeaderName, BTreeMap<String, FactReference>)>,
    /// The same for every request.
    pub(crate) fixed: Vec<(HeaderName, Fact)>,
    pub(crate) strip: Vec<HeaderPattern>,
    /// The kinds of credential that go on to the service, as they were sent.
    pub(crate) keep: Vec<CredentialKind>,
}

/// A fact of one of the two identities: `token.client_id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactReference {
    /// Whose.
    pub of: CredentialKind,
    /// Which.
    pub name: FactName,
}

impl std::fmt::Display for FactReference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.of.as_str(), self.name.as_str())
    }
}

/// The headers that tell of an identity, and what could not be told.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) headers: Vec<(String, String)>,
    /// The first fact that is to be forwarded and is not stated.
    pub(crate) missing: Option<FactReference>,
}

impl Forward {
    /// The headers for an identity of these kinds; `fact` looks a fact up.
    pub(crate) fn tell<'a>(
        &self,
        included: impl Fn(CredentialKind) -> bool,
        fact: impl Fn(&FactReference) -> Option<Cow<'a, str>>,
    ) -> Told {
        let mut told = Told { headers: self.fixed(), missing: None };
        for (header, reference) in self.headers.iter().filter(|(_header, reference)| included(reference.of)) {
            match fact(reference) {
                Some(value) => told.headers.push((header.to_string(), value.into_owned())),
                None => told.lacks(reference),
            }
        }
        for (header, members) in &self.json {
            let mut object = serde_json::Map::new();
            for (name, reference) in members.iter().filter(|(_name, reference)| included(reference.of)) {
                match fact(reference) {
                    Some(value) => drop(object.insert(name.clone(), value.into_owned().into())),
                    None => told.lacks(reference),
                }
            }
            if !object.is_empty() {
                // Facts and names are visible ASCII, so that the object is too.
                told.headers.push((header.to_string(), serde_json::Value::Object(object).to_string()));
            }
        }
        told
    }

    /// The headers that every request gets.
    pub(crate) fn fixed(&self) -> Vec<(String, String)> {
        self.fixed.iter().map(|(header, value)| (header.to_string(), value.to_string())).collect()
    }

    /// Every header the gateway sets.
    pub(crate) fn names(&self) -> impl Iterator<Item = &HeaderName> {
        let json = self.json.iter().map(|(name, _members)| name);
        let fixed = self.fixed.iter().map(|(name, _value)| name);
        self.headers.iter().map(|(name, _fact)| name).chain(json).chain(fixed)
    }
}

impl Told {
    fn lacks(&mut self, reference: &FactReference) {
        self.missing.get_or_insert_with(|| reference.clone());
    }
}
