//! Integration tests of the replay. The oracle is not run as Wasm, where it would take long.

#![allow(clippy::restriction, reason = "a test ends where something is amiss")]

mod cases;
mod corpus;
mod line;
#[cfg(not(target_family = "wasm"))]
mod oracle;
