//! Owns the name of a route entry, by which decisions, logs and metrics call it.

use std::sync::Arc;

/// The name of the route entry that decided.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleId(pub(crate) Arc<str>);

impl RuleId {
    /// The id as the policy writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
