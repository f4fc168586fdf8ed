//! Owns what a look for a credential finds, in one place or in all of them.

/// What is found of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found<T> {
    /// None; at most one thing whose name is only alike.
    Nothing,
    /// One, and nothing that could be taken for it.
    One(T),
    /// Something that is none, in its place.
    Malformed(Malformed),
    /// More than one thing that is it, or could be taken for it.
    Repeated(Repeated),
}

impl<T> Found<T> {
    /// What is found, where the one is read as something else.
    pub(crate) fn map<U>(self, read: impl FnOnce(T) -> U) -> Found<U> {
        self.and_then(|one| Ok(read(one)))
    }

    /// What is found, where the one is read as something else, and could be malformed.
    pub(crate) fn and_then<U>(self, read: impl FnOnce(T) -> Result<U, Malformed>) -> Found<U> {
        match self {
            Self::Nothing => Found::Nothing,
            Self::One(one) => read(one).map_or_else(Found::Malformed, Found::One),
            Self::Malformed(what) => Found::Malformed(what),
            Self::Repeated(how) => Found::Repeated(how),
        }
    }
}

/// In what a credential has no known form. A kind only: what was sent may be a secret all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Bytes that are no text.
    NotUtf8,
    /// Something else than the policy's scheme stands before it.
    Scheme,
    /// Nothing is there.
    Empty,
    /// More than [`MAX_CREDENTIAL`](crate::identity::credential::MAX_CREDENTIAL) bytes.
    TooLong,
    /// A space, a control, or a byte outside ASCII.
    NotVisible,
    /// Something else than token68.
    NotToken68,
    /// A quote, a comma or a semicolon, by which some read the cookies or the query otherwise.
    Delimiter,
}

/// How a credential is there more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeated {
    /// In several headers, cookies or parameters of its name, or of names that could be taken for it.
    Copies,
    /// Perhaps in each of several headers that hold cookies.
    CookieHeaders,
    /// In one header, with a comma, by which copies are joined.
    Comma,
    /// In several of its sources.
    Sources,
}
