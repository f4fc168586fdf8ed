//! Owns a set of keys, and which one of them a token is verified with: the one that is named and fits, never another.

use std::fmt;

use serde_json::Value;

use super::algorithm::Algorithm;
use super::invalid_key::InvalidKey;
use super::key::{Key, KeyFingerprint, Rival};
use crate::identity::answer::InvalidKeys;
use crate::identity::rejection::NoKey;
use crate::json;

/// The keys of an issuer ([RFC 7517, 5](https://www.rfc-editor.org/rfc/rfc7517#section-5)).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeySet {
    keys: Vec<Key>,
    left_out: Vec<LeftOut>,
}

/// A key of a set that verifies nothing here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LeftOut {
    /// Its `kid`, where it states one; whatever its publisher likes.
    id: Option<String>,
    why: InvalidKey,
}

impl LeftOut {
    /// Why it verifies nothing.
    #[must_use]
    pub const fn why(&self) -> InvalidKey {
        self.why
    }
}

impl fmt::Display for LeftOut {
    /// Safe in a log: what steers a terminal is escaped, and what is long is cut.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.id {
            None => f.write_str("a key without `kid`")?,
            Some(id) => {
                let shown: String = id.chars().take(MAX_SHOWN).collect();
                let cut = if shown.len() < id.len() { "..." } else { "" };
                write!(f, "the key `{}{cut}`", shown.escape_default())?;
            }
        }
        write!(f, ": {}", self.why)
    }
}

impl KeySet {
    /// Reads a JWK Set. Keys that verify nothing here are left out, as RFC 7517, 5 asks, and told. A key that is listed
    /// twice is one key.
    ///
    /// # Errors
    /// Text that is too long or no JWK Set. A set without keys is one: an issuer can take back its last key.
    pub fn parse(text: &[u8]) -> Result<Self, InvalidKeys> {
        if text.len() > MAX_KEY_SET {
            return Err(InvalidKeys::TooLong);
        }
        let set = json::parse(text).map_err(|_fault| InvalidKeys::Shape)?;
        let Some(Value::Array(entries)) = set.get("keys") else { return Err(InvalidKeys::Shape) };
        let (mut keys, mut left_out) = (Vec::new(), Vec::new());
        for entry in entries {
            let Value::Object(members) = entry else { return Err(InvalidKeys::Shape) };
            match Key::read(members) {
                Ok(key) if keys.contains(&key) => {}
                Ok(key) => keys.push(key),
                Err(why) => {
                    let id = members.get("kid").and_then(Value::as_str).map(str::to_owned);
                    left_out.push(LeftOut { id, why });
                }
            }
        }
        Ok(Self { keys, left_out })
    }

    pub(crate) const fn of(keys: Vec<Key>) -> Self {
        Self { keys, left_out: Vec::new() }
    }

    /// The keys, in their order.
    pub(crate) fn each(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter()
    }

    /// How many keys there are that verify signatures.
    #[must_use]
    pub const fn usable(&self) -> usize {
        self.keys.len()
    }

    /// The keys that were left out, in the order of the set.
    #[must_use]
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// The names of the keys that verify signatures.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().filter_map(|key| key.id.as_deref())
    }

    /// Whether a key is still there, so that what it verified holds.
    #[must_use]
    pub fn has(&self, fingerprint: KeyFingerprint) -> bool {
        self.keys.iter().any(|key| key.fingerprint() == fingerprint)
    }

    /// The index of a key that another one before it makes useless: no token could say which of the two is meant.
    pub(crate) fn rival(&self) -> Option<(usize, Rival)> {
        self.keys.iter().enumerate().find_map(|(index, key)| {
            let mut before = self.keys.iter().take(index);
            before.find_map(|other| key.rival_of(other)).map(|rival| (index, rival))
        })
    }

    /// The key that a token is verified with: the one of its name that fits its algorithm, or, where it names none, the
    /// one that fits.
    pub(super) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Result<&Key, NoKey> {
        let named = || self.keys.iter().filter(|key| id.is_none_or(|id| key.id.as_deref() == Some(id)));
        let mut fit = named().filter(|key| key.fits(algorithm));
        match (fit.next(), id) {
            // Listed under two descriptions, it is the same key.
            (Some(only), _) if fit.all(|other| other.spki == only.spki) => Ok(only),
            (Some(_), Some(_)) => Err(NoKey::RepeatedKid),
            (Some(_), None) => Err(NoKey::SeveralFit),
            (None, None) => Err(NoKey::NoneFits),
            (None, Some(_)) if named().next().is_some() => Err(NoKey::Unfit),
            (None, Some(_)) => Err(NoKey::UnknownKid),
        }
    }
}

/// Characters of a `kid` in a log.
const MAX_SHOWN: usize = 64;

/// Bytes of a set: some forty RSA keys with their certificates.
pub const MAX_KEY_SET: usize = 65_536;
