//! The reference of the language (`policies/README.md`) names everything there is.

#![allow(clippy::restriction, reason = "a test ends where something is amiss")]

use std::fs;
use std::path::Path;

use brama_policy::{Denial, Lint, PolicyDocument};
use serde_json::Value;

fn reference() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/README.md")).unwrap()
}

/// The part of the reference below a heading.
fn section(heading: &str) -> String {
    let text = reference();
    let (_before, after) = text.split_once(&format!("\n## {heading}\n")).unwrap();
    after.split("\n## ").next().unwrap().to_owned()
}

#[test]
fn every_denial_is_in_the_table_of_denials() {
    let table = section("Denials");
    let missing: Vec<_> = Denial::CODES.into_iter().filter(|code| !table.contains(&format!("`{code}`"))).collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn every_lint_is_in_the_table_of_lints() {
    let table = section("Lints");
    let codes = Lint::CODES.into_iter().chain(["hidden_text"]);
    let missing: Vec<_> = codes.filter(|code| !table.contains(&format!("`{code}`"))).collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn every_key_of_a_document_is_named() {
    fn keys(schema: &Value, found: &mut Vec<String>) {
        match schema {
            Value::Object(members) => {
                if let Some(Value::Object(properties)) = members.get("properties") {
                    found.extend(properties.keys().cloned());
                }
                members.values().for_each(|member| keys(member, found));
            }
            Value::Array(entries) => entries.iter().for_each(|entry| keys(entry, found)),
            _leaf => {}
        }
    }
    let (text, mut found) = (reference(), Vec::new());
    keys(&PolicyDocument::schema(), &mut found);
    assert!(found.len() > 30);
    found.retain(|key| !text.contains(key.as_str()));
    assert_eq!(found, [""; 0]);
}
