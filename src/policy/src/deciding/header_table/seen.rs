//! Owns the one walk over a request's headers, and what is seen on it.

use std::borrow::Cow;
use std::sync::Arc;

use super::{HeaderTable, Override, ReadByConditions, Role};
use crate::deciding::request::Request;
use crate::header::{Spelling, confusable};

/// All that a request's headers say to its policy; names and values are the request's own.
#[derive(Default)]
pub(crate) struct Seen<'a> {
    pub(crate) method: Copies<'a>,
    pub(crate) authority: Copies<'a>,
    pub(crate) path: Copies<'a>,
    /// The target without the credentials in its query; `None` where it has none. Shared with the grant.
    pub(crate) target_left: Option<Arc<[u8]>>,
    scheme: Copies<'a>,
    request_id: Copies<'a>,
    /// Whether a header could be taken for `:protocol`.
    pub(crate) has_protocol: bool,
    /// A name that is only like `upgrade` counts for it in full.
    pub(crate) upgrade: Copies<'a>,
    /// Override header to be told: the first in the order of [`Override`].
    pub(crate) overridden: Option<Override>,
    pub(crate) origin: Copies<'a>,
    /// Of `access-control-request-method`.
    pub(crate) preflight_method: Copies<'a>,
    /// Of the headers that carry credentials, by their numbers.
    carriers: [Copies<'a>; MAX_CARRIERS],
    /// Names of headers that must not reach the service: sorted, each once, since to remove a name is to remove all its
    /// copies.
    pub(crate) remove: Vec<&'a str>,
    /// Headers that conditions may see: all but credentials and removed ones, which would pass for the gateway's word.
    /// `None` where no condition reads headers.
    pub(crate) shown: Option<Vec<(&'a str, &'a [u8])>>,
}

/// The copies of one header in a request, a name that could be taken for its own included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Copies<'a> {
    #[default]
    None,
    /// Under names that are only alike.
    Alike,
    /// One, under its own name.
    Once(&'a [u8]),
    /// Under its own name, and under that or one that is alike again.
    Repeated,
}

impl<'a> Copies<'a> {
    /// The value of a header that is there once, under its own name, and under no other that is alike.
    pub(crate) const fn once(self) -> Option<&'a [u8]> {
        match self {
            Self::Once(value) => Some(value),
            Self::None | Self::Alike | Self::Repeated => None,
        }
    }

    pub(crate) const fn add(&mut self, spelling: Spelling, value: &'a [u8]) {
        *self = match (*self, spelling) {
            (Self::None, Spelling::Same) => Self::Once(value),
            (Self::None | Self::Alike, Spelling::Alike) => Self::Alike,
            (Self::Alike, Spelling::Same) | (Self::Once(_) | Self::Repeated, _) => Self::Repeated,
        };
    }
}

impl HeaderTable {
    /// Reads a request's headers.
    pub(crate) fn read<'a>(&self, request: &Request<'a>) -> Seen<'a> {
        let mut seen = Seen::default();
        match self.conditions {
            ReadByConditions::Nowhere => {}
            ReadByConditions::Somewhere => seen.shown = Some(Vec::new()),
        }
        for (name, value) in request.iter() {
            // From a letter or digit on: all that a policy can name.
            if name.starts_with(|first: char| first.is_ascii_alphanumeric()) {
                seen.field(self, name, value);
            } else {
                seen.pseudo(name, value);
            }
        }
        seen
    }
}

impl<'a> Seen<'a> {
    /// The request's own id, if it brings one that is safe to repeat: `[A-Za-z0-9#._-]{1,128}`, once.
    pub(crate) fn request_id(&self) -> Option<&'a str> {
        let id = std::str::from_utf8(self.request_id.once()?).ok()?;
        let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'#' | b'.' | b'_' | b'-'));
        ((1..=MAX_REQUEST_ID).contains(&id.len()) && plain).then_some(id)
    }

    /// The request's URL as the client knows it, without the query, which may hold anything.
    pub(crate) fn url(&self) -> String {
        let text = |part: Copies<'a>| part.once().map_or(Cow::Borrowed(""), String::from_utf8_lossy);
        let target = text(self.path);
        let path = target.split_once('?').map_or(&*target, |(path, _query)| path);
        format!("{}://{}{path}", text(self.scheme), text(self.authority))
    }

    /// The copies of a header that carries credentials, by its number.
    pub(crate) fn carrier(&self, number: usize) -> Copies<'a> {
        self.carriers.get(number).copied().unwrap_or_default()
    }

    /// A header that a policy could name.
    fn field(&mut self, table: &HeaderTable, name: &'a str, value: &'a [u8]) {
        let found = table.find(name);
        match found.role {
            Role::None => {}
            Role::RequestId => match found.spelling {
                Spelling::Same => self.request_id.add(Spelling::Same, value),
                Spelling::Alike => {}
            },
            Role::Upgrade => self.upgrade.add(Spelling::Same, value),
            Role::Override(header) => self.overridden_by(header),
            Role::Origin => self.origin.add(found.spelling, value),
            Role::PreflightMethod => self.preflight_method.add(found.spelling, value),
        }
        if let Some(copies) = found.carrier.and_then(|number| self.carriers.get_mut(number)) {
            copies.add(found.spelling, value);
        }
        if found.is_removed {
            if let Err(place) = self.remove.binary_search(&name) {
                self.remove.insert(place, name);
            }
        } else if found.carrier.is_none() {
            self.show(name, value);
        }
    }

    /// A header whose name begins with a sign: a pseudo-header, or what is like one to those who fold signs.
    fn pseudo(&mut self, name: &'a str, value: &'a [u8]) {
        match name {
            ":method" => self.method.add(Spelling::Same, value),
            ":authority" => self.authority.add(Spelling::Same, value),
            ":path" => self.path.add(Spelling::Same, value),
            ":scheme" => self.scheme.add(Spelling::Same, value),
            // `_method` is like `:method` to those who fold signs, so it is looked for as it is.
            _ if name.eq_ignore_ascii_case(Override::METHOD.name()) => self.overridden_by(Override::METHOD),
            _ => self.has_protocol |= confusable(name, ":protocol"),
        }
        self.show(name, value);
    }

    fn overridden_by(&mut self, header: Override) {
        self.overridden = Some(self.overridden.map_or(header, |other| other.min(header)));
    }

    fn show(&mut self, name: &'a str, value: &'a [u8]) {
        if let Some(shown) = &mut self.shown {
            shown.push((name, value));
        }
    }
}

/// Number of headers that can carry credentials.
pub(crate) const MAX_CARRIERS: usize = 16;

/// Bytes of a request id.
const MAX_REQUEST_ID: usize = 128;
