//! Fixtures: every fault has a place and a sentence; and the command `seed`.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::{MSP, NOWHERE, TOKEN_AND_KEY};
use brama_upstream::fixture::Fixture;
use serde_json::{Value, json};

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

/// The fault of the sound fixture with the value at `pointer` replaced.
async fn fault_with(pointer: &str, value: Value) -> String {
    let mut document = sound();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    document.pointer_mut(parent).unwrap()[key] = value;
    fault(&document.to_string()).await.unwrap()
}

async fn fault(text: &str) -> Option<String> {
    match Fixture::parse(text.as_bytes()) {
        Ok(fixture) => fixture.check().await.err().map(|error| brama_upstream::cause::chain(&error)),
        Err(fault) => Some(fault.to_string()),
    }
}

#[tokio::test]
async fn demo_fixture_is_sound() {
    let demo = crate::support::demo();
    assert_eq!(demo.summary(), "15 clients, 14 tokens, 23 connections, 3 contracts, 13 contract divisions");
    demo.check().await.unwrap();
}

#[tokio::test]
async fn sound_fixture_is_understood() {
    assert_eq!(fault(&sound().to_string()).await, None);
    assert_eq!(fault("{}").await, None);
    for (pointer, value) in [
        ("/tokens/0/expires_in", json!(0)),
        ("/tokens/0/expires_in", json!(-3600)),
        ("/tokens/0/name", json!("refresh_token")),
        ("/tokens/0/name", json!("2fa_access_token")),
        ("/tokens/0/name", json!("change_password_token")),
        ("/tokens/0/name", json!("authorization_code")),
        ("/clients/2/client_type", json!("SOMETHING_NEW")),
        ("/connections/0/consumer_id", json!(MSP)),
    ] {
        let mut document = sound();
        *document.pointer_mut(pointer).unwrap() = value;
        assert_eq!(fault(&document.to_string()).await, None, "{document}");
    }
}

#[tokio::test]
async fn every_fault_names_its_place() {
    let upper = MSP.to_uppercase();
    for (pointer, value, place, reason) in [
        ("/clients/2/id", json!("7"), "clients[2].id", "not a UUID in canonical lower-case form"),
        ("/clients/2/id", json!(upper), "clients[2].id", "not a UUID"),
        ("/clients/2/id", json!(MSP), "cannot insert clients[2]", "UNIQUE"),
        ("/clients/2/client_type", json!(""), "cannot insert clients[2]", "CHECK constraint failed: client_type"),
        ("/clients/2/scope", json!("a  b"), "clients[2].scope", "`a  b` is no list of scopes"),
        ("/clients/2/scope", json!(" "), "clients[2].scope", "` ` is no list of scopes"),
        ("/clients/2/is_blocked", json!(0), "clients[2].is_blocked", "invalid type"),
        ("/clients/2/colour", json!("red"), "clients[2].colour", "unknown field `colour`"),
        ("/tokens/0/value", json!(""), "tokens[0].value", "not 1 to 512 visible ASCII"),
        ("/tokens/0/value", json!("a b"), "tokens[0].value", "not 1 to 512 visible ASCII"),
        ("/tokens/0/name", json!("session"), "tokens[0].name", "`session`, expected one of `access_token`"),
        ("/tokens/0/user_id", json!("me"), "tokens[0].user_id", "not a UUID"),
        ("/tokens/0/client_id", json!(LAST), "cannot insert tokens[0]", "FOREIGN KEY"),
        ("/tokens/0/scope", json!("a\tb"), "tokens[0].scope", "`a\tb` is no list of scopes"),
        ("/tokens/0/expires_in", json!(1.5), "tokens[0].expires_in", "invalid type"),
        ("/tokens/0/expires_in", json!("60"), "tokens[0].expires_in", "invalid type"),
        ("/tokens/0/expires_in", json!(i64::MAX), "tokens[0].expires_in", "`9223372036854775807` seconds is more"),
        ("/tokens/0/expires_in", json!(i64::MIN), "tokens[0].expires_in", "`-9223372036854775808` seconds is more"),
        ("/connections/0/id", json!(""), "connections[0].id", "not a UUID"),
        ("/connections/0/client_id", json!(LAST), "cannot insert connections[0]", "FOREIGN KEY"),
        ("/connections/0/consumer_id", json!(LAST), "cannot insert connections[0]", "FOREIGN KEY"),
        ("/connections/0/secret", json!("a,b"), "connections[0].secret", "not 1 to 512 visible ASCII"),
        ("/connections/0/redirect_uri", json!("http://a"), "cannot insert connections[0]", "redirect_uri GLOB 'https:"),
        ("/connections/0/redirect_uri", json!("https://"), "cannot insert connections[0]", "redirect_uri GLOB 'https:"),
        ("/contracts/0/type", json!(""), "cannot insert contracts[0]", "CHECK constraint failed: type"),
        ("/contract_divisions/0/id", json!("x"), "contract_divisions[0].id", "not a UUID"),
        ("/contract_divisions/0/contract_id", json!(LAST), "cannot insert contract_divisions[0]", "FOREIGN KEY"),
        ("/contract_divisions/0/division_id", json!("x"), "contract_divisions[0].division_id", "not a UUID"),
        ("/contract_divisions/0/is_active", json!(null), "contract_divisions[0].is_active", "invalid type"),
        ("/users", json!([]), "users", "unknown field `users`"),
        ("/clients", json!({}), "clients", "invalid type"),
    ] {
        let fault = fault_with(pointer, value).await;
        assert!(fault.starts_with(&format!("{place}: ")) && fault.contains(reason), "{pointer}: {fault}");
        assert_eq!(fault.lines().count(), 1, "{fault}");
    }
}

#[tokio::test]
async fn entry_that_comes_twice_is_a_fault() {
    // Of the second entry, everything is another but this.
    for (list, same, others) in [
        ("clients", "id", json!({ "name": "other" })),
        ("tokens", "value", json!({ "name": "refresh_token", "user_id": LAST })),
        ("connections", "id", json!({ "consumer_id": MSP, "secret": "other" })),
        ("connections", "secret", json!({ "id": LAST, "consumer_id": MSP })),
        ("connections", "consumer_id", json!({ "id": LAST, "secret": "other" })),
        ("contracts", "id", json!({ "type": "other" })),
        ("contract_divisions", "id", json!({ "division_id": LAST })),
    ] {
        let mut document = sound();
        let mut entry = document[list][0].clone();
        entry.as_object_mut().unwrap().extend(others.as_object().unwrap().clone());
        let entries = document[list].as_array_mut().unwrap();
        let place = format!("{list}[{}]", entries.len());
        entries.push(entry);
        let fault = fault(&document.to_string()).await;
        assert!(fault.as_ref().is_some_and(|fault| fault.contains(&place)), "{list} {same}: {fault:?}");
    }
}

#[tokio::test]
async fn no_fault_tells_a_secret() {
    for pointer in ["/tokens/0/value", "/connections/0/secret"] {
        let text = fault_with(pointer, json!("top secret")).await;
        assert!(!text.contains("top secret"), "{text}");
        let number = fault_with(pointer, json!(123_456)).await;
        assert!(number.contains(": not a string") && !number.contains("123456"), "{number}");
    }
}

#[tokio::test]
async fn text_that_is_no_document_is_a_fault() {
    for text in ["", "[", "[]", "null", "{} {}", "{\"clients\":[],\"clients\":[]}"] {
        assert!(fault(text).await.is_some(), "`{text}`");
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
fn command_names_file_and_place_of_a_fault() {
    let folder = tempfile::tempdir().unwrap();
    for (pointer, value, fault) in [
        ("/tokens/0/client_id", LAST, "bad.json: cannot insert tokens[0]: "),
        ("/tokens/0/user_id", "me", "bad.json: tokens[0].user_id: not a UUID"),
    ] {
        let mut document = sound();
        *document.pointer_mut(pointer).unwrap() = json!(value);
        std::fs::write(folder.path().join("bad.json"), document.to_string()).unwrap();
        for arguments in [&["bad.json"][..], &["--check", "bad.json"]] {
            let refused = seed(folder.path(), arguments);
            assert_eq!(refused.status.code(), Some(1), "{refused:?}");
            let text = stderr(&refused);
            assert!(text.starts_with(&format!("brama-upstream: {fault}")), "{text}");
            assert!(!folder.path().join("brama.db").exists(), "a bad fixture does not even make a database");
        }
    }
    let missing = seed(folder.path(), &["missing.json"]);
    assert_eq!(missing.status.code(), Some(1));
    assert_eq!(
        stderr(&missing),
        "brama-upstream: cannot read `missing.json`: No such file or directory (os error 2)\n"
    );
}

#[test]
fn command_refuses_a_fault_even_where_nothing_would_be_inserted() {
    let folder = tempfile::tempdir().unwrap();
    let mut document = sound();
    std::fs::write(folder.path().join("sound.json"), document.to_string()).unwrap();
    assert_eq!(seed(folder.path(), &["sound.json"]).status.code(), Some(0));
    document["tokens"][0]["client_id"] = json!(LAST);
    std::fs::write(folder.path().join("bad.json"), document.to_string()).unwrap();
    assert_eq!(seed(folder.path(), &["bad.json"]).status.code(), Some(1));
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
