//! Owns the deny list: which JWTs are refused though they are good by themselves, since nobody is asked about them.
//!
//! Entries are dropped when two clocks say so: the authority's, as its later entries show it, and the gateway's. No
//! step of either alone can make a token good again.

use std::collections::BTreeMap;

use super::digest::Digest;
use super::entry::{Entry, Names};
use crate::identity::facts::{Fact, Facts};
use crate::time::UnixTime;

/// What the deny list can call a JWT by, beside what its facts state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DenyListKeys {
    pub(crate) digest: Digest,
    pub(crate) jti: Option<Box<str>>,
    /// In whole seconds, rounded down.
    pub(crate) issued: Option<UnixTime>,
}

/// The JWTs that are refused, by what they state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DenyList {
    /// Until when.
    credentials: BTreeMap<Digest, UnixTime>,
    jtis: BTreeMap<Box<str>, UnixTime>,
    clients: BTreeMap<Box<str>, Before>,
    users: BTreeMap<Box<str>, Before>,
    all: Option<Before>,
    /// The latest that the authority's clock has shown.
    at: Option<UnixTime>,
}

/// JWTs that were issued before a time, or do not say when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Before {
    issued: UnixTime,
    until: UnixTime,
}

impl DenyList {
    /// No JWT.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Every JWT, for ever.
    #[must_use]
    pub fn all() -> Self {
        Self { all: Some(Before { issued: UnixTime::END, until: UnixTime::END }), ..Self::none() }
    }

    /// Whether it is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        let named = [self.credentials.len(), self.jtis.len(), self.clients.len(), self.users.len()];
        named.into_iter().sum::<usize>().saturating_add(self.all.iter().count())
    }

    /// Whether a JWT is refused. One that does not state its client, or its user, could be anybody's.
    #[must_use]
    pub fn denies(&self, jwt: &DenyListKeys, facts: &Facts) -> bool {
        let is_before = |before: &Before| jwt.issued.is_none_or(|issued| issued < before.issued);
        let of = |denied: &BTreeMap<Box<str>, Before>, stated: Option<&Fact>| match stated {
            Some(stated) => denied.get(stated.as_str()).is_some_and(is_before),
            None => denied.values().any(is_before),
        };
        self.credentials.contains_key(&jwt.digest)
            || jwt.jti.as_ref().is_some_and(|jti| self.jtis.contains_key(jti))
            || of(&self.clients, facts.client_id.as_ref())
            || of(&self.users, facts.subject.as_ref())
            || self.all.as_ref().is_some_and(is_before)
    }

    /// Takes in what another says, and drops what is over by the authority's clock and by `wall` alike.
    pub fn extend(&mut self, other: Self, wall: UnixTime) {
        let has_moved = self.at < other.at;
        self.merge(other);
        match self.at {
            Some(at) if has_moved => self.drop_before(at.min(wall)),
            Some(_) | None => {}
        }
    }

    fn merge(&mut self, other: Self) {
        let Self { credentials, jtis, clients, users, all, at } = other;
        self.at = self.at.max(at);
        for (digest, until) in credentials {
            let known = self.credentials.entry(digest).or_insert(until);
            *known = until.max(*known);
        }
        for (jti, until) in jtis {
            let known = self.jtis.entry(jti).or_insert(until);
            *known = until.max(*known);
        }
        for (known, new) in [(&mut self.clients, clients), (&mut self.users, users)] {
            for (name, before) in new {
                known.entry(name).or_insert(before).extend(before);
            }
        }
        if let Some(before) = all {
            self.all.get_or_insert(before).extend(before);
        }
    }

    fn drop_before(&mut self, at: UnixTime) {
        self.credentials.retain(|_digest, until| at <= *until);
        self.jtis.retain(|_jti, until| at <= *until);
        self.clients.retain(|_id, before| at <= before.until);
        self.users.retain(|_id, before| at <= before.until);
        self.all = self.all.filter(|before| at <= before.until);
    }

    /// Adds an entry. Only one that has an end concerns JWTs. What cannot be told apart denies all of them.
    pub(super) fn add(&mut self, entry: &Entry) {
        self.at = self.at.max(entry.at);
        let Some(until) = entry.until else { return };
        let before = Before { issued: entry.issued_before.unwrap_or(UnixTime::END), until };
        let all_issued = Before { issued: UnixTime::END, until };
        self.merge(match &entry.names {
            Names::Credential(digest) => Self { credentials: [(*digest, until)].into(), ..Self::none() },
            Names::Jti(jti) => Self { jtis: [(jti.as_str().into(), until)].into(), ..Self::none() },
            Names::Client(id) => Self { clients: [(id.as_str().into(), before)].into(), ..Self::none() },
            Names::User(id) => Self { users: [(id.as_str().into(), before)].into(), ..Self::none() },
            Names::All => Self { all: Some(before), ..Self::none() },
            Names::Unknown => Self { all: Some(all_issued), ..Self::none() },
        });
    }
}

impl Before {
    /// Both are denied, and for as long as either.
    fn extend(&mut self, other: Self) {
        self.issued = self.issued.max(other.issued);
        self.until = self.until.max(other.until);
    }
}
