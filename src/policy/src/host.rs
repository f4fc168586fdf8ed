//! Owns what a request may call the host: a name or an address, with an optional port.

use std::net::{Ipv4Addr, Ipv6Addr};

/// A `Host` or `:authority` that names one host ([RFC 9110, 7.2](https://www.rfc-editor.org/rfc/rfc9110#section-7.2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host<'a>(&'a str);

/// A `Host` that names no host, or more than one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The host is not a name or an address with an optional port.")]
pub struct InvalidHost;

impl<'a> Host<'a> {
    /// Reads a host as it was sent; Envoy joins repeated ones with a comma, so those are refused here.
    ///
    /// # Errors
    /// Anything but `name`, `name:port`, `1.2.3.4`, `[::1]`, `[::1]:port`; user information; an empty name.
    pub fn parse(text: &'a [u8]) -> Result<Self, InvalidHost> {
        let text = std::str::from_utf8(text).map_err(|_not_utf8| InvalidHost)?;
        let (name, port) = split_port(text)?;
        if port.is_none_or(is_port) && is_name_or_address(name) { Ok(Self(text)) } else { Err(InvalidHost) }
    }

    /// The host as it was sent, port included.
    #[must_use]
    pub const fn as_str(&self) -> &'a str {
        self.0
    }
}

fn split_port(text: &str) -> Result<(&str, Option<&str>), InvalidHost> {
    if text.starts_with('[') {
        let end = text.find(']').ok_or(InvalidHost)?;
        let (address, rest) = text.split_at_checked(end.saturating_add(1)).ok_or(InvalidHost)?;
        return match rest.strip_prefix(':') {
            Some(port) => Ok((address, Some(port))),
            None if rest.is_empty() => Ok((address, None)),
            None => Err(InvalidHost),
        };
    }
    Ok(text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port))))
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

fn is_name_or_address(text: &str) -> bool {
    if let Some(inner) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        return inner.parse::<Ipv6Addr>().is_ok();
    }
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return text.parse::<Ipv4Addr>().is_ok();
    }
    text.len() <= LONGEST_NAME && text.strip_suffix('.').unwrap_or(text).split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    (1..=LONGEST_LABEL).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// RFC 1035, 2.3.4.
const LONGEST_NAME: usize = 255;

/// RFC 1035, 2.3.4.
const LONGEST_LABEL: usize = 63;

#[cfg(test)]
mod tests {
    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn names_and_addresses_are_hosts() {
        for text in [
            "a",
            "api.example",
            "Api.Example:8080",
            "a_b.example.",
            "127.0.0.1",
            "127.0.0.1:80",
            "[::1]",
            "[::1]:65535",
        ] {
            assert_eq!(Host::parse(text.as_bytes()).map(|host| host.as_str()), Ok(text));
        }
    }

    #[test]
    fn anything_else_is_no_host() {
        for text in [
            "",
            ":80",
            "a:",
            "a:b",
            "a:65536",
            "a:+80",
            "a:80:81",
            "a,b",
            "a, b",
            "a b",
            "user@a",
            "a..b",
            ".a",
            "a/b",
            "a?b",
            "a#b",
            "[::1",
            "::1",
            "[::1]x",
            "[::1]:",
            "[a]",
            "1.2.3",
            "1.2.3.4.5",
            "256.1.1.1",
            "a\0",
            "%61",
            "ексампл",
        ] {
            assert_eq!(Host::parse(text.as_bytes()), Err(InvalidHost), "{text}");
        }
        assert_eq!(Host::parse(b"a\xff"), Err(InvalidHost));
        assert_eq!(Host::parse("a".repeat(64).as_bytes()), Err(InvalidHost));
    }
}
