//! Owns what judges a request: the policy as understood, the order of decision, the decision with its evidence.
//!
//! [`Policy::begin`] makes the first [`Step`]; [`Awaiting::resume`] goes on with an
//! [`Answer`](crate::identity::Answer), and the last step is a [`Decision`].

#[cfg_attr(not(feature = "cel"), expect(dead_code, reason = "without the feature no condition is compiled or judged"))]
pub(crate) mod condition;
pub(crate) mod decision;
mod exchange;
pub(crate) mod field_name;
pub(crate) mod forward;
pub(crate) mod header_table;
pub(crate) mod logged;
mod observer;
pub(crate) mod policy;
pub(crate) mod presentation;
mod read_request;
mod reading;
mod reason;
pub(crate) mod refusal;
mod request;
pub(crate) mod required;
pub(crate) mod router;
pub(crate) mod rule_id;
pub(crate) mod target;

pub use crate::digest::DocumentDigest;
pub use crate::document::PolicyDocument;
pub use crate::fault::Faults;
pub use crate::header::{HeaderName, InvalidHeaderName};
pub use crate::host::{Host, InvalidHost};
pub use crate::path::{Ambiguity, CanonicalPath, Part, SecondReading, Spot};
pub use crate::time::{Moment, Monotonic, UnixTime};
pub use decision::{
    Compared, ConditionFailed, Decision, Denial, Grant, JudgedCondition, Outage, OverriddenBy, Refused, RefusedBy,
    RefusedMethod, Stage, Upgrade,
};
pub use exchange::{Awaiting, Step};
pub use forward::FactReference;
pub use observer::{Event, NoObserver, Observer};
pub use policy::Policy;
pub use presentation::{HeaderSource, Malformed, Repeated, Source};
pub use read_request::ReadRequest;
pub use refusal::{Envelope, RefusalResponse};
pub use request::Request;
pub use rule_id::RuleId;
