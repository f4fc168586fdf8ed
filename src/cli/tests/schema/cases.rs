//! The schema of files of cases: every shipped file has it for its editor, and it never refuses what the core accepts.

use std::fs;
use std::process::{Command, Output};

use brama_policy::deciding::{Policy, PolicyDocument};
use brama_replay::Corpus;
use jsonschema::Validator;
use serde_json::Value;

use super::{RICH, complaints, shipped, value};

/// Everything that a file of cases can say, for the rich policy.
const CASES: &str = r#"
policy: rich.yaml
api_keys:
  key: { client_id: c, scope: "", expires: 2000000000 }
  gone: refused
tokens:
  reader: { subject: s, client_type: admin, scope: "a b:c", tenant: t, not_before: 1 }
  silent: unavailable
cases:
  - name: a
    request: { method: GET, path: /open, host: a.example, api_key: key, token: reader, headers: [[x-a, b], [x-a, ""]] }
    expect: { allow: everybody, forward: { x-gateway: "brama 1" }, remove: [X-A, x-a, x-a] }
    now: 1700000000
  - { name: b, request: { method: GET, path: /open }, expect: { refuse: token_missing, rule: some, status: 401, message: theirs } }
  - { name: c, request: { method: GET, path: /x }, expect: { would_refuse: not_owner } }
  - { name: d, request: { method: GET, path: /x, token: stranger }, expect: { allow: everything, would_refuse: not_owner } }
"#;

/// What an author may well write by mistake.
const FAULTY: &[(&str, &str)] = &[
    ("policy: rich.yaml\n", ""),
    ("policy: rich.yaml\n", "polcy: rich.yaml\n"),
    ("policy: rich.yaml\n", "policy: [rich.yaml]\n"),
    ("tokens:\n", "token:\n"),
    ("gone: refused", "gone: refuse"),
    ("gone: refused", "gone: 5"),
    ("gone: refused", "gone: [refused]"),
    ("gone: refused", "gone:"),
    ("expires: 2000000000", "expires: soon"),
    ("expires: 2000000000", "expires: -1"),
    ("client_id: c", "client_id: [7]"),
    ("scope: \"a b:c\"", "scope: [a, b:c]"),
    ("- name: a\n    request", "- request"),
    ("name: a\n", "name: ''\n"),
    ("name: a\n", "nam: a\n"),
    ("method: GET, path: /open, host", "methods: GET, path: /open, host"),
    ("path: /open, host: a.example,", "host: a.example,"),
    ("api_key: key", "apikey: key"),
    ("token: reader", "token: { subject: s }"),
    ("[[x-a, b], [x-a, \"\"]]", "{ x-a: b }"),
    ("[[x-a, b], [x-a, \"\"]]", "[[x-a, b, c]]"),
    ("[[x-a, b], [x-a, \"\"]]", "[x-a, b]"),
    ("now: 1700000000", "now: today"),
    ("now: 1700000000", "when: 1700000000"),
    ("{ allow: everybody, ", "{ allows: everybody, "),
    ("{ allow: everybody, ", "{ "),
    ("{ allow: everybody, ", "{ allow: everybody, status: 200, "),
    ("{ allow: everybody, ", "{ allow: everybody, refuse: not_owner, "),
    ("x-gateway: \"brama 1\"", "x-gateway: 1"),
    ("remove: [X-A, x-a, x-a]", "remove: X-A"),
    ("refuse: token_missing,", "refuse: token_mising,"),
    ("refuse: token_missing, rule: some", "refuse: token_missing, forward: {}"),
    ("refuse: token_missing, ", ""),
    ("status: 401", "status: '401'"),
    ("{ would_refuse: not_owner }", "{ would_refuse: not_owned }"),
    ("{ would_refuse: not_owner }", "{}"),
    ("{ would_refuse: not_owner }", "would_refuse"),
];

/// As good as before.
const SOUND: &[(&str, &str)] = &[
    ("forward: { x-gateway: \"brama 1\" }", "forward: {}"),
    ("remove: [X-A, x-a, x-a]", "remove: []"),
    ("    now: 1700000000\n", "    now: 0\n"),
    ("gone: refused", "gone: {}"),
    ("api_keys:\n  key: { client_id: c, scope: \"\", expires: 2000000000 }\n  gone: refused\n", ""),
    ("token: stranger", "token: reader"),
    ("rule: some, status: 401, message: theirs", "rule: some"),
];

fn policy() -> Policy {
    Policy::compile(&PolicyDocument::read(&value(RICH).to_string()).unwrap()).unwrap()
}

fn schema() -> Validator {
    jsonschema::draft7::new(&Corpus::schema()).unwrap()
}

fn edited(from: &str, to: &str) -> Value {
    assert!(CASES.contains(from), "{from}");
    value(&CASES.replacen(from, to, 1))
}

#[test]
fn schema_of_cases_in_the_repository_is_fresh() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_brama"));
    let Output { status, stdout, stderr } = command.args(["schema", "cases"]).output().unwrap();
    assert!(status.success() && stderr.is_empty());
    let written = fs::read_to_string(shipped::folder().join("cases.schema.json")).unwrap();
    assert!(written.as_bytes() == stdout, "policies/cases.schema.json is stale; run `make schema`");
    assert!(jsonschema::draft7::meta::is_valid(&Corpus::schema()));
}

#[test]
fn every_file_of_cases_names_its_schema_and_is_sound_to_it() {
    let schema = schema();
    for path in shipped::policies() {
        let path = path.with_extension("cases.yaml");
        let text = fs::read_to_string(shipped::folder().join(&path)).unwrap();
        let up = "../".repeat(path.components().count() - 1);
        let line = format!("# yaml-language-server: $schema={up}cases.schema.json");
        assert_eq!(text.lines().next(), Some(line.as_str()), "{}", path.display());
        assert_eq!(complaints(&schema, &value(&text)), [""; 0], "{}", path.display());
    }
}

#[test]
fn what_an_author_of_cases_may_get_wrong_is_refused() {
    let (schema, policy) = (schema(), policy());
    for (sound, faulty) in FAULTY {
        let document = edited(sound, faulty);
        assert!(Corpus::read(&document, &policy).is_err(), "sound to the core: {faulty}");
        assert!(!schema.is_valid(&document), "sound to the schema: {faulty}");
    }
}

#[test]
fn sound_cases_are_accepted() {
    let (schema, policy) = (schema(), policy());
    for (before, after) in SOUND.iter().chain([&("policy: rich.yaml", "policy: rich.yaml")]) {
        let document = edited(before, after);
        assert_eq!(Corpus::read(&document, &policy).map(|_corpus| ()), Ok(()), "{after}");
        assert_eq!(complaints(&schema, &document), [""; 0], "{after}");
    }
}
