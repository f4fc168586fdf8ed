//! Benchmark of revocations of very much at once, on both kinds of database: the time until they are in force, and the
//! delay of other requests meanwhile.
//!
//! STORES (`postgres`, `sqlite`), PARTS (by the names of [`PARTS`]) and ROWS make a run shorter.

#![allow(unreachable_pub, clippy::restriction, reason = "a measurement ends where something is amiss")]

mod storm {
    pub mod client_revoked;
    pub mod deleters;
    pub mod entries;
    pub mod everything;
    pub mod feed;
    pub mod jwts;
    pub mod load;
    pub mod missing;
    pub mod pruning;
    pub mod readers;
    pub mod report;
}
mod support;

use brama_e2e::hand::Kind;
use storm::{client_revoked, everything, jwts, missing, pruning, readers};

/// A part of the benchmark: its name, and its function, which measures over a database of its own.
type Part = (&'static str, fn(Kind, usize));

const PARTS: [Part; 6] = [
    ("everything", everything::measure),
    ("client", client_revoked::measure),
    ("readers", readers::measure),
    ("jwts", jwts::measure),
    ("missing", missing::measure),
    ("pruning", pruning::measure),
];

fn main() {
    let rows = std::env::var("ROWS").map_or(1_000_000, |text| text.parse().unwrap());
    for (name, kind) in [("postgres", Kind::Postgres), ("sqlite", Kind::Sqlite)] {
        for (part, measure) in PARTS {
            if is_wanted("STORES", name) && is_wanted("PARTS", part) {
                println!("== {name}: {part}");
                measure(kind, rows);
            }
        }
    }
}

fn is_wanted(variable: &str, name: &str) -> bool {
    std::env::var(variable).map_or(true, |list| list.split(',').any(|wanted| wanted == name))
}
