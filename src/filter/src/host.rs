//! Owns the verbs by which the life of a request speaks to the proxy.

use brama_policy::{Grant, Moment, Question, Refusal};

/// The proxy, as one request sees it.
///
/// A verb that fails refuses the request. (With version 0.2.5 of the SDK most failures trap instead: the VM is lost, and
/// the request with it, unmarked. Only a lookup that cannot be sent is told apart.)
pub trait Host {
    /// All headers of the request in the order in which they came, pseudo-headers included.
    fn headers(&mut self) -> Vec<(String, Vec<u8>)>;

    /// The names of the request's trailers.
    fn trailer_names(&mut self) -> Vec<String>;

    /// What the clocks show.
    fn now(&mut self) -> Moment;

    /// An id that no other request has.
    fn fresh_id(&mut self) -> String;

    /// Replaces the request's `x-request-id`.
    ///
    /// # Errors
    /// The proxy would not.
    fn identify(&mut self, request_id: &str) -> Result<(), HostFailed>;

    /// Sends a question; its reply comes to [`crate::session::Session::on_reply`] under the call's number.
    ///
    /// # Errors
    /// The proxy would not send it.
    fn ask(&mut self, question: &Question<'_>) -> Result<CallId, HostFailed>;

    /// Removes and sets headers as granted, and then, last of all, marks the request as allowed.
    ///
    /// # Errors
    /// The proxy would not; the request is not marked then.
    fn forward_as(&mut self, grant: &Grant) -> Result<(), HostFailed>;

    /// Removes every trailer of this name.
    ///
    /// # Errors
    /// The proxy would not.
    fn remove_trailer(&mut self, name: &str) -> Result<(), HostFailed>;

    /// Answers the client, marked as the plugin's own answer.
    fn refuse(&mut self, refusal: &Refusal, denial: &'static str, rule: &str);

    /// Lets a paused request go on.
    fn resume(&mut self);

    /// Moves a counter.
    fn count(&mut self, counter: Counter);
}

/// The number of a call that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallId(pub u32);

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
    /// A lookup was sent to an authority: `brama_lookups`.
    Lookup,
    /// Facts or a refusal were still remembered: `brama_recalled`.
    Recalled,
    /// A reply came that nobody waits for: `brama_stray_replies`.
    StrayReply,
}
