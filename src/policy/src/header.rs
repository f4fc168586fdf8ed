//! Owns header names: how they are compared, and which ones a client must not send itself.

use std::fmt;
use std::str::FromStr;

/// A field name in lower case ([RFC 9110, 5.1](https://www.rfc-editor.org/rfc/rfc9110#section-5.1)); never a
/// pseudo-header.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HeaderName(String);

impl HeaderName {
    /// The name in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a sent name is this one; names are case-insensitive.
    pub(crate) fn is(&self, sent: &str) -> bool {
        self.0.eq_ignore_ascii_case(sent)
    }

    /// Whether what stands behind the gateway could take a sent name for this one: CGI and its kin turn whatever is no
    /// letter or digit into `_`.
    pub(crate) fn is_confusable_with(&self, sent: &str) -> bool {
        confusable(&self.0, sent)
    }
}

impl FromStr for HeaderName {
    type Err = InvalidHeaderName;

    fn from_str(text: &str) -> Result<Self, InvalidHeaderName> {
        // RFC 9110, 5.6.2, without `_` (which Envoy is told to refuse) and what no deployed name has.
        let name = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        // From a letter or digit on: `-path` and `:path` are alike to those who fold signs, and `:path` steers the
        // request.
        if name && text.starts_with(|first: char| first.is_ascii_alphanumeric()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidHeaderName(text.to_owned()))
        }
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is no header name a policy may use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no header name in lower case (a letter or digit, then letters, digits, `-`)")]
pub struct InvalidHeaderName(String);

/// Names of headers that no client may send: one name, or all that begin alike (`x-consumer-*`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HeaderPattern {
    Exact(HeaderName),
    Prefix(HeaderName),
}

impl HeaderPattern {
    /// Whether a sent name is, or could be taken for, one of these.
    pub(crate) fn is_confusable_with(&self, sent: &str) -> bool {
        match self {
            Self::Exact(name) => name.is_confusable_with(sent),
            Self::Prefix(prefix) => {
                sent.split_at_checked(prefix.0.len()).is_some_and(|(start, _rest)| prefix.is_confusable_with(start))
            }
        }
    }

    /// Whether every name that begins like this is one of these.
    #[cfg(feature = "cel")]
    pub(crate) fn covers(&self, start: &str) -> bool {
        match self {
            Self::Exact(_) => false,
            Self::Prefix(_) => self.is_confusable_with(start),
        }
    }
}

impl HeaderPattern {
    /// Whether every name of `other` is one of these.
    pub(crate) fn has_all_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Exact(_), Self::Prefix(_)) => false,
            (Self::Exact(_) | Self::Prefix(_), Self::Exact(name)) | (Self::Prefix(_), Self::Prefix(name)) => {
                self.is_confusable_with(name.as_str())
            }
        }
    }
}

impl fmt::Display for HeaderPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => write!(f, "{name}"),
            Self::Prefix(prefix) => write!(f, "{prefix}*"),
        }
    }
}

impl FromStr for HeaderPattern {
    type Err = InvalidHeaderName;

    fn from_str(text: &str) -> Result<Self, InvalidHeaderName> {
        match text.strip_suffix('*') {
            Some(prefix) => prefix.parse().map(Self::Prefix),
            None => text.parse().map(Self::Exact),
        }
    }
}

/// How a sent name is like the name of a policy that it could be taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// It is that name; names are case-insensitive.
    Same,
    /// It has other signs.
    Alike,
}

impl Spelling {
    /// How a sent name is like an equally long one in lower case, with no sign but `-`; `None` where it could not be
    /// taken for that.
    pub(crate) fn of(name: &str, sent: &str) -> Option<Self> {
        let mut spelling = Self::Same;
        for (own, sent) in name.bytes().zip(sent.bytes()) {
            if own == sent {
                continue;
            }
            if own != fold(sent) {
                return None;
            }
            if own == b'-' {
                spelling = Self::Alike;
            }
        }
        Some(spelling)
    }
}

/// Whether two names could be taken for one another: letters without case, all else alike.
pub(crate) fn confusable(one: &str, two: &str) -> bool {
    one.len() == two.len() && folded(one).eq(folded(two))
}

pub(crate) fn folded(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().map(fold)
}

pub(crate) const fn fold(byte: u8) -> u8 {
    if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'-' }
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn names_are_lower_case_and_no_pseudo_headers() {
        assert!("x-consumer-id".parse::<HeaderName>().is_ok());
        for text in ["", "-", "-path", "X-Consumer-Id", ":path", "x consumer", "x_consumer", "x-consumer-id:", "х"] {
            assert!(text.parse::<HeaderName>().is_err(), "{text}");
        }
    }

    #[test]
    fn pattern_covers_every_spelling_a_reader_could_confuse() {
        let exact: HeaderPattern = "x-consumer-id".parse().unwrap();
        let prefix: HeaderPattern = "x-consumer-*".parse().unwrap();
        for sent in ["x-consumer-id", "X-Consumer-ID", "x_consumer_id", "x-consumer_id", "x.consumer.id"] {
            assert!(exact.is_confusable_with(sent) && prefix.is_confusable_with(sent), "{sent}");
        }
        assert!(prefix.is_confusable_with("x-consumer-metadata") && !exact.is_confusable_with("x-consumer-metadata"));
        for sent in ["x-consumer", "x-consumers-id", "", "é", "x-consumeré"] {
            assert!(!exact.is_confusable_with(sent) && !prefix.is_confusable_with(sent), "{sent}");
        }
    }
}
