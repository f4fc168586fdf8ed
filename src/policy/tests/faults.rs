//! What is wrong with a policy: every fault is found, and told with its place.

mod table;

use brama_policy::deciding::{Policy, PolicyDocument};
use table::{MISSPELT, TABLE};
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

const SHIPPED: &str = include_str!("../../../policies/ehealth.yaml");

fn faults(yaml: &str) -> Vec<String> {
    let value: serde_json::Value = serde_saphyr::from_str(yaml).unwrap();
    let outcome = PolicyDocument::read(&value.to_string()).and_then(|document| Policy::compile(&document));
    outcome.map_or_else(|faults| faults.iter().map(ToString::to_string).collect(), |_policy| Vec::new())
}

#[test]
fn shipped_policy_has_no_fault() {
    assert_eq!(faults(SHIPPED), [""; 0]);
}

#[test]
fn misspelt_names_are_answered_with_the_right_ones() {
    for (sound, faulty, meant) in MISSPELT {
        assert!(SHIPPED.contains(sound), "{sound}");
        let found = faults(&SHIPPED.replacen(sound, faulty, 1));
        assert!(found.iter().any(|line| line.ends_with(&format!("(did you mean `{meant}`?)"))), "{faulty}: {found:#?}");
    }
}

#[test]
fn every_fault_is_told_with_its_place() {
    for (sound, faulty, fault) in TABLE {
        assert!(SHIPPED.contains(sound), "{sound}");
        let found = faults(&SHIPPED.replacen(sound, faulty, 1));
        assert!(found.iter().any(|line| line.starts_with(fault)), "{faulty}: {found:#?}");
    }
}

#[test]
fn faults_speak_of_documents_and_not_of_the_program() {
    for (sound, faulty, _fault) in TABLE {
        for line in faults(&SHIPPED.replacen(sound, faulty, 1)) {
            let words = ["u64", "i64", "sequence", "variant", "struct ", "field", "invalid type", "Option", "::"];
            assert!(!words.iter().any(|word| line.contains(word)), "{line}");
        }
    }
}

#[test]
fn faults_are_told_all_at_once() {
    let faulty = SHIPPED
        .replace("header: api-key", "header: API")
        .replace("timeout: 1s", "timeout: soon")
        .replace("DELETE", "delete");
    let found = faults(&faulty);
    assert_eq!(found.len(), 4, "{found:#?}");
}

#[test]
fn route_is_either_public_or_guarded() {
    let neither = SHIPPED.replace("    public: {", "    # public: {");
    assert_eq!(faults(&neither), ["routes[2]: write either `public` or `require`"]);
    let both = SHIPPED.replace("    public: {", "    require: { credentials: [token], scopes: none }\n    public: {");
    assert_eq!(faults(&both), ["routes[2]: write either `public` or `require`"]);
}

#[test]
fn credential_that_is_not_in_the_policy_cannot_be_required() {
    let (head, rest) = SHIPPED.split_once("  token:\n").unwrap();
    let (_token, tail) = rest.split_once("forward:").unwrap();
    let found = faults(&format!("{head}forward:{tail}"));
    for place in ["forward.headers.x-consumer-id", "routes[0].require.credentials[1]", "routes[0].require.owner.equals"]
    {
        assert!(
            found.contains(&format!("{place}: `credentials.token` is not in this policy; there is `api_key`")),
            "{found:#?}"
        );
    }
}

#[test]
fn what_would_be_too_long_is_refused() {
    let long = format!("path: {}", "/a".repeat(65));
    let found = faults(&SHIPPED.replacen("path: /readyz", &long, 1));
    assert_eq!(found, ["routes[2].path: a path template has at most 4096 bytes and 64 segments"]);
    let scopes: Vec<_> = (0..300).map(|number| format!("scope:{number}")).collect();
    let found = faults(&SHIPPED.replacen("\"connection:delete\"", &scopes.join(", "), 1));
    assert_eq!(
        found,
        ["routes[0].require.scopes.all: these scopes are longer than 2048 bytes, which is too long for a challenge"]
    );
}

/// A document of faults is read in no time, and its faults end.
#[test]
fn faults_of_shape_are_told_up_to_a_number() {
    let route =
        |number: usize| format!("  - {{ id: r{number}, methods: [GET], path: /r{number}, pulbic: {{}}, mode: }}\n");
    let routes: String = (0..3_000).map(route).collect();
    let found = faults(&format!(
        "version: 1\nname: x\nforward: {{ headers: {{}} }}\nrefusals: {{ format: bare }}\nroutes:\n{routes}"
    ));
    assert_eq!(found.iter().filter(|line| line.ends_with("write a value, or remove the key")).count(), 3_000);
    assert_eq!(found.last().unwrap(), "there are more faults; they are told when these are mended");
}
