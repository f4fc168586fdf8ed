//! What runs a policy inside a proxy, without a proxy's SDK.
//!
//! The decision itself is `brama-policy`'s. This crate judges requests by it, asks authorities about credentials,
//! follows their feeds of revocations, fetches the keys of issuers, and remembers facts for a while. A [`worker`] owns
//! all of that; `session.rs` is the life of one request. The proxy is told of in [`host`], a handful of verbs, which a
//! shell carries out: `brama-filter` for proxy-wasm, a fake for tests.
//!
//! # Invariants
//! - A request is marked as judged by the last host call: whatever goes wrong before, the RBAC behind the
//!   plugin finds no mark.
//! - After a refusal every callback of the request pauses.
//! - What requests share is lent to one callback at a time, as `&mut`.

// With numbers of a client's an overflow is a trap; who adds says what becomes of one.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

mod breaker;
pub mod cache;
pub mod config;
mod expiring_lru;
mod failures;
mod feeds;
mod held_identity;
pub mod host;
mod jwks;
mod jwt_verification;
mod pending_call;
mod pending_lookups;
mod rate;
mod scope_interner;
mod sent_calls;
mod session;
mod shared;
mod signature;
pub mod worker;

/// Limits of one worker.
pub mod limits {
    pub use crate::breaker::MAX_FAILURES;
    pub use crate::jwks::{MIN_REFETCH, RETRY_AFTER_FAILURE};
    pub use crate::pending_call::MAX_WAITERS;
    pub use crate::pending_lookups::{MAX_LOOKUPS, MAX_LOOKUPS_OF_A_KEY};
}
