//! Owns a credential as it was presented, and the kinds that there are.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

/// A kind of credential of a policy: its name, which the author chose, and what is called after it.
///
/// Equal kinds have the same name; they are ordered by it.
#[derive(Clone)]
pub struct CredentialKind(Arc<Named>);

struct Named {
    name: String,
    /// Codes of the denials that are about it.
    codes: [(Lack, String); Lack::ALL.len()],
}

impl CredentialKind {
    /// The kind of this name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let codes = Lack::ALL.map(|lack| (lack, format!("{name}_{}", lack.as_str())));
        Self(Arc::new(Named { name: name.to_owned(), codes }))
    }

    /// The identity of a route's alternatives, as if it were a credential.
    pub(crate) fn any() -> &'static Self {
        static KIND: LazyLock<CredentialKind> = LazyLock::new(|| CredentialKind::new(ANY));
        &KIND
    }

    /// The name as a policy writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0.name
    }

    /// The code of a denial that is about it: `token_missing`.
    pub(crate) fn code(&self, lack: Lack) -> &str {
        self.0.codes.iter().find(|(known, _code)| *known == lack).map_or("", |(_lack, code)| code)
    }

    /// Tells whether it stands for the first that is there of a route's alternatives.
    pub(crate) fn is_any(&self) -> bool {
        self.as_str() == ANY
    }

    /// Tells whether its facts can be a user's. Those of `api_key` are an application's or a broker's.
    pub(crate) fn is_of_users(&self) -> bool {
        self.as_str() != API_KEY
    }
}

impl PartialEq for CredentialKind {
    fn eq(&self, other: &Self) -> bool {
        // Those of one policy are the same ones.
        Arc::ptr_eq(&self.0, &other.0) || self.as_str() == other.as_str()
    }
}

impl Eq for CredentialKind {}

impl PartialOrd for CredentialKind {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for CredentialKind {
    fn cmp(&self, other: &Self) -> Ordering {
        if Arc::ptr_eq(&self.0, &other.0) { Ordering::Equal } else { self.as_str().cmp(other.as_str()) }
    }
}

impl Hash for CredentialKind {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for CredentialKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a credential can lack; the code of the denial ends in its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lack {
    Repeated,
    Missing,
    Malformed,
    Unavailable,
    Refused,
    Expired,
    NotYetValid,
}

impl Lack {
    /// Every one, in the order in which they are declared.
    pub(crate) const ALL: [Self; 7] = [
        Self::Repeated,
        Self::Missing,
        Self::Malformed,
        Self::Unavailable,
        Self::Refused,
        Self::Expired,
        Self::NotYetValid,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Repeated => "repeated",
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::Unavailable => "unavailable",
            Self::Refused => "refused",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
        }
    }
}

/// Name of the kind that is judged before `token`, whatever the order of a route's list: policies of the time when
/// there were these two kinds only mean that.
pub(crate) const API_KEY: &str = "api_key";

/// Name of the identity of a route's alternatives; no credential has it.
pub(crate) const ANY: &str = "any";

/// Name of the kind whose scopes a route wants where it says nothing else.
pub(crate) const TOKEN: &str = "token";

/// A credential as presented: well formed, not yet known to be good.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Credential(Arc<str>);

impl Credential {
    /// The secret itself: for the authority and for a keyed hash, never for a log.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        &self.0
    }
}

impl FromStr for Credential {
    type Err = InvalidCredential;

    fn from_str(text: &str) -> Result<Self, InvalidCredential> {
        if (1..=MAX_CREDENTIAL).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidCredential)
        }
    }
}

/// A text that no header could present as a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a credential is 1 to {MAX_CREDENTIAL} bytes of visible ASCII without spaces")]
pub struct InvalidCredential;

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(..)")
    }
}

/// Bytes of a credential; room for a JWT with a certificate's worth of claims, and no more.
pub const MAX_CREDENTIAL: usize = 8192;

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn credential_does_not_print_itself() {
        assert_eq!(format!("{:?}", Credential("secret".into())), "Credential(..)");
    }
}
