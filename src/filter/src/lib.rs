//! The proxy-wasm plugin: it runs a policy inside Envoy.
//!
//! The decision itself is `brama-policy`'s. This crate reads what Envoy holds, carries questions to authorities and
//! decisions back, verifies the signatures that Envoy does not, and remembers facts for a while. [`session`] is the
//! life of one request, told against [`host`], a handful of verbs; [`envoy`] is the only module that knows the SDK, so
//! everything else runs in native tests.
//!
//! # Invariants
//! - A request is marked as judged by the last call that lets it pass: whatever goes wrong before, the RBAC behind the
//!   plugin finds no mark.
//! - After a refusal every callback of the request pauses.

// With numbers of a client's an overflow is a trap; who adds says what becomes of one.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

pub mod breaker;
pub mod cache;
pub mod config;
pub mod envoy;
mod expiring_lru;
mod failures;
pub mod feeds;
mod held_api_key;
pub mod host;
pub mod jwks;
mod jwt_verification;
mod local_reply;
pub mod pending_lookups;
mod rate;
mod scope_interner;
pub mod session;
pub mod signature;
pub mod waiters;
pub mod worker;

#[cfg(target_family = "wasm")]
mod entry {
    proxy_wasm::main! {{
        crate::envoy::start();
    }}
}
