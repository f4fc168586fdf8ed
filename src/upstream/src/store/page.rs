//! Owns the conversion of rows into a page of the feed.

use super::StoreError;
use super::revocation::{Cursor, Denied, Entry, Head, PAGE, Page, Revoked, Since};
use crate::secret::CredentialHash;

/// A row: the head's id, number and `pruned`; then the entry's number, kind, subject, `issued_before`, the time when it
/// was made and the time until which it refuses JWTs, all NULL if there is no entry.
pub(super) type Row =
    (String, i64, i64, Option<i64>, Option<String>, Option<String>, Option<i64>, Option<i64>, Option<i64>);

/// The page that `rows` are for a reader at `since`. Errors: rows that break the schema.
pub(super) fn page(since: Since, rows: Vec<Row>) -> Result<Page, StoreError> {
    let Some((feed, number, pruned, ..)) = rows.first() else {
        return Err(odd("the feed has no head"));
    };
    let feed = feed.parse().map_err(|_| odd("the feed's id is no UUID"))?;
    let (head, pruned) = (Head { feed, number: *number }, *pruned);
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        entries.extend(entry(row)?);
    }
    if let Since::Cursor(cursor) = since {
        let is_lost = cursor.feed != head.feed || cursor.number > head.number || cursor.number < pruned;
        // A reader that loads the deny list is never too far: the list is bounded.
        let is_far = cursor.denied == Denied::Done && head.number.saturating_sub(cursor.number) > FAR;
        if is_lost || is_far {
            return Ok(Page { head, entries: Vec::new(), more: false, next: Cursor::at(head), reset: true });
        }
    }
    let is_cut = entries.len() > PAGE;
    entries.truncate(PAGE);
    let last = entries.last().map(|entry| entry.number);
    // The reader's position once it has read what it asked for now.
    let (goal, loads) = match since {
        Since::Cursor(Cursor { number, denied: Denied::UpTo(_), .. }) => (number, true),
        Since::Start => (head.number, true),
        Since::Cursor(_) | Since::Head => (head.number, false),
    };
    let next = match last {
        Some(last) if is_cut && loads => Cursor { feed, number: goal, denied: Denied::UpTo(last) },
        Some(last) if is_cut => Cursor { feed, number: last, denied: Denied::Done },
        _ => Cursor { feed, number: goal, denied: Denied::Done },
    };
    let more = is_cut || goal < head.number;
    Ok(Page { head, entries, more, next, reset: false })
}

/// The entry of a row; `None`: the row has the head only.
fn entry(row: Row) -> Result<Option<Entry>, StoreError> {
    let (_, _, _, number, kind, subject, issued_before, at, until) = row;
    let (Some(number), Some(kind), Some(at)) = (number, kind, at) else {
        return Ok(None);
    };
    let revoked = match (kind.as_str(), subject) {
        ("all", None) => Revoked::All { issued_before },
        ("client", Some(id)) => Revoked::Client { id, issued_before },
        ("credential", Some(hash)) => {
            Revoked::Credential(CredentialHash::from_hex(&hash).ok_or_else(|| odd("a credential is no SHA-256"))?)
        }
        ("jti", Some(jti)) => Revoked::Jti(jti),
        ("user", Some(id)) => Revoked::User { id, issued_before },
        // A reader that did not learn of it would trust what was revoked.
        _ => return Err(odd("a revocation of an unknown kind")),
    };
    Ok(Some(Entry { number, revoked, at, until }))
}

/// Error for data that the schema should have kept out.
fn odd(text: &'static str) -> StoreError {
    StoreError::Database(sqlx::Error::Decode(text.into()))
}

/// Most entries that a reader may be behind. Beyond, a reset costs less: the reader empties its cache and looks up what
/// it needs. If it read on, it could use no cached fact until it had read everything.
const FAR: i64 = 10_000;
