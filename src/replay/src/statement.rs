//! Owns what an authority would state about a credential, as people write it down.

use std::sync::Arc;

use brama_policy::{CredentialKind, FactName, Facts, Policy, UnixTime};
use serde_json::{Map, Value};

/// What an authority says of one credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// `null`, or nothing written: nothing is known of it. One that is presented all the same is refused.
    Nothing,
    /// `"refused"`: it is presented, and nobody vouches for it.
    Refused,
    /// `"unavailable"`: it is presented, and nobody can say.
    Unavailable,
    /// An object of facts: it is presented, and vouched for.
    Active(Arc<Facts>),
}

/// A statement that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidStatement {
    /// Another word than those that are known.
    #[error("`{0}` is no statement; write facts, `null`, `\"refused\"` or `\"unavailable\"`")]
    Word(String),
    /// Neither object nor word nor null.
    #[error("a statement is facts, `null`, `\"refused\"` or `\"unavailable\"`")]
    Shape,
    /// A fact that the policy's verifier does not state.
    #[error("`{name}` is no fact of `{kind}`; there are {known}")]
    UnknownFact {
        /// The name as written.
        name: String,
        /// Whose.
        kind: &'static str,
        /// Those there are.
        known: String,
    },
    /// A fact with a value it cannot have.
    #[error("`{name}` must be {wanted}")]
    Value {
        /// The fact.
        name: String,
        /// What it must be.
        wanted: &'static str,
    },
}

impl Statement {
    /// Reads a statement about a credential of this kind, under a policy that knows which facts there are.
    ///
    /// # Errors
    /// Anything else than the four forms; facts the policy does not know, or of another shape.
    pub fn read(value: &Value, kind: CredentialKind, policy: &Policy) -> Result<Self, InvalidStatement> {
        match value {
            Value::Null => Ok(Self::Nothing),
            Value::String(word) if word == "refused" => Ok(Self::Refused),
            Value::String(word) if word == "unavailable" => Ok(Self::Unavailable),
            Value::String(word) => Err(InvalidStatement::Word(word.clone())),
            Value::Object(members) => facts(members, kind, policy).map(|facts| Self::Active(Arc::new(facts))),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) => Err(InvalidStatement::Shape),
        }
    }
}

fn facts(members: &Map<String, Value>, kind: CredentialKind, policy: &Policy) -> Result<Facts, InvalidStatement> {
    let mut facts = Facts::none();
    for (name, value) in members {
        let wrong = |wanted| InvalidStatement::Value { name: name.clone(), wanted };
        if name == "expires" {
            let seconds = value.as_u64().ok_or_else(|| wrong("a whole number of seconds since 1970"))?;
            facts.expires = Some(UnixTime::from_seconds(seconds));
            continue;
        }
        let text = value.as_str().ok_or_else(|| wrong("a string"))?;
        let fact = || text.parse().map(Some).map_err(|_invalid| wrong("1 to 256 bytes of visible ASCII"));
        match FactName::standard(name) {
            Some(FactName::Subject) => facts.subject = fact()?,
            Some(FactName::ClientId) => facts.client_id = fact()?,
            Some(FactName::ClientType) => facts.client_type = fact()?,
            Some(FactName::Scope) => {
                facts.scope = text.parse().map_err(|_invalid| wrong("a list of scopes, with spaces between them"))?;
            }
            Some(FactName::Further(_)) | None => {
                let mut known = policy.further_facts(kind);
                let Some(known) = known.find(|known| ***known == **name) else {
                    return Err(unknown(name, kind, policy));
                };
                facts.further.extend(fact()?.map(|fact| (Arc::clone(known), fact)));
            }
        }
    }
    Ok(facts)
}

fn unknown(name: &str, kind: CredentialKind, policy: &Policy) -> InvalidStatement {
    let further = policy.further_facts(kind).map(|name| &**name);
    let known: Vec<_> =
        FactName::STANDARD.into_iter().chain(["expires"]).chain(further).map(|name| format!("`{name}`")).collect();
    InvalidStatement::UnknownFact { name: name.to_owned(), kind: kind.as_str(), known: known.join(", ") }
}
