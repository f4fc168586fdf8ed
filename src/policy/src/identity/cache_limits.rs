//! Owns how long, and how much, is remembered of what a verifier says.

use std::time::Duration;

/// How long, and how much, is remembered of a verifier's answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CacheLimits {
    /// The longest that facts may be kept.
    pub ttl: Duration,
    /// The longest that a refusal may be kept.
    pub refused_ttl: Duration,
    /// How many facts may be kept, and as many refusals apart from them.
    pub entries: usize,
    /// For how much longer facts may serve while nobody can be asked.
    pub stale_for: Duration,
}

impl CacheLimits {
    /// Nothing is remembered.
    pub(crate) const NOTHING: Self =
        Self { ttl: Duration::ZERO, refused_ttl: Duration::ZERO, entries: 1, stale_for: Duration::ZERO };
}
