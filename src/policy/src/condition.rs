//! Owns conditions: what a route requires beyond credentials, scopes and ownership, written in
//! [CEL](https://github.com/google/cel-spec/blob/master/doc/langdef.md).
//!
//! A condition is compiled with the policy and judged on each request. It holds, does not hold, or fails; a failure
//! is neither of the two, and refuses.
//!
//! # What bounds it
//! - **Text**: [`LONGEST_CONDITION`] bytes, of which the parser can make no deeper a recursion than a small stack holds
//!   (tried), and [`DEEPEST_CONDITION`] levels, which bound the check and the evaluation.
//! - **Time**: a loop (`all`, `exists`, `exists_one`, `filter`) may not stand inside the body of another, and only one
//!   body may read a list of scopes, once. So a condition costs at most its text times the longest list or map at
//!   hand (the request's headers, a caller's scopes, a list in the text), and once the square of a list of scopes.
//!   There are no regular expressions and no other loops.
//! - **Space**: `map` and map literals are refused, so that no loop can gather more than it went over.

#[cfg(not(feature = "cel"))]
mod absent;
#[cfg(feature = "cel")]
mod check;
#[cfg(feature = "cel")]
mod compiled;
#[cfg(feature = "cel")]
mod functions;
#[cfg(feature = "cel")]
mod kind;
#[cfg(feature = "cel")]
mod time;
#[cfg(feature = "cel")]
mod values;

use std::collections::BTreeMap;

use crate::facts::Facts;
use crate::header::folded;
use crate::target::Target;
use crate::template::CaptureKind;
use crate::time::UnixTime;

#[cfg(not(feature = "cel"))]
pub(crate) use absent::Condition;
#[cfg(feature = "cel")]
pub(crate) use compiled::Condition;

/// What a condition may name, besides `request` and `now`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names<'a> {
    /// The captures of the route: `params`.
    pub(crate) captures: &'a [(&'a str, CaptureType)],
    /// The further facts of a token; `None` where the route requires none, and `token` is unknown.
    pub(crate) token: Option<&'a [&'a str]>,
    /// The further facts of an API key; `None` where the route requires none, and `api_key` is unknown.
    pub(crate) api_key: Option<&'a [&'a str]>,
}

/// What a capture is to a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CaptureType {
    Text,
    Int,
}

impl CaptureType {
    pub(crate) const fn of(kind: CaptureKind) -> Self {
        match kind {
            CaptureKind::Any | CaptureKind::Rest | CaptureKind::Uuid => Self::Text,
            CaptureKind::Int => Self::Int,
        }
    }
}

/// What a condition is judged on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) request: &'a RequestView,
    pub(crate) captures: &'a [(&'a str, Capture<'a>)],
    pub(crate) token: Option<&'a Facts>,
    pub(crate) api_key: Option<&'a Facts>,
    pub(crate) now: UnixTime,
}

/// What a capture took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Capture<'a> {
    Text(&'a str),
    Int(i64),
}

impl<'a> Capture<'a> {
    pub(crate) fn of(kind: CaptureKind, value: &'a str) -> Option<Self> {
        match CaptureType::of(kind) {
            CaptureType::Text => Some(Self::Text(value)),
            CaptureType::Int => value.parse().ok().map(Self::Int),
        }
    }
}

/// A request as conditions see it, taken while the request is at hand: answers come later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestView {
    pub(crate) method: String,
    /// In lower case, without a port.
    pub(crate) host: String,
    /// The path in its normal form, without the query.
    pub(crate) path: String,
    pub(crate) headers: Headers,
}

impl RequestView {
    pub(crate) fn of(target: &Target<'_>, headers: Headers) -> Self {
        Self {
            method: target.method.to_owned(),
            host: target.host.name().into_owned(),
            path: target.path.normal().into_owned(),
            headers,
        }
    }
}

/// The headers of a request as conditions see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Headers {
    /// No condition of the route reads them.
    NotAsked,
    /// By name: letters in lower case, every other sign a `-`.
    Read(BTreeMap<String, String>),
    /// A value is not UTF-8, so every condition that reads headers fails.
    Unreadable,
}

impl Headers {
    /// Reads headers, without the pseudo-headers.
    ///
    /// The caller leaves out those that carry credentials: a condition judges what an authority states of them, and
    /// never the secret itself.
    pub(crate) fn read<'h>(sent: impl Iterator<Item = (&'h str, &'h [u8])>) -> Self {
        let mut read = BTreeMap::<String, String>::new();
        for (name, value) in sent.filter(|(name, _value)| !name.starts_with(':')) {
            let Ok(value) = std::str::from_utf8(value) else { return Self::Unreadable };
            // RFC 9110, 5.3: values of one name are one list, in the order in which they were sent. To many a service
            // `x_debug` and `x.debug` are that name too, so what must not be there is not there under them either.
            read.entry(folded(name).map(char::from).collect())
                .and_modify(|before| {
                    before.push_str(", ");
                    before.push_str(value);
                })
                .or_insert_with(|| value.to_owned());
        }
        Self::Read(read)
    }
}

/// A text that is no condition of this route.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidCondition {
    #[cfg(not(feature = "cel"))]
    #[error("conditions are not built into this version; build with the feature `cel`")]
    NotBuilt,
    #[error("a condition is at most {LONGEST_CONDITION} bytes; this one is {0}")]
    TooLong(usize),
    #[error("`{0}` holds a comment; in a text that YAML folds into one line it would swallow what follows")]
    Comment(String),
    #[error("`{0}` is nested too deep; at most {MOST_BRACKETS} brackets and {DEEPEST_CONDITION} levels in all")]
    TooDeep(String),
    #[error("`{text}` does not parse, line {line}, column {column}: {reason}")]
    Unparsable { text: String, line: isize, column: isize, reason: String },
    #[error("`{0}` is no variable; there are `request`, `params`, `token`, `api_key`, `now`")]
    UnknownVariable(String),
    #[error("`{0}` can be read only of a route that requires that credential")]
    NotRequired(&'static str),
    #[error("`{0}` is read by its members only, as in `{0}.name`")]
    NotByMember(&'static str),
    #[error("`{of}.{member}` can never exist; {known}")]
    UnknownMember { of: &'static str, member: String, known: String },
    #[error("`{0}` can never be a header's name here; names are in lower case")]
    HeaderName(String),
    #[error("`{0}` is no function of conditions, or is not called like that")]
    UnknownFunction(String),
    #[error("`{0}` names what a loop goes over, but is taken")]
    NameTaken(String),
    #[error("a loop inside a loop, as over `{0}`, could cost too much; use `in`, or write two conditions")]
    NestedLoop(String),
    #[error("`{0}.scopes` is read in the body of a loop once too often, which could cost too much")]
    ScopesInLoop(&'static str),
    #[error("a loop goes over a list or the headers, not over {0}")]
    NotIterable(&'static str),
    #[error("{0} in a condition")]
    Unsupported(&'static str),
    #[error("`{operator}` between {left} and {right} can mean nothing")]
    Mismatch { operator: &'static str, left: &'static str, right: &'static str },
    #[error("`{text}` is {is}, and no bool")]
    NotBool { text: String, is: &'static str },
    #[error("`{operator}` takes bools, not {of}")]
    NotLogical { operator: &'static str, of: &'static str },
    #[error("`{text}` is no {wanted}")]
    Literal { text: String, wanted: &'static str },
    #[error("`{text}` always fails: {reason}")]
    AlwaysFails { text: String, reason: ConditionFailed },
}

/// Why a condition could be judged neither true nor false. A kind only: what was judged may be personal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConditionFailed {
    /// Something that is not there was read.
    #[error("it reads something that is absent")]
    Absent,
    /// Headers were read, and one is not UTF-8.
    #[error("it reads headers, and one is not UTF-8")]
    HeadersUnreadable,
    /// Headers were read that had not been kept.
    #[error("it reads headers, and they were not kept")]
    HeadersNotRead,
    /// An operator or a function was given what it does not take.
    #[error("an operator or a function does not take what it was given")]
    WrongType,
    /// A number or a time is out of range.
    #[error("a number or a time is out of range")]
    OutOfRange,
    /// A text could not be converted.
    #[error("a text could not be converted")]
    Conversion,
    /// The outcome is no bool.
    #[error("its outcome is no bool")]
    NotBool,
    /// Anything else.
    #[error("it could not be evaluated")]
    Other,
}

/// Bytes of a condition.
pub(crate) const LONGEST_CONDITION: usize = 1024;

/// Levels of a condition's expression tree. `&&` and `||` are balanced, so a chain of 64 of them takes six.
///
/// Each level is a frame of the evaluation, some two kilobytes of the stack in an optimised build and forty in another.
pub(crate) const DEEPEST_CONDITION: usize = 24;

/// How deep brackets may nest. Lower than the levels, since each costs the parser several frames.
const MOST_BRACKETS: u16 = 12;

#[cfg(feature = "cel")]
#[cfg(test)]
mod tests;
