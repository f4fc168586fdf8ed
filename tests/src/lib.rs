//! The whole stack as tests and benches start it: a real Envoy with the real plugin, the real upstream with a real
//! database, over real sockets.
//!
//! Each test has a stack of its own ([`stack::Gateway`]), apart from all others. A [`fleet::Fleet`] is several gateways
//! over one database, a [`lone::Lone`] an Envoy without services behind it, and [`composed`] the stack of containers.
//! Requests are written byte for byte ([`client`]), because an HTTP library would repair the malformed ones. Between
//! Envoy and the upstream stand a [`tap`] that records what gets through, and a proxy in front of the [`authority`]
//! that can fail, or answers from a [`table`]. A database is read and changed beside the upstream ([`database`],
//! [`hand`]), on a [`postgres`] server of this process or one that survives being killed ([`durable`]).

pub mod authority;
pub mod client;
pub mod composed;
pub mod corpus;
pub mod database;
pub mod durable;
pub mod fleet;
pub mod hand;
pub mod ledger;
pub mod lone;
pub mod policy;
pub mod postgres;
pub mod stack;
pub mod table;
pub mod tap;
