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

#[path = "../support/client.rs"]
mod client;
#[path = "../support/database.rs"]
mod database;
#[path = "../../../../tests/src/durable.rs"]
mod durable;
#[path = "../../../../tests/src/hand.rs"]
mod hand;
mod kills;
mod mass;
#[path = "../support/rows.rs"]
mod rows;
#[path = "../../../../tests/src/postgres.rs"]
mod server;
#[path = "../support/service.rs"]
mod service;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    Postgres,
    Sqlite,
}

fn main() {
    kills::lose_nothing(kills::Disk::HasRoom);
    kills::lose_nothing(kills::Disk::Fills);
    for kind in [Kind::Sqlite, Kind::Postgres] {
        mass::lose_nothing(kind);
    }
}
