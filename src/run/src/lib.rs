//! The whole stack on one machine: Envoy with the filter, and the upstream behind it.
//!
//! `make run` starts it for a person, the end-to-end tests for themselves; both get the same processes, the same
//! bootstrap and the same order:
//!
//! 1. [`Settings`]: what to start, and where; from the environment, or written by a test.
//! 2. [`Prepared::new`] checks everything that can be checked while nothing runs (programs, ports, files), renders
//!    the policy, seeds the database, fills in the bootstrap. A test may edit what was written before it goes on.
//! 3. [`Prepared::start`] starts the upstream, waits until it answers, starts Envoy, and waits until a request has
//!    gone through the filter to the upstream and back.
//! 4. [`Stack`] is what runs. It tells its addresses, and ends its processes when it is stopped or dropped.
//!
//! A failure on the way is a [`StartError`]: one sentence, with the failing tool's own report beside it. Nothing is
//! left running.
//!
//! INVARIANT: the upstream's sockets lie in a folder that only this user can enter, and the secret between the
//! gateway and the authority is new for each run.

mod data;
mod error;
mod prepare;
mod probe;
mod process;
mod project;
mod settings;
mod stack;
mod template;
mod version;

pub use data::Logs;
pub use error::StartError;
pub use prepare::Prepared;
pub use settings::Settings;
pub use stack::{Death, Proof, Stack};
pub use template::InvalidTemplate;
