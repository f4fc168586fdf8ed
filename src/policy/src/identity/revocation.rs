//! Owns the talk with an authority about what it has revoked: the question put to it, and the strict reading of a page.
//!
//! It says two things: facts that are remembered are no longer known ([`RevocationSet`]), and a JWT is refused
//! ([`DenyList`]). A reader asks again and again, each time from where the last page ended. The words are those of the
//! authority's feed: a page that says `more` leaves its reader behind, and one that says `reset` tells it to drop all
//! that it knows.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use serde_json::Value;

use crate::identity::answer::Unavailable;
use crate::identity::authority::{Authority, Following, SecretName};
use crate::identity::call::{Question, Reply};
use crate::json;

mod deny_list;
mod digest;
mod entry;
mod revocation_set;

pub use deny_list::{DenyList, DenyListKeys};
pub(crate) use digest::Digest;
use entry::Entry;
pub(crate) use revocation_set::JTI;
pub use revocation_set::{RevocationKeys, RevocationSet};

/// The feed of one authority, and how it is followed.
#[derive(Debug, PartialEq, Eq)]
pub struct Feed {
    authority: Authority,
    following: Following,
    fingerprint: u64,
}

/// Where a reader of a feed stands; the authority's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(String);

/// What a feed says to a reader.
#[derive(Debug)]
pub struct Page {
    /// What was revoked, and has to be asked for again.
    pub revoked: RevocationSet,
    /// Which JWTs are refused from now on.
    pub denied: DenyList,
    /// Whether the reader may have missed something.
    pub reset: bool,
    /// Where to go on.
    pub next: Cursor,
    /// Whether there is more to read; until there is not, the reader knows less than everything.
    pub more: bool,
}

impl Feed {
    /// The feed of an authority; `None` where it has none.
    pub(crate) fn of(authority: &Authority) -> Option<Self> {
        let following = authority.following.clone()?;
        let mut hasher = DefaultHasher::new();
        (authority, &following).hash(&mut hasher);
        Some(Self { authority: authority.clone(), following, fingerprint: hasher.finish() })
    }

    /// A number that tells the feed from others.
    #[must_use]
    pub const fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// The name of its authority in the policy.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority.name
    }

    /// Why it could not be followed, for the operator.
    #[must_use]
    pub fn why(&self, reason: &Unavailable) -> String {
        self.authority.why(reason)
    }

    /// The secret its authority wants; `None` where it wants none.
    #[must_use]
    pub const fn secret(&self) -> Option<&SecretName> {
        self.authority.auth.secret()
    }

    /// Whether JWTs are held against it: it is read from its start then, with the deny list.
    #[must_use]
    pub const fn has_deny_list(&self) -> bool {
        self.following.deny_list
    }

    /// From one question to the next where there are no news.
    #[must_use]
    pub const fn every(&self) -> Duration {
        self.following.every
    }

    /// How long facts are trusted after a question was sent that was answered whole.
    #[must_use]
    pub const fn trusted_for(&self) -> Duration {
        self.following.max_lag.saturating_add(self.following.serve_for)
    }

    /// How long a request may wait to know what was revoked: as long as for a lookup, and not for news.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        self.authority.timeout
    }

    /// How long an answer may take, waiting for news included.
    #[must_use]
    pub const fn poll_timeout(&self) -> Duration {
        self.authority.timeout.saturating_add(self.following.every)
    }

    /// The question what was revoked after `cursor`; without one, the deny list, or else where the feed stands.
    ///
    /// # Errors
    /// The secret is not there.
    pub fn question<'a>(
        &'a self,
        cursor: Option<&Cursor>,
        secret: impl FnOnce(&SecretName) -> Option<&'a str>,
    ) -> Result<Question<'a>, Unavailable> {
        let Following { path, every, deny_list, .. } = &self.following;
        // Only unreserved characters and `:` are in a cursor, so it is written as it is.
        let target = match cursor {
            Some(Cursor(cursor)) => format!("{path}?after={cursor}&wait={}", every.as_millis()),
            None if *deny_list => format!("{path}?from=start"),
            None => path.clone(),
        };
        let mut headers = vec![
            (":method", "GET".to_owned()),
            (":scheme", "http".to_owned()),
            (":authority", self.authority.host.clone()),
            (":path", target),
            ("accept", "application/json".to_owned()),
        ];
        if let (Some(header), Some(name)) = (self.authority.auth.header(), self.authority.auth.secret()) {
            headers.push((header, self.authority.auth.value(secret(name).ok_or(Unavailable::NotSent)?)));
        }
        Ok(Question { cluster: &self.authority.cluster, headers, body: None, timeout: self.timeout() })
    }

    /// What a reply says.
    ///
    /// # Errors
    /// Whatever is not plainly a page: nothing of it counts, and the reader stays where it was.
    pub fn page(&self, reply: Reply<'_>) -> Result<Page, Unavailable> {
        if reply.status != 200 {
            return Err(Unavailable::Status(reply.status));
        }
        read(reply.body).map_err(Unavailable::Unusable)
    }
}

fn read(body: &[u8]) -> Result<Page, &'static str> {
    if body.len() > MAX_PAGE {
        return Err("it is too long");
    }
    let page = json::parse(body).map_err(|_fault| "it is not JSON, or repeats a member")?;
    let flag = |name| page.get(name).and_then(Value::as_bool).ok_or("`more` or `reset` is not a boolean");
    let next = page.get("next").and_then(Value::as_str).ok_or("`next` is not a string")?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b':');
    if next.is_empty() || next.len() > MAX_CURSOR || !next.bytes().all(is_plain) {
        return Err("`next` is no cursor");
    }
    let entries = page.get("entries").and_then(Value::as_array).ok_or("`entries` is not a list")?;
    let (more, reset) = (flag("more")?, flag("reset")?);
    let (mut revoked, mut denied) =
        (if reset { RevocationSet::all() } else { RevocationSet::none() }, DenyList::none());
    for entry in entries {
        let entry = Entry::read(entry)?;
        revoked.add(&entry);
        denied.add(&entry);
    }
    Ok(Page { revoked, denied, reset, next: Cursor(next.to_owned()), more })
}

/// Bytes of a page: a thousand entries with names of 512 characters, each of them escaped, and room.
pub const MAX_PAGE: usize = 4_194_304;

/// Bytes of a cursor.
const MAX_CURSOR: usize = 200;

#[cfg(test)]
mod tests;
