//! Owns the types of the revocation feed: entries, cursors, pages, revocations.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::id::Id;
use crate::secret::CredentialHash;

/// The subject of a revocation.
///
/// Cached facts about it are to be dropped, and looked up again. `issued_before` refuses JWTs as well: those of the
/// client, of the user, or all, whose `iat` is earlier or missing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Revoked {
    /// Everything.
    All {
        /// Unix seconds; `None`: no JWT is refused.
        issued_before: Option<i64>,
    },
    /// A client, with all its credentials.
    Client {
        /// The client's id, as a JWT or an introspection answer states it.
        id: String,
        /// Unix seconds; `None`: no JWT is refused.
        issued_before: Option<i64>,
    },
    /// One token or API key.
    Credential(CredentialHash),
    /// The JWTs that state this `jti`.
    Jti(String),
    /// A user, with all its tokens.
    User {
        /// The user's id, as a JWT or an introspection answer states it.
        id: String,
        /// Unix seconds; `None`: no JWT is refused.
        issued_before: Option<i64>,
    },
}

/// An entry of the feed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Number: one more than that of the entry before, and above every number that a reader saw before this one was
    /// committed.
    pub number: i64,
    /// The subject.
    pub revoked: Revoked,
    /// Time of the revocation, in Unix seconds.
    pub at: i64,
    /// End of its effect on JWTs, in Unix seconds. `None`: it concerns no JWT.
    pub until: Option<i64>,
}

/// The feed's name and the number of its last entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Head {
    /// The name, made with the database.
    pub feed: Id,
    /// Number of the last entry; zero while there is none.
    pub number: i64,
}

/// Position of a reader in the feed. Its text is opaque to readers.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Cursor {
    /// The feed that was read.
    pub feed: Id,
    /// Number up to which entries are known.
    pub number: i64,
    /// Knowledge of the deny list as it was at `number`.
    pub denied: Denied,
}

/// The part of the deny list that a reader knows.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Denied {
    /// All that it asked for.
    Done,
    /// Entries up to this number; the list is being loaded.
    UpTo(i64),
}

/// The place to read from.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Since {
    /// The position of a reader.
    Cursor(Cursor),
    /// The head: for a reader with an empty cache that does not accept JWTs.
    Head,
    /// The deny list, and then the entries after it.
    Start,
}

/// An answer of the feed.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub struct Page {
    /// The feed as it was when the page was read.
    pub head: Head,
    /// Up to [`PAGE`] entries, in the order of their numbers.
    pub entries: Vec<Entry>,
    /// More entries can be read at once.
    pub more: bool,
    /// The reader's position after this page.
    pub next: Cursor,
    /// The reader may have missed entries, and has to empty its cache.
    pub reset: bool,
}

/// A revocation of many credentials. It is in force with one transaction, however many rows it concerns; those are
/// deleted afterwards.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Revocation {
    /// Every token of every user, and every JWT issued until now. API keys stay, and are looked up again.
    All,
    /// Tokens of the client, connections that it provides or uses, and JWTs issued to it until now.
    Client(String),
    /// The JWTs that state this `jti`.
    Jti {
        /// The `jti`.
        jti: String,
        /// Expiry (`exp`) of the JWTs, in Unix seconds.
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

/// Unverified claims of a JWT that goes onto the deny list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeniedJwt {
    /// The `jti`, if there is one.
    pub jti: Option<String>,
    /// The `exp`, in Unix seconds; `None`: it lives for as long as JWTs may.
    pub expires_at: Option<i64>,
}

/// The outcome of a revocation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum RevocationOutcome {
    /// Done: the revocation is in force.
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
    /// The token is revoked, or was unknown.
    Done,
    /// The deny list is full; nothing was done.
    Full,
    /// An API key, which ends with its connection; nothing was done.
    IsApiKey,
}

/// A cutoff: a revocation of many credentials, whose rows are being deleted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cutoff {
    /// Number of the cutoff. It revokes tokens and connections that were issued with a lower one.
    pub number: i64,
    /// `client`, `user` or `all`.
    pub(super) kind: String,
    pub(super) subject: String,
    pub(super) issued_before: Option<i64>,
    pub(super) is_swept: bool,
}

/// Retention of the feed's entries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Keep {
    /// Time for which a reader may be away without a reset.
    pub retention: Duration,
    /// The longest time from `iat` to `exp` that a JWT has.
    pub longest_jwt: Duration,
}

/// Error for a text that is no cursor.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a cursor of this feed's making")]
pub struct InvalidCursor;

impl Keep {
    /// Seconds for which an entry refuses JWTs: their longest life, and the margin for clocks.
    pub(super) fn longest_refusal_seconds(&self) -> i64 {
        seconds(self.longest_jwt).saturating_add(CLOCK_MARGIN)
    }
}

pub(super) fn seconds(duration: Duration) -> i64 {
    // Sums with the limit do not overflow, and every sensible retention is far below it.
    i64::try_from(duration.as_secs()).unwrap_or(LATEST).min(LATEST)
}

impl Cursor {
    /// The cursor of a reader that knows all of the feed.
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
        // Only the printed spelling is accepted.
        parse().filter(|cursor| cursor.to_string() == text).ok_or(InvalidCursor)
    }
}

/// Most entries of a page.
pub const PAGE: usize = 1000;

/// Limit of the deny list, in entries. Every gateway worker holds it whole, and its JWTs are unverified. A holder of
/// the authority secret is trusted to revoke, and not to exhaust the gateways' memory.
pub const DENY_LIST_LIMIT: i64 = 100_000;

/// Latest moment that a JWT's `exp` is taken for, in Unix seconds: the end of the year 9999. Sums with it do not
/// overflow.
pub(crate) const LATEST: i64 = 253_402_300_799;

/// Seconds for which an entry refuses a JWT beyond the JWT's end: gateways allow for clocks that are slow, and none may
/// allow for more than this.
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
