//! End to end: a real Envoy with the real plugin, the real upstream with a real database, over real sockets.
//!
//! Each module is a suite on the library `brama_e2e`. What only one suite needs stands below it.

mod attack;
mod body;
mod bootstrap;
mod carried;
mod cases;
mod connection;
mod denied;
mod division;
mod envelope;
mod envoy_gateway;
mod flights;
mod hot_reload;
mod identity;
mod jwt;
mod language;
mod launcher;
mod outage;
mod partner;
mod paths;
mod protocol;
mod reasons;
mod recipes;
mod reload;
mod revocation;
mod scale;
mod secrets;
mod table;
mod trap;
