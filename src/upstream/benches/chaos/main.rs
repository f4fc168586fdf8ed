//! Nothing is lost: the service is killed again and again, and what it had told its clients holds.

#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::arithmetic_side_effects,
    reason = "a measurement"
)]

mod kills;
mod mass;
#[path = "../support/mod.rs"]
mod support;

use brama_e2e::hand::Kind;

fn main() {
    kills::lose_nothing(kills::Disk::HasRoom);
    kills::lose_nothing(kills::Disk::Fills);
    for kind in [Kind::Sqlite, Kind::Postgres] {
        mass::lose_nothing(kind);
    }
}
