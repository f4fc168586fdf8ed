//! Owns what a text that is no host probably means: in another gateway, in a regular expression, in a URL.

use std::fmt;

use super::{is_name_or_address, is_port, spelt};

/// A text that is no host a route can be for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no host; {meaning}")]
pub(crate) struct InvalidHostPattern {
    text: String,
    meaning: Meaning,
}

impl InvalidHostPattern {
    pub(super) fn of(text: &str) -> Self {
        Self { text: text.to_owned(), meaning: meaning(text) }
    }
}

/// What was probably meant by a text that is no host.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Meaning {
    Every,
    /// All below this one.
    Below(String),
    /// All that begin with this one.
    Each(String),
    /// This one, without what stands about it.
    Name(String),
    Unknown,
}

impl fmt::Display for Meaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every => f.write_str("a route for every host has no `hosts`"),
            Self::Below(suffix) => write!(f, "write `*.{suffix}` for all that is below `{suffix}`, at any depth"),
            Self::Each(prefix) => {
                write!(f, "write each name that begins with `{prefix}.`, for only a name's beginning can be left open")
            }
            Self::Name(name) => write!(f, "write `{name}`"),
            Self::Unknown => f.write_str("write a name, `*.suffix` or an address, without a port"),
        }
    }
}

/// Whether a text that could be a name means every host to other gateways: a label that is `_` is one like any other to
/// DNS.
pub(super) fn is_every_host_elsewhere(text: &str) -> bool {
    let words = ["all", "any", "none", "_default_"];
    words.iter().any(|word| text.eq_ignore_ascii_case(word)) || text.split('.').any(|label| label == "_")
}

/// What a text that is no host means elsewhere: in other gateways, in a regular expression, in a URL.
fn meaning(text: &str) -> Meaning {
    let is_wild = !text.is_empty() && text.bytes().all(|sign| b"*.+?%_^$()[]~/:".contains(&sign));
    if is_wild || is_every_host_elsewhere(text) {
        return Meaning::Every;
    }
    let text = text.rsplit_once("//").map_or(text, |(_scheme, after)| after).replace("\\.", ".");
    let text = text.trim_start_matches(['^', '~', ' ']).trim_end_matches('$');
    let bare = text.split_once('/').map_or(text, |(host, _path)| host);
    let bare = bare.rsplit_once(':').filter(|(_name, port)| is_port(port)).map_or(bare, |(name, _port)| name);
    let is_name = |text: &str| is_name_or_address(text) && !is_every_host_elsewhere(text);
    if is_name(bare) {
        return Meaning::Name(spelt(bare).into_owned());
    }
    // A wildcard within labels takes at most what is below the labels behind it.
    let is_wild = |label: &str| !is_name(label) || label.parse::<u8>().is_ok();
    let suffix = bare.rsplit('.').take_while(|label| !is_wild(label)).collect::<Vec<_>>();
    let suffix = suffix.into_iter().rev().collect::<Vec<_>>().join(".");
    match bare.strip_suffix(".*").or_else(|| bare.strip_suffix(".+")) {
        Some(prefix) if is_name(prefix) => Meaning::Each(spelt(prefix).into_owned()),
        Some(_) | None if is_name(&suffix) => Meaning::Below(spelt(&suffix).into_owned()),
        Some(_) | None => Meaning::Unknown,
    }
}
