//! Owns the request once it is read: what its headers mean in the policy that judges it.

use std::fmt;
use std::sync::Arc;

use crate::deciding::header_table::Seen;
use crate::deciding::policy::Policy;
use crate::deciding::request::Request;

/// A request whose headers were walked over once, by what they mean in a policy; only that policy judges it.
///
/// Made by [`Policy::read_request`]. It borrows the request's headers, which nothing walks over again.
#[must_use]
pub struct ReadRequest<'a> {
    policy: &'a Arc<Policy>,
    seen: Seen<'a>,
}

impl Policy {
    /// Reads a request, to be judged by this policy.
    pub fn read_request<'a>(self: &'a Arc<Self>, request: &Request<'a>) -> ReadRequest<'a> {
        let mut seen = self.headers.read(request);
        seen.target_left = seen.path.once().and_then(|path| self.without_parameters(path)).map(Arc::from);
        ReadRequest { policy: self, seen }
    }
}

impl<'a> ReadRequest<'a> {
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

    /// The request's target without the credentials in its query; `None` where there are none. What is logged of the
    /// request, whatever becomes of it, is to be this one.
    #[must_use]
    pub fn target_without_credentials(&self) -> Option<&[u8]> {
        self.seen.target_left.as_deref()
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
