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

impl Sent {
    pub(super) fn headers(&self) -> Vec<(String, Vec<u8>)> {
        let method = METHODS.get(usize::from(self.method) % METHODS.len()).copied().unwrap_or("DELETE");
        let mut headers = vec![
            (":method".to_owned(), method.into()),
            (":authority".to_owned(), b"api.example".to_vec()),
            (":path".to_owned(), self.path.of(&PATHS)),
        ];
        headers.extend(self.api_key.iter().map(|text| ("api-key".to_owned(), text.of(&API_KEYS))));
        headers.extend(self.token.iter().map(|text| ("authorization".to_owned(), text.of(&TOKENS))));
        headers.extend(self.further.iter().filter_map(|(name, value)| {
            // Envoy lets no name through that is not ASCII.
            let name = String::from_utf8(name.of(&FURTHER)).ok().filter(|name| name.is_ascii())?;
            Some((name, value.clone()))
        }));
        headers
    }
}

impl From<Failing> for brama_fake::Failing {
    fn from(failing: Failing) -> Self {
        let Failing { ask: dispatch, forward, identify, remove_trailer, verify } = failing;
        Self { dispatch, forward, identify, remove_trailer, verify, read_trailers: false }
    }
}

const METHODS: [&str; 6] = ["DELETE", "GET", "PUT", "POST", "CONNECT", "delete"];

const PATHS: [&str; 7] = [
    "/clients/1380df72-275a-11e7-93ae-92361f002671/things/1",
    "/clients/00000000-0000-4000-8000-000000000000/things/1",
    "/things/7",
    "/things/700",
    "/open",
    "/open/",
    "/things/%2e%2e/open",
];

const API_KEYS: [&str; 3] = ["k1", "k2", "k1,k2"];

const TOKENS: [&str; 5] = ["Bearer t1", "bearer t2", JWT, "Bearer t1,Bearer t2", "Basic t1"];

const FURTHER: [&str; 8] =
    ["x-purpose", "x-user", "x_user", "x-consumer-id", "x-http-method-override", "x-request-id", "upgrade", "api_key"];

/// JWT of the issuer, for this API, until a minute after the start. Its signature counts as the key's.
const JWT: &str = "Bearer eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6ImUifQ.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUiLCJhdWQiOiJhcGkiLCJzdWIiOiJ1MSIsImNsaWVudF9pZCI6IjEzODBkZjcyLTI3NWEtMTFlNy05M2FlLTkyMzYxZjAwMjY3MSIsImNsaWVudF90eXBlIjoiTVNQIiwic2NvcGUiOiJ0aGluZzpkZWxldGUgdGhpbmc6cmVhZCIsImlhdCI6MTY5OTk5OTk5MCwiZXhwIjoxNzAwMDAwMDYwLCJqdGkiOiJqIiwiZXh0Ijp7InRlbmFudCI6InQifX0.AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ";
