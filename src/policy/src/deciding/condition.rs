//! Owns conditions: what a route requires beyond credentials, scopes and ownership, written in
//! [CEL](https://github.com/google/cel-spec/blob/master/doc/langdef.md).
//!
//! A condition is compiled with the policy and judged on each request. It holds, does not hold, or fails; a failure
//! is neither of the two, and refuses.
//!
//! # What bounds it
//! - **Text**: [`MAX_CONDITION`] bytes, of which the parser can make no deeper a recursion than a small stack holds
//!   (tried), and [`DEEPEST_CONDITION`] levels, which bound the check and the evaluation.
//! - **Time**: a loop (`all`, `exists`, `exists_one`, `filter`) may not stand inside the body of another, and only one
//!   body may read a list of scopes or of facts, once. There are no regular expressions and no other loops. So what a
//!   condition can cost in steps and bytes is known when it is compiled, and a [`Budget`] bounds what the conditions of
//!   a route cost together: at compile time at the shipped limits of headers, and for each request by the number of
//!   entries in the caller's lists.
//! - **Space**: `map` and map literals are refused, so that no loop can gather more than it went over.

#[cfg(not(feature = "cel"))]
mod absent;
#[cfg(feature = "cel")]
mod check;
#[cfg(feature = "cel")]
mod compiled;
#[cfg(feature = "cel")]
mod constancy;
#[cfg(feature = "cel")]
mod functions;
#[cfg(feature = "cel")]
mod language;
#[cfg(feature = "cel")]
mod literal;
#[cfg(feature = "cel")]
mod presence;
#[cfg(feature = "cel")]
mod search;
#[cfg(feature = "cel")]
mod shown;
#[cfg(feature = "cel")]
mod texts;
#[cfg(feature = "cel")]
mod time;
#[cfg(feature = "cel")]
mod types;
#[cfg(feature = "cel")]
mod values;
#[cfg(feature = "cel")]
mod work;

use std::collections::BTreeMap;

use crate::deciding::decision::ConditionFailed;
use crate::deciding::target::Target;
use crate::fault::Blamed;
use crate::header::{HeaderPattern, folded};
use crate::host::HostPattern;
use crate::identity::credential::CredentialKind;
use crate::identity::facts::{FactType, Facts};
use crate::template::{CaptureKind, PathTemplate};
use crate::time::UnixTime;

#[cfg(not(feature = "cel"))]
pub(crate) use absent::Condition;
#[cfg(feature = "cel")]
pub(crate) use compiled::Condition;

/// The outcomes that something can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcomes {
    pub(crate) can_hold: bool,
    pub(crate) can_be_false: bool,
    pub(crate) can_fail: bool,
}

/// What a condition may name, besides `request` and `now`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names<'a> {
    /// The captures of the route: `params`.
    pub(crate) captures: &'a [(&'a str, CaptureKind)],
    /// The credentials of the policy.
    pub(crate) credentials: &'a [Identity<'a>],
    pub(crate) around: Around<'a>,
}

/// A credential as conditions see it.
#[derive(Clone, Debug)]
pub(crate) struct Identity<'a> {
    pub(crate) kind: CredentialKind,
    /// Its further facts; `None` where the route does not require it, and nothing of it can be read.
    pub(crate) further: Option<Vec<(&'a str, FactType)>>,
    /// Whether each request that comes to a condition has it.
    pub(crate) is_certain: bool,
}

/// Which requests come to a condition at all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Around<'a> {
    /// The methods of the route.
    pub(crate) methods: &'a [String],
    /// Its hosts.
    pub(crate) hosts: &'a [HostPattern],
    pub(crate) path: &'a PathTemplate,
    /// The headers that no condition sees.
    pub(crate) hidden: &'a [Hidden],
}

/// Headers that no condition sees, and why not.
#[derive(Clone, Debug)]
pub(crate) struct Hidden {
    pub(crate) pattern: HeaderPattern,
    pub(crate) reason: &'static str,
}

/// What a condition is judged on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) request: &'a RequestView,
    pub(crate) captures: &'a [(&'a str, Capture<'a>)],
    /// The facts of the credentials that the route looks at, and of `any` where it has alternatives; `None` of those that
    /// are not there.
    pub(crate) identities: &'a [(&'a CredentialKind, Option<&'a Facts>)],
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
        match kind {
            CaptureKind::Any | CaptureKind::Rest | CaptureKind::Uuid => Some(Self::Text(value)),
            CaptureKind::Int => value.parse().ok().map(Self::Int),
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
    #[error("a condition is at most {MAX_CONDITION} bytes; this one is {0}")]
    TooLong(usize),
    #[error("`{0}` holds a comment; in a text that YAML folds into one line it would swallow what follows")]
    Comment(String),
    #[error("`{0}` is nested too deep; at most {MAX_BRACKETS} brackets and {DEEPEST_CONDITION} levels in all")]
    TooDeep(String),
    #[error("`{text}` does not parse, line {line}, column {column}: {reason}")]
    Unparsable { text: String, line: isize, column: isize, reason: String, hint: Option<String> },
    #[error("`{name}` is no variable; there are {known}")]
    UnknownVariable { name: String, known: String, hint: Option<String> },
    #[error("`request.headers.{0}` is read as a difference")]
    Hyphenated(String),
    #[error("`{0}` can be read only of a route that requires that credential")]
    NotRequired(String),
    #[error("`{0}` is read by its members only, as in `{0}.name`")]
    NotByMember(String),
    #[error("`{0}` is no name that a condition can have")]
    Reserved(&'static str),
    #[error("`{of}.{member}` can never exist; {known}")]
    UnknownMember { of: String, member: String, known: String, hint: Option<String> },
    #[error("`{text}.{member}` can never exist; `{text}` is {is}")]
    NoMembers { text: String, is: &'static str, member: String, hint: Option<String> },
    #[error("`{name}` is no function of conditions; there are {known}")]
    UnknownFunction { name: String, known: String, hint: Option<String> },
    #[error("`{name}` is called otherwise: `{usage}`")]
    CalledOtherwise { name: String, usage: &'static str },
    #[error("`{function}` {wanted}, and this is {is}")]
    Argument { function: String, wanted: &'static str, is: &'static str, hint: Option<String> },
    #[error("`{0}` names what a loop goes over, but is taken")]
    NameTaken(String),
    #[error("a loop inside a loop, as over `{0}`, could cost too much; use `in`, or write two conditions")]
    NestedLoop(String),
    #[error("`{0}` is read in the body of a loop once too often, which could cost too much")]
    ListInLoop(String),
    #[error("a loop goes over a list or the headers, not over {0}")]
    NotIterable(&'static str),
    #[error("{0} in a condition")]
    Unsupported(&'static str),
    #[error("`{operator}` between {left} and {right} can mean nothing")]
    Mismatch { operator: &'static str, left: &'static str, right: &'static str, hint: Option<String> },
    #[error("a list has one type, and this one has {one} and {two}")]
    MixedList { one: &'static str, two: &'static str },
    #[error("`{text}` can never {never} {what}: {reason}")]
    Never { text: String, never: &'static str, what: String, reason: String, hint: Option<String> },
    #[error("`{text}` can never hold: {reason}")]
    NeverHolds { text: String, reason: String },
    #[error("`{text}` always fails: {reason}")]
    NeverConverts { text: String, reason: String },
    #[error("`{text}` is {is}, and no bool")]
    NotBool { text: String, is: &'static str },
    #[error("`{operator}` takes bools, not {of}")]
    NotLogical { operator: &'static str, of: &'static str },
    #[error("`{text}` is no {wanted}")]
    Literal { text: String, wanted: &'static str, hint: Option<String> },
    #[error("`{text}` always fails: {reason}")]
    AlwaysFails { text: String, reason: ConditionFailed },
}

impl InvalidCondition {
    /// What to write instead, where that can be guessed.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Unparsable { hint, .. }
            | Self::UnknownVariable { hint, .. }
            | Self::UnknownMember { hint, .. }
            | Self::NoMembers { hint, .. }
            | Self::UnknownFunction { hint, .. }
            | Self::Argument { hint, .. }
            | Self::Mismatch { hint, .. }
            | Self::Never { hint, .. }
            | Self::Literal { hint, .. } => hint.clone(),
            Self::Hyphenated(name) => Some(format!("write `request.headers[\"{name}\"]`")),
            Self::TooLong(_)
            | Self::Comment(_)
            | Self::TooDeep(_)
            | Self::NotRequired(_)
            | Self::NotByMember(_)
            | Self::Reserved(_)
            | Self::CalledOtherwise { .. }
            | Self::NameTaken(_)
            | Self::NestedLoop(_)
            | Self::ListInLoop(_)
            | Self::NotIterable(_)
            | Self::Unsupported(_)
            | Self::MixedList { .. }
            | Self::NeverHolds { .. }
            | Self::NeverConverts { .. }
            | Self::NotBool { .. }
            | Self::NotLogical { .. }
            | Self::AlwaysFails { .. } => None,
            #[cfg(not(feature = "cel"))]
            Self::NotBuilt => None,
        }
    }
}

impl InvalidCondition {
    /// The part of the condition that is to blame, where it is not the whole.
    pub(crate) fn part(&self) -> Option<Blamed> {
        let words = match self {
            Self::Unparsable { line: 1, column, .. } => {
                return Some(Blamed::Sign(usize::try_from(*column).unwrap_or(0).saturating_sub(1)));
            }
            Self::Hyphenated(name) => format!("request.headers.{name}"),
            Self::Reserved(name) => (*name).to_owned(),
            Self::UnknownMember { of, member, .. } => format!("{of}.{member}"),
            Self::NoMembers { text, member, .. } => format!("{text}.{member}"),
            Self::Mismatch { operator, .. } | Self::NotLogical { operator, .. } => (*operator).to_owned(),
            Self::NotRequired(text)
            | Self::NotByMember(text)
            | Self::UnknownVariable { name: text, .. }
            | Self::UnknownFunction { name: text, .. }
            | Self::CalledOtherwise { name: text, .. }
            | Self::Argument { function: text, .. }
            | Self::NameTaken(text)
            | Self::NestedLoop(text)
            | Self::ListInLoop(text)
            | Self::Never { text, .. }
            | Self::NeverHolds { text, .. }
            | Self::NeverConverts { text, .. }
            | Self::NotBool { text, .. }
            | Self::Literal { text, .. }
            | Self::AlwaysFails { text, .. } => text.clone(),
            Self::Unparsable { .. }
            | Self::TooLong(_)
            | Self::Comment(_)
            | Self::TooDeep(_)
            | Self::NotIterable(_)
            | Self::Unsupported(_)
            | Self::MixedList { .. } => return None,
            #[cfg(not(feature = "cel"))]
            Self::NotBuilt => return None,
        };
        (!words.is_empty()).then_some(Blamed::Words(words))
    }
}

/// What the conditions of one route may still cost.
#[derive(Debug)]
pub(crate) struct Budget {
    left: u64,
}

impl Budget {
    pub(crate) const fn whole() -> Self {
        Self { left: MAX_WORK }
    }

    /// Takes off what a condition costs.
    ///
    /// # Errors
    /// Where less than that is left.
    pub(crate) fn spend(&mut self, work: u64) -> Result<(), ConditionFailed> {
        self.left = self.left.checked_sub(work).ok_or(ConditionFailed::TooMuchWork)?;
        Ok(())
    }
}

/// Picoseconds that the conditions of a route may take together, as they are weighed: a worker serves nobody else
/// meanwhile. In a Wasm guest they then take 5 ms at most, natively 3 ms (`make bench-conditions`).
const MAX_WORK: u64 = 2_800_000_000;

/// Bytes of a condition.
pub(crate) const MAX_CONDITION: usize = 1024;

/// Levels of a condition's expression tree. `&&` and `||` are balanced, so a chain of 64 of them takes six.
///
/// Each level is a frame of the evaluation, some two kilobytes of the stack in an optimised build and forty in another.
pub(crate) const DEEPEST_CONDITION: usize = 24;

/// How deep brackets may nest. Lower than the levels, since each costs the parser several frames.
const MAX_BRACKETS: u16 = 12;

#[cfg(feature = "cel")]
#[cfg(test)]
mod tests;
