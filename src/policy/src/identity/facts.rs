//! Owns what an authority states about a credential.

use std::sync::Arc;

use crate::identity::scope::GrantedScopes;
use crate::time::UnixTime;

pub(crate) use form::ascii_json;
pub use form::{Encoding, HeaderForm};
pub(crate) use value::is_plain;
pub use value::{Fact, FactList, FactType, FactValue, InvalidFact, MAX_FACT, MAX_FACT_LIST, Stated};

mod form;
mod value;

/// Name of the further fact that holds the audiences of a credential, where a route wants one.
pub(crate) const AUDIENCE: &str = "audience";

/// The need for that fact, among the facts that rules look at. No fact of a policy's own has this name.
pub(crate) const AUDIENCE_OF_ROUTE: &str = "audience of a route";

/// What an authority states about one credential, already checked for shape.
///
/// An absent fact is `None`: it equals nothing, exempts nobody, and cannot be forwarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Who: the user or the machine the credential was issued to.
    pub subject: Option<Fact>,
    /// The client (legal entity, application) the credential belongs to.
    pub client_id: Option<Fact>,
    /// The kind of that client, such as `MSP`.
    pub client_type: Option<Fact>,
    /// What the credential grants.
    pub scope: GrantedScopes,
    /// When it begins; `None` where it has begun whenever it is presented. Only a JWT states it.
    pub not_before: Option<UnixTime>,
    /// When it ends; `None` where the authority states no end, and is asked again when the cache forgets.
    pub expires: Option<UnixTime>,
    /// What else is stated, by the names the policy gives; what is not stated is not here.
    pub further: Vec<(Arc<str>, FactValue)>,
}

impl Facts {
    /// Facts that state nothing.
    #[must_use]
    pub fn none() -> Self {
        Self {
            subject: None,
            client_id: None,
            client_type: None,
            scope: GrantedScopes::none(),
            not_before: None,
            expires: None,
            further: Vec::new(),
        }
    }

    /// One fact, as it is compared and forwarded.
    #[must_use]
    pub fn stated(&self, name: &FactName) -> Option<Stated<'_>> {
        let fact = match name {
            FactName::Subject => self.subject.as_ref(),
            FactName::ClientId => self.client_id.as_ref(),
            FactName::ClientType => self.client_type.as_ref(),
            FactName::Scope => return Some(Stated::Text(self.scope.as_str())),
            FactName::Further(name) => {
                return self.further.iter().find(|(known, _fact)| known == name).map(|(_name, fact)| fact.stated());
            }
        };
        fact.map(|fact| Stated::Text(fact.as_str()))
    }

    /// Whether the credential has begun; in the instant of `nbf` itself it has
    /// ([RFC 7519, 4.1.5](https://www.rfc-editor.org/rfc/rfc7519#section-4.1.5): "before which").
    #[must_use]
    pub fn has_begun(&self, now: UnixTime) -> bool {
        self.not_before.is_none_or(|begin| begin <= now)
    }

    /// Whether the credential has ended; the instant of `exp` itself is over
    /// ([RFC 7519, 4.1.4](https://www.rfc-editor.org/rfc/rfc7519#section-4.1.4): "on or after").
    #[must_use]
    pub fn has_expired(&self, now: UnixTime) -> bool {
        self.expires.is_some_and(|end| end <= now)
    }
}

/// A fact that can be compared and forwarded, by the name a policy calls it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum FactName {
    /// `client_id`
    ClientId,
    /// `client_type`
    ClientType,
    /// `scope`
    Scope,
    /// `subject`
    Subject,
    /// A name of the policy's own (`facts.further`).
    Further(Arc<str>),
}

impl FactName {
    /// The facts every verifier can state, in the order of their documentation.
    pub const STANDARD: [&'static str; 4] = ["subject", "client_id", "client_type", "scope"];

    /// The standard fact of this name.
    #[must_use]
    pub fn standard(name: &str) -> Option<Self> {
        match name {
            "client_id" => Some(Self::ClientId),
            "client_type" => Some(Self::ClientType),
            "scope" => Some(Self::Scope),
            "subject" => Some(Self::Subject),
            _ => None,
        }
    }

    /// The name as a policy writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::ClientId => "client_id",
            Self::ClientType => "client_type",
            Self::Scope => "scope",
            Self::Subject => "subject",
            Self::Further(name) => name,
        }
    }
}

/// A fact that the policy looks at and that cannot be used, as it is stated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the fact `{name}` at `{pointer}` {fault}")]
pub struct UnusableFact {
    /// Its name in the policy.
    pub name: String,
    /// Where the policy says that it is.
    pub pointer: String,
    /// What is wrong with it; nothing of what is stated.
    pub fault: &'static str,
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn credential_ends_at_the_second_of_its_expiry() {
        let facts = Facts { expires: Some(UnixTime::from_seconds(10)), ..Facts::none() };
        assert!(!facts.has_expired(UnixTime::from_seconds(9)));
        assert!(facts.has_expired(UnixTime::from_seconds(10)));
        assert!(!Facts::none().has_expired(UnixTime::from_seconds(10)));
    }

    #[test]
    fn credential_begins_at_the_second_it_names() {
        let facts = Facts { not_before: Some(UnixTime::from_seconds(10)), ..Facts::none() };
        assert!(!facts.has_begun(UnixTime::from_seconds(9)));
        assert!(facts.has_begun(UnixTime::from_seconds(10)));
        assert!(Facts::none().has_begun(UnixTime::from_seconds(0)));
    }

    #[test]
    fn standard_facts_have_exact_names() {
        for name in FactName::STANDARD {
            assert_eq!(FactName::standard(name).unwrap().as_str(), name);
        }
        for name in ["Client_type", "expires", "", "sub"] {
            assert_eq!(FactName::standard(name), None, "{name}");
        }
    }

    #[test]
    fn further_fact_is_found_by_its_name() {
        let facts = Facts { further: vec![("tenant".into(), "t1".parse().unwrap())], ..Facts::none() };
        assert_eq!(facts.stated(&FactName::Further("tenant".into())), Some(Stated::Text("t1")));
        assert_eq!(facts.stated(&FactName::Further("role".into())), None);
    }
}
