//! Why a request is refused, as the operator is told; and that the client is told no more for it.

use std::sync::Arc;

use crate::support::{headers, judge, policy};
use brama_policy::deciding::{Decision, Envelope, Policy};
use brama_policy::identity::{Answer, Facts};
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

const POLICY: &str = r#"
version: 1
name: x
authorities: { a: { cluster: c, host: a.internal, timeout: 1s, auth: { bearer_env: S } } }
credentials:
  api_key:
    header: x-key
    verify: [{ introspect: { authority: a, path: /i, hint: api_key, expect: { /u: k } } }]
    cache: { ttl: 10s, refused_ttl: 2s, entries: 10 }
  token:
    header: authorization
    scheme: Bearer
    verify: [{ introspect: { authority: a, path: /i, hint: token, expect: { /u: t }, facts: { further: { tenant: /t } } } }]
    cache: { ttl: 10s, refused_ttl: 2s, entries: 10 }
forward: { headers: { x-user: token.subject } }
refusals: { format: problem }
routes:
  - { id: bound, methods: [GET], path: /bound, require: { credentials: [api_key, token], scopes: none, bind: { token: client_id, api_key: client_id } } }
  - { id: all, methods: [GET], path: /all, require: { credentials: [token], scopes: { all: [a, b, c] } } }
  - { id: any, methods: [GET], path: /any, require: { credentials: [token], scopes: { any: [b, c] } } }
  - { id: own, methods: [GET], path: "/own/{owner}", require: { credentials: [token], scopes: none, owner: { param: owner, equals: token.client_id, except_client_types: [] } } }
  - { id: when, methods: [GET], path: "/when/{id:int}", require: { credentials: [token], scopes: none, conditions: ["params.id > 1", 'token.tenant == "o"', 'request.headers["x-a"] != ""'] } }
  - { id: fact, methods: [GET], path: /fact, require: { credentials: [token], scopes: none } }
  - { id: tried, mode: shadow, methods: [GET], path: /tried, require: { credentials: [token], scopes: none } }
"#;

type Header = (&'static str, &'static [u8]);

const KEY: (&str, &str) = ("x-key", "key-5a1e");
const TOKEN: (&str, &str) = ("authorization", "Bearer token-5a1e");

/// The decision on a request of a caller who is known by these facts.
fn decide(policy: &Arc<Policy>, method: &str, path: &str, further: &[(&str, &str)], facts: &Facts) -> Decision {
    let key = Facts { client_id: Some("k".parse().unwrap()), ..Facts::none() };
    judge(policy, &headers(method, path, further), |lookup| {
        Answer::Active(Arc::new(match lookup.kind().as_str() {
            "api_key" => key.clone(),
            _ => facts.clone(),
        }))
    })
}

fn stated(client_id: Option<&str>, scope: &str, tenant: Option<&str>) -> Facts {
    Facts {
        client_id: client_id.map(|text| text.parse().unwrap()),
        scope: scope.parse().unwrap(),
        further: tenant.iter().map(|text| ("tenant".into(), text.parse().unwrap())).collect(),
        ..Facts::none()
    }
}

#[test]
fn every_denial_that_has_a_reason_tells_it() {
    let policy = policy(POLICY);
    let nobody = Facts::none();
    for (path, further, facts, reason) in [
        ("/a;b", &[][..], &nobody, "the path has a segment parameter: byte 3 of the path, 0x3B"),
        ("/all/", &[], &nobody, ""),
        (
            "/all?f={\"a\":1}",
            &[],
            &nobody,
            "the request target has a byte that must be percent-encoded: byte 4 of the query, 0x22",
        ),
        (
            "/a%2Fb",
            &[],
            &nobody,
            "the path percent-encodes a separator or a control character: byte 3 of the path, 0x25",
        ),
        ("/all?_method=PUT", &[], &nobody, "the query's parameter `_method` asks for another method"),
        ("/all", &[("_method", "PUT")], &nobody, "the header `_method` asks for another method"),
        ("/all", &[("X_HTTP_Method", "PUT")], &nobody, "the header `x-http-method` asks for another method"),
        ("/all", &[("x-original-url", "/b")], &nobody, "the header `x-original-url` asks for another path"),
        ("/all", &[("upgrade", "WebSocket")], &nobody, "the request asks to leave HTTP for websocket"),
        ("/all", &[("upgrade", "h2c, secret-5a1e")], &nobody, "the request asks to leave HTTP"),
        ("/all", &[(":protocol", "websocket")], &nobody, "CONNECT is never served"),
        ("/all", &[], &nobody, "no header `authorization` was sent"),
        ("/bound", &[TOKEN], &nobody, "no header `x-key` was sent"),
        (
            "/all",
            &[TOKEN, TOKEN],
            &nobody,
            "`authorization`, or a name that could be taken for it, was sent more than once",
        ),
        (
            "/bound",
            &[KEY, ("x_key", "key-5a1e"), TOKEN],
            &nobody,
            "`x-key`, or a name that could be taken for it, was sent more than once",
        ),
        (
            "/all",
            &[("authorization", "Bearer token-5a1e, Basic x")],
            &nobody,
            "`authorization` has a comma, by which several are joined",
        ),
        (
            "/all",
            &[("authorization", "token-5a1e")],
            &nobody,
            "`authorization` does not begin with the scheme `Bearer`",
        ),
        (
            "/all",
            &[("authorization", "Basic token-5a1e")],
            &nobody,
            "`authorization` does not begin with the scheme `Bearer`",
        ),
        ("/all", &[("authorization", "Bearer ")], &nobody, "`authorization` has nothing after `Bearer`"),
        (
            "/all",
            &[("authorization", "Bearer 12|token-5a1e")],
            &nobody,
            "`authorization` has no token68 (RFC 9110, 11.2) after `Bearer`",
        ),
        (
            "/all",
            &[("authorization", "Bearer a token-5a1e")],
            &nobody,
            "`authorization` has other bytes than visible ASCII after `Bearer`",
        ),
        ("/bound", &[("x-key", ""), TOKEN], &nobody, "`x-key` has nothing"),
        ("/bound", &[("x-key", "a key-5a1e"), TOKEN], &nobody, "`x-key` has other bytes than visible ASCII"),
        ("/bound", &[KEY, TOKEN], &stated(Some("c"), "", None), "`token.client_id` is not `api_key.client_id`"),
        ("/bound", &[KEY, TOKEN], &nobody, "`token.client_id` is not stated, to be `api_key.client_id`"),
        ("/all", &[TOKEN], &stated(None, "b", None), "token lacks `a`, `c`"),
        ("/any", &[TOKEN], &stated(None, "a", None), "token has none of `b`, `c`"),
        ("/own/me", &[TOKEN], &stated(Some("you"), "", None), "`token.client_id` is not the path's `owner`"),
        ("/own/me", &[TOKEN], &nobody, "`token.client_id` is not stated, to be the path's `owner`"),
        ("/when/1", &[TOKEN], &nobody, "`conditions[0]`, `params.id > 1`, is false"),
        ("/when/2", &[TOKEN], &stated(None, "", Some("p")), "`conditions[1]`, `token.tenant == \"o\"`, is false"),
        (
            "/when/2",
            &[TOKEN],
            &nobody,
            "`conditions[1]`, `token.tenant == \"o\"`, cannot be judged: it reads something that is absent",
        ),
        (
            "/when/2",
            &[TOKEN],
            &stated(None, "", Some("o")),
            "`conditions[2]`, `request.headers[\"x-a\"] != \"\"`, cannot be judged: it reads something that is absent",
        ),
        ("/fact", &[TOKEN], &nobody, "`token.subject` is to be forwarded, and is not stated"),
        ("/tried", &[], &nobody, "no header `authorization` was sent"),
        ("/nowhere", &[], &nobody, ""),
    ] {
        let decision = decide(&policy, "GET", path, further, facts);
        let denial = decision.denial().unwrap_or_else(|| panic!("{path} {further:?}"));
        assert_eq!(policy.reason(denial).unwrap_or_default(), reason, "{path} {further:?}");
        assert!(!reason.contains("5a1e"), "no byte of a credential");
        // What the operator is told, the client is not.
        let told = policy.refusal(denial, Envelope { url: "http://a/", request_id: "1" });
        let told = format!("{told:?}");
        for word in [
            "of the path",
            "of the query",
            "0x",
            "`",
            "conditions",
            "x-key",
            "x-original-url",
            "websocket",
            "token68",
            "tenant",
        ] {
            assert!(!told.contains(word), "{path}: {told}");
        }
    }
}

#[test]
fn methods_and_parts_of_a_request_are_told_by_name() {
    let policy = policy(POLICY);
    let reason = |sent: &[Header]| {
        let sent: Vec<_> = sent.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec())).collect();
        let decision = judge(&policy, &sent, |_lookup| Answer::Inactive);
        policy.reason(decision.denial().unwrap()).unwrap()
    };
    let (host, path): (Header, Header) = ((":authority", b"a"), (":path", b"/all"));
    for (sent, told) in [
        (&[host, path][..], "`:method` is not there exactly once"),
        (&[(":method", b"GET"), path], "`:authority` is not there exactly once"),
        (&[(":method", b"GET"), host, path, path], "`:path` is not there exactly once"),
        (&[(":method", b"CONNECT"), host, path], "CONNECT is never served"),
        (&[(":method", b"TRACE"), host, path], "TRACE is never served"),
        (&[(":method", b"\xff"), host, path], "the method is not UTF-8"),
        (&[(":method", b"GET"), (":authority", b"a,b"), path], "the host has a comma, by which several are joined"),
        (&[(":method", b"GET"), (":authority", b"u:p@a"), path], "the host has user information (`@`)"),
        (&[(":method", b"GET"), (":authority", b"a:99999"), path], "the host's port is no number from 0 to 65535"),
    ] {
        assert_eq!(reason(sent), told);
    }
}

#[test]
fn long_text_of_the_policy_is_cut_and_its_index_is_told() {
    let long = format!("params.id > 1000 && request.headers['x-a'] != '{}'", "x".repeat(500));
    let policy = policy(&POLICY.replace("params.id > 1", &long));
    let decision = decide(&policy, "GET", "/when/2", &[TOKEN], &Facts::none());
    let reason = policy.reason(decision.denial().unwrap()).unwrap();
    assert!(
        reason.starts_with("`conditions[0]`, `params.id > 1000 && request.headers['x-a'] != 'xxx")
            && reason.len() < 260,
        "{reason}"
    );
}
