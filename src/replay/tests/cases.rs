//! Every policy in the project with cases beside it, judged by the core alone; `tests/e2e/cases.rs` sends the same
//! cases through Envoy.

use std::sync::Arc;

use brama_policy::deciding::{Policy, PolicyDocument};
use brama_replay::{Corpus, Coverage};
use serde_json::Value;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[track_caller]
fn policy(yaml: &str) -> Arc<Policy> {
    let document: Value = serde_saphyr::from_str(yaml).unwrap();
    let document = PolicyDocument::read(&document.to_string()).unwrap();
    Arc::new(Policy::compile(&document).unwrap())
}

/// Fails where a case is decided otherwise than written, or where a rule is not seen to allow and to refuse; the number
/// of cases otherwise.
#[track_caller]
fn judge(policy: &Arc<Policy>, cases: &str) -> usize {
    let document: Value = serde_saphyr::from_str(cases).unwrap();
    let corpus = Corpus::read(&document, policy).unwrap_or_else(|faults| panic!("{faults}"));
    let outcomes = corpus.judge(policy);
    let failed: Vec<_> = outcomes
        .iter()
        .filter(|outcome| !outcome.passes())
        .map(|outcome| (outcome.case().name(), outcome.differences()))
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let coverage = Coverage::of(&outcomes, policy);
    assert_eq!(coverage.percent(), 100, "{coverage:#?}");
    outcomes.len()
}

#[test]
fn shipped_policy_decides_its_cases_as_written() {
    let cases = judge(
        &policy(include_str!("../../../policies/ehealth.yaml")),
        include_str!("../../../policies/ehealth.cases.yaml"),
    );
    assert!(cases > 30);
}

#[cfg(not(target_family = "wasm"))]
#[test]
fn every_policy_with_cases_beside_it_decides_them_as_written() {
    let policies = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies");
    let mut found = 0;
    for folder in [policies.clone(), policies.join("examples")] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.to_str().unwrap();
            // Beside each policy stand its cases; what else has two endings is no policy.
            let Some(name) =
                name.strip_suffix(".yaml").filter(|name| !name.ends_with(".cases") && !name.ends_with(".openapi"))
            else {
                continue;
            };
            let cases = std::fs::read_to_string(format!("{name}.cases.yaml"));
            judge(
                &policy(&std::fs::read_to_string(&path).unwrap()),
                &cases.unwrap_or_else(|_| panic!("{name} has no cases")),
            );
            found += 1;
        }
    }
    assert!(found >= 4);
}
