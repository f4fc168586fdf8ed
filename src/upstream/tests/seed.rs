//! Fixtures: every fault has a place and a sentence; and the command `seed`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "test support")]

mod support;

use std::path::Path;
use std::process::{Command, Output};

use brama_upstream::fixture::Fixture;
use serde_json::{Value, json};
use support::{MSP, NOWHERE, TOKEN_AND_KEY};

const CLIENT: &str = "c11e0000-0000-4000-8000-000000000001";
const LAST: &str = "ffffffff-ffff-4fff-8fff-ffffffffffff";

/// A sound fixture with one entry of each kind, and two more clients.
fn sound() -> Value {
    json!({
        "clients": [
            { "id": MSP, "name": "MSP", "client_type": "MSP", "scope": "a b", "is_blocked": false },
            { "id": CLIENT, "name": "MIS", "client_type": "MIS", "scope": "", "is_blocked": false },
            { "id": "c11e0000-0000-4000-8000-000000000002", "name": "No entry refers to it", "client_type": "MIS",
              "scope": "a", "is_blocked": true },
        ],
        "tokens": [{ "value": "token-value", "name": "access_token", "user_id": NOWHERE, "client_id": MSP,
                     "scope": "a", "expires_in": 60 }],
        "connections": [{ "id": NOWHERE, "client_id": MSP, "consumer_id": CLIENT, "secret": "the-secret",
                          "redirect_uri": "https://a.example" }],
        "contracts": [{ "id": NOWHERE, "type": "GB_CBP" }],
        "contract_divisions": [{ "id": NOWHERE, "contract_id": NOWHERE, "division_id": NOWHERE, "is_active": true }],
    })
}

/// The faults of the sound fixture with the value at `pointer` replaced.
fn faults_with(pointer: &str, value: Value) -> Vec<String> {
    let mut document = sound();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    document.pointer_mut(parent).unwrap()[key] = value;
    faults(&document.to_string())
}

fn faults(text: &str) -> Vec<String> {
    let faults = Fixture::parse(text.as_bytes()).map(drop).unwrap_err();
    faults.iter().map(ToString::to_string).collect()
}

#[test]
fn demo_fixture_is_sound() {
    assert_eq!(support::demo().summary(), "15 clients, 14 tokens, 23 connections, 3 contracts, 13 contract divisions");
}

#[test]
fn sound_fixture_is_understood() {
    assert!(Fixture::parse(sound().to_string().as_bytes()).is_ok());
    assert!(Fixture::parse(b"{}").is_ok());
    for (pointer, value) in [
        ("/tokens/0/expires_in", json!(0)),
        ("/tokens/0/expires_in", json!(-3600)),
        ("/tokens/0/name", json!("2fa_access_token")),
        ("/clients/2/client_type", json!("SOMETHING_NEW")),
        ("/connections/0/consumer_id", json!(MSP)),
    ] {
        let mut document = sound();
        *document.pointer_mut(pointer).unwrap() = value;
        assert!(Fixture::parse(document.to_string().as_bytes()).is_ok(), "{document}");
    }
}

#[test]
fn every_fault_names_its_place() {
    let upper = MSP.to_uppercase();
    for (pointer, value, fault) in [
        ("/clients/2/id", json!("7"), "clients[2].id: `7` is not a UUID in canonical lower-case form"),
        ("/clients/2/id", json!(upper), "clients[2].id: `1380DF72-275A-11E7-93AE-92361F002671` is not a UUID"),
        ("/clients/2/id", json!(MSP), "clients[2].id: is the same as in clients[0]"),
        ("/clients/2/client_type", json!(""), "clients[2].client_type: is empty"),
        ("/clients/2/scope", json!("a  b"), "clients[2].scope: `a  b` is no list of scopes"),
        ("/clients/2/scope", json!(" "), "clients[2].scope: ` ` is no list of scopes"),
        ("/clients/2/is_blocked", json!(0), "clients[2].is_blocked: invalid type"),
        ("/clients/2/colour", json!("red"), "clients[2].colour: unknown field `colour`"),
        ("/tokens/0/value", json!(""), "tokens[0].value: is not 1 to 512 visible ASCII"),
        ("/tokens/0/value", json!("a b"), "tokens[0].value: is not 1 to 512 visible ASCII"),
        ("/tokens/0/name", json!("session"), "tokens[0].name: `session` is none of `access_token`"),
        ("/tokens/0/user_id", json!("me"), "tokens[0].user_id: `me` is not a UUID"),
        ("/tokens/0/client_id", json!(LAST), "tokens[0].client_id: no client `ffffffff-ffff-4fff-8fff-ffffffffffff`"),
        ("/tokens/0/scope", json!("a\tb"), "tokens[0].scope: `a\tb` is no list of scopes"),
        ("/tokens/0/expires_in", json!(1.5), "tokens[0].expires_in: invalid type"),
        ("/tokens/0/expires_in", json!("60"), "tokens[0].expires_in: invalid type"),
        ("/tokens/0/expires_in", json!(i64::MAX), "tokens[0].expires_in: `9223372036854775807` seconds is more"),
        ("/tokens/0/expires_in", json!(i64::MIN), "tokens[0].expires_in: `-9223372036854775808` seconds is more"),
        ("/connections/0/id", json!(""), "connections[0].id: `` is not a UUID"),
        ("/connections/0/client_id", json!(LAST), "connections[0].client_id: no client"),
        ("/connections/0/consumer_id", json!(LAST), "connections[0].consumer_id: no client"),
        ("/connections/0/secret", json!("a,b"), "connections[0].secret: is not 1 to 512 visible ASCII"),
        ("/connections/0/redirect_uri", json!("http://a"), "connections[0].redirect_uri: does not start with https://"),
        ("/connections/0/redirect_uri", json!("https://"), "connections[0].redirect_uri: does not start with https://"),
        ("/contracts/0/type", json!(""), "contracts[0].type: is empty"),
        ("/contract_divisions/0/id", json!("x"), "contract_divisions[0].id: `x` is not a UUID"),
        ("/contract_divisions/0/contract_id", json!(LAST), "contract_divisions[0].contract_id: no contract"),
        ("/contract_divisions/0/division_id", json!("x"), "contract_divisions[0].division_id: `x` is not a UUID"),
        ("/contract_divisions/0/is_active", json!(null), "contract_divisions[0].is_active: invalid type"),
        ("/users", json!([]), "users: unknown field `users`"),
        ("/clients", json!({}), "clients: invalid type"),
    ] {
        let faults = faults_with(pointer, value);
        assert_eq!(faults.len(), 1, "{pointer}: {faults:?}");
        assert!(faults[0].starts_with(fault), "{pointer}: {faults:?}");
    }
}

#[test]
fn entry_that_comes_twice_is_a_fault() {
    for (list, twice) in [
        ("clients", &["id"][..]),
        ("tokens", &["value"]),
        ("connections", &["id", "consumer_id", "secret"]),
        ("contracts", &["id"]),
        ("contract_divisions", &["id"]),
    ] {
        let mut document = sound();
        let entry = document[list][0].clone();
        document[list].as_array_mut().unwrap().push(entry);
        let last = document[list].as_array().unwrap().len() - 1;
        let expected: Vec<String> =
            twice.iter().map(|field| format!("{list}[{last}].{field}: is the same as in {list}[0]")).collect();
        assert_eq!(faults(&document.to_string()), expected);
    }
}

#[test]
fn all_faults_are_told_at_once_and_none_tells_a_secret() {
    let mut document = sound();
    document["tokens"][0]["value"] = json!("top secret");
    document["tokens"][0]["name"] = json!("session");
    document["connections"][0]["client_id"] = json!(LAST);
    document["contracts"][0]["type"] = json!("");
    let all = faults(&document.to_string());
    assert_eq!(all.len(), 4, "{all:?}");
    assert!(!all.join("").contains("top secret"), "{all:?}");

    let number = faults_with("/connections/0/secret", json!(123_456));
    assert!(number[0].starts_with("connections[0].secret: not a string"), "{number:?}");
    assert!(!number[0].contains("123456"), "{number:?}");
}

#[test]
fn text_that_is_no_document_is_a_fault() {
    for text in ["", "[", "[]", "null", "{} {}", "{\"clients\":[],\"clients\":[]}"] {
        assert_eq!(faults(text).len(), 1, "`{text}`");
    }
}

fn seed(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_brama-upstream"))
        .arg("seed")
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("DATABASE_URL", format!("sqlite://{}/brama.db", folder.display()))
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn command_seeds_once_and_then_renews() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("sound.json"), sound().to_string()).unwrap();
    let first = seed(folder.path(), &["sound.json"]);
    assert_eq!(
        (first.status.code(), stdout(&first).as_str(), stderr(&first).as_str()),
        (Some(0), "seeded: 3 clients, 1 tokens, 1 connections, 1 contracts, 1 contract divisions\n", "")
    );
    let second = seed(folder.path(), &["sound.json"]);
    assert_eq!(
        (second.status.code(), stdout(&second).as_str()),
        (Some(0), "seeded before: 1 tokens renewed, nothing inserted\n")
    );
}

#[test]
fn command_checks_without_a_database() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("sound.json"), sound().to_string()).unwrap();
    let checked = seed(folder.path(), &["--check", "sound.json"]);
    assert_eq!(checked.status.code(), Some(0));
    assert!(stdout(&checked).starts_with("sound.json: sound; 3 clients"), "{checked:?}");
    assert!(!folder.path().join("brama.db").exists());
}

#[test]
fn command_names_file_and_place_of_every_fault() {
    let folder = tempfile::tempdir().unwrap();
    let mut document = sound();
    document["tokens"][0]["client_id"] = json!(LAST);
    document["contracts"][0]["type"] = json!("");
    std::fs::write(folder.path().join("bad.json"), document.to_string()).unwrap();
    for arguments in [&["bad.json"][..], &["--check", "bad.json"]] {
        let refused = seed(folder.path(), arguments);
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        let text = stderr(&refused);
        assert!(text.contains(&format!("bad.json: tokens[0].client_id: no client `{LAST}`\n")), "{text}");
        assert!(text.contains("bad.json: contracts[0].type: is empty\n"), "{text}");
        assert!(!folder.path().join("brama.db").exists(), "a bad fixture does not even make a database");
    }
    let missing = seed(folder.path(), &["missing.json"]);
    assert_eq!(missing.status.code(), Some(1));
    assert_eq!(
        stderr(&missing),
        "brama-upstream: cannot read `missing.json`: No such file or directory (os error 2)\n"
    );
}

#[test]
fn command_prints_no_credential() {
    let folder = tempfile::tempdir().unwrap();
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/demo.json");
    let seeded = seed(folder.path(), &["--log", "trace", demo]);
    assert_eq!(seeded.status.code(), Some(0), "{seeded:?}");
    let text = stdout(&seeded) + &stderr(&seeded);
    for credential in [TOKEN_AND_KEY, "uXhEczJ56adsfh3Ri9SUkc4en", "demo-msp-connection-secret"] {
        assert!(!text.contains(credential), "{text}");
    }
}
