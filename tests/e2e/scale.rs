//! Three gateways, two replicas of the upstream and one PostgreSQL, as where one machine is not enough.

use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use brama_e2e::client::Call;
use brama_e2e::database::Database;
use brama_e2e::fleet::Fleet;
use brama_e2e::ledger::{API_KEY, Ledger, TOKEN};

use crate::reload::wait_until;

#[test]
fn replica_that_is_killed_under_load_loses_nothing() {
    let ledger = Ledger::new(20_000);
    let fixture = ledger.fixture(include_str!("../../src/upstream/fixtures/demo.json"));
    let fleet = Fleet::start(3, 2, Database::on_server(), &fixture);
    scope(|threads| {
        for gateway in fleet.gateways.iter().cycle().take(12) {
            threads.spawn(|| ledger.delete_at(gateway.address()));
        }
        goes_on(&ledger);
        for replica in &fleet.replicas {
            replica.kill();
            // The other one serves.
            goes_on(&ledger);
            replica.start();
            goes_on(&ledger);
        }
        ledger.end();
    });
    assert_eq!(ledger.wrong(&fleet.database), [0; 0]);
    println!("{} acknowledged, {} without an answer", ledger.told(), ledger.open());

    // What was deleted is no API key any more, at whichever gateway and replica it was deleted.
    sleep(MAX_LAG);
    let dead = ledger.dead_api_key();
    for gateway in &fleet.gateways {
        let harmless = |key: &str| Call::delete("/api/admin/contract_divisions/x").api_key(key).token(TOKEN);
        // Never served; and told apart from an outage, and so are the good ones.
        assert_ne!(harmless(&dead).send(gateway.address()).status, 404);
        wait_until("the dead key is refused", || harmless(&dead).send(gateway.address()).status == 401);
        wait_until("a good key passes", || harmless(API_KEY).send(gateway.address()).status == 404);
    }
}

/// Until many more rows were told to be deleted.
#[track_caller]
fn goes_on(ledger: &Ledger) {
    let (enough, until) = (ledger.told() + 200, Instant::now() + Duration::from_secs(120));
    while ledger.told() < enough {
        assert!(Instant::now() < until, "{} told, {} without an answer", ledger.told(), ledger.open());
        assert!(!ledger.is_used_up(), "there are too few rows");
        sleep(Duration::from_millis(20));
    }
}

/// The policy's.
const MAX_LAG: Duration = Duration::from_secs(3);
