//! Owns what was revoked, and whether that concerns what is remembered of a credential.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::credential::CredentialKind;
use crate::facts::{Fact, Facts};
use crate::jwt::claims_to_be_one;

/// What a feed can call a credential by, beside what its facts state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revocable {
    digest: Digest,
    kind: CredentialKind,
    /// Whether it claims to be a JWT, so that it may have a `jti` which its facts do not state.
    is_jws: bool,
}

/// The SHA-256 of a credential. It stays here: short credentials could be guessed from it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Digest([u8; 32]);

/// What was revoked since a reader last asked.
#[derive(Debug, PartialEq, Eq)]
pub struct Revoked {
    all: bool,
    credentials: BTreeSet<Digest>,
    jtis: BTreeSet<String>,
    clients: BTreeSet<String>,
    users: BTreeSet<String>,
}

impl Revocable {
    pub(crate) fn new(kind: CredentialKind, secret: &str) -> Self {
        Self { digest: Digest::of(secret), kind, is_jws: claims_to_be_one(secret) }
    }
}

impl Digest {
    pub(crate) fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// That of an entry of a page.
    pub(super) fn of_entry(entry: &Value) -> Result<Self, &'static str> {
        Self::parse(text(entry, "sha256")?).ok_or("an entry's `sha256` is none")
    }

    /// 64 digits of hexadecimal.
    fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != bytes.len() || !rest.is_empty() {
            return None;
        }
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            let digit = |sign: &u8| char::from(*sign).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            *byte = (digit(high)? << 4) | digit(low)?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(..)")
    }
}

impl Revoked {
    /// Nothing.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            all: false,
            credentials: BTreeSet::new(),
            jtis: BTreeSet::new(),
            clients: BTreeSet::new(),
            users: BTreeSet::new(),
        }
    }

    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Self { all: true, ..Self::none() }
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::none()
    }

    /// Whether it concerns what is remembered of a credential. Facts that do not tell are concerned: to ask again is safe.
    /// But API keys are no user's, and only JWTs have a `jti` that is not stated; or one stranger's logout would have
    /// everything asked for again.
    #[must_use]
    pub fn concerns(&self, credential: &Revocable, facts: &Facts) -> bool {
        let names = |revoked: &BTreeSet<String>, stated: Option<&Fact>| {
            !revoked.is_empty() && stated.is_none_or(|stated| revoked.contains(stated.as_str()))
        };
        let jti = facts.further.iter().find(|(name, _fact)| &**name == JTI);
        self.all
            || self.credentials.contains(&credential.digest)
            || names(&self.clients, facts.client_id.as_ref())
            || (credential.kind == CredentialKind::Token && names(&self.users, facts.subject.as_ref()))
            || ((credential.is_jws || jti.is_some()) && names(&self.jtis, jti.map(|(_name, jti)| jti)))
    }

    /// Adds an entry of a page. What cannot be told apart revokes everything; what names nothing is no entry.
    pub(super) fn add(&mut self, entry: &Value) -> Result<(), &'static str> {
        match text(entry, "kind")? {
            "credential" => drop(self.credentials.insert(Digest::of_entry(entry)?)),
            "jti" => drop(self.jtis.insert(text(entry, "jti")?.to_owned())),
            "client" => drop(self.clients.insert(text(entry, "client_id")?.to_owned())),
            "user" => drop(self.users.insert(text(entry, "user_id")?.to_owned())),
            // Of a kind that is to come, nobody can say here what it spares.
            _all => self.all = true,
        }
        Ok(())
    }
}

/// A member that an entry has to have.
pub(super) fn text<'a>(entry: &'a Value, name: &str) -> Result<&'a str, &'static str> {
    entry.get(name).and_then(Value::as_str).ok_or("an entry does not name what it revokes")
}

/// The further fact by which an opaque token can state its `jti` (RFC 7662, 2.2).
pub(crate) const JTI: &str = "jti";
