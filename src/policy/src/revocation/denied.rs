//! Owns the deny list: which JWTs are refused though they are good by themselves, since nobody is asked about them.
//!
//! Entries are dropped by the authority's own clock, as its later entries show it: no step of a gateway's clock can make a
//! token good again.

use std::collections::BTreeMap;

use serde_json::Value;

use super::revoked::{Digest, text};
use crate::facts::{Fact, Facts};
use crate::time::UnixTime;

/// What the deny list can call a JWT by, beside what its facts state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deniable {
    pub(crate) digest: Digest,
    pub(crate) jti: Option<Box<str>>,
    /// In whole seconds, rounded down.
    pub(crate) issued: Option<UnixTime>,
}

/// The JWTs that are refused, by what they state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Denied {
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

impl Denied {
    /// Nobody.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Everybody, for good.
    #[must_use]
    pub fn everybody() -> Self {
        Self { all: Some(Before { issued: UnixTime::END, until: UnixTime::END }), ..Self::none() }
    }

    /// Whether nobody is.
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
    pub fn denies(&self, jwt: &Deniable, facts: &Facts) -> bool {
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

    /// Takes in what another says, and drops what the authority itself has dropped by now.
    pub fn extend(&mut self, other: Self) {
        self.merge(other);
        self.drop_what_is_over();
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

    fn drop_what_is_over(&mut self) {
        let Some(at) = self.at else { return };
        self.credentials.retain(|_digest, until| at <= *until);
        self.jtis.retain(|_jti, until| at <= *until);
        self.clients.retain(|_id, before| at <= before.until);
        self.users.retain(|_id, before| at <= before.until);
        self.all = self.all.filter(|before| at <= before.until);
    }

    /// Adds an entry of a page. Only one with `until` concerns JWTs. What cannot be told apart denies all of them.
    pub(super) fn add(&mut self, entry: &Value) -> Result<(), &'static str> {
        self.at = self.at.max(moment(entry, "at")?);
        let Some(until) = moment(entry, "until")? else { return Ok(()) };
        let one = match text(entry, "kind")? {
            "credential" => Self { credentials: [(Digest::of_entry(entry)?, until)].into(), ..Self::none() },
            "jti" => Self { jtis: [(text(entry, "jti")?.into(), until)].into(), ..Self::none() },
            "client" => Self {
                clients: [(text(entry, "client_id")?.into(), Before::read(entry, until)?)].into(),
                ..Self::none()
            },
            "user" => {
                Self { users: [(text(entry, "user_id")?.into(), Before::read(entry, until)?)].into(), ..Self::none() }
            }
            "all" => Self { all: Some(Before::read(entry, until)?), ..Self::none() },
            // Of a kind that is to come, nobody can say here what it spares.
            _all => Self { all: Some(Before { issued: UnixTime::END, until }), ..Self::none() },
        };
        self.merge(one);
        Ok(())
    }
}

impl Before {
    /// That of an entry; one that names no time is about all.
    fn read(entry: &Value, until: UnixTime) -> Result<Self, &'static str> {
        let issued = moment(entry, "issued_before")?.unwrap_or(UnixTime::END);
        Ok(Self { issued, until })
    }

    /// Both are denied, and for as long as either.
    fn extend(&mut self, other: Self) {
        self.issued = self.issued.max(other.issued);
        self.until = self.until.max(other.until);
    }
}

fn moment(entry: &Value, name: &str) -> Result<Option<UnixTime>, &'static str> {
    match entry.get(name) {
        None => Ok(None),
        Some(value) => {
            let seconds = value.as_u64().ok_or("an entry's time is no whole number of seconds")?;
            Ok(Some(UnixTime::from_seconds(seconds)))
        }
    }
}
