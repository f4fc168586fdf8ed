//! The proxy-wasm plugin: it runs a policy inside Envoy.
//!
//! The decision itself is `brama-policy`'s. This crate reads what Envoy holds, carries questions to authorities and
//! decisions back, verifies the signatures that Envoy does not, and remembers facts for a while. `session.rs` is the
//! life of one request, told against [`host`], a handful of verbs; [`envoy`] is the only module that knows the SDK, so
//! everything else runs in native tests.
//!
//! # Invariants
//! - A request is marked as judged by the last call that lets it pass: whatever goes wrong before, the RBAC behind the
//!   plugin finds no mark.
//! - After a refusal every callback of the request pauses.

// With numbers of a client's an overflow is a trap; who adds says what becomes of one.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod breaker;
pub mod cache;
mod calls;
pub mod config;
pub mod envoy;
mod expiring_lru;
mod failures;
#[cfg(any(test, feature = "fake"))]
pub mod fake;
mod feeds;
mod held_api_key;
pub mod host;
mod jwks;
mod jwt_verification;
mod local_reply;
mod pending_call;
mod pending_lookups;
mod rate;
mod scope_interner;
mod session;
mod shared;
pub mod signature;
pub mod worker;

/// Limits of one worker.
pub mod limits {
    pub use crate::breaker::MAX_FAILURES;
    pub use crate::jwks::{MIN_REFETCH, RETRY_AFTER_FAILURE};
    pub use crate::pending_call::MAX_WAITERS;
    pub use crate::pending_lookups::{MAX_LOOKUPS, MAX_LOOKUPS_OF_A_KEY};
}

#[cfg(target_family = "wasm")]
mod entry {
    proxy_wasm::main! {{
        crate::envoy::start();
    }}
}
