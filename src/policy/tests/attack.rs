//! What attacks on the language have found: each would open something if it came back.

#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test support"
)]

mod support;

use std::sync::Arc;

use brama_policy::{Answer, Decision, Facts, Policy};
use support::{headers, judge, policy};

const HEAD: &str = r#"
version: 1
name: x
authorities: { a: { cluster: a, host: a, timeout: 1s, auth: { bearer_env: S } } }
credentials:
  api_key: { header: api-key, cache: { ttl: 1s, refused_ttl: 1s, entries: 1 }, verify: [{ introspect: { authority: a, path: /i, hint: k, expect: { /u: k } } }] }
  token: { header: authorization, scheme: Bearer, cache: { ttl: 1s, refused_ttl: 1s, entries: 1 }, verify: [{ introspect: { authority: a, path: /i, hint: t, expect: { /u: t } } }] }
refusals: { format: ehealth }
"#;

fn decide(policy: &Arc<Policy>, method: &str, path: &str, sent: &[(&str, &str)]) -> Decision {
    judge(policy, &headers(method, path, sent), |_lookup| Answer::Active(Arc::new(Facts::none())))
}

#[track_caller]
fn assert_refused(decision: &Decision, what: &str) {
    assert!(matches!(decision, Decision::Refuse(_)), "{what}: {decision:?}");
}

#[test]
fn enforced_route_is_not_passed_by_a_slash_at_its_end_in_a_shadow_document() {
    let policy = policy(&format!(
        "{HEAD}
forward: {{ headers: {{}} }}
mode: {{ shadow: {{ because: trial }} }}
routes:
  - {{ id: r, methods: [DELETE], path: /secret, mode: enforce, require: {{ credentials: [token], scopes: none }} }}"
    ));
    for path in ["/secret", "/SECRET", "/secret/", "/SECRET/"] {
        assert_refused(&decide(&policy, "DELETE", path, &[]), path);
    }
}

#[test]
fn header_like_a_kept_credential_does_not_go_on() {
    let policy = policy(&format!(
        "{HEAD}
forward: {{ headers: {{}}, keep: [api_key] }}
routes:
  - {{ id: r, methods: [GET], path: /a, require: {{ credentials: [api_key], scopes: none }} }}"
    ));
    for alike in ["api_key", "api.key"] {
        match decide(&policy, "GET", "/a", &[("api-key", "mine"), (alike, "somebody's")]) {
            Decision::Refuse(_) => {}
            Decision::Allow(grant) => assert!(grant.remove().contains(&alike.to_owned()), "{alike}: {grant:?}"),
        }
    }
}

#[test]
fn header_that_must_not_be_there_is_seen_under_every_name_it_is_read_by() {
    let policy = policy(&format!(
        "{HEAD}
forward: {{ headers: {{}} }}
routes:
  - {{ id: r, methods: [GET], path: /a, require: {{ credentials: [token], scopes: none, conditions: ['!(\"x-debug\" in request.headers)'] }} }}"
    ));
    for name in ["x-debug", "X-Debug", "x.debug", "x_debug"] {
        assert_refused(&decide(&policy, "GET", "/a", &[("authorization", "Bearer t"), (name, "1")]), name);
    }
}

#[test]
fn origins_that_were_joined_make_no_preflight_request() {
    let policy = policy(&format!(
        "{HEAD}
forward: {{ headers: {{}} }}
routes:
  - {{ id: r, methods: [GET], path: /a, preflight: {{ because: cors }}, require: {{ credentials: [token], scopes: none }} }}"
    ));
    // Envoy 1.40 hands two `Origin` headers over as one.
    for origin in ["https://a,https://b", "https://a, https://b"] {
        let sent = [("origin", origin), ("access-control-request-method", "GET")];
        assert_refused(&decide(&policy, "OPTIONS", "/a", &sent), origin);
    }
}

#[test]
fn preflight_request_does_not_pass_a_guarded_route_that_is_more_specific() {
    let policy = policy(&format!(
        "{HEAD}
forward: {{ headers: {{}} }}
routes:
  - {{ id: files, methods: [GET], path: '/{{_r...}}', preflight: {{ because: cors }}, public: {{ because: files }} }}
  - {{ id: reset, methods: [OPTIONS], path: /admin/reset, require: {{ credentials: [token], scopes: none }} }}"
    ));
    let sent = [("origin", "https://a"), ("access-control-request-method", "GET")];
    assert_refused(&decide(&policy, "OPTIONS", "/admin/reset", &sent), "preflight");
}

#[test]
fn condition_does_not_see_a_client_s_copy_of_a_header_that_only_the_gateway_sets() {
    let policy = policy(&format!(
        "{HEAD}
forward: {{ headers: {{ x-consumer-id: token.subject }} }}
routes:
  - {{ id: r, methods: [GET], path: '/a/{{id}}', require: {{ credentials: [token], scopes: none, conditions: ['request.headers.exists(h, request.headers[h] == params.id)'] }} }}"
    ));
    let facts = Facts { subject: Some("me".parse().unwrap()), ..Facts::none() };
    for name in ["x-consumer-id", "x_consumer_id"] {
        let sent = headers("GET", "/a/victim", &[("authorization", "Bearer t"), (name, "victim")]);
        let decision = judge(&policy, &sent, |_lookup| Answer::Active(Arc::new(facts.clone())));
        assert_refused(&decision, "forged");
    }
}

#[test]
fn digits_of_an_escape_in_lower_case_are_no_way_round_a_route_or_a_condition() {
    let policy = policy(&format!(
        "{HEAD}
forward: {{ headers: {{}} }}
routes:
  - {{ id: all, methods: [GET], path: '/{{_r...}}', public: {{ because: pages }} }}
  - {{ id: cafe, methods: [GET], path: '/caf%C3%A9/{{_x}}', require: {{ credentials: [token], scopes: none }} }}
  - {{ id: files, methods: [GET], path: '/files/{{_r...}}', require: {{ credentials: [token], scopes: none, conditions: ['!request.path.contains(\"%C3%A9\")'] }} }}"
    ));
    for path in ["/caf%C3%A9/x", "/caf%c3%a9/x", "/caf%c3%A9/x", "/caf%C3%a9/x"] {
        assert_refused(&decide(&policy, "GET", path, &[]), path);
    }
    for path in ["/files/%C3%A9", "/files/%c3%a9", "/files/a/%c3%A9"] {
        assert_refused(&decide(&policy, "GET", path, &[("authorization", "Bearer t")]), path);
    }
    for path in ["/files/%C3%A8", "/files/%c3%a8"] {
        let decision = decide(&policy, "GET", path, &[("authorization", "Bearer t")]);
        assert!(matches!(decision, Decision::Allow(_)), "{path}: {decision:?}");
    }
}
