//! Integration tests of the engine on a proxy in memory.

#![allow(clippy::restriction, reason = "a test ends where something is amiss")]

mod attack;
mod breaker;
mod feeds;
mod jwt;
mod lookups;
mod mithril;
mod revoked_in_flight;
mod secrets;
mod session;
mod stale;
mod support;
