//! Owns the events that can happen to the plugin, and the content of requests and replies.

use arbitrary::Arbitrary;

/// An event. Numbers stand for the streams, roots and calls that there are, counted round and round.
#[derive(Arbitrary, Debug)]
pub(super) enum Event {
    Headers(Sent),
    Body(u8),
    Trailers(u8, Vec<String>),
    Reset(u8),
    Tick(u8),
    Reply(u8, Said),
    Reload,
    End(u8),
    Seconds(u8),
    /// A step of the wall clock alone, in seconds.
    Step(i16),
    Failing(Failing),
}

/// A request.
#[derive(Arbitrary, Debug)]
pub(super) struct Sent {
    pub(super) method: u8,
    pub(super) path: Text,
    pub(super) api_key: Vec<Text>,
    pub(super) token: Vec<Text>,
    pub(super) further: Vec<(Text, Vec<u8>)>,
}

/// A text that means something at its place, or any other.
#[derive(Arbitrary, Debug)]
pub(super) enum Text {
    Known(u8),
    Any(Vec<u8>),
}

/// A reply of an authority.
#[derive(Arbitrary, Debug)]
pub(super) enum Said {
    /// The reply where all is well.
    Good,
    /// No reply in time.
    Nothing,
    Inactive,
    /// A page with an entry; for 0, with a reset.
    Revoked(u8),
    Bytes(u16, Vec<u8>),
}

/// Calls that the host does not carry out from now on.
#[derive(Arbitrary, Clone, Copy, Debug, Default)]
pub(super) struct Failing {
    pub(super) ask: bool,
    pub(super) forward: bool,
    pub(super) identify: bool,
    pub(super) remove_trailer: bool,
    /// Every signature is judged invalid.
    pub(super) verify: bool,
}

impl Text {
    pub(super) fn of(&self, known: &[&str]) -> Vec<u8> {
        match self {
            Self::Known(index) => usize::from(*index)
                .checked_rem(known.len())
                .and_then(|index| known.get(index))
                .map_or_else(Vec::new, |text| text.as_bytes().to_vec()),
            Self::Any(bytes) => bytes.clone(),
        }
    }
}
