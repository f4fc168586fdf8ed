//! End to end: a real Envoy with the real plugin, the real upstream with a real database, over real sockets.
//!
//! Each test has a stack of its own ([`stack::Gateway`]), so that none can disturb another. Requests are written byte
//! for byte ([`client`]), because an honest HTTP library would repair the ones that matter. Between Envoy and the
//! upstream stand a [`tap`] that sees what gets through, and a proxy before the [`authority`] that can fail.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::as_conversions,
    clippy::string_slice,
    reason = "test support"
)]

mod attack;
#[path = "../src/authority.rs"]
mod authority;
mod body;
mod bootstrap;
mod cases;
#[path = "../src/client.rs"]
mod client;
#[path = "../src/composed.rs"]
mod composed;
mod connection;
#[path = "../src/corpus.rs"]
mod corpus;
#[path = "../src/database.rs"]
mod database;
mod denied;
#[path = "../kit/src/dice.rs"]
mod dice;
mod division;
mod envelope;
mod envoy_gateway;
#[path = "trap/faulty.rs"]
mod faulty;
#[path = "../src/fleet.rs"]
mod fleet;
mod flights;
mod hot_reload;
mod identity;
mod jwt;
mod language;
mod launcher;
#[path = "../src/ledger.rs"]
mod ledger;
mod outage;
mod partner;
mod paths;
#[path = "../src/policy.rs"]
mod policy;
mod protocol;
mod reasons;
mod recipes;
mod reload;
mod revocation;
mod scale;
mod secrets;
#[allow(dead_code, reason = "no standby here")]
#[path = "../src/postgres.rs"]
mod server;
#[allow(dead_code, reason = "the plugin is built without the feature `ps-eddsa`")]
#[path = "../kit/src/signer.rs"]
mod signer;
#[path = "../src/stack.rs"]
mod stack;
#[path = "../src/table.rs"]
mod table;
#[path = "../src/tap.rs"]
mod tap;
mod trap;
