//! `brama check` of policies of several shapes: the time for 5,000 routes and for 20,000, in turn, and the ratio of the
//! two; medians of nine rounds. Four is linear: routes are equally long.

#![allow(clippy::restriction, reason = "a measurement ends where something is amiss")]

use std::fs;
use std::process::{Command, Stdio};
use std::time::Instant;

const FEW: usize = 5_000;
const MANY: usize = 20_000;
const ROUNDS: usize = 9;

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
        let (few, many) = (Policy::of(route, FEW), Policy::of(route, MANY));
        let rounds: Vec<_> = (0..ROUNDS).map(|_round| (few.check(), many.check())).collect();
        println!(
            "{shape}: {FEW} routes {:.2} s, {MANY} routes {:.2} s, ratio {:.2}",
            median(rounds.iter().map(|(few, _many)| *few)),
            median(rounds.iter().map(|(_few, many)| *many)),
            median(rounds.iter().map(|(few, many)| many / few)),
        );
    }
    let long = Policy::of(long, 10_000);
    println!("10000 routes that say all that a route can say: {:.2} s", median((0..3).map(|_round| long.check())));
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<_> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

const GUARDED: &str = "require: { credentials: [token], scopes: { all: [read] } }";
const PUBLIC: &str = "public: { because: \"it is for everybody\" }";

fn resources(number: usize) -> String {
    let rest = if number.is_multiple_of(10) { PUBLIC } else { GUARDED };
    format!("{{ id: r{number:05}, methods: [GET], path: '/api/v1/resource{number:05}/{{_id}}', {rest} }}")
}

fn hosts(number: usize) -> String {
    let (host, path) = (number / 10, number % 10);
    let rest = if path == 0 { PUBLIC } else { GUARDED };
    format!(
        "{{ id: r{number:05}, methods: [GET], hosts: [h{host:04}.example], path: '/resource{path}/{{_id}}', {rest} }}"
    )
}

fn captures(number: usize) -> String {
    if number == 0 {
        return format!("{{ id: r0, methods: [GET], path: '/{{_page...}}', {PUBLIC} }}");
    }
    let rest = if number.is_multiple_of(2) { PUBLIC } else { GUARDED };
    format!("{{ id: r{number:05}, methods: [GET], path: '/{{_tenant}}/resource{number:05}/{{_id}}', {rest} }}")
}

fn mixed(number: usize) -> String {
    let hosts = if number.is_multiple_of(2) { format!("hosts: [h{number:05}.example], ") } else { String::new() };
    format!("{{ id: r{number:05}, methods: [GET], {hosts}path: '/resource{number:05}/{{_id}}', {GUARDED} }}")
}

fn conditional(number: usize) -> String {
    format!(
        "{{ id: r{number:05}, methods: [GET], path: '/resource{number:05}/{{id}}', require: {{ credentials: [token], scopes: none, \
         conditions: ['params.id == token.client_id'] }} }}"
    )
}

fn faulty(number: usize) -> String {
    format!("{{ id: r{number:05}, methods: [get], path: '/resource{number:05}/{{_id}}', {GUARDED} }}")
}

fn linted(number: usize) -> String {
    format!("{{ id: r{number:05}, methods: [FETCH], path: '/resource{number:05}/{{_id}}', {GUARDED} }}")
}

fn long(number: usize) -> String {
    format!(
        "{{ id: r{number:05}, methods: [GET, HEAD, POST, PUT, PATCH, DELETE], hosts: [a{number}.example, b{number}.example, '*.c{number}.example'], \
         path: '/tenants/{{tenant}}/resource{number:05}/{{_id:uuid}}', mode: shadow, preflight: {{ because: pages }}, require: {{ credentials: [api_key, token], \
         bind: {{ token: client_id, api_key: client_id }}, scopes: {{ all: [a, b, c, d, e, f, g, h], of: [token, api_key] }}, \
         owner: {{ param: tenant, equals: token.client_id, except_client_types: [a, b, c, d, e, f, g, h] }}, \
         conditions: ['\"a\" in token.scopes', '\"b\" in token.scopes', '\"c\" in token.scopes', '\"d\" in token.scopes'] }} }}"
    )
}

/// A policy in a file of its own.
struct Policy {
    file: tempfile::NamedTempFile,
}

impl Policy {
    fn of(route: Route, routes: usize) -> Self {
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
        let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
        fs::write(file.path(), text).unwrap();
        Self { file }
    }

    /// Seconds of one run, as a user waits for it.
    fn check(&self) -> f64 {
        let start = Instant::now();
        let mut command = Command::new(env!("CARGO_BIN_EXE_brama"));
        command.args(["check", "--json"]).arg(self.file.path());
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        assert!(matches!(status.code(), Some(0 | 1)), "the file is read, whatever is found in it");
        start.elapsed().as_secs_f64()
    }
}
