//! Owns the words of the revocation feed: what an entry says, where a reader stands, what a page brings.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::id::Id;
use crate::secret::CredentialHash;

/// What was revoked.
///
/// Facts that somebody remembers about it are to be dropped, and asked for again. `issued_before` refuses JWTs as well:
/// those of the client, of the user, or all, whose `iat` is earlier, or that have none.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Revoked {
    /// Everything.
    All {
        /// Unix seconds; `None`: no JWT is refused.
        issued_before: Option<i64>,
    },
    /// What is known of a client, by its id.
    Client {
        /// As a JWT or an introspection answer states it.
        id: String,
        /// Unix seconds; `None`: no JWT is refused.
        issued_before: Option<i64>,
    },
    /// One token or API key.
    Credential(CredentialHash),
    /// The JWTs that state this `jti`.
    Jti(String),
    /// What is known of a user, by its id.
    User {
        /// As a JWT or an introspection answer states it.
        id: String,
        /// Unix seconds; `None`: no JWT is refused.
        issued_before: Option<i64>,
    },
}

/// An entry of the feed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Its place: one more than that of the entry before, in the order of commits.
    pub number: i64,
    /// What was revoked.
    pub revoked: Revoked,
    /// When, in Unix seconds.
    pub at: i64,
    /// Until when JWTs are refused by it, in Unix seconds. `None`: it concerns no JWT.
    pub until: Option<i64>,
}

/// The feed's name and the number of its last entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Head {
    /// The name, made with the database.
    pub feed: Id,
    /// Zero while nothing was revoked.
    pub number: i64,
}

/// Where a reader stands. Readers take its text for opaque.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Cursor {
    /// The feed that was read.
    pub feed: Id,
    /// Entries up to this one are known.
    pub number: i64,
    /// Whether the deny list, as it was at `number`, is known as well.
    pub denied: Denied,
}

/// How much of the deny list a reader knows.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Denied {
    /// What it asked for.
    Done,
    /// Its entries up to this number; it is being loaded.
    UpTo(i64),
}

/// From where to read.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Since {
    /// From where a reader stands.
    Cursor(Cursor),
    /// From now on: for a reader that remembers nothing and accepts no JWT.
    Head,
    /// The deny list, and then from where it was complete.
    Start,
}

/// What a reader is told at once.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub struct Page {
    /// The feed as it was when the page was read.
    pub head: Head,
    /// In the order of their numbers.
    pub entries: Vec<Entry>,
    /// Whether there is more to be read at once.
    pub more: bool,
    /// Where the reader stands after this page.
    pub next: Cursor,
    /// Whether the reader may have missed something, and has to drop all that it remembers.
    pub reset: bool,
}

/// What to revoke at once: in force with one transaction, however many rows it concerns; those are deleted afterwards.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Revocation {
    /// Every token of every user, and every JWT issued until now. API keys stay, and are asked about again.
    All,
    /// Tokens of the client, connections that it provides or uses, and JWTs issued to it until now.
    Client(String),
    /// The JWTs that state this `jti`.
    Jti {
        /// The `jti`.
        jti: String,
        /// Their `exp`, in Unix seconds.
        expires_at: i64,
    },
    /// Tokens and JWTs that were issued to the user before a moment.
    User {
        /// The user's id.
        id: String,
        /// Unix seconds; `None`: until now.
        issued_before: Option<i64>,
    },
}

/// A JWT as it states itself, to be put on the deny list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeniedJwt {
    /// Its `jti`, if it has one.
    pub jti: Option<String>,
    /// Its `exp` in Unix seconds; `None`: it lives for as long as JWTs may.
    pub expires_at: Option<i64>,
}

/// What a revocation did.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum RevocationOutcome {
    /// It is done.
    Done {
        /// The feed, with all of this revocation's entries in it.
        head: Head,
    },
    /// The deny list is full; nothing was done.
    Full,
}

/// The outcome of revoking a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum TokenRevocation {
    /// It is no token now, whatever it was.
    Done,
    /// The deny list is full; nothing was done.
    Full,
    /// It is an API key, which ends with its connection; nothing was done.
    IsApiKey,
}

/// A revocation of many, whose rows are being deleted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cutoff {
    /// Its place among the others.
    pub number: i64,
    /// `client`, `user` or `all`.
    pub(super) kind: String,
    pub(super) subject: String,
    pub(super) issued_before: Option<i64>,
    pub(super) is_swept: bool,
}

/// How long entries are kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Keep {
    /// How long a reader may be away without a reset.
    pub retention: Duration,
    /// The longest time from `iat` to `exp` that a JWT has.
    pub longest_jwt: Duration,
}

/// A text that is no cursor.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a cursor of this feed's making")]
pub struct InvalidCursor;

impl Keep {
    /// How long after its moment an entry refuses JWTs.
    pub(super) fn longest_refusal_seconds(&self) -> i64 {
        seconds(self.longest_jwt).saturating_add(CLOCK_MARGIN)
    }
}

pub(super) fn seconds(duration: Duration) -> i64 {
    // Nobody's retention comes near this; what is longer is as good as for ever.
    i64::try_from(duration.as_secs()).unwrap_or(LATEST).min(LATEST)
}

impl Cursor {
    /// Where a reader stands that knows all of the feed.
    pub fn at(head: Head) -> Self {
        Self { feed: head.feed, number: head.number, denied: Denied::Done }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.feed, self.number)?;
        match self.denied {
            Denied::Done => Ok(()),
            Denied::UpTo(number) => write!(formatter, ":{number}"),
        }
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let number = |text: &str| text.parse().ok().filter(|number: &i64| *number >= 0);
        let parse = || {
            let mut parts = text.split(':');
            let (feed, place) = (parts.next()?.parse().ok()?, number(parts.next()?)?);
            let denied = match parts.next() {
                None => Denied::Done,
                Some(loaded) => Denied::UpTo(number(loaded).filter(|loaded| *loaded < place)?),
            };
            Some(Self { feed, number: place, denied })
        };
        // What is printed is the one spelling.
        parse().filter(|cursor| cursor.to_string() == text).ok_or(InvalidCursor)
    }
}

/// How many entries a page holds at most.
pub const PAGE: usize = 1000;

/// How many entries the deny list may have. Every gateway worker holds it whole, and what fills it was verified by
/// nobody: who has the authority's secret is trusted with its meaning, and not with everybody's memory.
pub const DENY_LIST_LIMIT: i64 = 100_000;

/// The latest moment that a JWT's `exp` is taken for, the end of the year 9999: sums with it do not overflow.
pub(crate) const LATEST: i64 = 253_402_300_799;

/// How much longer, in seconds, an entry refuses a JWT than the JWT should live: gateways allow for clocks that are
/// slow, and none may allow for more than this.
pub const CLOCK_MARGIN: i64 = 3600;

#[cfg(test)]
mod tests {
    use super::*;

    const FEED: &str = "1380df72-275a-11e7-93ae-92361f002671";

    #[test]
    fn cursor_is_what_it_prints() {
        for text in ["0", "7", "9223372036854775807", "7:0", "7:6"] {
            let text = format!("{FEED}:{text}");
            assert_eq!(text.parse::<Cursor>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn other_texts_are_no_cursors() {
        for text in ["", ":", "7", FEED, "7:7"] {
            assert_eq!(text.parse::<Cursor>(), Err(InvalidCursor), "`{text}`");
        }
        for number in [
            "",
            " 7",
            "7 ",
            "+7",
            "-7",
            "07",
            "7.0",
            "0x7",
            "9223372036854775808",
            "7:",
            ":7",
            "7:7",
            "7:8",
            "7:06",
            "7:6:5",
        ] {
            let text = format!("{FEED}:{number}");
            assert_eq!(text.parse::<Cursor>(), Err(InvalidCursor), "`{text}`");
        }
        let upper = format!("{}:7", FEED.to_uppercase());
        assert_eq!(upper.parse::<Cursor>(), Err(InvalidCursor));
    }
}
