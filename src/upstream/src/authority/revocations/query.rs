//! Owns the query of a poll, read strictly: a reader that is misunderstood would trust what was revoked.

use std::time::Duration;

use crate::authority::error::AuthorityError;
use crate::feed::MAX_WAIT;
use crate::store::revocation::Since;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Query {
    pub(super) since: Since,
    pub(super) wait: Duration,
}

impl Query {
    /// Reads the query. Only the colons of a cursor may be percent-encoded; nothing else has a reason to be.
    pub(super) fn read(query: &str) -> Result<Self, AuthorityError> {
        let (mut after, mut from, mut wait) = (None, None, None);
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let (place, slot) = match name {
                "after" => ("after", &mut after),
                "from" => ("from", &mut from),
                "wait" => ("wait", &mut wait),
                _ => return Err(AuthorityError::invalid("query: a parameter other than after, from and wait")),
            };
            if slot.replace(value).is_some() {
                return Err(AuthorityError::invalid(format!("{place}: given twice")));
            }
        }
        let since = match (after, from) {
            (None, None | Some("head")) => Since::Head,
            (None, Some("start")) => Since::Start,
            (None, Some(_)) => return Err(AuthorityError::invalid("from: neither head nor start")),
            (Some(_), Some(_)) => return Err(AuthorityError::invalid("from: not together with after")),
            (Some(text), None) => {
                let text = text.replace("%3A", ":").replace("%3a", ":");
                Since::Cursor(text.parse().map_err(|error| AuthorityError::invalid(format!("after: {error}")))?)
            }
        };
        let wait = match wait {
            None => Duration::ZERO,
            Some(text) => milliseconds(text)?,
        };
        Ok(Self { since, wait })
    }
}

fn milliseconds(text: &str) -> Result<Duration, AuthorityError> {
    // The parser would accept a sign.
    let number = if text.starts_with('+') { None } else { text.parse().ok() };
    number.map(Duration::from_millis).filter(|wait| *wait <= MAX_WAIT).ok_or_else(|| {
        AuthorityError::invalid(format!("wait: not a number of milliseconds from 0 to {}", MAX_WAIT.as_millis()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CURSOR: &str = "1380df72-275a-11e7-93ae-92361f002671:7";

    #[test]
    fn sound_queries_are_understood() {
        let at = Since::Cursor(CURSOR.parse().unwrap());
        for (query, since, wait) in [
            (String::new(), Since::Head, 0),
            ("from=head".to_owned(), Since::Head, 0),
            ("from=start".to_owned(), Since::Start, 0),
            (format!("after={CURSOR}"), at, 0),
            (format!("wait=20000&after={}", CURSOR.replace(':', "%3A")), at, 20_000),
        ] {
            assert_eq!(Query::read(&query).unwrap(), Query { since, wait: Duration::from_millis(wait) }, "{query}");
        }
    }

    #[test]
    fn odd_queries_are_refused_with_the_place() {
        for (query, place) in [
            ("after=", "after"),
            ("after", "after"),
            ("after=7", "after"),
            ("after=1380df72-275a-11e7-93ae-92361f002671:07", "after"),
            ("after=a&after=a", "after"),
            ("from=", "from"),
            ("from=Start", "from"),
            ("from=start&after=1380df72-275a-11e7-93ae-92361f002671:7", "from"),
            ("wait=", "wait"),
            ("wait=-1", "wait"),
            ("wait=+1", "wait"),
            ("wait=1.5", "wait"),
            ("wait=20001", "wait"),
            ("wait=99999999999999999999", "wait"),
            ("wait=1&wait=1", "wait"),
            ("limit=7", "query"),
            ("After=7", "query"),
        ] {
            match Query::read(query).unwrap_err() {
                AuthorityError::Invalid(description) => {
                    assert!(description.starts_with(&format!("{place}: ")), "{query}: {description}");
                }
                other => panic!("{query}: {other:?}"),
            }
        }
    }
}
