//! Owns what a request may call the host: a name or an address, with an optional port; and which hosts a route is for.

use std::borrow::Cow;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

mod foreign;

pub(crate) use foreign::InvalidHostPattern;
use foreign::is_every_host_elsewhere;

/// A `Host` or `:authority` that names one host ([RFC 9110, 7.2](https://www.rfc-editor.org/rfc/rfc9110#section-7.2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host<'a>(&'a str);

/// A `Host` that names no host, or more than one. What it displays is for the client, who learns no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The host is not a name or an address with an optional port.")]
pub enum InvalidHost {
    /// Bytes that are no text.
    NotUtf8,
    /// Nothing.
    Empty,
    /// More than one: Envoy joins them with a comma.
    Several,
    /// A user in front of it.
    UserInformation,
    /// Something else than a port behind the colon.
    Port,
    /// Brackets, and no IPv6 address in them.
    Bracketed,
    /// Digits and dots, and no IPv4 address.
    Ipv4,
    /// Something else that is no name.
    Name,
}

impl InvalidHost {
    /// What is wrong, for the operator.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::NotUtf8 => "the host is not UTF-8",
            Self::Empty => "the host is empty",
            Self::Several => "the host has a comma, by which several are joined",
            Self::UserInformation => "the host has user information (`@`)",
            Self::Port => "the host's port is no number from 0 to 65535",
            Self::Bracketed => "the host's brackets hold no IPv6 address, or something else than a port follows them",
            Self::Ipv4 => "the host has digits and dots only, and is no IPv4 address",
            Self::Name => {
                "the host is no name: a label has another byte than a letter, digit, `-` or `_`, or a wrong length"
            }
        }
    }

    /// What is wrong with a text, one part of which is wrong: what makes it no host as a whole goes before.
    fn in_whole(self, text: &str) -> Self {
        if text.contains(',') {
            Self::Several
        } else if text.contains('@') {
            Self::UserInformation
        } else {
            self
        }
    }

    /// What is wrong with a name or an address.
    fn of_name(name: &str) -> Self {
        if name.is_empty() {
            Self::Empty
        } else if name.starts_with('[') {
            Self::Bracketed
        } else if name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            Self::Ipv4
        } else {
            Self::Name
        }
    }
}

impl<'a> Host<'a> {
    /// Reads a host as it was sent; Envoy joins repeated ones with a comma, so those are refused here.
    ///
    /// # Errors
    /// Anything but `name`, `name:port`, `1.2.3.4`, `[::1]`, `[::1]:port`; user information; an empty name.
    pub fn parse(text: &'a [u8]) -> Result<Self, InvalidHost> {
        let text = std::str::from_utf8(text).map_err(|_not_utf8| InvalidHost::NotUtf8)?;
        check(text).map(|()| Self(text)).map_err(|invalid| invalid.in_whole(text))
    }

    /// The host as it was sent, port included.
    #[must_use]
    pub const fn as_str(&self) -> &'a str {
        self.0
    }

    /// The name or address alone, in its one spelling: lower case, without port and without the root's dot ([RFC 9110,
    /// 4.2.3](https://www.rfc-editor.org/rfc/rfc9110#section-4.2.3); [RFC 5952,
    /// 4](https://www.rfc-editor.org/rfc/rfc5952#section-4)).
    #[must_use]
    pub fn name(&self) -> Cow<'a, str> {
        // It was split when it was read, and splits again.
        let name = split_port(self.0).map_or(self.0, |(name, _port)| name);
        spelt(name)
    }
}

/// The hosts a route is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum HostPattern {
    /// Every host: the route names none.
    Any,
    /// One name or address, as [`Host::name`] spells it.
    Name(String),
    /// `*.suffix`: every name below it, and not itself.
    Suffix(String),
}

impl HostPattern {
    /// Whether every host of `other` is one of these.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        let below = |name: &str, suffix: &str| name.strip_suffix(suffix).is_some_and(|rest| rest.ends_with('.'));
        match (self, other) {
            (Self::Any, _) => true,
            (_, Self::Any) | (Self::Name(_), Self::Suffix(_)) => false,
            (Self::Name(one), Self::Name(two)) => one == two,
            (Self::Suffix(suffix), Self::Name(name)) => below(name, suffix),
            (Self::Suffix(one), Self::Suffix(two)) => one == two || below(two, one),
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any host"),
            Self::Name(name) => f.write_str(name),
            Self::Suffix(suffix) => write!(f, "*.{suffix}"),
        }
    }
}

impl FromStr for HostPattern {
    type Err = InvalidHostPattern;

    fn from_str(text: &str) -> Result<Self, InvalidHostPattern> {
        let invalid = || InvalidHostPattern::of(text);
        if is_every_host_elsewhere(text) {
            return Err(invalid());
        }
        let (suffix, name) = text.strip_prefix("*.").map_or((false, text), |suffix| (true, suffix));
        if !is_name_or_address(name) {
            return Err(invalid());
        }
        let name = spelt(name).into_owned();
        let is_address = name.starts_with('[') || name.parse::<Ipv4Addr>().is_ok();
        match (suffix, is_address) {
            (false, true | false) => Ok(Self::Name(name)),
            (true, false) => Ok(Self::Suffix(name)),
            // Nothing is below an address.
            (true, true) => Err(invalid()),
        }
    }
}

/// The one spelling of a name or address.
fn spelt(name: &str) -> Cow<'_, str> {
    if let Some(address) = name.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().map_or(Cow::Borrowed(name), |address| Cow::Owned(format!("[{address}]")));
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

fn check(text: &str) -> Result<(), InvalidHost> {
    let (name, port) = split_port(text)?;
    if !is_name_or_address(name) {
        return Err(InvalidHost::of_name(name));
    }
    if port.is_none_or(is_port) { Ok(()) } else { Err(InvalidHost::Port) }
}

fn split_port(text: &str) -> Result<(&str, Option<&str>), InvalidHost> {
    if text.starts_with('[') {
        let end = text.find(']').ok_or(InvalidHost::Bracketed)?;
        let (address, rest) = text.split_at_checked(end.saturating_add(1)).ok_or(InvalidHost::Bracketed)?;
        return match rest.strip_prefix(':') {
            Some(port) => Ok((address, Some(port))),
            None if rest.is_empty() => Ok((address, None)),
            None => Err(InvalidHost::Bracketed),
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
    text.len() <= MAX_NAME && text.strip_suffix('.').unwrap_or(text).split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    (1..=MAX_LABEL).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// RFC 1035, 2.3.4.
pub(crate) const MAX_NAME: usize = 255;

/// RFC 1035, 2.3.4.
const MAX_LABEL: usize = 63;

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
        use InvalidHost::{Bracketed, Empty, Ipv4, Name, NotUtf8, Port, Several, UserInformation};
        let long = "a".repeat(64);
        for (text, invalid) in [
            (&b""[..], Empty),
            (b":80", Empty),
            (b"a:", Port),
            (b"a:b", Port),
            (b"a:65536", Port),
            (b"a:+80", Port),
            (b"a:80:81", Port),
            (b"a,b", Several),
            (b"a, b", Several),
            (b"a b", Name),
            (b"user@a", UserInformation),
            (b"a..b", Name),
            (b".a", Name),
            (b"a/b", Name),
            (b"a?b", Name),
            (b"a#b", Name),
            (b"[::1", Bracketed),
            (b"::1", Empty),
            (b"[::1]x", Bracketed),
            (b"[::1]:", Port),
            (b"[a]", Bracketed),
            (b"1.2.3", Ipv4),
            (b"1.2.3.4.5", Ipv4),
            (b"256.1.1.1", Ipv4),
            (b"a\0", Name),
            (b"%61", Name),
            ("ексампл".as_bytes(), Name),
            (b"a\xff", NotUtf8),
            (long.as_bytes(), Name),
        ] {
            let found = Host::parse(text);
            assert_eq!(found, Err(invalid), "{}", text.escape_ascii());
            assert_eq!(invalid.to_string(), InvalidHost::Name.to_string(), "the client learns no more");
        }
    }

    #[test]
    fn name_has_one_spelling() {
        for (text, name) in [
            ("Api.Example:8080", "api.example"),
            ("api.example.", "api.example"),
            ("127.0.0.1:80", "127.0.0.1"),
            ("[0:0::1]:80", "[::1]"),
            ("[::FFFF:1.2.3.4]", "[::ffff:1.2.3.4]"),
        ] {
            assert_eq!(Host::parse(text.as_bytes()).unwrap().name(), name);
        }
    }

    #[test]
    fn patterns_are_names_suffixes_and_addresses() {
        for (text, shown) in
            [("Api.Example", "api.example"), ("*.Example.", "*.example"), ("1.2.3.4", "1.2.3.4"), ("[0::1]", "[::1]")]
        {
            assert_eq!(text.parse::<HostPattern>().unwrap().to_string(), shown);
        }
        for text in [
            "",
            "*",
            "*.",
            "a:80",
            "*.1.2.3.4",
            "*.[::1]",
            "a.*",
            "*a",
            "**.a",
            "a b",
            "1.2.3",
            "a/b",
            "_",
            "*._",
            "_.x",
            "any",
            "ALL",
            "_default_",
        ] {
            assert!(text.parse::<HostPattern>().is_err(), "{text}");
        }
    }

    #[test]
    fn wildcard_of_another_gateway_is_a_fault_that_names_what_was_meant() {
        let (every, unknown) = ("a route for every host has no `hosts`", "write a name, `*.suffix` or an address");
        let below = |suffix: &str| format!("write `*.{suffix}` for all that is below `{suffix}`, at any depth");
        for (text, meant) in [
            ("*", every.to_owned()),
            ("*.*", every.to_owned()),
            ("**", every.to_owned()),
            (".*", every.to_owned()),
            ("^.*$", every.to_owned()),
            ("_", every.to_owned()),
            ("all", every.to_owned()),
            ("_.x", every.to_owned()),
            ("*:*", every.to_owned()),
            ("*.*.x", below("x")),
            ("**.Example", below("example")),
            (".example", below("example")),
            ("*api.example", below("example")),
            ("api-*.example", below("example")),
            ("a.*.example", below("example")),
            ("{tenant}.example", below("example")),
            (":tenant.example", below("example")),
            ("<tenant>.example", below("example")),
            ("[tenant].example", below("example")),
            ("$tenant.example", below("example")),
            ("(.*)\\.api\\.example$", below("api.example")),
            ("~^.+\\.example$", below("example")),
            ("^api\\.example$", "write `api.example`".to_owned()),
            ("https://api.example/v1", "write `api.example`".to_owned()),
            ("api.example:8443", "write `api.example`".to_owned()),
            ("*.example:443", below("example")),
            ("api.*", "write each name that begins with `api.`".to_owned()),
            ("www.api.*", "write each name that begins with `www.api.`".to_owned()),
            ("*.1.2.3.4", unknown.to_owned()),
            ("ексампл", unknown.to_owned()),
        ] {
            let fault = text.parse::<HostPattern>().unwrap_err().to_string();
            assert!(fault.starts_with(&format!("`{text}` is no host; {meant}")), "{fault}");
        }
    }

    #[test]
    fn suffix_covers_what_is_below_it() {
        let pattern = |text: &str| if text.is_empty() { HostPattern::Any } else { text.parse().unwrap() };
        for (one, two) in
            [("", "a"), ("", "*.a"), ("", ""), ("a", "A"), ("*.a", "b.a"), ("*.a", "*.b.a"), ("*.a", "*.a")]
        {
            assert!(pattern(one).covers(&pattern(two)), "{one} {two}");
        }
        for (one, two) in
            [("a", ""), ("*.a", ""), ("a", "b"), ("*.a", "a"), ("*.a", "xa"), ("*.b.a", "*.a"), ("a", "*.a")]
        {
            assert!(!pattern(one).covers(&pattern(two)), "{one} {two}");
        }
    }
}
