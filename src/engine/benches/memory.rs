//! Memory of cached credentials in a worker, measured in the Wasm guest by the pages it has grown by.
//!
//! Each credential is answered for as by the shipped policy's authority: a subject and a client that are UUIDs, a type
//! of client, a scope of 128 bytes, an end. The feed of revocations is followed, so each entry holds the credential's
//! SHA-256 as well.

#![allow(missing_docs, clippy::restriction, reason = "a measurement ends where something is amiss")]

use std::sync::Arc;

use brama_engine::cache::CredentialCache;
use brama_fake::Clock;
use brama_policy::deciding::{Policy, PolicyDocument};
use brama_policy::identity::{Answer, CredentialKind, Reply};
use serde_json::{Value, json};

const ENTRIES: usize = 100_000;

fn main() {
    if cfg!(not(target_family = "wasm")) {
        println!("measured in the Wasm guest only: make bench-memory");
        return;
    }
    let policy = policy();
    for (name, sets) in [("1 set of scopes", 1), ("1,000 sets of scopes", 1_000), ("no two alike", ENTRIES)] {
        let before = pages();
        let mut cache = CredentialCache::default();
        (0..ENTRIES).for_each(|number| remember(&mut cache, &policy, number, number % sets));
        let bytes = (pages() - before) * 65_536;
        assert!(knows(&mut cache, &policy, 0) && knows(&mut cache, &policy, ENTRIES - 1), "all of them are there");
        println!("{ENTRIES} tokens, {name}: {} bytes each, {} KiB in all", bytes / ENTRIES, bytes / 1024);
        // What one run has grown by, the next would not have to.
        std::mem::forget(cache);
    }
}

fn policy() -> Arc<Policy> {
    let shipped = include_str!("../../../policies/ehealth.yaml");
    let mut document: Value = serde_saphyr::from_str(shipped).unwrap();
    document["credentials"]["token"]["cache"]["entries"] = json!(ENTRIES);
    Arc::new(Policy::compile(&PolicyDocument::read(&document.to_string()).unwrap()).unwrap())
}

fn remember(cache: &mut CredentialCache, policy: &Policy, number: usize, set: usize) {
    let lookup = lookup(policy, number);
    let scope = format!("{set:012} connection:delete connection:read private_contracts:read private_contracts:write");
    let body = json!({
        "active": true, "token_use": "access_token", "sub": id(number), "client_id": id(number + 1),
        "client_type": "NHS ADMIN", "scope": format!("{scope:x<128}"), "exp": 2_000_000_000,
    });
    let answer = lookup.answer(Reply { status: 200, body: body.to_string().as_bytes() });
    assert!(matches!(answer, Answer::Active(_)), "{answer:?}");
    let key = cache.key(&lookup);
    cache.insert(&lookup, key, &answer, Clock::default().moment());
}

fn knows(cache: &mut CredentialCache, policy: &Policy, number: usize) -> bool {
    let lookup = lookup(policy, number);
    let key = cache.key(&lookup);
    cache.get(&CredentialKind::new("token"), key, Clock::default().moment()).is_some()
}

fn lookup(policy: &Policy, number: usize) -> brama_policy::identity::Lookup {
    policy.lookup(policy.credential("token").unwrap(), format!("token-{number}").parse().unwrap()).unwrap()
}

fn id(number: usize) -> String {
    format!("05e20000-0000-4000-8000-{number:012}")
}

#[cfg(target_family = "wasm")]
fn pages() -> usize {
    core::arch::wasm32::memory_size(0)
}

#[cfg(not(target_family = "wasm"))]
fn pages() -> usize {
    0
}
