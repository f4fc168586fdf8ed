//! Owns an authority's statement about a credential, as people write it down.

use std::borrow::Cow;
use std::sync::Arc;

use brama_policy::deciding::{Policy, UnixTime};
use brama_policy::identity::{
    Answer, CredentialKind, Fact, FactList, FactName, FactType, FactValue, Facts, Unavailable, UnusableFact,
};
use serde::Deserialize;
use serde_json::Value;

mod written;

pub(crate) use written::{Text, Written};

/// An authority's statement about one credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// `null`, or absent: nothing is stated. A credential that is presented all the same is refused.
    Nothing,
    /// `"refused"`: the credential is presented, and nobody vouches for it.
    Refused,
    /// `"unavailable"`: the credential is presented, and the authority does not reply.
    Unavailable,
    /// An object of facts: the credential is presented and active.
    Active(Arc<Facts>),
    /// An object of facts, of which one cannot be forwarded as the policy says: a gateway refuses the credential.
    Unwritable(Arc<UnusableFact>),
}

/// A statement that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidStatement {
    /// An unknown word.
    #[error("`{0}` is no statement; write facts, `null`, `\"refused\"` or `\"unavailable\"`")]
    Word(String),
    /// A value other than an object, a word or null.
    #[error("a statement is facts, `null`, `\"refused\"` or `\"unavailable\"`")]
    Shape,
    /// A fact that the policy's verifier does not state.
    #[error("`{name}` is no fact of `{kind}`; there are {known}")]
    UnknownFact {
        /// The name as written.
        name: String,
        /// The kind of credential.
        kind: String,
        /// The names of the known facts.
        known: String,
    },
    /// A fact with an invalid value.
    #[error("`{name}` must be {wanted}")]
    Value {
        /// The fact.
        name: String,
        /// The form that its value must have.
        wanted: &'static str,
    },
}

impl Statement {
    /// Reads a statement about a credential of this kind, under a policy that knows which facts there are.
    ///
    /// # Errors
    /// A value outside the four forms; an unknown fact; a fact with an invalid value.
    pub fn read(value: &Value, kind: &CredentialKind, policy: &Policy) -> Result<Self, InvalidStatement> {
        // `Written` holds any JSON value, so reading it does not fail.
        let written = Written::deserialize(value).map_err(|_never| InvalidStatement::Shape)?;
        Self::understand(&written, kind, policy)
    }

    /// The answer of an authority that makes this statement.
    pub(crate) fn answer(&self) -> Answer {
        match self {
            Self::Nothing | Self::Refused => Answer::Inactive,
            Self::Unavailable => Answer::Unavailable(Unavailable::NoReply),
            Self::Active(facts) => Answer::Active(Arc::clone(facts)),
            Self::Unwritable(fact) => Answer::Rejected(Arc::clone(fact).into()),
        }
    }

    pub(crate) fn understand(
        written: &Written<'_>,
        kind: &CredentialKind,
        policy: &Policy,
    ) -> Result<Self, InvalidStatement> {
        match written {
            Written::Object(members) => {
                let facts = facts(members, kind, policy)?;
                let unwritable = policy.unwritable(kind, &facts).map(Self::Unwritable);
                Ok(unwritable.unwrap_or_else(|| Self::Active(Arc::new(facts))))
            }
            without_facts => Self::without_facts(without_facts),
        }
    }

    /// Checks the form of a statement about a credential that the policy does not know, and whose facts nobody knows.
    ///
    /// # Errors
    /// A value outside the four forms.
    pub(crate) fn check(written: &Written<'_>) -> Result<(), InvalidStatement> {
        match written {
            Written::Object(_) => Ok(()),
            without_facts => Self::without_facts(without_facts).map(drop),
        }
    }

    /// Reads a statement that has no facts.
    fn without_facts(written: &Written<'_>) -> Result<Self, InvalidStatement> {
        match written {
            Written::Nothing => Ok(Self::Nothing),
            Written::Text(word) if word == "refused" => Ok(Self::Refused),
            Written::Text(word) if word == "unavailable" => Ok(Self::Unavailable),
            Written::Text(word) => Err(InvalidStatement::Word(word.clone().into_owned())),
            Written::Number(_)
            | Written::Negative(_)
            | Written::Bool(_)
            | Written::List(_)
            | Written::Object(_)
            | Written::Other => Err(InvalidStatement::Shape),
        }
    }
}

fn facts(
    members: &[(Cow<'_, str>, Written<'_>)],
    kind: &CredentialKind,
    policy: &Policy,
) -> Result<Facts, InvalidStatement> {
    let mut facts = Facts::none();
    for (name, value) in members {
        let wrong = |wanted| InvalidStatement::Value { name: name.clone().into_owned(), wanted };
        let fact = || as_text(value).and_then(|text| text.parse::<Fact>().ok()).ok_or_else(|| wrong(A_TEXT));
        match FactName::standard(name) {
            Some(FactName::Subject) => facts.subject = Some(fact()?),
            Some(FactName::ClientId) => facts.client_id = Some(fact()?),
            Some(FactName::ClientType) => facts.client_type = Some(fact()?),
            Some(FactName::Scope) => {
                let scope = if let Written::Text(text) = value { text.parse().ok() } else { None };
                facts.scope = scope.ok_or_else(|| wrong("a list of scopes, with spaces between them"))?;
            }
            Some(FactName::Further(_)) | None if dates(kind, policy).any(|known| known == &**name) => {
                let Written::Number(seconds) = value else { return Err(wrong("a whole number of seconds since 1970")) };
                let date = Some(UnixTime::from_seconds(*seconds));
                if name == EXPIRES { facts.expires = date } else { facts.not_before = date }
            }
            Some(FactName::Further(_)) | None => {
                let known = policy.further_facts(kind).find(|(known, _type)| ***known == **name);
                let (known, of) = known.ok_or_else(|| unknown(name, kind, policy))?;
                let value = match of {
                    FactType::Text => FactValue::Text(fact()?),
                    FactType::Int => whole_number(value).map(FactValue::Int).ok_or_else(|| wrong("a whole number"))?,
                    FactType::Bool => match value {
                        Written::Bool(is_true) => FactValue::Bool(*is_true),
                        _ => return Err(wrong("a boolean")),
                    },
                    FactType::List => list(value).map(FactValue::List).ok_or_else(|| wrong(A_LIST))?,
                };
                facts.further.push((Arc::clone(known), value));
            }
        }
    }
    Ok(facts)
}

/// A text, or what an authority can state for one.
fn as_text<'a>(value: &'a Written<'_>) -> Option<Cow<'a, str>> {
    match value {
        Written::Text(text) => Some(Cow::Borrowed(text)),
        Written::Number(number) => Some(number.to_string().into()),
        Written::Negative(number) => Some(number.to_string().into()),
        Written::Bool(is_true) => Some(is_true.to_string().into()),
        Written::Nothing | Written::List(_) | Written::Object(_) | Written::Other => None,
    }
}

fn whole_number(value: &Written<'_>) -> Option<i64> {
    match value {
        Written::Number(number) => i64::try_from(*number).ok(),
        Written::Negative(number) => Some(*number),
        Written::Nothing
        | Written::Text(_)
        | Written::Bool(_)
        | Written::List(_)
        | Written::Object(_)
        | Written::Other => None,
    }
}

fn list(value: &Written<'_>) -> Option<FactList> {
    let texts = match value {
        Written::List(entries) => entries.iter().map(as_text).collect::<Option<Vec<_>>>()?,
        alone => vec![as_text(alone)?],
    };
    FactList::new(texts.iter().map(|text| &**text)).ok()
}

/// The facts that are times.
fn dates(kind: &CredentialKind, policy: &Policy) -> impl Iterator<Item = &'static str> + use<> {
    policy.dates_beginnings(kind).then_some("not_before").into_iter().chain([EXPIRES])
}

fn unknown(name: &str, kind: &CredentialKind, policy: &Policy) -> InvalidStatement {
    let known = FactName::STANDARD.into_iter().chain(dates(kind, policy)).map(|name| format!("`{name}`"));
    let further = policy.further_facts(kind).map(|(name, _type)| format!("`{name}`"));
    let known: Vec<_> = known.chain(further).collect();
    InvalidStatement::UnknownFact { name: name.to_owned(), kind: kind.as_str().to_owned(), known: known.join(", ") }
}

/// What a text must be.
const A_TEXT: &str = "a text of 1 to 256 bytes without control characters";

/// What a list must be.
const A_LIST: &str = "a list of texts of 1 to 256 bytes, 8192 bytes in all";

/// The end of a credential, as statements call it.
const EXPIRES: &str = "expires";
