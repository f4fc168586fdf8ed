//! `brama schema`: every policy has it for its editor, and it never refuses what the core accepts.

mod cases;
mod tables;
mod variants;

use std::fs;
use std::process::{Command, Output};

use brama_kit::shipped;
use brama_policy::deciding::{Policy, PolicyDocument};
use jsonschema::Validator;
use serde_json::Value;

/// A policy that says everything a policy can say, but for conditions.
const RICH: &str = include_str!("schema/rich.yaml");

fn value(yaml: &str) -> Value {
    serde_saphyr::from_str(yaml).unwrap()
}

fn core_accepts(document: &Value) -> bool {
    PolicyDocument::read(&document.to_string()).and_then(|document| Policy::compile(&document)).is_ok()
}

fn schema() -> Validator {
    jsonschema::draft7::new(&PolicyDocument::schema()).unwrap()
}

/// What the schema has against a document.
fn complaints(schema: &Validator, document: &Value) -> Vec<String> {
    schema.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn schema_in_the_repository_is_fresh() {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_brama")).arg("schema").output().unwrap();
    assert!(status.success() && stderr.is_empty());
    let fresh: Value = serde_json::from_slice(&stdout).unwrap();
    let written = fs::read_to_string(shipped::folder().join("schema.json")).unwrap();
    let written: Value = serde_json::from_str(&written).unwrap();
    assert!(written == fresh, "policies/schema.json is stale; run `make schema`");
}

#[test]
fn schema_is_one_by_the_rules_of_its_draft() {
    let schema = PolicyDocument::schema();
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    assert!(jsonschema::draft7::meta::is_valid(&schema));
}

#[test]
fn every_policy_names_the_schema_for_editors() {
    for path in shipped::policies() {
        let text = fs::read_to_string(shipped::folder().join(&path)).unwrap();
        let up = "../".repeat(path.components().count() - 1);
        let line = format!("# yaml-language-server: $schema={up}schema.json");
        assert_eq!(text.lines().next(), Some(line.as_str()), "{}", path.display());
    }
}

#[test]
fn every_policy_is_sound_to_the_schema() {
    let schema = schema();
    for path in shipped::policies() {
        let text = fs::read_to_string(shipped::folder().join(&path)).unwrap();
        assert_eq!(complaints(&schema, &value(&text)), [""; 0], "{}", path.display());
    }
    assert!(core_accepts(&value(RICH)));
    assert_eq!(complaints(&schema, &value(RICH)), [""; 0]);
}
