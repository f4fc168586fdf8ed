//! What a file of cases may say, and how a case is held against its decision.

use std::sync::Arc;

use brama_policy::deciding::{Policy, PolicyDocument};
use brama_replay::{Corpus, Coverage, Sight};
use serde_json::Value;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A policy for tokens alone, with a further fact, an open route, one that watches, and words of its own.
const POLICY: &str = r#"
version: 1
name: x
mode: { shadow: { because: "it is new" } }
authorities: { a: { cluster: c, host: h, timeout: 1s, auth: { bearer_env: S } } }
credentials:
  token:
    header: authorization
    scheme: Bearer
    verify: [{ introspect: { authority: a, path: /i, hint: h, expect: { /u: x }, facts: { further: { tenant: /tenant } } } }]
    cache: { ttl: 60s, refused_ttl: 2s, entries: 10 }
forward: { headers: { x-subject: token.subject, x-tenant: token.tenant }, fixed: { x-gate: brama } }
refusals: { format: ehealth, messages: { scope_missing: "You lack {missing_scopes}" } }
routes:
  - { id: open, methods: [GET], path: /open, public: { because: "it says nothing" } }
  - { id: guarded, methods: [GET], path: /guarded, mode: enforce, require: { credentials: [token], scopes: { all: [read] } } }
  - { id: watched, methods: [GET], path: /watched, require: { credentials: [token], scopes: { all: [read] } } }
"#;

const IDENTITIES: &str = "
policy: x.yaml
tokens:
  reader: { subject: s1, tenant: t1, scope: read, expires: 2000000000 }
  writer: { subject: s2, tenant: t1, scope: write }
  silent: unavailable
  gone: refused
cases:
";

fn policy() -> Arc<Policy> {
    let document: Value = serde_saphyr::from_str(POLICY).unwrap();
    Arc::new(Policy::compile(&PolicyDocument::read(&document.to_string()).unwrap()).unwrap())
}

fn read(text: &str) -> Result<Corpus, Vec<String>> {
    let document: Value = serde_saphyr::from_str(text).unwrap();
    Corpus::read(&document, &policy()).map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

fn with_case(request: &str, rest: &str) -> String {
    format!("{IDENTITIES}  - {{ name: a, request: {request}, {rest} }}\n")
}

/// The differences of one case, as `key: expected -> found`.
#[track_caller]
fn differences(request: &str, rest: &str) -> Vec<String> {
    let corpus = read(&with_case(request, rest)).unwrap();
    let outcomes = corpus.judge(&policy());
    let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "-".to_owned());
    let shown = outcomes[0]
        .differences()
        .iter()
        .map(|difference| format!("{}: {} -> {}", difference.key, side(&difference.expected), side(&difference.found)));
    shown.collect()
}

#[track_caller]
fn faults(text: &str) -> Vec<String> {
    read(text).unwrap_err()
}

#[test]
fn case_passes_when_all_that_it_says_is_so() {
    let get = |path: &str, rest: &str| format!("{{ method: GET, path: {path}{rest} }}");
    for (request, rest) in [
        (get("/open", ""), "expect: { allow: open, forward: { x-gate: brama }, remove: [] }"),
        (get("/open", ", token: reader"), "expect: { allow: open, remove: [Authorization] }"),
        (get("/open", ", headers: [[X_Subject, me], [x-other, z]]"), "expect: { allow: open, remove: [x_subject] }"),
        (get("/guarded", ", token: reader"), "expect: { allow: guarded, forward: { X-Subject: s1, x-tenant: t1 } }"),
        (
            get("/guarded", ", token: writer"),
            "expect: { refuse: scope_missing, rule: guarded, status: 403, message: You lack read }",
        ),
        (get("/guarded", ", token: silent"), "expect: { refuse: token_unavailable, rule: guarded }"),
        (get("/guarded", ", token: gone"), "expect: { refuse: token_refused, rule: guarded }"),
        (get("/guarded", ", token: stranger"), "expect: { refuse: token_refused, rule: guarded }"),
        (get("/guarded", ", token: reader"), "now: 1999999999, expect: { allow: guarded }"),
        (get("/guarded", ", token: reader"), "now: 2000000000, expect: { refuse: token_expired, rule: guarded }"),
        (
            get("/watched", ", token: writer"),
            "expect: { allow: watched, would_refuse: scope_missing, forward: { x-subject: s2 } }",
        ),
        (get("/nowhere", ""), "expect: { would_refuse: route_unknown }"),
        (get("/nowhere/../x", ""), "expect: { refuse: path_ambiguous, status: 400 }"),
    ] {
        assert_eq!(differences(&request, rest), Vec::<String>::new(), "{request} {rest}");
    }
}

#[test]
fn case_fails_with_what_is_otherwise() {
    for (request, rest, expected) in [
        ("{ method: GET, path: /open }", "expect: { allow: guarded }", vec!["allow: guarded -> open"]),
        (
            "{ method: GET, path: /open }",
            "expect: { would_refuse: route_unknown }",
            vec!["allow: by no rule -> open", "would_refuse: route_unknown -> -"],
        ),
        ("{ method: GET, path: /open }", "expect: { allow: open, forward: {} }", vec!["forward.x-gate: - -> brama"]),
        (
            "{ method: GET, path: /open }",
            "expect: { allow: open, forward: { x-subject: s1, x-gate: other } }",
            vec!["forward.x-gate: other -> brama", "forward.x-subject: s1 -> -"],
        ),
        (
            "{ method: GET, path: /open, token: reader }",
            "expect: { allow: open, remove: [x] }",
            vec!["remove: [x] -> [authorization]"],
        ),
        (
            "{ method: GET, path: /open }",
            "expect: { refuse: route_unknown, status: 403 }",
            vec!["refuse: route_unknown -> -", "allow: - -> open"],
        ),
        (
            "{ method: GET, path: /watched, token: writer }",
            "expect: { allow: watched }",
            vec!["would_refuse: - -> scope_missing"],
        ),
        (
            "{ method: GET, path: /watched, token: writer }",
            "expect: { refuse: scope_missing }",
            vec!["refuse: scope_missing -> -", "allow: - -> watched", "would_refuse: - -> scope_missing"],
        ),
        (
            "{ method: GET, path: /guarded }",
            "expect: { allow: guarded, forward: { x-a: b } }",
            vec!["allow: guarded -> -", "refuse: - -> token_missing", "rule: - -> guarded"],
        ),
        (
            "{ method: GET, path: /guarded }",
            "expect: { refuse: token_refused, status: 403, message: other }",
            vec![
                "refuse: token_refused -> token_missing",
                "rule: - -> guarded",
                "status: 403 -> 401",
                "message: other -> Access denied",
            ],
        ),
    ] {
        assert_eq!(differences(request, rest), expected, "{request} {rest}");
    }
}

#[test]
fn every_fault_of_a_file_has_its_place() {
    let request = "request: { method: GET, path: /open }";
    let text = format!(
        "
policy: x.yaml
tokens: {{ a: {{ tennant: t }}, b: perhaps, c: 5, d: {{ subject: [5] }}, e: {{ expires: soon }} }}
cases:
  - {{ name: a, {request}, expect: {{ allow: open }} }}
  - {{ name: a, {request}, expect: {{ allow: open }} }}
  - {{ name: b, {request}, expect: {{ alow: open }} }}
  - {{ name: c, {request}, expect: {{ refuse: route_unknwon }} }}
  - {{ name: d, {request}, expect: {{ allow: open, refuse: route_unknown }} }}
  - {{ name: e, {request}, expect: {{ allow: open, status: 403 }} }}
  - {{ name: f, {request}, expect: {{ rule: open }} }}
  - {{ name: g, {request}, expect: [open] }}
  - {{ name: h, request: {{ method: GET, path: /open, api_key: k }}, expect: {{ allow: open }} }}
  - {{ name: i, request: {{ method: GET, path: /open, headers: [[a, b, c]] }}, expect: {{ allow: open }} }}
  - {{ name: \"j\\nk\", {request}, expect: {{ allow: open }} }}
  - {{ name: l, {request}, expect: {{ allow: open }}, now: yesterday }}
  - [m]
  - {{ name: p, request: {{ method: GET, path: /open, headers: [[accept, a], [Host, b]] }}, expect: {{ allow: open }} }}
  - {{ name: o, {request}, expect: {{ refuse: route_unknown, would_refuse: route_unknown }} }}
"
    );
    let found = faults(&text);
    let expected = [
        "tokens.a: `tennant` is no fact of `token`; there are `subject`, `client_id`, `client_type`, `scope`, `expires`, `tenant`",
        "tokens.b: `perhaps` is no identity",
        "tokens.c: an identity is facts",
        "tokens.d: `subject` must be a text of 1 to 256 bytes",
        "tokens.e: `expires` must be a whole number",
        "cases[1].name: `a` is the name of an earlier case too",
        "cases[2].expect.alow: unknown field `alow`",
        "cases[3].expect.refuse: `route_unknwon` is no denial",
        "cases[4].expect.allow: `allow` means nothing beside `refuse`",
        "cases[5].expect.status: `status` means nothing without `refuse`",
        "cases[6].expect: nothing is decided here",
        "cases[7].expect: a list stands where an object is wanted",
        "cases[8].request.api_key: the policy does not say how `api_key` is presented",
        "cases[9].request.headers[0]: invalid length 3",
        "cases[10].name: a name is one line of text",
        "cases[11].now: invalid type",
        "cases[12]: a list stands where an object is wanted",
        "cases[13].request.headers: `host` is no further header: Envoy keeps it as the authority",
        "cases[14].expect.would_refuse: `would_refuse` means nothing beside `refuse`",
    ];
    for (fault, expected) in found.iter().zip(expected) {
        assert!(fault.starts_with(expected), "{found:#?}");
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
}

/// A letter too many must not make a refusal of a case that expects one.
#[test]
fn mistyped_identity_is_a_fault() {
    for (token, meant) in [
        ("raeder", Some("did you mean `reader`?")),
        ("Reader", Some("did you mean `reader`?")),
        ("writers", Some("did you mean `writer`?")),
        ("unknown", None),
        ("stranger", None),
        ("reader", None),
        ("gone", None),
    ] {
        let request = format!("{{ method: GET, path: /open, token: {token} }}");
        let found = read(&with_case(&request, "expect: { allow: open }"));
        match meant {
            None => assert!(found.is_ok(), "{token}: {found:?}"),
            Some(meant) => {
                let expected = format!("cases[0].request.token: `{token}` is not under `tokens` ({meant}");
                assert!(found.unwrap_err()[0].starts_with(&expected), "{token}");
            }
        }
    }
}

#[test]
fn identity_of_the_other_kind_is_a_fault() {
    let request = "{ method: GET, path: /open, api_key: reader }";
    let found = read(&with_case(request, "expect: { allow: open }")).unwrap_err();
    let expected = "cases[0].request.api_key: `reader` is not under `api_keys` (it is under `tokens`; if nobody";
    assert!(found.iter().any(|fault| fault.starts_with(expected)), "{found:#?}");
}

#[test]
fn file_of_another_shape_is_one_fault() {
    for (text, expected) in [
        ("[]", "a list stands where an object is wanted"),
        ("5", "invalid type: integer `5`"),
        ("{ policy: x }", "missing field `cases`"),
        ("{ policy: x, cases: [] }", "cases: there is no case here"),
        ("{ policy: x, cases: [], more: 1 }", "more: unknown field `more`"),
        ("{ policy: x, cases: {} }", "cases: invalid type: map"),
        ("{ policy: x, cases: [], tokens: }", "tokens: nothing is written here"),
    ] {
        let found = faults(text);
        assert!(found.len() == 1 && found[0].starts_with(expected), "{text}: {found:?}");
    }
    let text = with_case("{ method: GET, path: /open }", "expect: { allow: open, forward: }");
    assert_eq!(faults(&text), ["cases[0].expect.forward: nothing is written here; write a value, or remove the key"]);
}

#[test]
fn coverage_is_of_rules_that_allow_and_that_can_refuse() {
    let coverage = |cases: &str| {
        let corpus = read(&format!("{IDENTITIES}{cases}")).unwrap();
        Coverage::of(&corpus.judge(&policy()), &policy())
    };
    let none = coverage("  - { name: a, request: { method: GET, path: //open }, expect: { refuse: path_ambiguous } }");
    assert_eq!((none.seen(), none.total(), none.percent()), (0, 5, 0));
    assert_eq!(none.rules[0].refuses, Sight::Impossible);
    assert_eq!(none.denials_seen, ["path_ambiguous"]);
    let some = coverage(
        "
  - { name: a, request: { method: GET, path: /open }, expect: { allow: open } }
  - { name: b, request: { method: GET, path: /watched }, expect: { allow: watched, would_refuse: token_missing } }
  - { name: c, request: { method: GET, path: / }, expect: { would_refuse: route_unknown } }
",
    );
    // What shadow mode marks is a refusal seen, and no allowing.
    assert_eq!((some.rules[2].allows, some.rules[2].refuses), (Sight::Unseen, Sight::Seen));
    assert_eq!((some.seen(), some.percent()), (2, 40));
    assert_eq!(some.denials_seen, ["route_unknown", "token_missing"]);
    assert!(!some.denials_unseen.contains(&"api_key_missing".to_owned()), "no rule wants an API key");
}
