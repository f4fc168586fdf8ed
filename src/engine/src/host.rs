//! Owns the interface between a request's life and the proxy.

use brama_policy::deciding::{Grant, Moment, RefusalResponse};
use brama_policy::identity::{Question, SignatureCheck, Unavailable};

/// The proxy, as one request sees it.
///
/// A verb that fails refuses the request. (With version 0.2.5 of the SDK most failures trap instead: the VM is lost,
/// and the request with it, unmarked. Only a lookup that cannot be sent is told apart.)
pub trait Host {
    /// All headers of the request in the order in which they came, pseudo-headers included.
    fn headers(&mut self) -> Vec<(String, Vec<u8>)>;

    /// The names of the request's trailers.
    fn trailer_names(&mut self) -> Result<Vec<String>, HostFailed>;

    /// What the clocks show.
    fn now(&mut self) -> Moment;

    /// An id that no other request has.
    fn new_request_id(&mut self) -> String;

    /// Replaces the request's `x-request-id`.
    ///
    /// # Errors
    /// The proxy would not.
    fn set_request_id(&mut self, request_id: &str) -> Result<(), HostFailed>;

    /// Removes and sets headers as granted, cookies included, and then, last of all, marks the request as allowed. The
    /// target was set before ([`Self::set_target`]). `reason`: why its rule would refuse it, if it were enforced.
    ///
    /// # Errors
    /// The proxy would not; the request is not marked then.
    fn apply_grant(&mut self, grant: &Grant, reason: Option<&str>) -> Result<(), HostFailed>;

    /// Removes every trailer of this name.
    ///
    /// # Errors
    /// The proxy would not.
    fn remove_trailer(&mut self, name: &str) -> Result<(), HostFailed>;

    /// Answers the client, marked as the plugin's own answer, and notes why for the operator.
    fn refuse(&mut self, refusal: &RefusalResponse, note: RefusalNote<'_>);

    /// Sets the request's target, once and before anything is decided, so that no log has the credentials in its query.
    ///
    /// # Errors
    /// The proxy did not.
    fn set_target(&mut self, target: &[u8]) -> Result<(), HostFailed>;

    /// Lets a paused request go on.
    fn resume(&mut self);

    /// Asks for a tick soon: a call is to be sent, or a request to be answered.
    fn request_tick(&mut self);

    /// Tells whether a signature was made with the key; `false` where that cannot be told.
    fn verify_signature(&mut self, check: &SignatureCheck<'_>) -> bool;

    /// Moves a counter.
    fn count(&mut self, counter: Counter);
}

/// What the operator is told of a refusal, and the client is not.
#[derive(Clone, Copy, Debug)]
pub struct RefusalNote<'a> {
    /// The denial's code.
    pub denial: &'a str,
    /// The rule that refused; `-` where there was none.
    pub rule: &'a str,
    /// Why, where there is more to say.
    pub reason: Option<&'a str>,
    /// What is known of the caller, where the policy lets logs tell it.
    pub identity: Option<&'a str>,
}

/// The proxy, as the plugin's root context sees it: there is one for each configuration, and it outlives requests.
pub trait RootHost {
    /// The proxy, as one of the requests sees it.
    type Stream: Host;

    /// What the clocks show.
    fn now(&mut self) -> Moment;

    /// Sends a call; its reply comes to [`crate::worker::Worker::on_reply`] under the call's number.
    ///
    /// # Errors
    /// The proxy would not send it, and why.
    fn dispatch(&mut self, question: &Question<'_>) -> Result<CallId, Unavailable>;

    /// Visits one of the requests; does nothing where it is gone.
    fn visit(&mut self, stream: StreamId, visit: impl FnOnce(&mut Self::Stream));

    /// Moves a counter.
    fn count(&mut self, counter: Counter);
}

/// The number of a call that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallId(pub u32);

/// The number of a request in its worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StreamId(pub u32);

/// The number of a root context in its worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RootId(pub u32);

/// A verb the proxy did not carry out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the proxy did not do what it was asked")]
pub struct HostFailed;

/// What is counted. Every decision moves one of the first two.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counter {
    /// A request was allowed: `brama_allowed`.
    Allowed,
    /// A request was refused for this denial: `brama_refused_<code>`.
    Refused(String),
    /// A request was allowed that an enforced rule would refuse for this denial: `brama_would_refuse_<code>`.
    WouldRefuse(String),
    /// The gateway itself rejected a JWT, for this reason: `brama_rejected_<reason>`. Beside one of the two above.
    Rejected(&'static str),
    /// A lookup was sent to an authority: `brama_lookups`.
    Lookup,
    /// Facts or a refusal came from the cache: `brama_cache_hits`.
    CacheHit,
    /// Expired facts served in an outage: `brama_stale_served`.
    StaleServed,
    /// A request joined a lookup in progress: `brama_lookups_joined`.
    LookupJoined,
    /// A lookup was not sent, since the circuit of its authority is open: `brama_circuit_open`.
    CircuitOpen,
    /// A lookup was shed: too many in progress, or over the rate limit: `brama_lookups_shed`.
    LookupShed,
    /// A feed of revocations has answered: `brama_feed_pages`.
    FeedPage,
    /// A feed of revocations has not answered: `brama_feed_failures`.
    FeedFailure,
    /// Cached facts of a credential were revoked: `brama_revoked`.
    Revoked,
    /// Cached facts were not used, since their feed is stale: `brama_feed_stale`.
    FeedStale,
    /// An answer was revoked while it was in flight: `brama_revoked_in_flight`.
    RevokedInFlight,
    /// A reply came that no request waits for: `brama_stray_replies`.
    StrayReply,
    /// An issuer was asked for its keys: `brama_key_fetches`.
    KeyFetch,
    /// An issuer's keys did not come: `brama_key_fetches_failed`.
    KeyFetchFailed,
    /// A key of an issuer's set verifies nothing, which each thread tells once for each set: `brama_keys_left_out`.
    KeyLeftOut,
}

impl Counter {
    /// The name under which Envoy shows it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Allowed => "brama_allowed".to_owned(),
            Self::Refused(code) => format!("brama_refused_{code}"),
            Self::WouldRefuse(code) => format!("brama_would_refuse_{code}"),
            Self::Rejected(reason) => format!("brama_rejected_{reason}"),
            Self::Lookup => "brama_lookups".to_owned(),
            Self::CacheHit => "brama_cache_hits".to_owned(),
            Self::StaleServed => "brama_stale_served".to_owned(),
            Self::LookupJoined => "brama_lookups_joined".to_owned(),
            Self::CircuitOpen => "brama_circuit_open".to_owned(),
            Self::LookupShed => "brama_lookups_shed".to_owned(),
            Self::FeedPage => "brama_feed_pages".to_owned(),
            Self::FeedFailure => "brama_feed_failures".to_owned(),
            Self::Revoked => "brama_revoked".to_owned(),
            Self::FeedStale => "brama_feed_stale".to_owned(),
            Self::RevokedInFlight => "brama_revoked_in_flight".to_owned(),
            Self::StrayReply => "brama_stray_replies".to_owned(),
            Self::KeyFetch => "brama_key_fetches".to_owned(),
            Self::KeyFetchFailed => "brama_key_fetches_failed".to_owned(),
            Self::KeyLeftOut => "brama_keys_left_out".to_owned(),
        }
    }
}
