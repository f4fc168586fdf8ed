//! Owns what can happen to the plugin, and what requests and replies bring.

use arbitrary::Arbitrary;

/// One thing that happens. Numbers stand for the streams, roots and calls that there are, counted round and round.
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
    /// The wall clock is stepped; no other is.
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

/// One of the texts that mean something at its place, or any.
#[derive(Arbitrary, Debug)]
pub(super) enum Text {
    Known(u8),
    Any(Vec<u8>),
}

/// What comes back from an authority.
#[derive(Arbitrary, Debug)]
pub(super) enum Said {
    /// What it says where all is well.
    Good,
    /// Nothing, in time.
    Nothing,
    Inactive,
    /// News of a credential, or that all may have been missed.
    Revoked(u8),
    Bytes(u16, Vec<u8>),
}

/// What the host does not carry out from now on.
#[derive(Arbitrary, Clone, Copy, Debug, Default)]
pub(super) struct Failing {
    pub(super) ask: bool,
    pub(super) forward: bool,
    pub(super) identify: bool,
    pub(super) remove_trailer: bool,
    /// No signature is the key's.
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
