//! Edits of one policy, and what the core and the schema both make of them.

use serde_json::Value;

use super::{RICH, complaints, core_accepts, schema, value};

/// The rich policy with the first text replaced by the second.
#[track_caller]
fn edited(from: &str, to: &str) -> Value {
    assert_eq!(RICH.matches(from).count(), 1, "{from}");
    value(&RICH.replacen(from, to, 1))
}

/// In the rich policy, the first text replaced by the second: what an author may well write by mistake.
const FAULTY: &[(&str, &str)] = &[
    // Misspelt, left out, of another type, without a value.
    ("name: rich\n", "nmae: rich\n"),
    ("name: rich\n", ""),
    ("name: rich\n", "name: [rich]\n"),
    ("name: rich\n", "name:\n"),
    ("version: 1\n", "version: \"1\"\n"),
    ("version: 1\n", "version: 2\n"),
    ("cluster: c, ", "clutser: c, "),
    ("cluster: c, ", ""),
    ("cluster: c, ", "cluster: '', "),
    ("entries: 1 }", "entries: '1' }"),
    ("entries: 1 }", "entries: 0 }"),
    ("entries: 1000000", "entries: 1000001"),
    ("strip: [x-user-*, x-old]", "strip: x-old"),
    ("{ credentials: [token], scopes: none }", "[token, none]"),
    ("scopes: none", "scopes: any"),
    ("scopes: none", "scopes: {}"),
    ("scopes: none", "scopes: [x]"),
    ("scopes: none", "scopes:"),
    (", scopes: none", ""),
    ("mode: enforce\n", "mode: shadow\n"),
    ("mode: enforce\n", "mode: { shadow: {} }\n"),
    ("mode: enforce\n", "mode: { shadow: { because: ' ' } }\n"),
    ("mode: enforce\n", "mode: { shadow: { because: x }, enforce: {} }\n"),
    ("mode: shadow\n", "mode: { shadow: { because: x } }\n"),
    ("format: problem", "format: html"),
    ("{ scope_missing:", "{ scope_mising:"),
    ("\"not yours\"", "\"not {owner}\""),
    ("\"not yours\"", "\"\""),
    // Empty, or more than one.
    ("methods: [GET, POST]", "methods: []"),
    ("hosts: [a.example, \"*.b.example\", 127.0.0.1, \"[::1]\"]", "hosts: []"),
    ("credentials: [api_key, token]", "credentials: []"),
    ("all: [a, \"b:c\"]", "all: []"),
    ("any: [x]", "any: []"),
    ("of: [token, api_key]", "of: []"),
    ("expect: { /token_use: api_key }", "expect: {}"),
    ("{ tenant: token.tenant, \"client.id\": api_key.client_id }", "{}"),
    (
        "verify: [{ introspect: { authority: a, path: /introspect, hint: api_key, expect: { /token_use: api_key } } }]",
        "verify: []",
    ),
    ("verify: [{ introspect", "verify: [{}, { introspect"),
    ("credentials: [api_key, token]", "credentials: [token, token]"),
    ("credentials: [api_key, token]", "credentials: [tokne]"),
    ("methods: [GET, POST]", "methods: [GET, GET]"),
    ("[x-user-*, x-old]", "[x-user-*, x-old]\n  conditions: []"),
    (
        "require: { credentials: [token], scopes: none }",
        "require: { credentials: [token], scopes: none, conditions: [] }",
    ),
    // One of two.
    ("path: /open, public", "path: /open, require: { credentials: [token], scopes: none }, public"),
    (", public: { because: \"it says nothing of anybody\" }", ""),
    ("public: { because: \"it says nothing of anybody\" }", "public: { because: \"\" }"),
    ("public: { because: \"it says nothing of anybody\" }", "public: true"),
    ("any: [x]", "any: [x], all: [x]"),
    ("all: [a, \"b:c\"], ", ""),
    // Tokens that speak for themselves.
    ("issuer: https://id.example", "issuer: ''"),
    ("          audiences: [api, other]\n", ""),
    ("audiences: [api, other]", "audiences: []"),
    ("audiences: [api, other]", "audiences: api"),
    ("audiences: [api, other]", "audiences: [api, api]"),
    ("audiences: [api, other]", "audiences: ['']"),
    ("types: [at+jwt, application/jwt]", "types: []"),
    ("types: [at+jwt, application/jwt]", "types: ['a b']"),
    ("algorithms: [RS256, ES512]", "algorithms: []"),
    ("algorithms: [RS256, ES512]", "algorithms: [none]"),
    ("algorithms: [RS256, ES512]", "algorithms: [HS256]"),
    ("algorithms: [RS256, ES512]", "algorithms: [RS256, RS256]"),
    ("leeway: 30s", "leeway: 30"),
    ("keys: { authority: e, path: /jwks.json, every: 4m, max_stale: 60m }", "keys: {}"),
    ("keys: { authority: e, path: /jwks.json, every: 4m, max_stale: 60m }", "keys: { inline: [] }"),
    ("authority: e, path: /jwks.json", "authority: e"),
    ("every: 4m, max_stale: 60m", "every: 4m"),
    ("authority: e, path", "authority: e, inline: [{}], path"),
    ("subject: /uid", "subject: uid"),
    ("subject: /uid", "subject: /uid, expires: /exp"),
    ("further: { tenant: /ext/tenant }", "further: { not_before: /nbf }"),
    // Values in a form of their own.
    ("ttl: 5m", "ttl: 5"),
    ("ttl: 5m", "ttl: 5h"),
    ("ttl: 5m", "ttl: 5 m"),
    ("timeout: 500ms", "timeout: 0.5s"),
    ("every: 1s", "every: 1"),
    ("max_lag: 30s", "max_lag: soon"),
    ("path: /feed", "path: feed"),
    ("serve_for: 4m", "serve_for: long"),
    ("serve_for: 4m, ", ""),
    (", because: \"the network is bad\"", ""),
    ("timeout: 500ms", "timeout: -1s"),
    ("bearer_env: A_SECRET_2", "bearer_env: s3cret"),
    ("basic_env: B", "basic_env: \"u:p\""),
    ("basic_env: B", "basic_env: B, bearer_env: B"),
    ("name: x-psk", "name: X-PSK"),
    ("{ none: { because: \"only the gateway reaches it\" } }", "none"),
    ("{ none: { because: \"only the gateway reaches it\" } }", "{}"),
    ("method: GET\n", "method: get\n"),
    ("method: GET\n", "method: POST\n"),
    ("          method: GET\n", ""),
    ("method: GET\n", "method: GET\n          hint: access_token\n"),
    ("method: GET\n", "method: GET\n          form: { a: b }\n"),
    ("hint: api_key, ", ""),
    ("hint: api_key, ", "form: { a: \"x{credential}\" }, "),
    ("hint: api_key, ", "hint: api_key, form: { token: \"{credential}\" }, "),
    ("verify?by=gateway", "verify?gateway"),
    ("accept: application/x+json", "accept: \"\""),
    ("x-asked-by: \"brama 1\"", "X-Asked-By: \"brama 1\""),
    ("x-asked-by: \"brama 1\"", "x-asked-by: \" brama\""),
    ("[{ credential: api_key, header: x-broker }]", "[apikey]"),
    ("[{ credential: api_key, header: x-broker }]", "api_key"),
    ("credential: api_key, header: x-broker", "credential: api_key"),
    ("header: x-broker", "header: X-Broker"),
    ("on: [200, 203]", "on: []"),
    ("on: [200, 203]", "on: [200, 301]"),
    ("on: [200, 203]", "on: [204]"),
    ("{ on: [200, 203] }", "[200]"),
    ("inactive_on: [401, 404]", "inactive_on: [500]"),
    ("inactive_on: [401, 404]", "inactive_on: [429]"),
    ("inactive_on: [401, 404]", "inactive_on: 401"),
    ("expect: { none: { because: \"the path names the kind\" } }", "expect: none"),
    ("{ none: { because: \"the path names the kind\" } }", "{ none: {} }"),
    ("{ none: { because: \"the path names the kind\" } }", "{ none: { because: x }, /a: b }"),
    ("required: [tenant]", "required: [/t]"),
    ("host: \"a.example:8080\"", "host: \"http://a.example\""),
    ("header: x-api-key", "header: X-API-Key"),
    ("scheme: Bearer", "scheme: 'Bearer '"),
    ("path: /introspect, hint: api_key", "path: introspect, hint: api_key"),
    ("path: /introspect, hint: api_key", "path: /introspect?a, hint: api_key"),
    ("hint: api_key", "hint: ''"),
    ("/token_use: api_key", "token_use: api_key"),
    ("subject: /sub", "subject: sub"),
    ("client_id: /a~1b", "client_id: /a~2b"),
    ("further: { tenant: /t }", "further: { tenant: t }"),
    ("further: { tenant: /t }", "further: { tenant: /t, Tenant: /t }"),
    ("further: { tenant: /t }", "further: { tenant: /t, subject: /sub }"),
    ("x-user: token.subject", "x_user: token.subject"),
    ("x-user: token.subject", "x-user: subject"),
    ("x-user: token.subject", "x-user: user.subject"),
    ("x-gateway: \"brama 1\"", "x-gateway: \" brama\""),
    ("x-gateway: \"brama 1\"", "x-gateway: \"брама\""),
    ("x-gateway: \"brama 1\"", "X-Gateway: \"brama 1\""),
    ("[x-user-*, x-old]", "['*']"),
    ("[x-user-*, x-old]", "[x-*-y]"),
    ("id: some", "id: 'so me'"),
    ("methods: [PUT]", "methods: [put]"),
    ("methods: [PUT]", "methods: [PUT, TRACE]"),
    ("path: /open", "path: open"),
    ("path: /open", "path: /open?x"),
    ("\"*.b.example\"", "\"*b.example\""),
    ("\"*.b.example\"", "\"b.example:80\""),
    ("any: [x]", "any: [\"x y\"]"),
    ("param: tenant", "param: '{tenant}'"),
    ("equals: token.tenant", "equals: tenant"),
    ("[admin]", "['']"),
];

#[test]
fn what_an_author_may_get_wrong_is_refused() {
    let schema = schema();
    for (sound, faulty) in FAULTY {
        let document = edited(sound, faulty);
        assert!(!core_accepts(&document), "sound to the core: {faulty}");
        assert!(!schema.is_valid(&document), "sound to the schema: {faulty}");
    }
}

/// In the rich policy, the first text replaced by the second: as sound as before.
const SOUND: &[(&str, &str)] = &[
    ("name: rich\n", "name: A-b_c.1\n"),
    ("mode: enforce\n", ""),
    ("mode: enforce\n", "mode: { shadow: { because: \"tried out\" } }\n"),
    ("mode: shadow\n", "mode: enforce\n"),
    ("    mode: shadow\n", ""),
    ("a: { cluster: c,", "\"a b\": { cluster: c, host: h, timeout: 1s, auth: { bearer_env: B } }\n  a: { cluster: c,"),
    ("host: \"a.example:8080\"", "host: \"[::1]:80\""),
    ("host: \"a.example:8080\"", "host: A_b.example."),
    ("timeout: 500ms", "timeout: 010s"),
    ("hint: api_key, ", "form: { token: \"{credential}\", \"a b\": \"\" }, "),
    ("path: /introspect, hint: api_key, ", "path: \"/x?a=b=c&k={credential}\", form: {}, "),
    ("path: /introspect, hint: api_key, ", "path: /me, method: GET, send: [api_key], "),
    ("[{ credential: api_key, header: x-broker }]", "[api_key]"),
    ("[{ credential: api_key, header: x-broker }]", "[]"),
    ("active: { on: [200, 203] }", "active: /data/is~1active"),
    ("inactive_on: [401, 404]", "inactive_on: []"),
    ("{ none: { because: \"the path names the kind\" } }", "{ /a: b, /c: \"\" }"),
    ("required: [tenant]", "required: [subject, expires, scope, tenant, tenant]"),
    ("ttl: 5m", "ttl: 3600000ms"),
    ("audiences: [api, other]", "audiences: any"),
    ("audiences: [api, other]", "audiences: [any, \" \"]"),
    ("          leeway: 30s\n", ""),
    ("leeway: 30s", "leeway: 1m"),
    ("types: [at+jwt, application/jwt]", "types: [JWT]"),
    (
        "{ authority: e, path: /jwks.json, every: 4m, max_stale: 60m }",
        "{ inline: [{ kty: EC, crv: P-256, x: f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU, y: x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0, more: [1] }] }",
    ),
    ("    scheme: Bearer\n", ""),
    ("scheme: Bearer", "scheme: -0-"),
    ("x-user: token.subject", "0: api_key.scope"),
    ("headers: { x-user: token.subject }", "headers: {}"),
    ("  json: { x-identity: { tenant: token.tenant, \"client.id\": api_key.client_id } }\n", ""),
    ("\"client.id\":", "'{\"':"),
    ("x-gateway: \"brama 1\"", "x-gateway: \"!\""),
    ("[x-user-*, x-old]", "[x-old, x-old, 0*]"),
    ("[x-user-*, x-old]", "[]"),
    ("keep: [api_key]", "keep: [token, api_key]"),
    ("keep: [api_key]", "keep: []"),
    (
        "messages: { scope_missing: \"lacks {missing_scopes} of {wanted_scopes}\", not_owner: \"not yours\" }",
        "messages: {}",
    ),
    ("\"not yours\"", "\" це не ваше\""),
    ("methods: [PUT]", "methods: [PURGE, X]"),
    (
        "hosts: [a.example, \"*.b.example\", 127.0.0.1, \"[::1]\"]",
        "hosts: [A_b.Example., \"*.c\", \"[::ffff:1.2.3.4]\"]",
    ),
    ("path: /open", "path: \"/%C3%A9/a!b/{__x...}\""),
    ("bind: { token: client_id, api_key: client_id }", "bind: { token: tenant, api_key: subject }"),
    ("all: [a, \"b:c\"]", "all: [a, a, \"!#[]~\"]"),
    ("of: [token, api_key]", "of: [api_key]"),
    (", of: [token, api_key]", ""),
    ("owner: { param: tenant, equals: token.tenant, except_client_types: [admin] }", ""),
    ("[admin]", "[]"),
    ("[admin]", "[admin, admin, \" a\"]"),
    ("equals: token.tenant", "equals: api_key.client_type"),
];

#[test]
fn what_is_as_sound_is_accepted() {
    let schema = schema();
    for (before, after) in SOUND {
        let document = edited(before, after);
        assert!(core_accepts(&document), "faulty to the core: {after}");
        assert_eq!(complaints(&schema, &document), [""; 0], "{after}");
    }
}
