//! Owns a call to an authority: the question as an HTTP request, and the reply as it came.

use std::time::Duration;

/// The HTTP request that puts a lookup to its authority. Holds secrets: not for a log.
pub struct Question<'a> {
    /// The Envoy cluster to send it to.
    pub cluster: &'a str,
    /// All headers, pseudo-headers first.
    pub headers: Vec<(&'a str, String)>,
    /// The form; `None` where there is none.
    pub body: Option<String>,
    /// How long to wait for the reply.
    pub timeout: Duration,
}

impl Question<'_> {
    /// The question with the id of the request that it is asked for, by which the logs of the gateway, of the authority
    /// and of the service can be held together. No policy can send a header of that name itself.
    #[must_use]
    pub fn for_request(mut self, id: &str) -> Self {
        self.headers.push(("x-request-id", id.to_owned()));
        self
    }
}

/// An authority's reply as it came.
#[derive(Clone, Copy, Debug)]
pub struct Reply<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The body, whole.
    pub body: &'a [u8],
}
