//! Owns what only authors of policies need: lints, near misses, views of routes, possible denials, the schema. No
//! request is judged by it, and the plugin never asks for it.

mod claims;
mod lint;
mod near_misses;
mod possible_denials;
#[cfg(feature = "schema")]
mod schema;
mod view;

pub use crate::fault::{Blamed, Fault, nearest};
pub use claims::ClaimView;
pub use lint::Lint;
pub use near_misses::{Difference, NearMiss};
#[cfg(feature = "schema")]
pub use schema::schema_of;
pub use view::{CallerView, HostView, OwnerView, Requires, RouteView};
