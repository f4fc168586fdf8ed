//! Owns the verbs by which the life of a request speaks to the proxy.

use brama_policy::{Grant, Moment, Question, Refusal, SignatureCheck, Unavailable};

/// The proxy, as one request sees it.
///
/// A verb that fails refuses the request. (With version 0.2.5 of the SDK most failures trap instead: the VM is lost, and
/// the request with it, unmarked. Only a lookup that cannot be sent is told apart.)
pub trait Host {
    /// All headers of the request in the order in which they came, pseudo-headers included.
    fn headers(&mut self) -> Vec<(String, Vec<u8>)>;

    /// The names of the request's trailers.
    fn trailer_names(&mut self) -> Result<Vec<String>, HostFailed>;

    /// What the clocks show.
    fn now(&mut self) -> Moment;

    /// An id that no other request has.
    fn fresh_id(&mut self) -> String;

    /// Replaces the request's `x-request-id`.
    ///
    /// # Errors
    /// The proxy would not.
    fn identify(&mut self, request_id: &str) -> Result<(), HostFailed>;

    /// Removes and sets headers as granted, and then, last of all, marks the request as allowed. `reason`: why its rule would
    /// refuse it, if it were enforced.
    ///
    /// # Errors
    /// The proxy would not; the request is not marked then.
    fn forward_as(&mut self, grant: &Grant, reason: Option<&str>) -> Result<(), HostFailed>;

    /// Removes every trailer of this name.
    ///
    /// # Errors
    /// The proxy would not.
    fn remove_trailer(&mut self, name: &str) -> Result<(), HostFailed>;

    /// Answers the client, marked as the plugin's own answer, and notes why for the operator.
    fn refuse(&mut self, refusal: &Refusal, note: RefusalNote<'_>);

    /// Lets a paused request go on.
    fn resume(&mut self);

    /// Asks for a tick soon: there is something to send, or somebody to answer.
    fn wake(&mut self);

    /// Whether a signature is the key's. What cannot say says no.
    fn verify_signature(&mut self, check: &SignatureCheck<'_>) -> bool;

    /// Moves a counter.
    fn count(&mut self, counter: Counter);
}

impl<T: Host> Host for &mut T {
    fn headers(&mut self) -> Vec<(String, Vec<u8>)> {
        (**self).headers()
    }

    fn trailer_names(&mut self) -> Result<Vec<String>, HostFailed> {
        (**self).trailer_names()
    }

    fn now(&mut self) -> Moment {
        (**self).now()
    }

    fn fresh_id(&mut self) -> String {
        (**self).fresh_id()
    }

    fn identify(&mut self, request_id: &str) -> Result<(), HostFailed> {
        (**self).identify(request_id)
    }

    fn forward_as(&mut self, grant: &Grant, reason: Option<&str>) -> Result<(), HostFailed> {
        (**self).forward_as(grant, reason)
    }

    fn remove_trailer(&mut self, name: &str) -> Result<(), HostFailed> {
        (**self).remove_trailer(name)
    }

    fn refuse(&mut self, refusal: &Refusal, note: RefusalNote<'_>) {
        (**self).refuse(refusal, note);
    }

    fn resume(&mut self) {
        (**self).resume();
    }

    fn wake(&mut self) {
        (**self).wake();
    }

    fn verify_signature(&mut self, check: &SignatureCheck<'_>) -> bool {
        (**self).verify_signature(check)
    }

    fn count(&mut self, counter: Counter) {
        (**self).count(counter);
    }
}

/// What the operator is told of a refusal, and the client is not.
#[derive(Clone, Copy, Debug)]
pub struct RefusalNote<'a> {
    /// The denial's code.
    pub denial: &'static str,
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
    type Stream<'a>: Host
    where
        Self: 'a;

    /// What the clocks show.
    fn now(&mut self) -> Moment;

    /// Sends a question; its reply comes to [`crate::worker::Worker::on_reply`] under the call's number.
    ///
    /// # Errors
    /// The proxy would not send it, and why.
    fn ask(&mut self, question: &Question<'_>) -> Result<CallId, Unavailable>;

    /// One of the requests; `None` where it is gone.
    fn stream(&mut self, stream: StreamId) -> Option<Self::Stream<'_>>;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counter {
    /// A request was allowed: `brama_allowed`.
    Allowed,
    /// A request was refused for this denial: `brama_refused_<code>`.
    Refused(&'static str),
    /// A request was allowed that an enforced rule would refuse for this denial: `brama_would_refuse_<code>`.
    WouldRefuse(&'static str),
    /// The gateway itself did not vouch for a credential, for this reason: `brama_rejected_<reason>`. Beside one of the two
    /// above.
    Rejected(&'static str),
    /// A lookup was sent to an authority: `brama_lookups`.
    Lookup,
    /// Facts or a refusal were still remembered: `brama_recalled`.
    Recalled,
    /// Facts served that were older than they should be, since nobody could be asked: `brama_stale`.
    Stale,
    /// A request joined a lookup that was out already: `brama_joined`.
    Joined,
    /// A lookup was not sent, since its authority is given a rest: `brama_rested`.
    Rested,
    /// A lookup did not begin, since as many are out, or have begun in a second, as may: `brama_shed`.
    Shed,
    /// A feed of revocations has answered: `brama_feed_pages`.
    FeedPage,
    /// A feed of revocations has not answered: `brama_feed_failures`.
    FeedFailure,
    /// What was known of a credential was revoked: `brama_revoked`.
    Revoked,
    /// What was known of a credential was not trusted, since its feed is stale: `brama_distrusted`.
    Distrusted,
    /// An answer was revoked on its way: `brama_overtaken`.
    Overtaken,
    /// A reply came that nobody waits for: `brama_stray_replies`.
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
    pub fn name(self) -> String {
        match self {
            Self::Allowed => "brama_allowed".to_owned(),
            Self::Refused(code) => format!("brama_refused_{code}"),
            Self::WouldRefuse(code) => format!("brama_would_refuse_{code}"),
            Self::Rejected(reason) => format!("brama_rejected_{reason}"),
            Self::Lookup => "brama_lookups".to_owned(),
            Self::Recalled => "brama_recalled".to_owned(),
            Self::Stale => "brama_stale".to_owned(),
            Self::Joined => "brama_joined".to_owned(),
            Self::Rested => "brama_rested".to_owned(),
            Self::Shed => "brama_shed".to_owned(),
            Self::FeedPage => "brama_feed_pages".to_owned(),
            Self::FeedFailure => "brama_feed_failures".to_owned(),
            Self::Revoked => "brama_revoked".to_owned(),
            Self::Distrusted => "brama_distrusted".to_owned(),
            Self::Overtaken => "brama_overtaken".to_owned(),
            Self::StrayReply => "brama_stray_replies".to_owned(),
            Self::KeyFetch => "brama_key_fetches".to_owned(),
            Self::KeyFetchFailed => "brama_key_fetches_failed".to_owned(),
            Self::KeyLeftOut => "brama_keys_left_out".to_owned(),
        }
    }
}
