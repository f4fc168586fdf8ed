//! Owns scopes: what a token grants, and what a route wants of it.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// One scope-token ([RFC 6749, 3.3](https://www.rfc-editor.org/rfc/rfc6749#section-3.3)); compared exactly.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope(String);

/// A text that is no scope-token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidScope {
    /// Nothing at all.
    #[error("scope is empty")]
    Empty,
    /// Two scopes in one, or one with a space.
    #[error("scope `{0}` contains a space; write one scope an entry")]
    Space(String),
    /// A character that RFC 6749 does not allow.
    #[error("scope `{0}` contains a character that RFC 6749, 3.3 does not allow")]
    Character(String),
    /// More than [`MAX_SCOPE_LIST`] bytes.
    #[error("scope is longer than {MAX_SCOPE_LIST} bytes")]
    TooLong,
}

impl Scope {
    /// The scope as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Scope {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, InvalidScope> {
        if text.is_empty() {
            return Err(InvalidScope::Empty);
        }
        if text.len() > MAX_SCOPE_LIST {
            return Err(InvalidScope::TooLong);
        }
        if text.contains(' ') {
            return Err(InvalidScope::Space(text.to_owned()));
        }
        if is_scope_token(text) { Ok(Self(text.to_owned())) } else { Err(InvalidScope::Character(text.to_owned())) }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The scopes an identity was granted: a set, possibly empty, and an empty one grants nothing.
///
/// One text, each scope once, in alphabetical order, with a space between: as it is forwarded, and in as little memory.
/// A clone shares it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GrantedScopes(Arc<str>);

impl GrantedScopes {
    /// No scope at all.
    #[must_use]
    pub fn none() -> Self {
        Self("".into())
    }

    /// The scopes among the entries of a list; what is no scope grants nothing.
    ///
    /// # Errors
    /// The list is longer than [`MAX_SCOPE_LIST`], as one text.
    pub(crate) fn among<'a>(entries: impl Iterator<Item = &'a str>) -> Result<Self, InvalidScope> {
        let (mut scopes, mut length) = (BTreeSet::new(), 0_usize);
        for entry in entries {
            length = length.saturating_add(entry.len()).saturating_add(1);
            if is_scope_token(entry) {
                scopes.insert(entry);
            }
        }
        if length > MAX_SCOPE_LIST.saturating_add(1) {
            return Err(InvalidScope::TooLong);
        }
        Ok(Self(scopes.into_iter().collect::<Vec<_>>().join(" ").into()))
    }

    /// Whether this scope was granted.
    #[must_use]
    pub fn contains(&self, scope: &Scope) -> bool {
        self.iter().any(|granted| granted == scope.as_str())
    }

    /// The scopes in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.split(' ').filter(|scope| !scope.is_empty())
    }

    /// The scopes in alphabetical order, with a space between.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether another has the same text in the same place of memory.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }
}

impl FromStr for GrantedScopes {
    type Err = InvalidScope;

    /// Reads a space-delimited list; several spaces count as one, since no scope hides between them.
    fn from_str(text: &str) -> Result<Self, InvalidScope> {
        for entry in text.split(' ').filter(|entry| !entry.is_empty()) {
            entry.parse::<Scope>()?;
        }
        Self::among(text.split(' '))
    }
}

impl fmt::Display for GrantedScopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// RFC 6749, 3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
fn is_scope_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

/// Some scopes. Never empty: an open door has to be written as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// The scopes in the order of the policy, or `None` for no scope.
    pub(crate) fn new(scopes: Vec<Scope>) -> Option<Self> {
        (!scopes.is_empty()).then_some(Self(scopes))
    }

    /// The scopes in the order of the policy.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, scope) in self.iter().enumerate() {
            if number > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{scope}")?;
        }
        Ok(())
    }
}

/// Which scopes a route wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WantedScopes {
    /// Every one of these.
    All(Scopes),
    /// At least one of these.
    Any(Scopes),
}

impl WantedScopes {
    /// All that are named.
    #[must_use]
    pub const fn named(&self) -> &Scopes {
        match self {
            Self::All(scopes) | Self::Any(scopes) => scopes,
        }
    }

    /// The named scopes for want of which these do not suffice; `None` where they do.
    #[must_use]
    pub fn missing(&self, granted: &GrantedScopes) -> Option<Scopes> {
        let absent = |scopes: &Scopes| scopes.iter().filter(|scope| !granted.contains(scope)).cloned().collect();
        match self {
            Self::All(scopes) => Scopes::new(absent(scopes)),
            Self::Any(scopes) if scopes.iter().any(|scope| granted.contains(scope)) => None,
            Self::Any(scopes) => Some(scopes.clone()),
        }
    }
}

/// Bytes of a scope list; the same text is forwarded as one header, which must stay within a proxy's limits.
pub const MAX_SCOPE_LIST: usize = 8192;

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn scope_tokens_follow_rfc_6749() {
        for text in ["a", "connection:delete", "https://x/y.z", "!#[]~"] {
            assert_eq!(text.parse::<Scope>().unwrap().to_string(), text);
        }
        for text in ["", "a b", "a\"", "a\\", "a\t", "a\0", "é"] {
            assert!(text.parse::<Scope>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn list_is_a_set_of_exact_scopes() {
        let granted: GrantedScopes = "b  a:x b ".parse().unwrap();
        assert_eq!(granted.to_string(), "a:x b");
        assert!(granted.contains(&"b".parse().unwrap()));
        for near in ["a", "a:X", "a:", "a:xx"] {
            assert!(!granted.contains(&near.parse().unwrap()), "{near}");
        }
    }

    #[test]
    fn list_with_one_bad_scope_is_no_list() {
        assert!("a \u{e9}".parse::<GrantedScopes>().is_err());
        assert!("a\tb".parse::<GrantedScopes>().is_err());
        assert!("a ".repeat(MAX_SCOPE_LIST).parse::<GrantedScopes>().is_err());
    }

    #[test]
    fn bound_is_the_longest_list_that_is_taken() {
        let longest = "a".repeat(MAX_SCOPE_LIST);
        let longer = format!("{longest}a");
        assert!(longest.parse::<Scope>().is_ok() && longest.parse::<GrantedScopes>().is_ok());
        assert_eq!(longer.parse::<Scope>(), Err(InvalidScope::TooLong));
        assert_eq!(longer.parse::<GrantedScopes>(), Err(InvalidScope::TooLong));
        // The same as entries: with what stands between them.
        let half = "a".repeat(MAX_SCOPE_LIST / 2);
        let among = |entries: &[&str]| GrantedScopes::among(entries.iter().copied()).is_ok();
        assert!(!among(&[&half, &half]) && among(&[&half, half.strip_prefix('a').unwrap()]));
        assert!(among(&[&longest]) && !among(&[&longer]));
    }

    #[test]
    fn entry_that_is_no_scope_grants_nothing_and_harms_no_other() {
        let entries = ["b", "Orders Admins", "\u{430}\u{434}\u{43c}\u{456}\u{43d}", "", "a\t", "a\"", "a", "b"];
        let granted = GrantedScopes::among(entries.into_iter()).unwrap();
        assert_eq!(granted.as_str(), "a b");
        assert_eq!(granted, "a b".parse().unwrap());
    }

    #[track_caller]
    fn missing(wanted: impl Fn(Scopes) -> WantedScopes, named: &[&str], granted: &str) -> Option<String> {
        let named = Scopes::new(named.iter().map(|scope| scope.parse().unwrap()).collect()).unwrap();
        wanted(named).missing(&granted.parse().unwrap()).map(|scopes| scopes.to_string())
    }

    #[test]
    fn what_is_missing_is_named_in_the_policys_order() {
        for (granted, of_all, of_any) in
            [("a b c", None, None), ("a", Some("b"), None), ("c", Some("b a"), Some("b a"))]
        {
            assert_eq!(missing(WantedScopes::All, &["b", "a"], granted).as_deref(), of_all, "{granted}");
            assert_eq!(missing(WantedScopes::Any, &["b", "a"], granted).as_deref(), of_any, "{granted}");
        }
    }

    #[test]
    fn empty_list_grants_nothing() {
        assert_eq!(missing(WantedScopes::All, &["a"], "").as_deref(), Some("a"));
        assert_eq!(missing(WantedScopes::Any, &["a"], "").as_deref(), Some("a"));
        assert_eq!(Scopes::new(vec![]), None);
    }
}
