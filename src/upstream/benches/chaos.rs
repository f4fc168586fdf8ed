//! Chaos test of the service: it is killed again and again, and each change that it acknowledged is there afterwards.

#![allow(unreachable_pub, clippy::restriction, reason = "a measurement ends where something is amiss")]

mod chaos {
    pub mod kills;
    pub mod mass;
}
mod support;

use brama_e2e::hand::Kind;
use chaos::{kills, mass};

fn main() {
    kills::lose_nothing(kills::Disk::HasRoom);
    kills::lose_nothing(kills::Disk::Fills);
    for kind in [Kind::Sqlite, Kind::Postgres] {
        mass::lose_nothing(kind);
    }
}
