//! Owns the request as it was sent: headers in order, nothing read into them yet.

use std::borrow::Cow;

use crate::header::{HeaderName, confusable};

/// A request's headers, pseudo-headers included, byte for byte as the proxy would forward them.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    headers: &'a [(String, Vec<u8>)],
}

impl<'a> Request<'a> {
    /// A request with these headers, in the order in which they were sent.
    #[must_use]
    pub const fn new(headers: &'a [(String, Vec<u8>)]) -> Self {
        Self { headers }
    }

    /// The names of all headers.
    pub fn names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.headers.iter().map(|(name, _value)| name.as_str())
    }

    /// All headers, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'a str, &'a [u8])> + use<'a> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// The value of a pseudo-header (`:path`), if it is there exactly once.
    #[must_use]
    pub fn pseudo(&self, name: &str) -> Option<&'a [u8]> {
        let mut values =
            self.headers.iter().filter(|(sent, _value)| sent == name).map(|(_name, value)| value.as_slice());
        let value = values.next()?;
        values.next().is_none().then_some(value)
    }

    /// The request's own id, if it brings one that is safe to repeat: `[A-Za-z0-9#._-]{1,128}`, once.
    #[must_use]
    pub fn id(&self) -> Option<&'a str> {
        let mut values = self.iter().filter(|(name, _value)| name.eq_ignore_ascii_case("x-request-id"));
        let (_name, value) = values.next()?;
        let value = std::str::from_utf8(value).ok()?;
        let plain = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'#' | b'.' | b'_' | b'-'));
        ((1..=MAX_REQUEST_ID).contains(&value.len()) && plain && values.next().is_none()).then_some(value)
    }

    /// The request's URL as the client knows it, without the query, which may hold anything.
    #[must_use]
    pub fn url(&self) -> String {
        let text = |name| self.pseudo(name).map_or(Cow::Borrowed(""), String::from_utf8_lossy);
        let target = text(":path");
        let path = target.split_once('?').map_or(&*target, |(path, _query)| path);
        format!("{}://{}{path}", text(":scheme"), text(":authority"))
    }

    /// Whether a header is there that could be taken for this one.
    pub(crate) fn has_alike(&self, name: &str) -> bool {
        self.names().any(|sent| confusable(sent, name))
    }

    /// The values of every copy of a header.
    pub(crate) fn values(&self, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
        self.headers.iter().filter(|(sent, _value)| name.is(sent)).map(|(_name, value)| value.as_slice())
    }
}

/// Bytes of a request id.
const MAX_REQUEST_ID: usize = 128;
