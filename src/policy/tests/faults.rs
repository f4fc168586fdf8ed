//! What is wrong with a policy: every fault is found, and told with its place.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test support"
)]

use brama_policy::{Policy, PolicyDocument};
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

/// In the shipped policy, the first text replaced by the second, and the fault that follows.
const TABLE: &[(&str, &str, &str)] = &[
    ("version: 1", "version: 2", "version: version 2 is not known"),
    ("name: ehealth", "name: 'e\"health'", "name: `e\"health` is no name"),
    ("cluster: authority", "cluster: ''", "authorities.mithril.cluster: an authority needs"),
    ("host: authority.internal", "host: 'a b'", "authorities.mithril.host: `a b` is no host"),
    ("every: 500ms", "every: 10ms", "authorities.mithril.revocations.every: `10ms` is not between"),
    (
        "timeout: 1s",
        "timeout: 1s\n    lookups: { per_second: 0, per_second_behind_a_key: 1 }",
        "authorities.mithril.lookups.per_second: 0 is not between 1 and 1000000",
    ),
    (
        "timeout: 1s",
        "timeout: 1s\n    lookups: { per_second: 1000001, per_second_behind_a_key: 1 }",
        "authorities.mithril.lookups.per_second: 1000001 is not between 1 and 1000000",
    ),
    (
        "timeout: 1s",
        "timeout: 1s\n    lookups: { per_second: 10, per_second_behind_a_key: 11 }",
        "authorities.mithril.lookups.per_second_behind_a_key: 11 is not between 1 and 10",
    ),
    ("max_lag: 3s", "max_lag: 1s", "authorities.mithril.revocations.max_lag: `1s` is less than thrice `every`"),
    (
        "max_lag: 3s",
        "max_lag: 2999ms",
        "authorities.mithril.revocations.max_lag: `2999ms` is less than twice `timeout`",
    ),
    ("max_lag: 3s", "max_lag: 11m", "authorities.mithril.revocations.max_lag: `11m` is not between"),
    ("max_lag: 3s", "maxlag: 3s", "authorities.mithril.revocations"),
    (
        "path: /revocations",
        "path: revocations",
        "authorities.mithril.revocations.path: `revocations` is no canonical path",
    ),
    ("path: /revocations", "path: /a/../b", "authorities.mithril.revocations.path: `/a/../b` is no canonical path"),
    (
        "path: /revocations",
        "path: /r?after=1",
        "authorities.mithril.revocations.path: `/r?after=1` is no canonical path",
    ),
    (
        "max_lag: 3s",
        "max_lag: 3s, when_stale: { serve_for: 5s, because: ' ' }",
        "authorities.mithril.revocations.when_stale.because: say why",
    ),
    (
        "max_lag: 3s",
        "max_lag: 3s, when_stale: { serve_for: 0s, because: x }",
        "authorities.mithril.revocations.when_stale.serve_for: `0s` is not between",
    ),
    ("timeout: 1s", "timeout: 1", "authorities.mithril.timeout: a text belongs here, not the number `1`"),
    ("timeout: 1s", "timeout: 1h", "authorities.mithril.timeout: `1h` is no span of time"),
    ("timeout: 1s", "timeout: -1s", "authorities.mithril.timeout: `-1s` is no span of time"),
    ("timeout: 1s", "timeout: s", "authorities.mithril.timeout: `s` is no span of time"),
    ("timeout: 1s", "timeout: 0s", "authorities.mithril.timeout: `0s` is not between"),
    ("timeout: 1s", "timeout: 11s", "authorities.mithril.timeout: `11s` is not between"),
    (
        "timeout: 1s",
        "timeout: 99999999999999999999s",
        "authorities.mithril.timeout: `99999999999999999999s` is no span",
    ),
    ("BRAMA_AUTHORITY_SECRET", "s3cret-itself", "authorities.mithril.auth.bearer_env: write the name"),
    ("header: api-key", "header: API-Key", "credentials.api_key.header: `API-Key` is no header name in lower case"),
    ("header: authorization", "header: api-key", "credentials.token.header: `api-key` carries the API key already"),
    ("scheme: Bearer", "scheme: 'Bearer '", "credentials.token.scheme: `Bearer ` is no authentication scheme"),
    (
        "authority: mithril",
        "authority: mithrill",
        "credentials.api_key.verify[0].introspect.authority: `mithrill` is not under",
    ),
    (
        "path: /introspect",
        "path: introspect",
        "credentials.api_key.verify[0].introspect.path: `introspect` is no canonical path",
    ),
    ("path: /introspect", "path: /a?b", "credentials.api_key.verify[0].introspect.path: `/a?b` is no canonical path"),
    ("hint: api_key", "hint: ''", "credentials.api_key.verify[0].introspect.hint: write the"),
    (
        "expect: { /token_use: api_key }",
        "expect: {}",
        "credentials.api_key.verify[0].introspect.expect: write what an active answer",
    ),
    (
        "expect: { /token_use: api_key }",
        "expect: { token_use: api_key }",
        "credentials.api_key.verify[0].introspect.expect.token_use: `token_use` is no JSON pointer",
    ),
    (
        "expect: { /token_use: api_key }",
        "expect: { /a~2b: x }",
        "credentials.api_key.verify[0].introspect.expect./a~2b: `/a~2b` is no JSON pointer",
    ),
    (
        "hint: api_key",
        "hint: api_key\n          facts: { subject: '' }",
        "credentials.api_key.verify[0].introspect.facts.subject: `` is no JSON pointer",
    ),
    ("ttl: 60s", "ttl: 2h", "credentials.api_key.cache.ttl: `2h` is no span of time"),
    ("ttl: 60s", "ttl: 61m", "credentials.api_key.cache.ttl: `61m` is not between"),
    ("entries: 50000", "entries: 0", "credentials.api_key.cache.entries: 0 is not between"),
    ("x-consumer-id: token.subject", "x-consumer-id: subject", "forward.headers.x-consumer-id: `subject` is no fact"),
    (
        "x-consumer-id: token.subject",
        "x-consumer-id: user.subject",
        "forward.headers.x-consumer-id: `user` is no credential",
    ),
    ("x-consumer-id: token.subject", "x-consumer-id: token.sub", "forward.headers.x-consumer-id: `sub` is no fact"),
    ("x-consumer-id: token.subject", "host: token.subject", "forward.headers.host: `host` has a meaning of its own"),
    (
        "x-consumer-id: token.subject",
        "authorization: token.subject",
        "forward.headers.authorization: `authorization` has a meaning",
    ),
    ("x-consumer-id: token.subject", "':path': token.subject", "forward.headers.:path: `:path` is no header name"),
    (
        "x-consumer-id: token.subject",
        "x_consumer_id: token.subject",
        "forward.headers.x_consumer_id: `x_consumer_id` is no header name",
    ),
    ("header: api-key", "header: cookie", "credentials.api_key.header: `cookie` has a meaning of its own"),
    ("[x-consumer-*,", "[x-*,", "forward.strip[0]: `x-*` would remove `x-request-id`"),
    ("[x-consumer-*,", "[host,", "forward.strip[0]: `host` would remove `host`"),
    ("scheme: Bearer", "scheme:", "credentials.token.scheme: nothing is written here"),
    ("owner: { param", "owner: # { param", "routes[0].require.owner: nothing is written here"),
    ("[x-consumer-*,", "['*',", "forward.strip[0]: `` is no header name"),
    ("[x-consumer-*,", "['-*',", "forward.strip[0]: `-` is no header name"),
    ("[x-consumer-*,", "[x-*-y,", "forward.strip[0]: `x-*-y` is no header name"),
    ("format: ehealth", "format: html", "refusals.format: unknown word `html`"),
    (
        "id: readyz",
        "id: delete_contract_division",
        "routes[2].id: `delete_contract_division` is the id of another route",
    ),
    ("id: readyz", "id: 'a b'", "routes[2].id: `a b` is no id"),
    ("methods: [GET]", "methods: []", "routes[2].methods: a route without methods"),
    ("methods: [GET]", "methods: [Get]", "routes[2].methods[0]: `Get` is no method in capitals"),
    ("methods: [GET]", "methods: [GET, TRACE]", "routes[2].methods[1]: `TRACE` is refused before"),
    ("path: /readyz", "path: readyz", "routes[2].path: a path template begins with"),
    ("path: /readyz", "path: /readyz/", "routes[2].path: a path template has no empty segment"),
    ("path: /readyz", "path: '/{a}/{a}'", "routes[2].path: capture `a` is named twice"),
    ("path: /readyz", "path: '/x{a}'", "routes[2].path: `x{a}` is no capture"),
    ("path: /readyz", "path: '/{a:num}'", "routes[2].path: `{a:num}` is no capture"),
    ("path: /readyz", "path: /%61", "routes[2].path: `%61` can match no request"),
    (
        "methods: [GET]\n    path: /readyz",
        "methods: [GET, DELETE]\n    path: '/API/admin/contract_divisions/{x}'",
        "routes[2].path: `/API/admin/contract_divisions/{x}` matches the same requests as route `delete_contract_division`",
    ),
    ("because: \"readiness", "because: \" \" } #", "routes[2].public.because: say why"),
    ("public: {", "because: {", "routes[2].because: unknown key"),
    ("[api_key, token]", "[]", "routes[0].require.credentials: write at least one"),
    ("[api_key, token]", "[api_key, api_key]", "routes[0].require.credentials[1]: `api_key` is written twice"),
    ("[api_key, token]", "[api_key]", "routes[0].require.owner.equals: this route does not require `token`"),
    ("all: [\"connection:delete\"]", "all: []", "routes[0].require.scopes.all: write at least one scope"),
    ("all: [\"connection:delete\"]", "all: [\"a b\"]", "routes[0].require.scopes.all[0]: scope `a b` contains a space"),
    ("scopes: { all: [\"connection:delete\"] }", "scopes: null", "routes[0].require.scopes: nothing is written here"),
    (
        "param: client_id",
        "param: id",
        "routes[0].require.owner.param: `/api/clients/{client_id:uuid}/connections/{_connection_id}` captures no `id`",
    ),
    ("equals: token.client_id", "equals: token.scope", "routes[0].require.owner.equals: `scope` is a list"),
    ("[NHS, NHS ADMIN]", "[NHS, '']", "routes[0].require.owner.except_client_types[1]: an empty client type"),
    (
        "name: ehealth\n",
        "name: ehealth\nmode: { shadow: { because: ' ' } }\n",
        "mode.shadow.because: say why nothing is enforced",
    ),
    ("name: ehealth\n", "name: ehealth\nmode: shadow\n", "mode: `shadow` wants something behind it"),
    ("methods: [GET]", "methods: [GET, GET]", "routes[2].methods[1]: `GET` is written twice"),
    ("methods: [GET]", "methods: [GET]\n    hosts: []", "routes[2].hosts: write at least one host"),
    ("methods: [GET]", "methods: [GET]\n    hosts: ['*']", "routes[2].hosts[0]: `*` is no host"),
    ("methods: [GET]", "methods: [GET]\n    hosts: ['a:80']", "routes[2].hosts[0]: `a:80` is no host"),
    ("methods: [GET]", "methods: [GET]\n    hosts: [a, A]", "routes[2].hosts[1]: `a` is written twice"),
    ("methods: [GET]", "methods: [GET]\n    preflight: { because: '' }", "routes[2].preflight.because: say why"),
    (
        "methods: [GET]",
        "methods: [GET]\n    mode: { shadow: {} }",
        "routes[2].mode.shadow: nothing behind `shadow` belongs here, not an object",
    ),
    ("path: /readyz", "path: '/{a...}/b'", "routes[2].path: a capture of all that is left can only be the last"),
    ("[\"connection:delete\"] }", "[a], of: [] }", "routes[0].require.scopes.of: write at least one credential"),
    (
        "[\"connection:delete\"] }",
        "[a], of: [token, token] }",
        "routes[0].require.scopes.of[1]: `token` is written twice",
    ),
    ("[\"connection:delete\"] }", "[a], any: [b] }", "routes[0].require.scopes: write either `all` or `any`"),
    ("{ all: [\"connection:delete\"] }", "{}", "routes[0].require.scopes: write either `all` or `any`"),
    ("{ all: [\"connection:delete\"] }", "{ any: [] }", "routes[0].require.scopes.any: write at least one scope"),
    (
        "{ all: [\"connection:delete\"] }",
        "{ any: [a b] }",
        "routes[0].require.scopes.any[0]: scope `a b` contains a space",
    ),
    (
        "      owner:",
        "      bind: { token: scope, api_key: client_id }\n      owner:",
        "routes[0].require.bind.token: `scope` is a list and cannot bind",
    ),
    (
        "      owner:",
        "      bind: { token: client, api_key: client_id }\n      owner:",
        "routes[0].require.bind.token: `client` is no fact of `token`",
    ),
    ("      owner:", "      bind: { token: client_id }\n      owner:", "routes[0].require.bind: missing key `api_key`"),
    (
        "      owner:",
        "      conditions: []\n      owner:",
        "routes[0].require.conditions: write at least one condition",
    ),
    ("  strip:", "  json: { x-m: {} }\n  strip:", "forward.json.x-m: write at least one member"),
    ("  strip:", "  json: { x-m: { a: token.sub } }\n  strip:", "forward.json.x-m.a: `sub` is no fact of `token`"),
    (
        "  strip:",
        "  json: { host: { a: token.subject } }\n  strip:",
        "forward.json.host: `host` has a meaning of its own",
    ),
    ("  strip:", "  json: { x-consumer-id: { a: token.subject } }\n  strip:", "forward: `x-consumer-id` is set twice"),
    ("  strip:", "  fixed: { x-a: '' }\n  strip:", "forward.fixed.x-a: a header's value is 1 to 256 bytes"),
    (
        "  strip:",
        "  fixed: { x-a: \"b\\r\\nc: d\" }\n  strip:",
        "forward.fixed.x-a: a header's value is 1 to 256 bytes",
    ),
    ("  strip:", "  fixed: { connection: close }\n  strip:", "forward.fixed.connection: `connection` has a meaning"),
    ("format: ehealth", "format: bare, messages: { not_owner: a }", "refusals.messages: a bare refusal has no body"),
    (
        "format: ehealth",
        "format: ehealth, messages: { not_ownr: a }",
        "refusals.messages.not_ownr: `not_ownr` is no denial (did you mean `not_owner`?)",
    ),
    (
        "format: ehealth",
        "format: ehealth, messages: { not_owner: '{missing_scopes}' }",
        "refusals.messages.not_owner: only `scope_missing` can tell",
    ),
    (
        "format: ehealth",
        "format: ehealth, messages: { scope_missing: '{missing}' }",
        "refusals.messages.scope_missing: `{missing}` is nothing a message can tell",
    ),
    ("{ all: [\"connection:delete\"] }", "[a]", "routes[0].require.scopes: `none`, or an object of `all` or `any`"),
    ("{ all: [\"connection:delete\"] }", "7", "routes[0].require.scopes: `none`, or an object of `all` or `any`"),
    (
        "x-person-id]",
        "authorization]\n  keep: [token]",
        "forward.keep[0]: `authorization` cannot be kept, since `strip` removes it with `authorization`",
    ),
    ("  strip:", "  keep: [token, token]\n  strip:", "forward.keep[1]: `token` is written twice"),
    (
        "  strip:",
        "  fixed: { x-forwarded-client-cert: a }\n  strip:",
        "forward.fixed.x-forwarded-client-cert: `x-forwarded-client-cert` has a meaning",
    ),
    (
        "  strip:",
        "  fixed: { proxy-authorization: a }\n  strip:",
        "forward.fixed.proxy-authorization: `proxy-authorization` has a meaning",
    ),
    (
        "format: ehealth",
        "format: ehealth, messages: { token_unavailable: a }",
        "refusals.messages.token_unavailable: a refusal with status 503 says the same",
    ),
    (
        "hint: api_key",
        "hint: api_key\n          facts: { further: { scope: /s } }",
        "credentials.api_key.verify[0].introspect.facts.further.scope: `scope` is a fact already",
    ),
    (
        "hint: api_key",
        "hint: api_key\n          facts: { further: { Tenant: /s } }",
        "credentials.api_key.verify[0].introspect.facts.further.Tenant: `Tenant` is no name",
    ),
    (
        "hint: api_key",
        "hint: api_key\n          facts: { further: { tenant: s } }",
        "credentials.api_key.verify[0].introspect.facts.further.tenant: `s` is no JSON pointer",
    ),
];

/// Misspelt names, and the right ones.
const MISSPELT: &[(&str, &str, &str)] = &[
    ("authority: mithril", "authority: mithrill", "mithril"),
    ("x-consumer-id: token.subject", "x-consumer-id: tokne.subject", "token"),
    ("x-consumer-id: token.subject", "x-consumer-id: token.subjct", "subject"),
    ("param: client_id", "param: client", "client_id"),
    ("equals: token.client_id", "equals: token.client_ip", "client_id"),
    ("[DELETE]", "[Delete]", "DELETE"),
    ("forward:", "forwards:", "forward"),
    ("    require:", "    requires:", "require"),
    ("except_client_types", "except_client_type", "except_client_types"),
    ("format: ehealth", "format: eHealth", "ehealth"),
];

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
        assert!(found.contains(&format!("{place}: `credentials.token` is not in this policy")), "{found:#?}");
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
