//! Owns the headers for whose sake a request is refused: by some of them, services replace what was judged.

/// A header for whose sake a request is refused, since some let it replace what was judged. Of several the least is
/// told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Override {
    Method(&'static str),
    Path(&'static str),
}

impl Override {
    /// `_method`: a name that no policy can write.
    pub(crate) const METHOD: Self = Self::Method("_method");

    /// All others.
    pub(crate) fn by_headers() -> impl Iterator<Item = Self> {
        METHOD_OVERRIDES.into_iter().map(Self::Method).chain(PATH_OVERRIDES.into_iter().map(Self::Path))
    }

    /// The header's name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Method(name) | Self::Path(name) => name,
        }
    }
}

/// Headers that make a request refused before a route is looked at, credentials are read or anything is stripped.
pub(crate) fn refused_headers() -> impl Iterator<Item = &'static str> {
    Override::by_headers().map(Override::name)
}

/// Headers by which frameworks let a client replace the method that was judged.
const METHOD_OVERRIDES: [&str; 5] =
    ["x-forwarded-method", "x-http-method", "x-http-method-override", "x-method", "x-method-override"];

/// Headers by which some let it replace the path.
const PATH_OVERRIDES: [&str; 5] =
    ["x-forwarded-path", "x-forwarded-uri", "x-original-uri", "x-original-url", "x-rewrite-url"];
