//! What one decision of the core costs: over few routes and many, public and guarded, with and without a condition.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a bench")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use brama_policy::deciding::{Decision, Moment, Monotonic, Policy, PolicyDocument, Request, Step, UnixTime};
use brama_policy::identity::{Answer, Facts};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

const HEAD: &str = r#"{
"version": 1, "name": "bench",
"authorities": { "a": { "cluster": "a", "host": "a", "timeout": "1s", "auth": { "bearer_env": "S" } } },
"credentials": { "token": { "header": "authorization", "scheme": "Bearer", "cache": { "ttl": "1s", "refused_ttl": "1s", "entries": 1 },
  "verify": [{ "introspect": { "authority": "a", "path": "/i", "hint": "t", "expect": { "/u": "t" } } }] } },
"forward": { "headers": { "x-user": "token.subject", "x-client": "token.client_id" } },
"refusals": { "format": "ehealth" },
"routes": ["#;

/// A policy of so many routes, every third public, with literals and captures at several depths.
fn policy(routes: usize) -> Arc<Policy> {
    let mut text = HEAD.to_owned();
    for number in 0..routes {
        let comma = if number == 0 { "" } else { "," };
        let require = match number % 3 {
            0 => r#""public": { "because": "a bench" }"#.to_owned(),
            1 => r#""require": { "credentials": ["token"], "scopes": { "all": ["a"] }, "owner": { "param": "id", "equals": "token.client_id" } }"#.to_owned(),
            _ => r#""require": { "credentials": ["token"], "scopes": { "all": ["a"] }, "conditions": ["params.id == token.client_id"] }"#.to_owned(),
        };
        let group = number % 97;
        write!(text, r#"{comma}{{ "id": "r{number}", "methods": ["GET", "PUT"], "path": "/api/g{group}/r{number}/{{id}}/x", {require} }}"#)
            .unwrap();
    }
    text.push_str("]}");
    let document = PolicyDocument::read(&text).unwrap_or_else(|faults| unreachable_text(&faults.to_string()));
    Arc::new(Policy::compile(&document).unwrap_or_else(|faults| unreachable_text(&faults.to_string())))
}

#[expect(clippy::panic, reason = "a bench whose policy is faulty measures nothing")]
fn unreachable_text(faults: &str) -> ! {
    panic!("{faults}")
}

fn headers(path: &str) -> Vec<(String, Vec<u8>)> {
    [
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", "api.example:443"),
        (":path", path),
        ("user-agent", "bench"),
        ("accept", "application/json"),
        ("x-request-id", "6617aeec-15e2-4d6f-b9bd-53559c358f97"),
        ("authorization", "Bearer c2778f3064753ea70de870a53795f5c9"),
        ("x-forwarded-for", "10.0.0.1"),
        ("x-user", "forged"),
    ]
    .map(|(name, value)| (name.to_owned(), value.into()))
    .into()
}

fn decide(policy: &Arc<Policy>, headers: &[(String, Vec<u8>)], facts: &Arc<Facts>) -> bool {
    let now = Moment { wall: UnixTime::from_seconds(1), monotonic: Monotonic::from_origin(Duration::from_secs(1)) };
    let mut step = policy.begin(&Request::new(headers), now);
    loop {
        match step {
            Step::Done(decision) => return matches!(decision, Decision::Allow(_)),
            Step::Ask(_lookup, awaiting) => step = awaiting.resume(Answer::Active(Arc::clone(facts)), now),
        }
    }
}

fn decisions(criterion: &mut Criterion) {
    let facts = Arc::new(Facts {
        subject: Some("u".parse().unwrap()),
        client_id: Some("c1".parse().unwrap()),
        scope: "a b c".parse().unwrap(),
        ..Facts::none()
    });
    for (name, last) in [("public", 0), ("owner", 1), ("condition", 2)] {
        let mut group = criterion.benchmark_group(name);
        for routes in [10, 1_000, 10_000] {
            let policy = policy(routes);
            // The last route of its sort.
            let number = (routes - 1) - ((routes - 1) + 3 - last) % 3;
            let headers = headers(&format!("/api/g{}/r{number}/c1/x", number % 97));
            assert!(decide(&policy, &headers, &facts));
            group.bench_with_input(BenchmarkId::from_parameter(routes), &routes, |bencher, _| {
                bencher.iter(|| decide(black_box(&policy), black_box(&headers), &facts));
            });
        }
        group.finish();
    }
}

fn compiling(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("compile");
    group.sample_size(10);
    for routes in [10, 10_000] {
        group.bench_with_input(BenchmarkId::from_parameter(routes), &routes, |bencher, routes| {
            bencher.iter(|| policy(*routes));
        });
    }
    group.finish();
}

criterion_group!(benches, decisions, compiling);
criterion_main!(benches);
