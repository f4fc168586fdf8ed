//! Integration tests of the core. As Wasm, the tables of what is decided and of what is refused run too; the others
//! need randomness, a clock, or a C library, which plain Wasm has not.

#![allow(clippy::restriction, reason = "a test ends where something is amiss")]

#[cfg(all(feature = "cel", not(target_family = "wasm")))]
mod attack;
#[cfg(feature = "cel")]
mod conditions;
#[cfg(all(feature = "cel", not(target_family = "wasm")))]
mod constancy;
#[cfg(feature = "cel")]
mod effects;
mod exchange;
mod facts;
mod faults;
mod forward;
#[cfg(not(target_family = "wasm"))]
mod jwt;
mod language;
mod lints;
mod mithril;
mod named;
#[cfg(not(target_family = "wasm"))]
mod properties;
#[cfg(feature = "cel")]
mod reasons;
mod required;
mod sources;
mod support;
mod verifiers;
mod views;
