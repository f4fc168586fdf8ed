//! The whole stack as tests and benches start it: a real Envoy with the real plugin, the real upstream with a real database,
//! over real sockets.
//!
//! Each test has a stack of its own ([`stack::Gateway`]), so that none can disturb another; a [`fleet::Fleet`] is several
//! gateways over one database, a [`lone::Lone`] an Envoy with nothing behind it, and [`composed`] the stack of
//! containers. Requests are written byte for byte ([`client`]), because an honest HTTP library would repair the ones that
//! matter. Between Envoy and the upstream stand a [`tap`] that sees what gets through, and a proxy before the
//! [`authority`] that can fail, or answers from a [`table`]. What a database holds is read and changed beside the upstream
//! ([`database`], [`hand`]), on a [`postgres`] server of this process or one that survives being killed ([`durable`]).

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
