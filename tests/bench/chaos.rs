//! Nothing is lost: gateways, and the service behind them, are killed again and again while clients delete through them,
//! and what the clients were told is in the database. (Kills of PostgreSQL: the upstream's own bench.)

#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::as_conversions,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::arithmetic_side_effects,
    reason = "a measurement"
)]

#[path = "../e2e/authority.rs"]
mod authority;
#[path = "../e2e/client.rs"]
mod client;
#[path = "../e2e/corpus.rs"]
mod corpus;
#[path = "../e2e/database.rs"]
mod database;
#[path = "../e2e/fleet.rs"]
mod fleet;
#[path = "../e2e/ledger.rs"]
mod ledger;
#[path = "../e2e/policy.rs"]
mod policy;
#[path = "../../src/upstream/tests/support/server.rs"]
mod server;
#[path = "../e2e/stack.rs"]
mod stack;
#[path = "../e2e/table.rs"]
mod table;
#[path = "../e2e/tap.rs"]
mod tap;

use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use fleet::{Fleet, Node};
use ledger::Ledger;

const ROWS: usize = 30_000;
const CLIENTS: usize = 12;

fn main() {
    println!("3 gateways of 2 workers, 2 replicas of the upstream, 1 PostgreSQL; {CLIENTS} clients");
    report("a gateway", 25, |fleet| &fleet.gateways);
    report("a replica", 100, |fleet| &fleet.replicas);
}

/// Kills each of the victims so often.
fn report(what: &str, times: u64, victims: fn(&Fleet) -> &[Node]) {
    let ledger = Ledger::new(ROWS);
    let fleet = Fleet::start(3, 2, &ledger.fixture(include_str!("../../src/upstream/fixtures/demo.json")));
    let begin = Instant::now();
    let kills = scope(|threads| {
        for gateway in fleet.gateways.iter().cycle().take(CLIENTS) {
            threads.spawn(|| ledger.delete_at(gateway.address()));
        }
        let victims = victims(&fleet).iter().zip(0..);
        let killers = victims.map(|(victim, number)| {
            threads.spawn({
                let ledger = &ledger;
                move || kill_again_and_again(victim, number, times, ledger)
            })
        });
        let kills: usize = killers.collect::<Vec<_>>().into_iter().map(|killer| killer.join().unwrap()).sum();
        ledger.end();
        kills
    });
    let lost = ledger.wrong(&fleet.database);
    println!(
        "kill -9 of {what}: {kills} kills in {:.0} s; {} deletes acknowledged, {} without an answer, lost = {}",
        begin.elapsed().as_secs_f64(),
        ledger.told(),
        ledger.open(),
        lost.len()
    );
    assert!(kills > 0 && ledger.told() > kills && lost.is_empty(), "{lost:?}");
}

/// How often, until there is nothing left to delete. Each kill is at another moment of the work.
fn kill_again_and_again(victim: &Node, number: u64, times: u64, ledger: &Ledger) -> usize {
    for kill in 1..=times {
        sleep(Duration::from_millis(20 + (kill * 37 + number * 53) % 120));
        victim.kill();
        victim.start();
        if ledger.is_used_up() {
            return usize::try_from(kill).unwrap();
        }
    }
    usize::try_from(times).unwrap()
}
