//! Owns a credential as it was presented, and the kinds that there are.

use std::fmt;
use std::str::FromStr;

/// The two kinds of credential a route can require. The order is the order of judgement: API key, then token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CredentialKind {
    /// Who calls on behalf of whom: the key of an application or a broker.
    ApiKey,
    /// An access token.
    Token,
}

impl CredentialKind {
    /// Both kinds, in the order of judgement.
    pub const ALL: [Self; 2] = [Self::ApiKey, Self::Token];

    /// The name as a policy writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::Token => "token",
        }
    }
}

/// A credential as presented: well formed, not yet known to be good.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Credential(String);

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
            Ok(Self(text.to_owned()))
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
        assert_eq!(format!("{:?}", Credential("secret".to_owned())), "Credential(..)");
    }
}
