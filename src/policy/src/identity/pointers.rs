//! Owns where facts stand in what an authority says: in an answer, or in a token's claims.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use crate::identity::facts::{Fact, Facts, InvalidFact, UnusableFact};
use crate::identity::scope::GrantedScopes;

/// The JSON pointer of each fact (RFC 6901).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Pointers {
    pub(crate) subject: String,
    pub(crate) client_id: String,
    pub(crate) client_type: String,
    pub(crate) scope: String,
    /// Further facts, by their names.
    pub(crate) further: Vec<(Arc<str>, String)>,
    /// The names of the facts that something looks at: where one of them cannot be read, the credential is refused.
    pub(crate) needed: BTreeSet<String>,
}

impl Pointers {
    /// The facts that `said` states, but for when they begin and end. One that cannot be read, and nothing looks at, is
    /// not there.
    pub(crate) fn read(&self, said: &Value) -> Result<Facts, Arc<UnusableFact>> {
        let fact = |name: &str, pointer: &str| self.usable(name, pointer, fact(said, pointer), None);
        let mut further = Vec::new();
        for (name, pointer) in &self.further {
            if let Some(fact) = fact(name, pointer)? {
                further.push((Arc::clone(name), fact));
            }
        }
        Ok(Facts {
            subject: fact("subject", &self.subject)?,
            client_id: fact("client_id", &self.client_id)?,
            client_type: fact("client_type", &self.client_type)?,
            scope: self.usable("scope", &self.scope, scope(said, &self.scope), GrantedScopes::none())?,
            further,
            ..Facts::none()
        })
    }

    fn usable<T>(
        &self,
        name: &str,
        pointer: &str,
        read: Result<T, &'static str>,
        nothing: T,
    ) -> Result<T, Arc<UnusableFact>> {
        match read {
            Err(fault) if self.needed.contains(name) => Err(unusable(name, pointer, fault)),
            Err(_unneeded) => Ok(nothing),
            Ok(read) => Ok(read),
        }
    }

    /// The names of the further facts.
    pub(crate) fn further_names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.further.iter().map(|(name, _pointer)| name)
    }
}

/// What stands at a pointer. Null and an empty text state nothing, and nothing is the closed reading: it equals nothing
/// and grants nothing.
pub(crate) fn stated<'a>(said: &'a Value, pointer: &str) -> Option<&'a Value> {
    said.pointer(pointer).filter(|value| !value.is_null() && *value != "")
}

pub(crate) fn unusable(name: &str, pointer: &str, fault: &'static str) -> Arc<UnusableFact> {
    Arc::new(UnusableFact { name: name.to_owned(), pointer: pointer.to_owned(), fault })
}

fn fact(said: &Value, pointer: &str) -> Result<Option<Fact>, &'static str> {
    match stated(said, pointer) {
        None => Ok(None),
        Some(Value::String(text)) => match text.parse() {
            Ok(fact) => Ok(Some(fact)),
            Err(InvalidFact) => Err("is no visible ASCII of 1 to 256 bytes"),
        },
        Some(_) => Err("is no text"),
    }
}

/// What is granted. An entry that is no scope-token grants nothing, and harms no other: it may be the name of a group.
fn scope(said: &Value, pointer: &str) -> Result<GrantedScopes, &'static str> {
    let granted = match stated(said, pointer) {
        None => return Ok(GrantedScopes::none()),
        Some(Value::String(text)) => GrantedScopes::among(text.split(' ')),
        // RFC 7662, 2.2 and RFC 9068, 2.2.3 have a string; some authorities state a list of its parts.
        Some(Value::Array(entries)) => GrantedScopes::among(entries.iter().filter_map(Value::as_str)),
        Some(_) => return Err("is neither a text nor a list"),
    };
    granted.map_err(|_too_long| "is longer than 8192 bytes")
}
