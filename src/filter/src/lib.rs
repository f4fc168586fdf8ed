//! The proxy-wasm plugin: it runs a policy inside Envoy.
//!
//! `brama-policy` decides, and `brama-engine` runs the policy. This crate is the shell around them: [`envoy`] is the
//! SDK's contexts, and the engine's verbs as host calls.

// With numbers of a client's an overflow is a trap; who adds says what becomes of one.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

pub mod envoy;

#[cfg(target_family = "wasm")]
mod entry {
    proxy_wasm::main! {{
        crate::envoy::start();
    }}
}
