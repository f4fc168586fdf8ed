//! The path that was judged is the one that the service gets, whatever Envoy is told to repair before the plugin sees
//! it.
//!
//! Thousands of odd paths go through gateways with every setting of Envoy's own normalisation. What reached the service
//! is judged once more, natively, as it arrived: it must be allowed, and by the rule that let it pass. So a path that
//! means something else to the service than to the plugin, or has no one reading at all, fails the test.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use brama_e2e::client::exchange;
use brama_e2e::stack::{Gateway, Plan, project, settings};
use brama_kit::dice::Dice;
use serde_json::{Value, json};

/// Paths for each setting.
const PATHS: usize = 300;

/// Three open routes, one of them with an escape in its literal, and beside them two that nobody here may pass.
const ROUTES: &str = r#"routes:
  - id: file
    methods: [GET]
    path: /files/{_name}
    public: { because: "a test" }
  - id: pair
    methods: [GET]
    path: /files/{_folder}/{_name}
    public: { because: "a test" }
  - id: escaped
    methods: [GET]
    path: /caf%C3%A9/{_name}
    public: { because: "a test" }
  - id: guarded-escaped
    methods: [GET]
    path: /files/caf%C3%A9
    require: { credentials: [token], scopes: { all: ["admin:read"] } }
  - id: guarded
    methods: [GET]
    path: /admin/{_name}
    require: { credentials: [token], scopes: { all: ["admin:read"] } }
"#;

/// What paths are made of: what is plain, and what two readers may understand differently.
const PIECES: [&[u8]; 61] = [
    b"/",
    b"/",
    b"/",
    b"/files/",
    b"/files/",
    b"/files",
    b"files",
    b"/admin/",
    b"admin",
    b"/admin/x",
    b"a",
    b"b",
    b"x",
    b"1",
    b"//",
    b"/./",
    b"/../",
    b"/..",
    b"/.",
    b".",
    b"..",
    b"%2e",
    b"%2E%2E",
    b"/%2e%2e/",
    b"..;/",
    b";",
    b";a=b",
    b"%3b",
    b"\\",
    b"..\\",
    b"%5c",
    b"%5C",
    b"%2f",
    b"%2F",
    b"%252f",
    b"%25",
    b"%",
    b"%zz",
    b"%c3%a9",
    b"%C3%A9",
    b"%C3%a9",
    b"%c3%A9",
    b"caf%c3%a9",
    b"caf%C3%a9/",
    b"/caf%c3%A9/",
    b"%d0%B1",
    b"%3a",
    b"%7e",
    b"%3f",
    b"%00",
    b"%0d%0a",
    b"%61",
    b"%c0%af",
    b"%e0%80%af",
    b"\xc3\xa9",
    b"#",
    b"?",
    b"?a=/../",
    b"%3F",
    b"%23",
    b"~",
];

#[test]
fn path_that_arrives_is_the_one_that_was_judged() {
    let folder = tempfile::tempdir().unwrap();
    let shipped = std::fs::read_to_string(project().join("policies/ehealth.yaml")).unwrap();
    let policy = folder.path().join("paths.yaml");
    std::fs::write(&policy, format!("{}{ROUTES}", shipped.split_once("routes:\n").unwrap().0)).unwrap();

    let (mut sent, mut arrived, mut repaired) = (0, Vec::new(), 0);
    let mut dice = Dice::of(1);
    for settings in every_setting() {
        let gateway =
            settings.iter().fold(Plan::with_policy(policy.clone()), |plan, (from, to)| plan.edit(from, to)).start();
        let mut targets = Vec::new();
        for _ in 0..PATHS {
            let path = path(&mut dice);
            sent += 1;
            if let Some(target) = send(&gateway, &path, &sent.to_string()) {
                repaired += usize::from(target.as_bytes() != path);
                // Where nothing is repaired, what arrives is what was sent, byte for byte.
                assert!(!settings.is_empty() || target.as_bytes() == path, "{}", path.escape_ascii());
                targets.push((target, sent.to_string()));
            }
        }
        let rule = |id: &str| gateway.logged(id)["rule"].as_str().unwrap().to_owned();
        arrived.extend(targets.into_iter().map(|(target, id)| (target, rule(&id))));
    }
    println!("{sent} paths sent, {} arrived, {repaired} of them as Envoy had repaired them", arrived.len());
    let judged = judge(&policy, &arrived);
    for ((target, rule), verdict) in arrived.iter().zip(&judged) {
        assert_eq!(verdict["decision"], "allow", "{target} arrived: {verdict}");
        assert_eq!(verdict["rule"], *rule, "{target} arrived: {verdict}");
    }
    // The search has found something to look at, of each rule and of what was repaired.
    let rules: BTreeSet<_> = arrived.iter().map(|(_, rule)| rule.as_str()).collect();
    assert!(
        rules == ["escaped", "file", "pair"].into() && repaired > 50 && arrived.len() > 200,
        "{rules:?} {repaired}"
    );
}

/// Edits of the bootstrap; the first is none.
fn every_setting() -> Vec<Vec<(&'static str, String)>> {
    let mut all = Vec::new();
    for escaped in ["KEEP_UNCHANGED", "REJECT_REQUEST", "UNESCAPE_AND_REDIRECT", "UNESCAPE_AND_FORWARD"] {
        for (normalize, merge) in [(false, false), (false, true), (true, false), (true, true)] {
            let edits = [
                ("normalize_path: false", format!("normalize_path: {normalize}")),
                ("merge_slashes: false", format!("merge_slashes: {merge}")),
                (
                    "path_with_escaped_slashes_action: KEEP_UNCHANGED",
                    format!("path_with_escaped_slashes_action: {escaped}"),
                ),
            ];
            all.push(edits.into_iter().filter(|(from, to)| from != to).collect());
        }
    }
    all
}

fn path(dice: &mut Dice) -> Vec<u8> {
    let mut path = [&b"/files/"[..], b"/", b"/caf%c3%a9/"][dice.pick(3)].to_vec();
    for _ in 0..=dice.pick(4) {
        path.extend_from_slice(PIECES[dice.pick(PIECES.len())]);
    }
    path
}

/// The request's target as the service got it.
fn send(gateway: &Gateway, path: &[u8], id: &str) -> Option<String> {
    let rest = format!(" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nx-request-id: {id}\r\n\r\n");
    let _refused_or_not = exchange(gateway.address(), &[b"GET ", path, rest.as_bytes()].concat());
    let seen = gateway.tap.take();
    if seen.is_empty() {
        return None;
    }
    let target = seen.strip_prefix("GET ").and_then(|seen| seen.split(' ').next()).unwrap_or_else(|| panic!("{seen}"));
    Some(target.to_owned())
}

/// The same core's word on these targets, of requests without credentials.
fn judge(policy: &PathBuf, arrived: &[(String, String)]) -> Vec<Value> {
    let mut lines = String::new();
    for (target, _) in arrived {
        writeln!(lines, "{}", json!({ "method": "GET", "path": target })).unwrap();
    }
    let file = policy.with_extension("jsonl");
    std::fs::write(&file, lines).unwrap();
    let mut decide = Command::new(settings().brama);
    decide.arg("decide").arg(policy).stdin(Stdio::from(std::fs::File::open(file).unwrap()));
    let output = decide.output().unwrap();
    let judged: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(judged.len(), arrived.len(), "{}", String::from_utf8_lossy(&output.stderr));
    judged
}
