//! The service behind the gateway.
//!
//! It owns its data and is minimal: it deletes connections of clients for good, makes contract divisions inactive, and
//! vouches for credentials. What a caller may do was decided by the gateway before a request arrives here.
//!
//! Words: a *connection* joins a *client* (who provides it) and a *consumer* (the client that uses it); its secret is
//! an *API key*. A *token* was issued to a user who works for a client. An *identity* is what the gateway states about the
//! caller. The *authority* is this service's internal listener, which tells the gateway what a credential is.
//!
//! Two listeners, kept apart so that neither serves what belongs to the other:
//!
//! 1. public, for the gateway's routes. Log, envelope, containment of panics, identity (401), a place among the requests
//!    in work (503), path (404), one store call, reply. Every response is an envelope.
//! 2. internal, for the gateway's own questions. Log, containment, the authority secret (401), the body (408, 413), a place (503), RFC 7662
//!    introspection, the feed of revocations and what is revoked by hand ([`feed`]), health and metrics.
//!
//! Invariants:
//!
//! - Credentials are SHA-256 in the database and nothing in the log; in clear they live for one request.
//! - A deleted connection's secret never becomes a connection's secret again: triggers see to it, so that it holds for
//!   cascades and hands in SQL.
//! - What ends a credential, or changes what it stands for, is in the feed by the commit that does it, and the feed's
//!   numbers are in the order of commits.
//! - Of any number of equal deletions, one succeeds.
//! - Nothing queues without a bound or waits without a deadline.
//! - An error ends closed: no identity, no secret, no answer of the store, each is a refusal, and a 5xx body is fixed
//!   text.
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
