//! Owns credentials as the service holds them: in clear only on their way in, as SHA-256 everywhere else.

use std::{fmt, iter};

use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// A credential in clear. It cannot be printed.
#[derive(Clone)]
pub struct Secret(String);

/// The SHA-256 of a credential: what the store knows of it.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct CredentialHash([u8; 32]);

/// The secrets that authenticate the gateway at the internal listener: the current one and, during a rotation, the
/// previous one.
#[derive(Clone, Debug)]
pub struct AuthoritySecrets(Vec<CredentialHash>);

/// Fault of a text that cannot be an authority secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidAuthoritySecret {
    /// A character that a header would not carry unchanged.
    #[error("contains a space or a character that is not visible ASCII")]
    NotVisibleAscii,
    /// Too few characters: it could be guessed.
    #[error("is shorter than {SHORTEST_AUTHORITY_SECRET} characters")]
    TooShort,
}

impl Secret {
    /// A credential with this text, which is not checked.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The credential's SHA-256.
    pub fn hash(&self) -> CredentialHash {
        CredentialHash::of(self.0.as_bytes())
    }

    /// Fitness for a header: 1 to 512 visible ASCII characters without a comma, by which proxies join repeated headers.
    pub fn is_presentable(&self) -> bool {
        (1..=MAX_CREDENTIAL).contains(&self.0.len())
            && self.0.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',')
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(..)")
    }
}

impl Serialize for CredentialHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_hex())
    }
}

impl CredentialHash {
    /// The hash of a credential's bytes.
    pub fn of(credential: &[u8]) -> Self {
        Self(Sha256::digest(credential).into())
    }

    /// The hash from the text that [`to_hex`](Self::to_hex) writes; `None`: another text.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut hash = [0; 32];
        hex::decode_to_slice(text, &mut hash).ok()?;
        // The decoder reads upper case as well.
        Some(Self(hash)).filter(|hash| hash.to_hex() == text)
    }

    /// The hash as the store has it: 64 digits of lower-case hex.
    pub fn to_hex(self) -> String {
        hex::encode(self.0)
    }
}

impl fmt::Debug for CredentialHash {
    // A demo secret is short enough to be found from its hash, so the hash stays out of logs as well.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CredentialHash(..)")
    }
}

impl AuthoritySecrets {
    /// The secrets, each of which needs 16 or more characters, all visible ASCII.
    pub fn new(current: &str, previous: Option<&str>) -> Result<Self, InvalidAuthoritySecret> {
        Ok(Self(iter::once(current).chain(previous).map(authority_secret).collect::<Result<_, _>>()?))
    }

    /// Comparison of `presented` with each secret, in time that does not depend on how much of it is right.
    pub fn accept(&self, presented: &[u8]) -> bool {
        let presented = CredentialHash::of(presented).0;
        self.0.iter().fold(Choice::from(0), |found, secret| found | presented.ct_eq(&secret.0)).into()
    }
}

fn authority_secret(text: &str) -> Result<CredentialHash, InvalidAuthoritySecret> {
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(InvalidAuthoritySecret::NotVisibleAscii);
    }
    if text.len() < SHORTEST_AUTHORITY_SECRET {
        return Err(InvalidAuthoritySecret::TooShort);
    }
    Ok(CredentialHash::of(text.as_bytes()))
}

/// Longest credential, in bytes. Longer ones are not issued; headers are bounded at the gateway, too.
const MAX_CREDENTIAL: usize = 512;

const SHORTEST_AUTHORITY_SECRET: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_is_lower_case_hex_of_sha_256() {
        // FIPS 180-4, the example of one block.
        assert_eq!(
            Secret::new("abc").hash().to_hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn hash_is_read_from_the_one_form_it_is_written_in() {
        let hash = Secret::new("abc").hash();
        let text = hash.to_hex();
        assert_eq!(CredentialHash::from_hex(&text), Some(hash));
        for other in [
            "",
            "ba",
            &text.to_uppercase(),
            text.trim_start_matches("b"),
            &format!("{text}00"),
            &text.replace('b', "g"),
        ] {
            assert_eq!(CredentialHash::from_hex(other), None, "`{other}`");
        }
    }

    #[test]
    fn secrets_do_not_print() {
        let secrets = AuthoritySecrets::new("0123456789abcdef", None).unwrap();
        let printed = format!("{:?} {:?} {secrets:?}", Secret::new("abc"), Secret::new("abc").hash());
        assert!(!printed.contains("abc") && !printed.contains("ba78"), "{printed}");
    }

    #[test]
    fn current_and_previous_are_accepted_and_nothing_else() {
        let secrets = AuthoritySecrets::new("current-secret-01", Some("previous-secret-0")).unwrap();
        assert!(secrets.accept(b"current-secret-01"));
        assert!(secrets.accept(b"previous-secret-0"));
        for other in ["", "current-secret-0", "current-secret-011", "Current-secret-01"] {
            assert!(!secrets.accept(other.as_bytes()), "`{other}`");
        }
        assert!(!AuthoritySecrets::new("current-secret-01", None).unwrap().accept(b""));
    }

    #[test]
    fn weak_authority_secrets_are_refused() {
        for (text, fault) in [
            ("", InvalidAuthoritySecret::TooShort),
            ("fifteen-letters", InvalidAuthoritySecret::TooShort),
            ("sixteen letters!", InvalidAuthoritySecret::NotVisibleAscii),
            ("sixteen-letters-\n", InvalidAuthoritySecret::NotVisibleAscii),
            ("сімнадцять-літер", InvalidAuthoritySecret::NotVisibleAscii),
        ] {
            assert_eq!(AuthoritySecrets::new(text, None).unwrap_err(), fault, "`{text}`");
            assert_eq!(AuthoritySecrets::new("0123456789abcdef", Some(text)).unwrap_err(), fault);
        }
    }

    #[test]
    fn credentials_that_no_header_carries_are_not_presentable() {
        assert!(Secret::new("c2778f3064753ea70de870a53795f5c9").is_presentable());
        for text in ["", "a b", "a,b", "ключ", "a\tb", &"a".repeat(513)] {
            assert!(!Secret::new(text).is_presentable(), "`{text}`");
        }
    }
}
