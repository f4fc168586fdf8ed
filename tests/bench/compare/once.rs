//! Owns what is measured apart from the load: memory, the start, host calls, sizes.

use std::fs::File;
use std::thread::scope;
use std::time::{Duration, Instant};

use brama_e2e::client::{Call, Connection};
use brama_e2e::lone::Lone;
use brama_run::Settings;
use serde_json::Value;

use super::authority::Authority;
use super::brama;
use super::envoys::{self, API_KEY, CLIENT, TOKEN};

/// Names with what was measured.
pub type Once = Vec<(&'static str, String)>;

/// How many identities fill the memory; the policy is given a cache for so many.
const IDENTITIES: usize = 100_000;

pub fn measure(settings: &Settings, authority: &Authority) -> Once {
    let shipped = brama::shipped();
    let large = brama::filters(settings, &brama::with_routes(&shipped, 10_000));
    let roomy = {
        let mut policy = brama::without_haste(&shipped);
        policy["credentials"]["token"]["cache"]["entries"] = IDENTITIES.into();
        brama::filters(settings, &policy)
    };
    let size = |file: &std::path::Path| std::fs::metadata(file).unwrap().len();
    let noop = std::env::var("BRAMA_NOOP_WASM").unwrap();
    let [empty, full] = memory(settings, authority, &roomy);
    let [of_noop, _] = memory(settings, authority, &envoys::noop());
    let shipped = brama::filters(settings, &shipped);
    let starts = |filters: &[Value]| {
        let mut all: Vec<_> = (0..9).map(|_| start(settings, authority, filters)).collect();
        all.sort();
        all[4]
    };
    let (noop_start, shipped_start, large_start) = (starts(&envoys::noop()), starts(&shipped), starts(&large));
    let above = |one: i64, other: i64| format!("{:.1} MiB", (one - other) as f64 / 1024.0);
    vec![
        ("host calls of a request that is allowed, facts known", host_calls(settings, authority, &shipped).to_string()),
        ("host calls of the plugin that does nothing", host_calls(settings, authority, &envoys::noop()).to_string()),
        ("memory of a worker above the plugin that does nothing, nothing remembered", above(empty, of_noop)),
        ("the same, 100,000 identities remembered", above(full, of_noop)),
        ("a flood of made-up tokens behind a good API key for 5 s", flood(settings, authority, &shipped)),
        (
            "from Envoy's start to the first decision, the plugin that does nothing",
            format!("{} ms", noop_start.as_millis()),
        ),
        ("the same, policies/ehealth.yaml", format!("{} ms", shipped_start.as_millis())),
        ("the same, 10,000 routes", format!("{} ms", large_start.as_millis())),
        ("the plugin", format!("{} bytes", size(&settings.wasm))),
        ("the plugin that does nothing", format!("{} bytes", size(noop.as_ref()))),
    ]
}

/// What becomes of as many requests as eight clients can send, each with a token of its own, at a gateway of one
/// worker.
fn flood(settings: &Settings, authority: &Authority, filters: &[Value]) -> String {
    let envoy = envoys::start(&settings.envoy, authority, filters.to_vec(), 1);
    assert_eq!(good(TOKEN).send(envoy.address()).status, 200);
    let _before = authority.take();
    let until = Instant::now() + FLOOD;
    let refused = scope(|threads| {
        let client = |place: usize| {
            let connection = Connection::open(envoy.address());
            let mut statuses = [0_usize, 0];
            while Instant::now() < until {
                let token = format!("unknown-{place}-{}", statuses[0] + statuses[1]);
                let call = good(&token).header("Connection", "keep-alive");
                match connection.exchange(&call.bytes()).unwrap().status {
                    401 => statuses[0] += 1,
                    503 => statuses[1] += 1,
                    other => panic!("{other}"),
                }
            }
            statuses
        };
        let clients: Vec<_> = (0..8).map(|place| threads.spawn(move || client(place))).collect();
        clients
            .into_iter()
            .map(|client| client.join().unwrap())
            .fold([0, 0], |one, two| [one[0] + two[0], one[1] + two[1]])
    });
    let a_second = |count: usize| count as u64 / FLOOD.as_secs();
    format!(
        "{} requests a second: {} refused with 401, {} with 503; the authority was asked {} times a second",
        a_second(refused[0] + refused[1]),
        a_second(refused[0]),
        a_second(refused[1]),
        a_second(authority.take()),
    )
}

const FLOOD: Duration = Duration::from_secs(5);

fn good(token: &str) -> Call {
    Call::delete(&format!("/api/clients/{CLIENT}/connections/x")).api_key(API_KEY).token(token)
}

/// KiB that a worker has of its Envoy, before 100,000 identities and after.
fn memory(settings: &Settings, authority: &Authority, filters: &[Value]) -> [i64; 2] {
    let start = |workers| {
        let envoy = envoys::start(&settings.envoy, authority, filters.to_vec(), workers);
        // Every worker has decided something.
        for _ in 0..60 {
            assert_eq!(good(TOKEN).send(envoy.address()).status, 200);
        }
        envoy
    };
    // What two workers take less what one does. What compiling leaves to be freed differs from start to start.
    let mut pairs: Vec<_> = (0..9).map(|_| start(2).memory() as i64 - start(1).memory() as i64).collect();
    pairs.sort();
    let envoy = start(1);
    let before = envoy.memory() as i64;
    fill(&envoy);
    [pairs[4], pairs[4] + envoy.memory() as i64 - before]
}

/// So many tokens at the one worker.
fn fill(envoy: &Lone) {
    let connections = 16;
    scope(|threads| {
        for place in 0..connections {
            threads.spawn(move || {
                let connection = Connection::open(envoy.address());
                for number in 0..IDENTITIES / connections {
                    let call = good(&format!("good-{place}-{number}")).header("Connection", "keep-alive");
                    assert_eq!(connection.exchange(&call.bytes()).unwrap().status, 200);
                }
            });
        }
    });
}

/// From the process's start to its first answer.
fn start(settings: &Settings, authority: &Authority, filters: &[Value]) -> Duration {
    let begin = Instant::now();
    let envoy = envoys::start(&settings.envoy, authority, filters.to_vec(), 1);
    assert_eq!(good(TOKEN).send(envoy.address()).status, 200);
    begin.elapsed()
}

/// Counted in the log of Envoy's Wasm runtime, between two requests that are alike.
fn host_calls(settings: &Settings, authority: &Authority, filters: &[Value]) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let setup = envoys::setup(authority, filters.to_vec(), 1);
    let envoy = Lone::with(&settings.envoy, envoys::talkative(setup, File::create(&path).unwrap()));
    let calls = || std::fs::read_to_string(&path).unwrap().matches("[vm->host]").count();
    for _ in 0..5 {
        assert_eq!(good(TOKEN).send(envoy.address()).status, 200);
    }
    // A tick comes between some; the fewest are the request's own.
    let of_one = || {
        let before = calls();
        assert_eq!(good(TOKEN).send(envoy.address()).status, 200);
        std::thread::sleep(Duration::from_millis(20));
        calls() - before
    };
    (0..9).map(|_| of_one()).min().unwrap()
}
