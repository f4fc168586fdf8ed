//! What verifying a signature costs an Envoy worker, by algorithm: in Envoy's own library, and in the plugin.
//!
//! Tokens that are refused are not remembered, so that each request with one whose signature is another text's has it
//! verified. From the CPU time of such a request in the worker is taken that of one whose audience is another's, which
//! is refused before. All go over one connection; the variants take turns, and the
//! least of the turns is told, as whatever else the machine does can only add.

use std::fs;

use aws_lc_rs::rsa::KeySize;
use brama_e2e::client::Connection;
use brama_e2e::stack::{Plan, project};
use brama_kit::signer::{Signer, merged};
use serde_json::{Value, json};

const TURNS: usize = 30;
const REQUESTS: u32 = 60;

fn main() {
    let signers = [
        ("RS256, 2048 bits", Signer::new("RS256", "a")),
        ("RS256, 4096 bits", Signer::sized("RS256", "b", KeySize::Rsa4096)),
        ("ES256", Signer::new("ES256", "c")),
        ("PS256, 2048 bits", Signer::new("PS256", "d")),
        ("PS256, 4096 bits", Signer::sized("PS256", "e", KeySize::Rsa4096)),
        ("PS256, 8192 bits", Signer::sized("PS256", "f", KeySize::Rsa8192)),
        ("EdDSA", Signer::new("EdDSA", "g")),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.yaml");
    fs::write(&path, with_keys(signers.iter().map(|(_, signer)| signer.jwk()).collect())).unwrap();
    let gateway = Plan::with_policy(path).without_feed().one_worker().start();
    let worker = worker();
    let connection = Connection::open(gateway.address());
    for (name, signer) in &signers {
        assert_eq!(send(&connection, &token(signer, json!({ "aud": "ehealth" }))), 404, "{name}: a good token passes");
    }
    let unverified = ("", token(&signers[0].1, json!({})));
    let spliced = signers.iter().map(|(name, signer)| (*name, spliced(signer)));
    let variants: Vec<_> = std::iter::once(unverified).chain(spliced).collect();
    let mut spent = vec![Vec::new(); variants.len()];
    for _ in 0..TURNS {
        for ((_, token), spent) in variants.iter().zip(&mut spent) {
            let before = cpu_nanoseconds(&worker);
            (0..REQUESTS).for_each(|_| assert_eq!(send(&connection, token), 401));
            spent.push((cpu_nanoseconds(&worker) - before) / u64::from(REQUESTS) / 1000);
        }
    }
    let least: Vec<_> = spent.iter().map(|turns| turns.iter().min().unwrap()).collect();
    println!("CPU time of the worker for a request that is refused before its signature is verified: {} us", least[0]);
    for ((name, _), least_of_it) in variants.iter().zip(&least).skip(1) {
        println!("{name:<17} {:>6} us", least_of_it.saturating_sub(*least[0]));
    }
}

/// The shipped policy, with these keys besides.
fn with_keys(keys: Vec<Value>) -> String {
    let text = fs::read_to_string(project().join("policies/ehealth.yaml")).unwrap();
    let (head, tail) = text.rsplit_once("      - introspect:").unwrap();
    let jwt = json!({ "jwt": {
        "issuer": "https://id.example", "audiences": ["ehealth"], "types": ["at+jwt"],
        "algorithms": ["RS256", "ES256", "PS256", "EdDSA"], "keys": { "inline": keys },
    } });
    format!("{head}      - {jwt}\n      - introspect:{tail}")
}

/// A token for somebody else, but for what is changed.
fn token(signer: &Signer, changes: Value) -> String {
    let header = json!({ "alg": signer.algorithm(), "typ": "at+jwt", "kid": signer.kid() });
    let claims = json!({
        "iss": "https://id.example", "aud": "another", "sub": "5c0b1e8e-0f3a-4c6e-9d52-7f1f6f1f2a11", "client_id": "c1",
        "client_type": "NHS ADMIN", "scope": "private_contracts:write", "exp": 4_000_000_000_u32,
    });
    signer.token(&header, &merged(claims, changes))
}

/// A token for the gateway, with the signature of another.
fn spliced(signer: &Signer) -> String {
    let (good, other) = (token(signer, json!({ "aud": "ehealth" })), token(signer, json!({})));
    format!("{}.{}", good.rsplit_once('.').unwrap().0, other.rsplit_once('.').unwrap().1)
}

fn send(connection: &Connection, token: &str) -> u16 {
    let request = format!(
        "DELETE /api/admin/contract_divisions/x HTTP/1.1\r\nHost: api.example\r\nAPI-key: {API_KEY}\r\n\
         Authorization: Bearer {token}\r\n\r\n"
    );
    connection.exchange(request.as_bytes()).expect("an answer").status
}

/// The folder under `/proc` of the one worker thread of the Envoy that this process has started.
fn worker() -> String {
    let own = std::process::id().to_string();
    let envoy = entries("/proc").into_iter().find(|process| {
        // A folder that is no process's, or of one that has ended meanwhile.
        let Ok(stat) = fs::read_to_string(format!("{process}/stat")) else { return false };
        // proc(5): the number, the name in brackets, the state, the parent.
        stat.rsplit_once(") ")
            .is_some_and(|(head, tail)| head.ends_with("(envoy") && tail.split(' ').nth(1) == Some(own.as_str()))
    });
    let threads = entries(&format!("{}/task", envoy.expect("Envoy is a child")));
    let is_it = |thread: &String| fs::read_to_string(format!("{thread}/comm")).unwrap().starts_with("wrk:worker");
    threads.into_iter().find(is_it).expect("Envoy has a worker")
}

fn entries(folder: &str) -> Vec<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path().display().to_string()).collect()
}

/// The time the thread was at work.
fn cpu_nanoseconds(thread: &str) -> u64 {
    let schedstat = fs::read_to_string(format!("{thread}/schedstat")).unwrap();
    schedstat.split(' ').next().unwrap().parse().unwrap()
}

const API_KEY: &str = "uXhEczJ56adsfh3Ri9SUkc4en";
