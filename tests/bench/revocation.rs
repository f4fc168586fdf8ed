//! How soon a deleted connection is dead: three gateways of two workers each, all warm, and one row deleted by hand.
//!
//! For each API key, and each gateway, the lag is the time from the commit of the delete to the last request with the
//! key that passed. Requests come on connections of their own, as fast as two clients for each gateway can send them.

use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use brama_e2e::client::Call;
use brama_e2e::stack::{Gateway, Plan};

/// Connections of the demonstration whose secrets are good API keys, and whose ids end so.
const CONNECTIONS: [(&str, &str); 14] = [
    ("20", "demo-msp-spare-1"),
    ("21", "demo-msp-spare-2"),
    ("22", "demo-msp-spare-3"),
    ("23", "demo-msp-spare-4"),
    ("24", "demo-msp-spare-5"),
    ("25", "demo-msp-spare-6"),
    ("26", "demo-msp-spare-7"),
    ("30", "demo-other-msp-spare-1"),
    ("31", "demo-other-msp-spare-2"),
    ("32", "demo-other-msp-spare-3"),
    ("33", "demo-other-msp-spare-4"),
    ("40", "demo-pharmacy-spare-1"),
    ("41", "demo-pharmacy-spare-2"),
    ("48", "demo-mis-spare-1"),
];

const TOKEN: &str = "0d7b3a5e9c1f4826b4d0a6e2f8c3957e";

fn main() {
    let first = Gateway::start();
    let gateways = [Plan::shipped().beside(&first).start(), Plan::shipped().beside(&first).start(), first];
    let mut lags = Vec::new();
    for (connection, api_key) in CONNECTIONS {
        for gateway in &gateways {
            warm_up(gateway, api_key);
        }
        lags.extend(measure(&gateways, connection, api_key));
    }
    lags.sort_unstable();
    let at = |share: usize| lags[(lags.len() - 1) * share / 100];
    println!(
        "revocation lag, {} keys at {} gateways of 2 workers: p50 {:?}, p99 {:?}, longest {:?}",
        CONNECTIONS.len(),
        gateways.len(),
        at(50),
        at(99),
        at(100)
    );
}

fn passes(gateway: &Gateway, api_key: &str) -> bool {
    let call = Call::delete("/api/admin/contract_divisions/x").api_key(api_key).token(TOKEN);
    match call.send(gateway.address()).status {
        404 => true,
        401 => false,
        other => panic!("{other}"),
    }
}

/// Until a number of requests, enough to meet both workers, ask for nothing.
fn warm_up(gateway: &Gateway, api_key: &str) {
    loop {
        gateway.authority.take();
        assert!((0..20).all(|_| passes(gateway, api_key)), "{api_key} is not good");
        if gateway.authority.take().is_empty() {
            return;
        }
    }
}

/// The lag at each gateway.
fn measure(gateways: &[Gateway; 3], connection: &'static str, api_key: &str) -> Vec<Duration> {
    let id = format!("c0220000-0000-4000-8000-0000000000{connection}");
    scope(|threads| {
        let clients = gateways.iter().flat_map(|gateway| [gateway; 2]);
        let clients: Vec<_> = clients.map(|gateway| threads.spawn(move || last_passed(gateway, api_key))).collect();
        // So that requests are under way.
        sleep(Duration::from_millis(100));
        gateways[2].database.change("DELETE FROM mithril_connections WHERE id = ?", &id);
        let committed = Instant::now();
        let ends: Vec<_> = clients.into_iter().map(|client| client.join().unwrap()).collect();
        ends.chunks(2).map(|ends| ends.iter().max().unwrap().saturating_duration_since(committed)).collect()
    })
}

/// When the last request was answered that passed; it is the last when a hundred after it did not.
fn last_passed(gateway: &Gateway, api_key: &str) -> Instant {
    let mut last = Instant::now();
    let mut refused = 0;
    while refused < 100 {
        if passes(gateway, api_key) {
            last = Instant::now();
            refused = 0;
        } else {
            refused += 1;
        }
    }
    last
}
