//! Benchmark of deletions by the service, beside pgbench with the same statements on the same PostgreSQL: two
//! connections each, fsync on, in turns. Every row is deleted once.

#![allow(unreachable_pub, clippy::restriction, reason = "a measurement ends where something is amiss")]

mod speed {
    pub mod http;
    pub mod pgbench;
    pub mod rows;
}
mod support;

use brama_e2e::durable::Durable;
use speed::rows::Kind;
use speed::{http, pgbench, rows};

/// Rows of one leg.
const ROWS: usize = 15_000;
const PAIRS: usize = 3;

fn main() {
    let database = Durable::start();
    let service = http::Service::start(&database);
    for kind in [Kind::Division, Kind::Connection] {
        rows::insert(&database, kind, 2 * PAIRS * ROWS);
    }
    let settings = ["server_version", "fsync", "synchronous_commit"]
        .map(|name| format!("{name} {}", database.texts(&format!("SHOW {name}"))[0]));
    println!("PostgreSQL: {}; {ROWS} rows a leg; the service: {} requests at once", settings.join(", "), http::AT_ONCE);
    for kind in [Kind::Division, Kind::Connection] {
        let mut legs = (0..2 * PAIRS).map(|leg| leg * ROWS..(leg + 1) * ROWS);
        let mut measure = |run: &dyn Fn(std::ops::Range<usize>) -> f64| {
            let rows = legs.next().unwrap();
            // So that each leg pays for its own writes only.
            database.run("CHECKPOINT");
            let rate = run(rows.clone());
            assert_eq!(rows::left(&database, kind), 2 * PAIRS * ROWS - rows.end, "every row was deleted");
            rate
        };
        let pairs: Vec<(f64, f64)> = (0..PAIRS)
            .map(|_| {
                let straight = measure(&|rows| pgbench::delete(&database, kind, rows));
                (straight, measure(&|rows| service.delete(kind, rows)))
            })
            .collect();
        let rates = |side: fn(&(f64, f64)) -> f64| pairs.iter().map(side).collect::<Vec<_>>();
        println!(
            "{}: pgbench {} a second, the service {}; the service's share, median of {PAIRS}: {:.2} ({})",
            kind.name(),
            written(&rates(|pair| pair.0), 0),
            written(&rates(|pair| pair.1), 0),
            median(rates(|pair| pair.1 / pair.0)),
            written(&rates(|pair| pair.1 / pair.0), 2)
        );
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn written(values: &[f64], digits: usize) -> String {
    values.iter().map(|value| format!("{value:.digits$}")).collect::<Vec<_>>().join(", ")
}
