//! Integration tests of the replay. The oracle draws its dice from `brama_kit`, whose C library plain Wasm has not.

#![allow(clippy::restriction, reason = "a test ends where something is amiss")]

mod cases;
mod corpus;
mod line;
mod named;
#[cfg(not(target_family = "wasm"))]
mod oracle;
