//! Owns a set of keys, and which one of them a token is verified with: the one that is named and fits, never another.

use serde_json::Value;

use super::algorithm::Algorithm;
use super::key::{Key, KeyFingerprint};
use crate::json;

/// The keys of an issuer ([RFC 7517, 5](https://www.rfc-editor.org/rfc/rfc7517#section-5)).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeySet {
    keys: Vec<Key>,
    skipped: usize,
}

/// A set that no token can be verified with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeys {
    /// More than [`LONGEST_KEY_SET`] bytes.
    #[error("the set of keys is too long")]
    TooLong,
    /// Something else than a JWK Set.
    #[error("the set of keys is no JSON object with a list of `keys`, or repeats a member")]
    Shape,
}

/// Why no key of a set is the token's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoKey {
    /// The token names a key that is not in the set. A newer set may have it.
    #[error("no key has its `kid`")]
    UnknownKid,
    /// More than one key has the name.
    #[error("more than one key has its `kid`")]
    RepeatedKid,
    /// The key of that name is for something else.
    #[error("the key of its `kid` is not for its algorithm")]
    Unfit,
    /// The token names no key, and there is none for its algorithm.
    #[error("it has no `kid`, and no key is for its algorithm")]
    NoneFits,
    /// The token names no key, and there is more than one it could be.
    #[error("it has no `kid`, and more than one key is for its algorithm")]
    SeveralFit,
}

impl KeySet {
    /// Reads a JWK Set. Keys that verify nothing here are left out, as RFC 7517, 5 asks, and counted.
    ///
    /// # Errors
    /// Text that is too long or no JWK Set. A set without keys is one: an issuer can take back its last key.
    pub fn parse(text: &[u8]) -> Result<Self, InvalidKeys> {
        if text.len() > LONGEST_KEY_SET {
            return Err(InvalidKeys::TooLong);
        }
        let set = json::parse(text).map_err(|_fault| InvalidKeys::Shape)?;
        let Some(Value::Array(entries)) = set.get("keys") else { return Err(InvalidKeys::Shape) };
        let (mut keys, mut skipped) = (Vec::new(), 0_usize);
        for entry in entries {
            let Value::Object(members) = entry else { return Err(InvalidKeys::Shape) };
            match Key::read(members) {
                Ok(key) => keys.push(key),
                Err(_unusable) => skipped = skipped.saturating_add(1),
            }
        }
        Ok(Self { keys, skipped })
    }

    pub(crate) const fn of(keys: Vec<Key>) -> Self {
        Self { keys, skipped: 0 }
    }

    /// How many keys there are that verify signatures.
    #[must_use]
    pub const fn usable(&self) -> usize {
        self.keys.len()
    }

    /// How many keys were left out.
    #[must_use]
    pub const fn skipped(&self) -> usize {
        self.skipped
    }

    /// Whether a key is still there, so that what it verified holds.
    #[must_use]
    pub fn has(&self, fingerprint: KeyFingerprint) -> bool {
        self.keys.iter().any(|key| key.fingerprint() == fingerprint)
    }

    /// A `kid` that more than one key has; no token can name any of them.
    pub(crate) fn repeated_id(&self) -> Option<&str> {
        let mut ids = self.keys.iter().filter_map(|key| key.id.as_deref());
        ids.find(|id| self.keys.iter().filter(|key| key.id.as_deref() == Some(id)).count() > 1)
    }

    /// The key that a token is verified with.
    pub(super) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Result<&Key, NoKey> {
        let Some(id) = id else {
            let mut fit = self.keys.iter().filter(|key| key.fits(algorithm));
            let only = fit.next().ok_or(NoKey::NoneFits)?;
            return if fit.next().is_none() { Ok(only) } else { Err(NoKey::SeveralFit) };
        };
        let mut named = self.keys.iter().filter(|key| key.id.as_deref() == Some(id));
        let only = named.next().ok_or(NoKey::UnknownKid)?;
        if named.next().is_some() {
            return Err(NoKey::RepeatedKid);
        }
        if only.fits(algorithm) { Ok(only) } else { Err(NoKey::Unfit) }
    }
}

/// Bytes of a set: some forty RSA keys with their certificates.
pub const LONGEST_KEY_SET: usize = 65_536;
