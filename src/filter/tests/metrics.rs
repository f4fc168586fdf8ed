//! The table of metrics (`docs/metrics.md`) names every counter of the plugin, and no other.

#![allow(missing_docs, clippy::unwrap_used, reason = "test support")]

use std::collections::BTreeSet;

/// Where each counter is given its name.
const COUNTERS: &str = include_str!("../../engine/src/host.rs");

/// Where Envoy can be told of one.
const HOST: [&str; 6] = [
    include_str!("../src/envoy.rs"),
    include_str!("../src/envoy/local_reply.rs"),
    include_str!("../src/envoy/reply.rs"),
    include_str!("../src/envoy/root.rs"),
    include_str!("../src/envoy/signature.rs"),
    include_str!("../src/envoy/stream.rs"),
];

const TABLE: &str = include_str!("../../../docs/metrics.md");

/// The names in the source: texts that begin as every counter does.
fn counted() -> BTreeSet<String> {
    let (_before, names) = COUNTERS.split_once("pub fn name(&self) -> String").unwrap();
    let names = names.split("\"brama_").skip(1).map(|rest| rest.split_once('"').unwrap().0);
    names.map(|name| open(&format!("brama_{name}"), '{', '}')).collect()
}

/// The names in the first column of the table of the plugin's counters.
fn documented() -> BTreeSet<String> {
    let (_before, section) = TABLE.split_once("\n## The plugin\n").unwrap();
    let rows = section.split("\n## ").next().unwrap().lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| open(row.split_once('`').unwrap().0, '<', '>')).collect()
}

/// A name in which what differs from case to case is left open: `brama_refused_{code}` and `brama_refused_<code>` are
/// one.
fn open(name: &str, start: char, end: char) -> String {
    match name.split_once(start) {
        None => name.to_owned(),
        Some((before, rest)) => format!("{before}*{}", rest.split_once(end).unwrap().1),
    }
}

#[test]
fn table_has_the_counters_of_the_code() {
    let host = HOST.concat();
    assert_eq!(host.matches("define_metric(").count(), 1, "counters are defined in one place");
    assert!(host.contains("define_metric(MetricType::Counter, &counter.name())"), "by the name that is read here");
    let (counted, documented) = (counted(), documented());
    assert!(counted.contains("brama_allowed") && counted.contains("brama_refused_*"), "{counted:?}");
    let missing: Vec<_> = counted.difference(&documented).collect();
    assert!(missing.is_empty(), "docs/metrics.md lacks {missing:?}");
    let unknown: Vec<_> = documented.difference(&counted).collect();
    assert!(unknown.is_empty(), "docs/metrics.md has {unknown:?}, which nothing counts");
}
