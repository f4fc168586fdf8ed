//! The service behind the gateway.
//!
//! It owns its data and is minimal: it deletes connections of clients for good, makes contract divisions inactive, and
//! answers introspection of credentials. The gateway has decided what a caller may do before a request arrives here.
//!
//! Words: a *connection* joins a *client* (that provides it) and a *consumer* (the client that uses it); its secret is
//! an *API key*. A *token* was issued to a user who works for a client. An *identity* is what the gateway states about
//! the caller. The *authority* is this service's internal listener, which tells the gateway what a credential is.
//!
//! Two listeners, each with its own paths only. A request meets, in this order:
//!
//! 1. public, for the gateway's routes: log, envelope, containment of panics, identity (401), a place among the
//!    concurrent requests (503), path (404), one store call, reply. Every response is an envelope.
//! 2. internal, for the gateway's lookups and polls: log, containment of panics, the authority secret (401), the body
//!    (408, 413), a place (503), then RFC 7662 introspection, the feed of revocations and requests that revoke
//!    ([`feed`]), health or metrics.
//!
//! Invariants:
//!
//! - Credentials are SHA-256 in the database and absent from the log; in clear they live for one request.
//! - A deleted connection's secret never becomes a connection's secret again. Triggers enforce this, also for cascades
//!   and for SQL by hand.
//! - Whatever ends a credential, or changes its facts, writes the feed in the same transaction. An entry's number is
//!   above every number that a reader saw before its commit.
//! - Of any number of equal deletions, one succeeds.
//! - Requests wait in bounded queues, with deadlines.
//! - An error is a refusal: a missing identity, a missing secret, a store that does not answer. The body of a 5xx is
//!   fixed text.
//!
//! Start reading at [`public_router`], [`internal_router`], [`feed`] and [`store::Store`].

mod accept;
mod authority;
mod caller;
pub mod cause;
pub mod config;
mod envelope;
mod error;
pub mod feed;
pub mod fixture;
mod housekeeping;
pub mod id;
mod jws;
pub mod listen;
pub mod log;
mod metrics;
mod observe;
pub mod openapi;
pub mod operations;
pub mod ready;
mod routes;
pub mod secret;
pub mod server;
pub mod store;

pub use authority::internal_router;
pub use routes::public_router;
