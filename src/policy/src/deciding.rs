//! Owns the list of what judges a request: a policy, a request, the decision with its evidence.
//!
//! [`Policy::begin`] makes the first [`Step`]; [`Awaiting::resume`] goes on with an [`Answer`](crate::identity::Answer),
//! and the last step is a [`Decision`].

pub use crate::credential::{Malformed, Repeated};
pub use crate::decision::{
    Compared, ConditionFailed, Decision, Denial, Grant, JudgedCondition, Outage, OverriddenBy, Refused, RefusedBy,
    RefusedMethod, Stage, Upgrade,
};
pub use crate::digest::DocumentDigest;
pub use crate::document::PolicyDocument;
pub use crate::exchange::{Awaiting, Step};
pub use crate::fault::Faults;
pub use crate::forward::FactReference;
pub use crate::header::{HeaderName, InvalidHeaderName};
pub use crate::host::{Host, InvalidHost};
pub use crate::observer::{Event, NoObserver, Observer};
pub use crate::path::{Ambiguity, CanonicalPath, Part, SecondReading, Spot};
pub use crate::policy::Policy;
pub use crate::refusal::{Envelope, RefusalResponse};
pub use crate::request::Request;
pub use crate::rule_id::RuleId;
pub use crate::time::{Moment, Monotonic, UnixTime};
