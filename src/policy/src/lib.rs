//! The decision: may this request pass, and as whom?
//!
//! Brama guards HTTP routes from inside a proxy. This crate is the part that decides, and nothing else: it does no
//! I/O, reads no clock and no environment, and knows no proxy. It runs natively and as Wasm.
//!
//! # Words
//! - **request**: method, host, path, headers, as they were sent.
//! - **credential**: an API key, a token or the like, as presented; its kind has a name of the policy's.
//! - **authority**: the service that vouches for credentials; its statements are **facts**.
//! - **policy**: what each route requires. Compiled from a document, whole or not at all.
//! - **decision**: allow with a [`Grant`], or refuse with a [`Denial`].
//!
//! # Order of decision
//! 1. The path, the host and the method have one reading, and so has each credential that goes on with the request; or
//!    the request is refused.
//! 2. A route is found: the most specific one for the method, the host and the path; none is a refusal.
//! 3. Every credential the route requires is present exactly once and well formed.
//! 4. They are verified, one after the other in the order of the route.
//! 5. Two of them belong together, where they are bound.
//! 6. The scopes are granted.
//! 7. The resource named in the path is the caller's own, or the caller's type is exempt.
//! 8. The conditions hold.
//! 9. The identity to forward is complete; headers a client must not send are removed.
//!
//! What refuses in steps 2 to 9 only marks the request where its rule is in shadow mode
//! ([`Denial::is_waived_in_shadow`]).
//!
//! # Invariants
//! - Only this crate can make a [`Grant`].
//! - Only a signature that was verified lets the claims of a token become facts ([`SignatureCheck::verified_by`]).
//! - Every missing, odd or unknown value ends in a [`Denial`]; openness is written in the policy, in words.
//! - What is remembered between requests are facts; each request is judged on its own.
//!
//! # Modules
//! - [`deciding`]: the policy, and what judges a request by it. It knows [`identity`].
//! - [`identity`]: what is known of a caller, and how: authorities, introspection, JWTs, revocation.
//! - [`authoring`]: what only authors of policies need: lints, near misses, views, the schema. It knows the other two,
//!   and no request is judged by it.
//!
//! The files beside them are beneath all three (paths, hosts, headers, times, the document), or lead from a
//! document to a policy (`compile`).
//!
//! # Where to start reading
//! [`Policy::begin`] and [`Awaiting::resume`] in `deciding/exchange.rs` are the order above in code.
//!
//! [`Awaiting::resume`]: deciding::Awaiting::resume
//! [`Denial`]: deciding::Denial
//! [`Denial::is_waived_in_shadow`]: deciding::Denial::is_waived_in_shadow
//! [`Grant`]: deciding::Grant
//! [`Policy::begin`]: deciding::Policy::begin
//! [`SignatureCheck::verified_by`]: identity::SignatureCheck::verified_by

// With numbers of a client's an overflow is a trap; who adds says what becomes of one.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

pub mod authoring;
pub mod deciding;
pub mod identity;

mod compile;
mod confusable;
mod digest;
mod document;
mod fault;
mod header;
mod host;
mod json;
mod path;
mod template;
mod time;
