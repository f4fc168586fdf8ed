//! Owns where facts stand in what an authority says: in an answer, or in a token's claims.

use std::sync::Arc;

use serde_json::Value;

use crate::facts::{Fact, Facts};
use crate::scope::GrantedScopes;

/// The JSON pointer of each fact (RFC 6901).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Pointers {
    pub(crate) subject: String,
    pub(crate) client_id: String,
    pub(crate) client_type: String,
    pub(crate) scope: String,
    /// Further facts, by their names.
    pub(crate) further: Vec<(Arc<str>, String)>,
}

impl Pointers {
    /// The facts that `said` states, but for when they begin and end.
    pub(crate) fn read(&self, said: &Value) -> Result<Facts, &'static str> {
        Ok(Facts {
            subject: fact(said, &self.subject)?,
            client_id: fact(said, &self.client_id)?,
            client_type: fact(said, &self.client_type)?,
            scope: scope(said, &self.scope)?,
            further: self.further(said)?,
            ..Facts::none()
        })
    }

    fn further(&self, said: &Value) -> Result<Vec<(Arc<str>, Fact)>, &'static str> {
        let mut stated = Vec::new();
        for (name, pointer) in &self.further {
            if let Some(fact) = fact(said, pointer)? {
                stated.push((Arc::clone(name), fact));
            }
        }
        Ok(stated)
    }

    /// The names of the further facts.
    pub(crate) fn further_names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.further.iter().map(|(name, _pointer)| name)
    }
}

/// What stands at a pointer. Null states nothing, and nothing is the closed reading: it equals nothing and grants nothing.
pub(crate) fn stated<'a>(said: &'a Value, pointer: &str) -> Option<&'a Value> {
    said.pointer(pointer).filter(|value| !value.is_null())
}

fn fact(said: &Value, pointer: &str) -> Result<Option<Fact>, &'static str> {
    match stated(said, pointer) {
        None => Ok(None),
        Some(Value::String(text)) => {
            text.parse().map(Some).map_err(|_invalid| "a fact is empty, too long, or not visible ASCII")
        }
        Some(_) => Err("a fact is not a string"),
    }
}

fn scope(said: &Value, pointer: &str) -> Result<GrantedScopes, &'static str> {
    match stated(said, pointer) {
        None => Ok(GrantedScopes::none()),
        Some(Value::String(text)) => text.parse().map_err(|_invalid| NO_SCOPES),
        // RFC 7662, 2.2 and RFC 9068, 2.2.3 have a string; some authorities state a list of its parts.
        Some(Value::Array(entries)) => {
            let entries: Option<Vec<_>> = entries.iter().map(Value::as_str).collect();
            GrantedScopes::of(&entries.ok_or(NO_SCOPES)?).map_err(|_invalid| NO_SCOPES)
        }
        Some(_) => Err("the scope is neither a string nor a list"),
    }
}

const NO_SCOPES: &str = "the scope is no list of scope-tokens";
