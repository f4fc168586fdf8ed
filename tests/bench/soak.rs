//! A million requests of all kinds through one gateway, and how much memory it has after each tenth of them.
//!
//! Most are refused: unknown credentials, each another one, so that what is remembered is always full; paths, headers
//! and bodies that are odd. Some clients hang up while their lookup is out, some in the midst of their headers. What a
//! context leaves behind, or a lookup that nobody waits for, would be seen to add up.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread::scope;

use brama_e2e::client::{Call, Connection};
use brama_e2e::stack::Plan;
use serde_json::Value;

const REQUESTS: usize = 1_000_000;
const CLIENTS: usize = 8;
const DIVISION: &str = "/api/admin/contract_divisions/x";
const API_KEY: &str = "uXhEczJ56adsfh3Ri9SUkc4en";
const TOKEN: &str = "0d7b3a5e9c1f4826b4d0a6e2f8c3957e";

fn main() {
    let gateway = Plan::shipped().plugin(small_caches).start();
    let envoy = envoy_of_this_process();
    println!(
        "{REQUESTS} requests on {CLIENTS} connections; one gateway of 2 workers; policies/ehealth.yaml, with caches of 2,000 entries"
    );
    println!("at the start: {}", memory(envoy));
    let (next, answers) = (AtomicUsize::new(0), Mutex::new(BTreeMap::<u16, usize>::new()));
    for tenth in 1..=10 {
        scope(|threads| {
            for _ in 0..CLIENTS {
                threads.spawn(|| ask(gateway.address(), &next, REQUESTS * tenth / 10, &answers));
            }
        });
        gateway.authority.take();
        gateway.tap.take();
        println!("after {}: {}", REQUESTS * tenth / 10, memory(envoy));
    }
    println!("answers by status, 0 where the client hung up or none came: {:?}", answers.lock().unwrap());
    let streams = gateway.counter("http.public.downstream_rq_active");
    println!("requests active at the end: {streams}");
    assert_eq!(streams, 0);
}

/// Caches that are full within the first tenth, so that what grows after it is none of theirs; and an authority that
/// may be asked about every token.
fn small_caches(config: &mut Value, _folder: &Path) {
    let policy = config["configuration"]["value"].as_str().unwrap();
    let lookups = r#""timeout":"1s","lookups":{"per_second":1000000,"per_second_behind_a_key":1000000}"#;
    let changes = [(r#""entries":50000"#, r#""entries":2000"#), (r#""timeout":"1s""#, lookups)];
    let changed = changes.iter().fold(policy.to_owned(), |policy, (from, to)| {
        assert!(policy.contains(from), "{policy}");
        policy.replace(from, to)
    });
    config["configuration"]["value"] = changed.into();
}

/// One client, until so many were asked for in all.
fn ask(gateway: SocketAddr, next: &AtomicUsize, end: usize, answers: &Mutex<BTreeMap<u16, usize>>) {
    let mut connection = Connection::open(gateway);
    let mut told = BTreeMap::<u16, usize>::new();
    loop {
        let number = next.fetch_add(1, SeqCst);
        if number >= end {
            // The number goes to the next tenth.
            next.fetch_sub(1, SeqCst);
            break;
        }
        let (call, ends) = request(number);
        let status = match ends {
            Ends::Answered => {
                let call = call.header("Connection", "keep-alive");
                match connection.exchange(&call.bytes()) {
                    Some(reply) => {
                        if reply.header("connection") == Some("close") {
                            connection = Connection::open(gateway);
                        }
                        reply.status
                    }
                    None => {
                        connection = Connection::open(gateway);
                        0
                    }
                }
            }
            Ends::HungUp(share) => {
                let bytes = call.bytes();
                let mut stream = TcpStream::connect(gateway).unwrap();
                let _sent = stream.write_all(&bytes[..bytes.len() * share / 100]);
                0
            }
        };
        *told.entry(status).or_default() += 1;
    }
    let mut answers = answers.lock().unwrap();
    for (status, amount) in told {
        *answers.entry(status).or_default() += amount;
    }
}

enum Ends {
    Answered,
    /// After so many hundredths of the request were sent.
    HungUp(usize),
}

fn request(number: usize) -> (Call, Ends) {
    let delete = || Call::delete(DIVISION).header("x-request-id", &number.to_string());
    let strange = format!("strange-{number}");
    let known = || delete().api_key(API_KEY);
    match number % 100 {
        // A lookup each: the client knows a good API key, and no token.
        0..10 => (known().token(&strange), Ends::Answered),
        10..15 => (delete().api_key(&strange).token(TOKEN), Ends::Answered),
        // Its lookup is out, and the client is gone.
        15..20 => (known().token(&strange), Ends::HungUp(100)),
        20..22 => (known().token(TOKEN), Ends::HungUp(70)),
        22..30 => (known(), Ends::Answered),
        30..35 => (known().token(TOKEN).header("X-HTTP-Method-Override", "GET"), Ends::Answered),
        35..40 => (Call::delete(&format!("{DIVISION}/../{number}")), Ends::Answered),
        40..45 => (Call::new("GET", &format!("/nowhere/{number}")).api_key(API_KEY).token(&strange), Ends::Answered),
        45..48 => (known().token(TOKEN).token(&strange), Ends::Answered),
        48..50 => (known().token(&strange.repeat(900)), Ends::Answered),
        50..52 => (known().token(TOKEN).header("Content-Length", "3").body("abc"), Ends::Answered),
        52..55 => (known().token("c2778f3064753ea70de870a53795f5c9"), Ends::Answered),
        // Known to the worker, and passed on.
        _ => (known().token(TOKEN), Ends::Answered),
    }
}

/// Resident memory.
fn memory(process: u32) -> String {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    format!("Envoy has {} MiB", kilobytes / 1024)
}

fn envoy_of_this_process() -> u32 {
    let parent = format!("PPid:\t{}\n", std::process::id());
    let mut processes =
        fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let is_envoy = |process: &u32| {
        fs::read_to_string(format!("/proc/{process}/status"))
            .is_ok_and(|status| status.contains(&parent) && status.starts_with("Name:\tenvoy"))
    };
    processes.find(is_envoy).expect("Envoy")
}
