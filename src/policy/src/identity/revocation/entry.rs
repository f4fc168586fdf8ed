//! Owns the reading of one entry of a feed: what it names, and until when it denies.

use serde_json::Value;

use super::digest::Digest;
use crate::time::UnixTime;

/// What a page says of one revocation.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) names: Names,
    /// What the authority's clock showed.
    pub(super) at: Option<UnixTime>,
    /// Until when it denies JWTs; `None` where it concerns none.
    pub(super) until: Option<UnixTime>,
    /// It is about JWTs that were issued before; `None` where it is about all that it names.
    pub(super) issued_before: Option<UnixTime>,
}

/// Whom an entry is about.
#[derive(Debug)]
pub(super) enum Names {
    Credential(Digest),
    Jti(String),
    Client(String),
    User(String),
    All,
    /// A kind that is to come: nobody can say here whom it spares.
    Unknown,
}

impl Entry {
    /// What names nothing is no entry.
    pub(super) fn read(entry: &Value) -> Result<Self, &'static str> {
        let text = |name| entry.get(name).and_then(Value::as_str).ok_or("an entry does not name what it revokes");
        let named = |name| text(name).map(str::to_owned);
        let names = match text("kind")? {
            "credential" => Names::Credential(Digest::parse(text("sha256")?).ok_or("an entry's `sha256` is none")?),
            "jti" => Names::Jti(named("jti")?),
            "client" => Names::Client(named("client_id")?),
            "user" => Names::User(named("user_id")?),
            "all" => Names::All,
            _unknown => Names::Unknown,
        };
        let seconds = |name| match entry.get(name) {
            None => Ok(None),
            Some(value) => match value.as_u64() {
                Some(seconds) => Ok(Some(UnixTime::from_seconds(seconds))),
                None => Err("an entry's `at`, `until` or `issued_before` is no whole number of seconds"),
            },
        };
        Ok(Self { names, at: seconds("at")?, until: seconds("until")?, issued_before: seconds("issued_before")? })
    }
}
