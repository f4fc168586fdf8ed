//! Owns what the service behind the gateway is told, and what nobody else may tell it.

use std::collections::BTreeMap;

use crate::header::{HeaderName, HeaderPattern};
use crate::identity::credential::CredentialKind;
use crate::identity::facts::{Fact, FactName, HeaderForm, Stated, ascii_json};

/// Which headers tell of the caller, and which a client must not send.
#[derive(Debug, Default)]
pub(crate) struct Forward {
    /// What routes without one of their own tell of the caller.
    pub(crate) identity: IdentityHeaders,
    /// The same for every request.
    pub(crate) fixed: Vec<(HeaderName, Fact)>,
    pub(crate) strip: Vec<HeaderPattern>,
    /// The kinds of credential that go on to the service, as they were sent.
    pub(crate) keep: Vec<CredentialKind>,
}

/// Headers that tell the service of the caller.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct IdentityHeaders {
    /// One fact a header.
    pub(crate) headers: Vec<(HeaderName, Forwarded)>,
    /// Several facts a header, as a JSON object.
    pub(crate) json: Vec<(HeaderName, BTreeMap<String, Forwarded>)>,
}

/// A fact that is forwarded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Forwarded {
    pub(crate) fact: FactReference,
    pub(crate) form: HeaderForm,
    pub(crate) missing: Missing,
}

/// Fate of a header or a member whose fact is not stated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// The request is refused.
    Refuse,
    /// It is left out.
    Omit,
}

/// A fact of one of the identities: `token.client_id`.
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

impl IdentityHeaders {
    /// These headers, and those for an identity of these kinds; `fact` looks a fact up.
    pub(crate) fn tell<'a>(
        &self,
        headers: Vec<(String, String)>,
        included: impl Fn(&CredentialKind) -> bool,
        fact: impl Fn(&FactReference) -> Option<Stated<'a>>,
    ) -> Told {
        let mut told = Told { headers, missing: None };
        for (header, forwarded) in self.headers.iter().filter(|(_header, forwarded)| included(&forwarded.fact.of)) {
            match fact(&forwarded.fact).map(|fact| forwarded.form.write(fact)) {
                Some(Ok(value)) => told.headers.push((header.to_string(), value)),
                // Refused when it was read.
                Some(Err(_fault)) => told.refuses(forwarded),
                None => told.lacks(forwarded),
            }
        }
        for (header, members) in &self.json {
            let mut object = serde_json::Map::new();
            for (name, forwarded) in members.iter().filter(|(_name, forwarded)| included(&forwarded.fact.of)) {
                match fact(&forwarded.fact) {
                    Some(value) => drop(object.insert(name.clone(), value.json())),
                    None => told.lacks(forwarded),
                }
            }
            if !object.is_empty() {
                told.headers.push((header.to_string(), ascii_json(&object.into())));
            }
        }
        told
    }

    /// Every fact that is forwarded.
    pub(crate) fn facts(&self) -> impl Iterator<Item = &Forwarded> {
        let members = self.json.iter().flat_map(|(_header, members)| members.values());
        self.headers.iter().map(|(_header, forwarded)| forwarded).chain(members)
    }

    /// Every header that is set.
    pub(crate) fn names(&self) -> impl Iterator<Item = &HeaderName> {
        let json = self.json.iter().map(|(name, _members)| name);
        self.headers.iter().map(|(name, _forwarded)| name).chain(json)
    }
}

impl Forward {
    /// The headers that every request gets.
    pub(crate) fn fixed(&self) -> Vec<(String, String)> {
        self.fixed.iter().map(|(header, value)| (header.to_string(), value.to_string())).collect()
    }

    /// Every header that the gateway sets, whatever the route.
    pub(crate) fn names(&self) -> impl Iterator<Item = &HeaderName> {
        self.identity.names().chain(self.fixed.iter().map(|(name, _value)| name))
    }
}

impl Told {
    fn lacks(&mut self, forwarded: &Forwarded) {
        match forwarded.missing {
            Missing::Refuse => self.refuses(forwarded),
            Missing::Omit => {}
        }
    }

    fn refuses(&mut self, forwarded: &Forwarded) {
        self.missing.get_or_insert_with(|| forwarded.fact.clone());
    }
}
