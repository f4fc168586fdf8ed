//! The reference of the language (`docs/policy-language.md`) names everything there is.

use std::fs;
use std::path::Path;
use std::process::Command;

use brama_policy::authoring::Lint;
use brama_policy::deciding::{Policy, PolicyDocument};
use serde_json::Value;

fn page(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

fn reference() -> String {
    page("docs/policy-language.md")
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
    let rendered = Command::new(env!("CARGO_BIN_EXE_brama"))
        .args(["render", "--target", "plugin-config", "../../policies/ehealth.yaml"])
        .output()
        .unwrap();
    let text = String::from_utf8(rendered.stdout).unwrap();
    let policy = Policy::compile(&PolicyDocument::read(&text).unwrap()).unwrap();
    let missing: Vec<_> = policy.codes().into_iter().filter(|code| !table.contains(&format!("`{code}`"))).collect();
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

/// The introduction (`policies/README.md`) begins with a policy, and with what the command says of it.
#[test]
fn first_policy_is_sound() {
    let page = page("policies/README.md");
    let block = |language: &str| {
        let (_before, after) = page.split_once(&format!("```{language}\n")).unwrap();
        after.split_once("```").unwrap().0
    };
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("policies")).unwrap();
    fs::write(folder.path().join("policies/first.yaml"), block("yaml")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_brama"));
    let output =
        command.args(["check", "--strict", "policies/first.yaml"]).current_dir(folder.path()).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(block("console"), format!("$ brama check policies/first.yaml\n{said}"));
}
