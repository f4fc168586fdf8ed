//! Owns how rows become a page of the feed.

use super::StoreError;
use super::revocation::{Cursor, Denied, Entry, Head, PAGE, Page, Revoked, Since};
use crate::secret::CredentialHash;

/// The head's id, number and pruned; then, unless there is no entry, its number, kind, subject, `issued_before`, when it
/// was made, and until when it refuses JWTs.
pub(super) type Row =
    (String, i64, i64, Option<i64>, Option<String>, Option<String>, Option<i64>, Option<i64>, Option<i64>);

/// The page that `rows` are for whoever asked from `since`.
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
        // The deny list is bounded, and loaded to its end.
        let is_far = cursor.denied == Denied::Done && head.number.saturating_sub(cursor.number) > FAR;
        if is_lost || is_far {
            return Ok(Page { head, entries: Vec::new(), more: false, next: Cursor::at(head), reset: true });
        }
    }
    let is_cut = entries.len() > PAGE;
    entries.truncate(PAGE);
    let last = entries.last().map(|entry| entry.number);
    // Where the reader will stand when it has read what it asked for now.
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

/// `None`: the row is there for the head's sake.
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
        // A reader that is not told of it would trust what was revoked.
        _ => return Err(odd("a revocation of an unknown kind")),
    };
    Ok(Some(Entry { number, revoked, at, until }))
}

/// Data that the schema should have kept out.
fn odd(text: &'static str) -> StoreError {
    StoreError::Database(sqlx::Error::Decode(text.into()))
}

/// A reader that is ten pages behind drops what it remembers, and asks again for what it needs: that is less than to read
/// on, and it trusts nothing until it has read everything.
const FAR: i64 = 10_000;
