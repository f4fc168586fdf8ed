//! Owns the load: each variant's requests in short turns, and what they took.

use std::thread::scope;
use std::time::{Duration, Instant};

use brama_e2e::client::Connection;
use brama_e2e::lone::Lone;

use super::envoys::{Contest, Requests, VARIANTS, Variant};
use super::figures::Taken;

pub const ROUNDS: usize = 9;
pub const TURNS: usize = 10;
pub const CLIENTS: usize = 8;

/// What the variants took, round by round.
pub fn rounds(contest: &Contest) -> Vec<Vec<Taken>> {
    let mut made = 0;
    // Warm: plugins are compiled, memory is there.
    let _warm = round(contest, &mut made);
    (0..ROUNDS).map(|_| round(contest, &mut made)).collect()
}

fn round(contest: &Contest, made: &mut usize) -> Vec<Taken> {
    let mut taken: Vec<_> = VARIANTS.iter().map(|_| Taken::default()).collect();
    let connections: Vec<_> = VARIANTS.iter().map(|variant| open(&contest.envoys[variant.envoy])).collect();
    for turn in 0..TURNS {
        for place in 0..VARIANTS.len() {
            // Each follows another one each time.
            let which = (place * 7 + turn * 3) % VARIANTS.len();
            let variant = &VARIANTS[which];
            if !contest.measures(variant) {
                continue;
            }
            let lead = calls(contest, variant, variant.lead, made);
            let _waits = send(variant, &connections[which], &lead);
            let calls = calls(contest, variant, variant.turn, made);
            let envoy = &contest.envoys[variant.envoy];
            let before = envoy.cpu();
            let waits = send(variant, &connections[which], &calls);
            taken[which].add(envoy.cpu() - before, waits);
        }
    }
    taken
}

fn open(envoy: &Lone) -> Vec<Connection> {
    (0..CLIENTS).map(|_| Connection::open(envoy.address())).collect()
}

fn calls(contest: &Contest, variant: &Variant, count: usize, made: &mut usize) -> Vec<Vec<u8>> {
    let mut number = || {
        *made += 1;
        *made
    };
    match variant.requests {
        Requests::Same(call) => vec![call(&contest.keys).bytes(); count],
        Requests::Fresh(call) => (0..count).map(|_| call(&contest.keys, number()).bytes()).collect(),
    }
}

/// Sends them on all connections, and says how long each answer took.
fn send(variant: &Variant, connections: &[Connection], calls: &[Vec<u8>]) -> Vec<Duration> {
    scope(|threads| {
        let clients: Vec<_> = connections
            .iter()
            .zip(calls.chunks((calls.len() / CLIENTS).max(1)))
            .map(|(connection, calls)| {
                threads.spawn(move || {
                    let wait = |call: &Vec<u8>| {
                        let begin = Instant::now();
                        let reply = connection.exchange(call).expect("an answer");
                        assert!(variant.statuses.contains(&reply.status), "{}: {}", variant.name, reply.status);
                        begin.elapsed()
                    };
                    calls.iter().map(wait).collect::<Vec<_>>()
                })
            })
            .collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    })
}
