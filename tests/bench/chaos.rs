//! Nothing is lost: gateways, the service behind them, and PostgreSQL are killed again and again while clients delete,
//! and what the clients were told is in the database.

use std::sync::Mutex;
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use brama_e2e::database::Database;
use brama_e2e::durable::Durable;
use brama_e2e::fleet::{Fleet, Node};
use brama_e2e::ledger::Ledger;

const ROWS: usize = 60_000;
const CLIENTS: usize = 12;

fn main() {
    println!("3 gateways of 2 workers, 2 replicas of the upstream, 1 PostgreSQL with fsync on; {CLIENTS} clients");
    report("a gateway", 25, |fleet, _| fleet.gateways.iter().map(node).collect());
    report("a replica", 100, |fleet, _| fleet.replicas.iter().map(node).collect());
    report("PostgreSQL", 60, |_, server| {
        vec![Box::new(|| {
            let mut server = server.lock().unwrap();
            server.kill();
            server.start_again();
        })]
    });
}

/// Kills something, and starts it again.
type Killer<'a> = Box<dyn Fn() + Send + 'a>;

fn node(node: &Node) -> Killer<'_> {
    Box::new(|| {
        node.kill();
        node.start();
    })
}

/// Has each of the killers kill so often, until there is nothing left to delete.
fn report(what: &str, times: u64, killers: for<'a> fn(&'a Fleet, &'a Mutex<Durable>) -> Vec<Killer<'a>>) {
    let ledger = Ledger::new(ROWS);
    let server = Mutex::new(Durable::start());
    let database = Database::at(server.lock().unwrap().url());
    let fixture = ledger.fixture(include_str!("../../src/upstream/fixtures/demo.json"));
    let fleet = Fleet::start(3, 2, database, &fixture);
    let begin = Instant::now();
    let kills = scope(|threads| {
        for gateway in fleet.gateways.iter().cycle().take(CLIENTS) {
            threads.spawn(|| ledger.delete_at(gateway.address()));
        }
        let ledger = &ledger;
        let kill = |(killer, number)| threads.spawn(move || kill_again_and_again(killer, number, times, ledger));
        let killing: Vec<_> = killers(&fleet, &server).into_iter().zip(0..).map(kill).collect();
        let kills: u64 = killing.into_iter().map(|killer| killer.join().unwrap()).sum();
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
    assert!(kills > 0 && ledger.told() as u64 > kills && lost.is_empty(), "{lost:?}");
}

/// How often. Each kill is at another moment of the work.
fn kill_again_and_again(killer: Killer<'_>, number: u64, times: u64, ledger: &Ledger) -> u64 {
    for kill in 1..=times {
        sleep(Duration::from_millis(20 + (kill * 37 + number * 53) % 120));
        killer();
        if ledger.is_used_up() {
            return kill;
        }
    }
    times
}
