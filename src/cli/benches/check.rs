//! `brama check` of policies of several shapes: the time for 5,000 routes and for 20,000, the best of five runs each,
//! and the ratio of the two. Four is linear.

#![allow(clippy::restriction, reason = "a measurement ends where something is amiss")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const FEW: usize = 5_000;
const MANY: usize = 20_000;
const RUNS: usize = 5;

/// The route of a number.
type Route = fn(usize) -> String;

fn main() {
    let shapes: [(&str, Route); 7] = [
        ("a resource each, every tenth public", resources),
        ("ten paths on each host", hosts),
        ("half public behind captures, and a page for all else", captures),
        ("half on hosts of their own, half on any host", mixed),
        ("a condition in each", conditional),
        ("a fault in each", faulty),
        ("a lint in each", linted),
    ];
    for (shape, route) in shapes {
        let (few, many) = (check(route, FEW), check(route, MANY));
        let ratio = many.as_secs_f64() / few.as_secs_f64();
        println!(
            "{shape}: {FEW} routes {:.2} s, {MANY} routes {:.2} s, ratio {ratio:.1}",
            few.as_secs_f64(),
            many.as_secs_f64()
        );
    }
    println!("10000 routes that say all that a route can say: {:.2} s", check(long, 10_000).as_secs_f64());
}

const GUARDED: &str = "require: { credentials: [token], scopes: { all: [read] } }";
const PUBLIC: &str = "public: { because: \"it is for everybody\" }";

fn resources(number: usize) -> String {
    let rest = if number.is_multiple_of(10) { PUBLIC } else { GUARDED };
    format!("{{ id: r{number}, methods: [GET], path: '/api/v1/resource{number}/{{_id}}', {rest} }}")
}

fn hosts(number: usize) -> String {
    let (host, path) = (number / 10, number % 10);
    let rest = if path == 0 { PUBLIC } else { GUARDED };
    format!("{{ id: r{number}, methods: [GET], hosts: [h{host}.example], path: '/resource{path}/{{_id}}', {rest} }}")
}

fn captures(number: usize) -> String {
    if number == 0 {
        return format!("{{ id: r0, methods: [GET], path: '/{{_page...}}', {PUBLIC} }}");
    }
    let rest = if number.is_multiple_of(2) { PUBLIC } else { GUARDED };
    format!("{{ id: r{number}, methods: [GET], path: '/{{_tenant}}/resource{number}/{{_id}}', {rest} }}")
}

fn mixed(number: usize) -> String {
    let hosts = if number.is_multiple_of(2) { format!("hosts: [h{number}.example], ") } else { String::new() };
    format!("{{ id: r{number}, methods: [GET], {hosts}path: '/resource{number}/{{_id}}', {GUARDED} }}")
}

fn conditional(number: usize) -> String {
    format!(
        "{{ id: r{number}, methods: [GET], path: '/resource{number}/{{id}}', require: {{ credentials: [token], scopes: none, \
         conditions: ['params.id == token.client_id'] }} }}"
    )
}

fn faulty(number: usize) -> String {
    format!("{{ id: r{number}, methods: [get], path: '/resource{number}/{{_id}}', {GUARDED} }}")
}

fn linted(number: usize) -> String {
    format!("{{ id: r{number}, methods: [FETCH], path: '/resource{number}/{{_id}}', {GUARDED} }}")
}

fn long(number: usize) -> String {
    format!(
        "{{ id: r{number}, methods: [GET, HEAD, POST, PUT, PATCH, DELETE], hosts: [a{number}.example, b{number}.example, '*.c{number}.example'], \
         path: '/tenants/{{tenant}}/resource{number}/{{_id:uuid}}', mode: shadow, preflight: {{ because: pages }}, require: {{ credentials: [api_key, token], \
         bind: {{ token: client_id, api_key: client_id }}, scopes: {{ all: [a, b, c, d, e, f, g, h], of: [token, api_key] }}, \
         owner: {{ param: tenant, equals: token.client_id, except_client_types: [a, b, c, d, e, f, g, h] }}, \
         conditions: ['\"a\" in token.scopes', '\"b\" in token.scopes', '\"c\" in token.scopes', '\"d\" in token.scopes'] }} }}"
    )
}

/// The best of several runs, as a user waits for it.
fn check(route: Route, routes: usize) -> Duration {
    let credential = |header: &str| {
        format!(
            "{{ header: {header}, verify: [{{ introspect: {{ authority: a, path: /i, hint: h, expect: {{ /u: x }} }} }}], cache: {{ ttl: 1s, refused_ttl: 1s, entries: 9 }} }}"
        )
    };
    let mut text = format!(
        "version: 1\nname: long\nauthorities: {{ a: {{ cluster: a, host: a, timeout: 1s, auth: {{ bearer_env: S }} }} }}\n\
         credentials: {{ api_key: {}, token: {} }}\nforward: {{ headers: {{}} }}\nrefusals: {{ format: bare }}\nroutes:\n",
        credential("x-key"),
        credential("authorization")
    );
    (0..routes).for_each(|number| text.push_str(&format!("  - {}\n", route(number))));
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("long.yaml");
    fs::write(&path, text).unwrap();
    let run = || {
        let start = Instant::now();
        let mut command = Command::new(env!("CARGO_BIN_EXE_brama"));
        let status =
            command.args(["check", "--json"]).arg(&path).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        assert!(matches!(status.code(), Some(0 | 1)), "the file is read, whatever is found in it");
        start.elapsed()
    };
    let best = (0..RUNS).map(|_run| run()).min().unwrap();
    fs::remove_file(&path).unwrap();
    best
}
