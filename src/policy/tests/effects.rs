//! Nothing that can be written in a policy does nothing: what has no effect is a fault or a lint, in its place.

use brama_policy::authoring::Lint;
use brama_policy::deciding::{Policy, PolicyDocument};
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Every part of it does something.
const BASE: &str = r#"
version: 1
name: base
authorities:
  keys: { cluster: keys, host: keys, timeout: 1s, auth: { none: { because: public } } }
  asked: { cluster: asked, host: asked, timeout: 1s, auth: { bearer_env: S }, lookups: { per_second: 9, per_second_behind_a_key: 3 }, revocations: { path: /r, every: 1s, max_lag: 9s } }
credentials:
  api_key:
    header: x-key
    verify: [{ introspect: { authority: asked, path: /i, hint: h, inactive_on: [404, 422], expect: { /u: key } } }]
    cache: { ttl: 9s, refused_ttl: 2s, entries: 9 }
  token:
    header: authorization
    scheme: Bearer
    verify:
      - jwt: { issuer: i, audiences: [a], types: [at+jwt], algorithms: [RS256], keys: { authority: keys, path: /k, every: 1m, max_stale: 1m }, revocations: asked }
      - introspect: { authority: asked, method: GET, path: "/t/{credential}", active: { on: [200, 203] }, send: [api_key], expect: { /u: token } }
    cache: { ttl: 9s, refused_ttl: 2s, entries: 9 }
forward: { headers: { x-user: token.subject }, strip: [x-user-*, x-old] }
refusals: { format: problem, messages: { not_owner: theirs } }
routes:
  - id: own
    methods: [GET]
    hosts: [a.example]
    path: /own/{id}
    require: { credentials: [api_key, token], scopes: { all: [a, b] }, owner: { param: id, equals: token.client_id, except_client_types: [x, z] }, conditions: ['token.subject != "x"'] }
  - { id: open, methods: [GET], hosts: [a.example], path: /open, public: { because: x } }
"#;

fn judged(yaml: &str) -> Result<Vec<Lint>, Vec<String>> {
    let value: serde_json::Value = serde_saphyr::from_str(yaml).unwrap();
    let read = PolicyDocument::read(&value.to_string())
        .and_then(|document| Policy::compile(&document).map(|policy| policy.lints(&document)));
    read.map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

/// What is replaced by what, and the lint that follows: `code place`.
const LINTS: &[(&str, &str, &str)] = &[
    // Authorities.
    ("auth: { none: { because: public } }", "auth: { bearer_env: K }", "without_effect authorities.keys.auth"),
    (
        "auth: { none: { because: public } }",
        "auth: { header_env: { name: x-a, env: K } }",
        "without_effect authorities.keys.auth",
    ),
    ("cluster: keys,", "cluster: keys, lookups: { per_second: 9 },", "without_effect authorities.keys.lookups"),
    ("[api_key, token]", "[token]", "without_effect authorities.asked.lookups.per_second_behind_a_key"),
    (
        "cluster: keys,",
        "cluster: keys, revocations: { path: /r, every: 1s, max_lag: 9s },",
        "without_effect authorities.keys.revocations",
    ),
    // Credentials.
    ("[api_key, token]", "[token]", "without_effect credentials.token.verify[1].introspect.send[0]"),
    (
        "inactive_on: [404, 422]",
        "inactive_on: [404, 404]",
        "written_twice credentials.api_key.verify[0].introspect.inactive_on[1]",
    ),
    ("on: [200, 203]", "on: [200, 200]", "written_twice credentials.token.verify[1].introspect.active.on[1]"),
    (
        "expect: { /u: key }",
        "expect: { /u: key }, facts: { required: [subject, subject] }",
        "written_twice credentials.api_key.verify[0].introspect.facts.required[1]",
    ),
    (
        "expect: { /u: key }",
        "expect: { /u: key }, facts: { client_type: /role }",
        "fact_unused credentials.api_key.verify[0].introspect.facts.client_type",
    ),
    (
        "expect: { /u: key }",
        "expect: { /u: key }, facts: { scope: /scp }",
        "fact_unused credentials.api_key.verify[0].introspect.facts.scope",
    ),
    ("expect: { /u: token }", "expect: { /u: token }, facts: { scope: /scp, client_type: /role }", ""),
    ("expect: { /u: key }", "expect: { /u: key }, facts: { client_type: /role, required: [client_type] }", ""),
    ("expect: { /u: key }", "expect: { /u: key }, facts: { further: { t: /t }, required: [t] }", ""),
    (
        "cache: { ttl: 9s, refused_ttl: 2s, entries: 9 }",
        "cache: { ttl: 0s, refused_ttl: 0s, entries: 9 }",
        "without_effect credentials.api_key.cache.entries",
    ),
    ("cache: { ttl: 9s, refused_ttl: 2s, entries: 9 }", "cache: { ttl: 00ms, refused_ttl: 0m }", ""),
    ("header: x-key\n", "header: x-key\n    alphabet: visible\n", "without_effect credentials.api_key.alphabet"),
    ("scheme: Bearer\n", "scheme: Bearer\n    alphabet: token68\n", "without_effect credentials.token.alphabet"),
    ("scheme: Bearer\n", "scheme: Bearer\n    alphabet: visible\n", ""),
    (
        "header: x-key\n",
        "from: [{ header: x-key }, { cookie: key }]\n    alphabet: visible\n",
        "without_effect credentials.api_key.alphabet",
    ),
    ("header: x-key\n", "from: [{ header: x-key }, { cookie: key }]\n    alphabet: token68\n", ""),
    // Forward.
    ("strip: [x-user-*, x-old]", "strip: [x-user]", "without_effect forward.strip[0]"),
    ("strip: [x-user-*, x-old]", "strip: [x-old, x-old]", "without_effect forward.strip[1]"),
    ("strip: [x-user-*, x-old]", "strip: [x-old-1, x-old-*]", "without_effect forward.strip[0]"),
    ("strip: [x-user-*, x-old]", "strip: [x-old-*, x-old-a-*]", "without_effect forward.strip[1]"),
    ("strip: [x-user-*, x-old]", "strip: [authorization]", "without_effect forward.strip[0]"),
    ("strip: [x-user-*, x-old]", "strip: [x-key]", "without_effect forward.strip[0]"),
    ("strip: [x-user-*, x-old]", "strip: [forwarded]", ""),
    ("strip: [x-user-*, x-old]", "strip: [x-original-*]", "strip_refused forward.strip[0]"),
    ("strip: [x-user-*, x-old]", "strip: [x-http-*]", "strip_refused forward.strip[0]"),
    ("strip: [x-user-*, x-old]", "strip: [x-u*, x-old]", ""),
    // Refusals.
    (
        "messages: { not_owner: theirs }",
        "messages: { not_bound: theirs }",
        "message_unused refusals.messages.not_bound",
    ),
    ("messages: { not_owner: theirs }", "messages: { condition_failed: theirs }", ""),
    (
        "conditions: ['token.subject != \"x\"'] }",
        "}\n  - { id: p, methods: [PUT], path: /p, public: { because: x } }",
        "",
    ),
    // Routes.
    ("path: /open,", "path: /open, mode: shadow,", "without_effect routes[1].mode"),
    ("path: /open,", "path: /open, mode: enforce,", "without_effect routes[1].mode"),
    (
        "methods: [GET], hosts: [a.example], path: /open,",
        "methods: [GET, OPTIONS], preflight: { because: x }, path: /open,",
        "without_effect routes[1].preflight",
    ),
    (
        "methods: [GET], hosts: [a.example], path: /open,",
        "methods: [PUT], preflight: { because: x }, path: '/{_x...}', public: { because: x } }\n  - { id: o, methods: [OPTIONS], path: '/{_x...}',",
        "without_effect routes[1].preflight",
    ),
    (
        "methods: [GET], hosts: [a.example], path: /open,",
        "methods: [GET], preflight: { because: x }, hosts: [a.example], path: /open,",
        "",
    ),
    (
        "hosts: [a.example], path: /open",
        "hosts: ['*.example', b.example], path: /open",
        "without_effect routes[1].hosts[1]",
    ),
    // On `a.example` the other route is as exact, so here the name decides.
    ("hosts: [a.example], path: /open", "hosts: ['*.example', a.example], path: /open", ""),
    ("all: [a, b]", "all: [a, a]", "written_twice routes[0].require.scopes.all[1]"),
    ("all: [a, b]", "any: [a, b, a]", "written_twice routes[0].require.scopes.any[2]"),
    (
        "except_client_types: [x, z]",
        "except_client_types: [x, x]",
        "written_twice routes[0].require.owner.except_client_types[1]",
    ),
    (
        "except_client_types: [x, z]",
        "except_client_types: [x, 'z ']",
        "without_effect routes[0].require.owner.except_client_types[1]",
    ),
    (
        "conditions: ['token.subject != \"x\"']",
        "conditions: ['token.subject != \"x\"', 'token.subject != \"x\"']",
        "written_twice routes[0].require.conditions[1]",
    ),
];

/// What is replaced by what, and the fault that follows.
const FAULTS: &[(&str, &str, &str)] = &[
    ("cluster: keys", "cluster: ' '", "authorities.keys.cluster: ` ` is no name of an Envoy cluster"),
    ("cluster: keys", "cluster: 'my keys'", "authorities.keys.cluster: `my keys` is no name"),
    ("cluster: keys", "cluster: 'keys '", "authorities.keys.cluster: `keys ` is no name"),
    ("cluster: keys", "cluster: \"keys\\t\"", "authorities.keys.cluster: `keys\t` is no name"),
    ("cluster: keys", "cluster: \"ke\\u00a0ys\"", "authorities.keys.cluster: `ke\u{a0}ys` is no name"),
    (
        "header: x-key",
        "header: x-original-url",
        "credentials.api_key.header: `x-original-url` replaces the path or the method",
    ),
    ("x-old]", "x-original-url]", "forward.strip[1]: `x-original-url` is never stripped"),
    ("x-old]", "x-rewrite-url]", "forward.strip[1]: `x-rewrite-url` is never stripped"),
    ("x-old]", "x-forwarded-uri]", "forward.strip[1]: `x-forwarded-uri` is never stripped"),
    ("x-old]", "x-forwarded-path]", "forward.strip[1]: `x-forwarded-path` is never stripped"),
    ("x-old]", "x-original-uri]", "forward.strip[1]: `x-original-uri` is never stripped"),
    ("x-old]", "x-http-method-override]", "forward.strip[1]: `x-http-method-override` is never stripped"),
    ("x-old]", "x-method]", "forward.strip[1]: `x-method` is never stripped"),
    (
        "cache: { ttl: 9s, refused_ttl: 2s, entries: 9 }",
        "cache: { ttl: 9s, refused_ttl: 2s }",
        "credentials.api_key.cache: write `entries`",
    ),
    (
        "cache: { ttl: 9s, refused_ttl: 2s, entries: 9 }",
        "cache: { ttl: 0s, refused_ttl: 2s }",
        "credentials.api_key.cache: write `entries`",
    ),
];

#[test]
fn every_part_of_the_base_does_something() {
    assert_eq!(judged(BASE), Ok(Vec::new()));
}

#[test]
fn what_changes_nothing_is_told_with_its_place() {
    for (from, to, lint) in LINTS {
        assert!(BASE.contains(from), "{from}");
        let found = judged(&BASE.replacen(from, to, 1)).unwrap_or_else(|faults| panic!("{to}: {faults:#?}"));
        assert!(found.iter().all(|lint| !lint.hint.is_empty()), "{found:#?}");
        let found: Vec<_> = found.into_iter().map(|Lint { code, path, .. }| format!("{code} {path}")).collect();
        assert!(found.iter().any(|found| found == lint) || lint.is_empty(), "{to}: {found:#?}");
        assert!(!lint.is_empty() || found.is_empty(), "{to}: {found:#?}");
    }
}

#[test]
fn what_an_author_would_believe_in_is_a_fault() {
    for (from, to, fault) in FAULTS {
        assert!(BASE.contains(from), "{from}");
        let found = judged(&BASE.replacen(from, to, 1)).err().unwrap_or_default();
        assert!(found.iter().any(|found| found.starts_with(fault)), "{to}: {found:#?}");
    }
}

/// A JWT alone: what bounds answers bounds nothing, and keys in the policy are all there are.
#[test]
fn jwt_alone_has_nothing_that_is_for_answers() {
    const RSA: &str = "{ kty: RSA, e: AQAB, n: N }";
    let policy = |cache: &str, algorithms: &str| {
        let modulus = "_".repeat(341) + "w";
        format!(
            "version: 1\nname: x\nrefusals: {{ format: bare }}\nforward: {{ headers: {{}} }}\ncredentials:\n  token:\n    header: a\n    \
             verify: [{{ jwt: {{ issuer: i, audiences: [a], types: [at+jwt], algorithms: {algorithms}, keys: {{ inline: [{}, {}] }} }} }}]\n    \
             cache: {cache}\nroutes: [{{ id: r, methods: [GET], path: /, require: {{ credentials: [token], scopes: none }} }}]",
            RSA.replace('N', &modulus),
            "{ kty: EC, crv: P-256, x: axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY, y: T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU }",
        )
    };
    let verify = "credentials.token.verify[0].jwt";
    let cache = "credentials.token.cache";
    for (written, algorithms, lints) in [
        ("{ ttl: 9s, refused_ttl: 0s, entries: 9 }", "[RS256, ES256]", vec![]),
        ("{ ttl: 0s, refused_ttl: 0s }", "[RS256, ES256]", vec![]),
        ("{ ttl: 9s, refused_ttl: 2s, entries: 9 }", "[RS256, ES256]", vec![format!("{cache}.refused_ttl")]),
        ("{ ttl: 0s, refused_ttl: 0s, entries: 9 }", "[RS256, ES256]", vec![format!("{cache}.entries")]),
        (
            "{ ttl: 9s, refused_ttl: 0s, entries: 9, stale_if_unavailable: { serve_for: 1s, because: x } }",
            "[RS256, ES256]",
            vec![format!("{cache}.stale_if_unavailable")],
        ),
        ("{ ttl: 9s, refused_ttl: 0s, entries: 9 }", "[RS256, ES256, ES384]", vec![format!("{verify}.algorithms[2]")]),
        ("{ ttl: 9s, refused_ttl: 0s, entries: 9 }", "[RS256]", vec![format!("{verify}.keys.inline[1]")]),
    ] {
        let found = judged(&policy(written, algorithms)).unwrap_or_else(|faults| panic!("{faults:#?}"));
        let found: Vec<_> = found.into_iter().map(|Lint { code, path, .. }| format!("{code} {path}")).collect();
        let wanted: Vec<_> = lints.into_iter().map(|path| format!("without_effect {path}")).collect();
        assert_eq!(found, wanted, "{written} {algorithms}");
    }
}
