//! Owns the request as it was sent: headers in order, nothing read into them yet.

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
