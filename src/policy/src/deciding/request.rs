//! Owns the request as it was sent: headers in order, nothing read into them yet; and the request once it is read.

use std::fmt;
use std::sync::Arc;

use crate::deciding::header_table::Seen;
use crate::deciding::policy::Policy;

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
}

/// A request whose headers were walked over once, by what they mean in a policy; only that policy judges it.
///
/// Made by [`Policy::read_request`]. It borrows the request's headers, which nothing walks over again.
#[must_use]
pub struct ReadRequest<'a> {
    policy: &'a Arc<Policy>,
    seen: Seen<'a>,
}

impl<'a> ReadRequest<'a> {
    pub(crate) const fn new(policy: &'a Arc<Policy>, seen: Seen<'a>) -> Self {
        Self { policy, seen }
    }

    /// The request's own id, if it brings one that is safe to repeat: `[A-Za-z0-9#._-]{1,128}`, once.
    #[must_use]
    pub fn id(&self) -> Option<&'a str> {
        self.seen.request_id()
    }

    /// The request's URL as the client knows it, without the query, which may hold anything.
    #[must_use]
    pub fn url(&self) -> String {
        self.seen.url()
    }

    /// The policy it is read by.
    pub(crate) const fn policy(&self) -> &'a Arc<Policy> {
        self.policy
    }

    /// What was seen of its headers.
    pub(crate) const fn seen(&self) -> &Seen<'a> {
        &self.seen
    }
}

/// Without its headers, which hold secrets.
impl fmt::Debug for ReadRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReadRequest(..)")
    }
}
