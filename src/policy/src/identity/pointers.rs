//! Owns where facts stand in what an authority says: in an answer, or in a token's claims.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use crate::identity::facts::{
    Fact, FactList, FactType, FactValue, Facts, HeaderForm, InvalidFact, Stated, UnusableFact,
};
use crate::identity::scope::GrantedScopes;

/// The JSON pointer of each fact (RFC 6901).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Pointers {
    pub(crate) subject: String,
    pub(crate) client_id: String,
    pub(crate) client_type: String,
    /// Places whose scopes are united.
    pub(crate) scope: Vec<ListPointer>,
    /// Further facts, by their names.
    pub(crate) further: Vec<(Arc<str>, FactPointer)>,
    pub(crate) needed: Needed,
}

/// The facts that something looks at, by their names, with the forms in which they are forwarded: where one of them
/// cannot be read, or not be written, the credential is refused.
pub(crate) type Needed = BTreeMap<String, BTreeSet<HeaderForm>>;

/// Place of a fact, by its type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum FactPointer {
    Text(String),
    Int(String),
    Bool(String),
    List(ListPointer),
}

/// Place of a list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ListPointer {
    /// The entries of a list; a text alone is one of them.
    Entries(String),
    /// The names of an object's members.
    Members(String),
}

impl FactPointer {
    pub(crate) const fn of(&self) -> FactType {
        match self {
            Self::Text(_) => FactType::Text,
            Self::Int(_) => FactType::Int,
            Self::Bool(_) => FactType::Bool,
            Self::List(_) => FactType::List,
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Text(at) | Self::Int(at) | Self::Bool(at) => at,
            Self::List(list) => list.as_str(),
        }
    }

    fn read(&self, said: &Value) -> Result<Option<FactValue>, &'static str> {
        match (self, stated(said, self.as_str())) {
            (_, None) => Ok(None),
            (Self::Text(_), Some(value)) => text(value).map(|text| Some(FactValue::Text(text))),
            (Self::Int(_), Some(value)) => match value.as_i64() {
                Some(number) => Ok(Some(FactValue::Int(number))),
                None => Err("is no whole number of 64 bits"),
            },
            (Self::Bool(_), Some(Value::Bool(is_true))) => Ok(Some(FactValue::Bool(*is_true))),
            (Self::Bool(_), Some(_)) => Err("is no boolean"),
            (Self::List(list), Some(value)) => {
                let entries = list.entries(value)?;
                let read = FactList::new(entries.iter().map(|entry| &**entry));
                let fault = "is longer than 8192 bytes, or has an entry that is no text of 1 to 256 bytes";
                read.map(|list| Some(FactValue::List(list))).map_err(|_invalid| fault)
            }
        }
    }
}

impl ListPointer {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Entries(at) | Self::Members(at) => at,
        }
    }

    /// The entries of the value that stands there; those that state nothing are passed over.
    fn entries<'a>(&self, value: &'a Value) -> Result<Vec<Cow<'a, str>>, &'static str> {
        match (self, value) {
            (Self::Entries(_), Value::Array(entries)) => {
                let stated = entries.iter().filter(|entry| states(entry));
                stated
                    .map(|entry| as_text(entry).ok_or("has an entry that is no text, whole number or boolean"))
                    .collect()
            }
            (Self::Entries(_), one) => as_text(one).map(|text| vec![text]).ok_or("is no list of texts"),
            (Self::Members(_), Value::Object(members)) => {
                let named = members.iter().filter(|(name, value)| !name.is_empty() && is_yes(value));
                Ok(named.map(|(name, _value)| Cow::Borrowed(name.as_str())).collect())
            }
            (Self::Members(_), _) => Err("is no object"),
        }
    }
}

impl Pointers {
    /// The facts that `said` states, but for when they begin and end. One that cannot be read, and nothing looks at, is
    /// not there.
    pub(crate) fn read(&self, said: &Value) -> Result<Facts, Arc<UnusableFact>> {
        let single = |name: &str, at: &str| {
            let fact = stated(said, at).map(text).transpose();
            let written = |fact: &Option<Fact>| {
                fact.as_ref().map_or(Ok(()), |fact| self.can_be_written(name, Stated::Text(fact.as_str())))
            };
            self.usable(name, at, fact.and_then(|fact| written(&fact).map(|()| fact)), None)
        };
        let mut further = Vec::new();
        for (name, at) in &self.further {
            let read = at.read(said).and_then(|fact| match fact {
                Some(fact) => self.can_be_written(name, fact.stated()).map(|()| Some(fact)),
                None => Ok(None),
            });
            if let Some(fact) = self.usable(name, at.as_str(), read, None)? {
                further.push((Arc::clone(name), fact));
            }
        }
        Ok(Facts {
            subject: single("subject", &self.subject)?,
            client_id: single("client_id", &self.client_id)?,
            client_type: single("client_type", &self.client_type)?,
            scope: self.scope(said)?,
            further,
            ..Facts::none()
        })
    }

    /// What is granted, of all places. An entry that is no scope-token grants nothing, and harms no other: it may be
    /// the name of a group.
    fn scope(&self, said: &Value) -> Result<GrantedScopes, Arc<UnusableFact>> {
        let mut granted: Vec<Cow<'_, str>> = Vec::new();
        for place in &self.scope {
            let read = match (place, stated(said, place.as_str())) {
                (_, None) => Ok(Vec::new()),
                (ListPointer::Entries(_), Some(Value::String(text))) => {
                    Ok(text.split(' ').map(Cow::Borrowed).collect())
                }
                // RFC 7662, 2.2 and RFC 9068, 2.2.3 have a string; some authorities state a list of its parts.
                (ListPointer::Entries(_), Some(Value::Array(entries))) => {
                    Ok(entries.iter().filter_map(Value::as_str).map(Cow::Borrowed).collect())
                }
                (ListPointer::Entries(_), Some(_)) => Err("is neither a text nor a list"),
                (ListPointer::Members(_), Some(value)) => place.entries(value),
            };
            granted.extend(self.usable("scope", place.as_str(), read, Vec::new())?);
        }
        let united = GrantedScopes::among(granted.iter().map(|entry| &**entry));
        let at = self.scope.first().map_or("", ListPointer::as_str);
        self.usable("scope", at, united.map_err(|_too_long| "is longer than 8192 bytes"), GrantedScopes::none())
    }

    /// The first of some facts that cannot be written in a form that the policy wants.
    pub(crate) fn unwritable(&self, facts: &Facts) -> Option<Arc<UnusableFact>> {
        let single = [
            ("subject", &self.subject, &facts.subject),
            ("client_id", &self.client_id, &facts.client_id),
            ("client_type", &self.client_type, &facts.client_type),
        ];
        let single = single.into_iter().filter_map(|(name, at, fact)| Some((name, at.as_str(), fact.as_ref()?)));
        let single = single.map(|(name, at, fact)| (name, at, Stated::Text(fact.as_str())));
        let further = facts.further.iter().filter_map(|(name, fact)| {
            let (_name, at) = self.further.iter().find(|(known, _at)| known == name)?;
            Some((&**name, at.as_str(), fact.stated()))
        });
        let mut unwritable = single.chain(further).filter_map(|(name, at, fact)| {
            let fault = self.can_be_written(name, fact).err()?;
            Some(unusable(name, at, fault))
        });
        unwritable.next()
    }

    fn can_be_written(&self, name: &str, fact: Stated<'_>) -> Result<(), &'static str> {
        let mut forms = self.needed.get(name).into_iter().flatten();
        forms.try_for_each(|form| form.write(fact).map(drop))
    }

    fn usable<T>(
        &self,
        name: &str,
        pointer: &str,
        read: Result<T, &'static str>,
        nothing: T,
    ) -> Result<T, Arc<UnusableFact>> {
        match read {
            Err(fault) if self.needed.contains_key(name) => Err(unusable(name, pointer, fault)),
            Err(_unneeded) => Ok(nothing),
            Ok(read) => Ok(read),
        }
    }

    /// The further facts, with their types.
    pub(crate) fn further(&self) -> impl Iterator<Item = (&Arc<str>, FactType)> {
        self.further.iter().map(|(name, at)| (name, at.of()))
    }
}

/// What stands at a pointer, if it states something.
pub(crate) fn stated<'a>(said: &'a Value, pointer: &str) -> Option<&'a Value> {
    said.pointer(pointer).filter(|value| states(value))
}

/// Whether a member of an object stands for its name: one that says no is none.
fn is_yes(value: &Value) -> bool {
    !value.is_null() && *value != false
}

/// Null and an empty text state nothing, and nothing is the closed reading: it equals nothing and grants nothing.
fn states(value: &Value) -> bool {
    !value.is_null() && *value != ""
}

pub(crate) fn unusable(name: &str, pointer: &str, fault: &'static str) -> Arc<UnusableFact> {
    Arc::new(UnusableFact { name: name.to_owned(), pointer: pointer.to_owned(), fault })
}

fn text(value: &Value) -> Result<Fact, &'static str> {
    let text = as_text(value).ok_or("is no text, whole number or boolean")?;
    text.parse().map_err(|InvalidFact| "is longer than 256 bytes, or has a control character or a space at an end")
}

/// A text, or what has one: a whole number or a boolean.
fn as_text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(Cow::Owned(number.to_string())),
        Value::Bool(is_true) => Some(Cow::Borrowed(if *is_true { "true" } else { "false" })),
        Value::Number(_) | Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
