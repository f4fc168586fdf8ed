//! How many lookups at the authority 100,000 requests cause, with the policy as it is shipped.
//!
//! Who asks is drawn by Zipf's law: the n-th token is presented 1/n as often as the first, and so is the n-th API key.
//! The requests come at a fixed rate, since what is remembered ends by the clock; a machine too slow for it takes
//! longer, and asks more often. In the second run a token is deleted every second; whose token it was takes a new one
//! when it is refused.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use brama_e2e::client::{Call, Connection};
use brama_e2e::stack::{Gateway, Plan};
use serde_json::{Value, json};

const REQUESTS: usize = 100_000;
/// In each second; well below what two cores can do with all the parts on them.
const RATE: u32 = 1000;
const CLIENTS: usize = 16;
const USERS: usize = 1000;
const API_KEYS: usize = 50;
/// Tokens, those that replace deleted ones included: one for each second, and some for a slow machine.
const TOKENS: usize = 2 * USERS;

fn main() {
    println!(
        "{REQUESTS} requests, {RATE} a second on {CLIENTS} connections; {USERS} tokens and {API_KEYS} API keys, drawn by \
         Zipf (s = 1); one gateway of 2 workers; policies/ehealth.yaml"
    );
    run("nothing is revoked", false);
    run("a token is deleted every second", true);
}

fn run(name: &str, deletes: bool) {
    let folder = tempfile::tempdir().unwrap();
    let fixture = folder.path().join("fixture.json");
    std::fs::write(&fixture, fixtures().to_string()).unwrap();
    let gateway = Plan::with_data(fixture).start();
    let asked = gateway.counter(ASKED);

    let world = World::new();
    let begin = Instant::now();
    let end = scope(|threads| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| threads.spawn(|| world.send(&gateway, begin))).collect();
        let mut random = Random(1);
        for second in 1.. {
            sleep((begin + Duration::from_secs(second)).saturating_duration_since(Instant::now()));
            if clients.iter().all(|client| client.is_finished()) {
                break;
            }
            if deletes {
                world.delete(&gateway, random.below(USERS));
            }
        }
        clients.into_iter().map(|client| client.join().unwrap()).max().unwrap()
    });
    let seconds = (end - begin).as_secs_f64();

    let lookups = gateway.authority.take();
    let of = |hint: &str| lookups.iter().filter(|form| form.ends_with(&format!("&token_type_hint={hint}"))).count();
    let (api_keys, tokens) = (of("api_key"), of("access_token"));
    assert_eq!(api_keys + tokens, lookups.len());
    let [deleted, refused] =
        [&world.deleted, &world.refused].map(|which| which.iter().filter(|is| is.load(SeqCst)).count());
    let polls = gateway.counter(ASKED) - asked - lookups.len() as u64;
    let refusals = world.refusals.load(SeqCst);
    println!("\n{name}: {seconds:.1} s");
    println!("  answers: 404 {} times, as the service says; 401 {refusals} times", REQUESTS - refusals);
    println!("  tokens deleted: {deleted}, of which presented again: {refused}");
    println!(
        "  lookups: {api_keys} of API keys, {tokens} of tokens, {} in all; without memory it would be {}",
        lookups.len(),
        2 * REQUESTS
    );
    println!("  questions what was revoked: {polls}");
}

/// What the clients and the hand that deletes share. Users, tokens and API keys are numbers.
struct World {
    next: AtomicUsize,
    /// The token of each user.
    held: Vec<AtomicUsize>,
    unused: AtomicUsize,
    deleted: Vec<AtomicBool>,
    refused: Vec<AtomicBool>,
    refusals: AtomicUsize,
    users: Zipf,
    api_keys: Zipf,
}

impl World {
    fn new() -> Self {
        let none = || (0..TOKENS).map(|_| AtomicBool::new(false)).collect();
        Self {
            next: AtomicUsize::new(0),
            held: (0..USERS).map(AtomicUsize::new).collect(),
            unused: AtomicUsize::new(USERS),
            deleted: none(),
            refused: none(),
            refusals: AtomicUsize::new(0),
            users: Zipf::of(USERS),
            api_keys: Zipf::of(API_KEYS),
        }
    }

    /// Sends one request after another, each at its time, until all are sent; when the last was answered.
    fn send(&self, gateway: &Gateway, begin: Instant) -> Instant {
        let connection = Connection::open(gateway.address());
        loop {
            let number = self.next.fetch_add(1, SeqCst);
            if number >= REQUESTS {
                return Instant::now();
            }
            let due = begin + Duration::from_secs(1) * u32::try_from(number).unwrap() / RATE;
            sleep(due.saturating_duration_since(Instant::now()));
            let mut random = Random(number as u64);
            let (user, key) = (self.users.draw(&mut random), self.api_keys.draw(&mut random));
            let token = self.held[user].load(SeqCst);
            let call = Call::delete("/api/admin/contract_divisions/x").header("Connection", "keep-alive");
            let call = call.api_key(&api_key(key)).token(&token_value(token));
            match connection.exchange(&call.bytes()).expect("an answer").status {
                404 => {}
                401 if self.deleted[token].load(SeqCst) => self.renew(user, token),
                status => panic!("{status} at request {number}"),
            }
        }
    }

    /// The user logs in again, unless another request of the same user has done so.
    fn renew(&self, user: usize, token: usize) {
        self.refusals.fetch_add(1, SeqCst);
        if !self.refused[token].swap(true, SeqCst) {
            self.held[user].store(self.unused.fetch_add(1, SeqCst), SeqCst);
        }
    }

    /// Deletes the token that a user holds, unless it is deleted.
    fn delete(&self, gateway: &Gateway, user: usize) {
        let token = self.held[user].load(SeqCst);
        if !self.deleted[token].swap(true, SeqCst) {
            gateway.database.change("DELETE FROM mithril_tokens WHERE user_id = ?", &id(TOKEN, token));
        }
    }
}

/// 1000 tokens of one client, with as many that wait to replace them, and a connection for each API key.
fn fixtures() -> Value {
    let client = |number: usize| {
        json!({
            "id": id(CLIENT, number), "name": "of a bench", "client_type": "NHS ADMIN", "scope": SCOPE, "is_blocked": false,
        })
    };
    let connection = |number: usize| {
        json!({
            "id": id(CONNECTION, number), "client_id": id(CLIENT, number), "consumer_id": id(CLIENT, number),
            "secret": api_key(number), "redirect_uri": "https://mis.example/callback",
        })
    };
    // A user of its own for each token, by which it is deleted.
    let token = |number: usize| {
        json!({
            "value": token_value(number), "name": "access_token", "user_id": id(TOKEN, number), "client_id": id(CLIENT, 0),
            "scope": SCOPE, "expires_in": 86400,
        })
    };
    json!({
        "clients": (0..API_KEYS).map(client).collect::<Vec<_>>(),
        "tokens": (0..TOKENS).map(token).collect::<Vec<_>>(),
        "connections": (0..API_KEYS).map(connection).collect::<Vec<_>>(),
    })
}

const SCOPE: &str = "private_contracts:write";
const CLIENT: &str = "c11e0000";
const CONNECTION: &str = "c0220000";
const TOKEN: &str = "05e20000";

fn id(kind: &str, number: usize) -> String {
    format!("{kind}-0000-4000-8000-{number:012}")
}

fn api_key(number: usize) -> String {
    format!("bench-api-key-{number:018}")
}

fn token_value(number: usize) -> String {
    format!("bench-token-{number:020}")
}

/// Numbers from 0, each as often as its law says.
struct Zipf(Vec<f64>);

impl Zipf {
    fn of(count: usize) -> Self {
        let sums = (1..=count).scan(0.0, |sum, rank| {
            *sum += 1.0 / rank as f64;
            Some(*sum)
        });
        Self(sums.collect())
    }

    fn draw(&self, random: &mut Random) -> usize {
        let whole = self.0[self.0.len() - 1];
        let at = random.next() as f64 / u64::MAX as f64 * whole;
        self.0.partition_point(|sum| *sum < at).min(self.0.len() - 1)
    }
}

/// SplitMix64: the same numbers in each run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() % count as u64).unwrap()
    }
}

/// All that Envoy has asked the authority: lookups, and what was revoked.
const ASKED: &str = "cluster.authority.upstream_rq_total";
