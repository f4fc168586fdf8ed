//! What attacks on the language have found: each would open something if it came back.

use std::sync::Arc;

use crate::support::{headers, judge, policy};
use brama_policy::deciding::{Decision, Policy};
use brama_policy::identity::{Answer, Facts};

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

/// A public page for everything, and guarded routes beside it.
fn pages_and_guarded(guarded: &[&str]) -> Arc<Policy> {
    let guarded: String = guarded
        .iter()
        .enumerate()
        .map(|(number, path)| {
            format!("  - {{ id: g{number}, methods: [GET], path: '{path}', require: {{ credentials: [token], scopes: none }} }}\n")
        })
        .collect();
    policy(&format!(
        "{HEAD}
forward: {{ headers: {{}} }}
routes:
  - {{ id: all, methods: [GET], path: '/{{_page...}}', public: {{ because: pages }} }}
{guarded}"
    ))
}

#[test]
fn letters_that_some_reader_takes_for_a_stricter_route_s_do_not_pass() {
    let guarded = [
        "/class/{_x...}",
        "/admin/{_x...}",
        "/kelvin/{_x}",
        "/office/{_x}",
        "/caf%C3%A9/{_x}",
        "/%D0%B1%D1%8E%D1%80%D0%BE/{_x}",
        "/%CE%BF%CE%B4%CF%8C%CF%82/{_x}",
        "/Stra%C3%9Fe/{_x}",
        "/id/{_x:int}",
    ];
    let policy = pages_and_guarded(&guarded);
    for path in [
        "/cla%E1%BA%9E/x",   // U+1E9E
        "/cla%C3%9F/x",      // U+00DF
        "/CLA%C5%BFs/x",     // U+017F
        "/adm%C4%B0n/x",     // U+0130
        "/adm%C4%B1n/x",     // U+0131
        "/ADM%c4%b0N/x",     // the same, in lower-case digits
        "/admi%CC%87n/x",    // U+0307 above the i
        "/%EF%BD%81dmin/x",  // U+FF41
        "/ad%C2%ADmin/x",    // U+00AD
        "/ad%E2%80%8Bmin/x", // U+200B
        "/%E2%84%AAelvin/x", // U+212A
        "/o%EF%AC%83ce/x",   // U+FB03
        "/CAF%C3%89/x",
        "/cafe%CC%81/x", // U+0301
        "/%D0%91%D0%AE%D0%A0%D0%9E/x",
        "/%CE%9F%CE%94%CE%9F%CE%A3/x", // without the accent, as Greek capitals are
        "/strasse/x",
        "/STRA%E1%BA%9EE/x",
        "/id/%EF%BC%97", // U+FF17
    ] {
        assert_refused(&decide(&policy, "GET", path, &[]), path);
    }
    for path in
        ["/clazz/x", "/admen/x", "/%C3%A1dmin/x", "/cafe/x", "/%D0%B1%D1%8E%D1%80%D0%B0/x", "/id/x", "/Other", "/admin"]
    {
        let decision = decide(&policy, "GET", path, &[]);
        assert!(matches!(decision, Decision::Allow(_)), "{path}: {decision:?}");
    }
}

/// A route for `/files/{_rest...}`, one for `/files/readme`, and whether `/files/README` and `/files/readme/` pass for
/// whoever has it all.
const BESIDE: &[(&str, &str, bool)] = &[
    ("public: { because: a }", "public: { because: b }", true),
    ("public: { because: a }", "require: { credentials: [token], scopes: none }", false),
    ("require: { credentials: [token], scopes: none }", "public: { because: a }", true),
    ("require: { credentials: [token], scopes: none }", "require: { credentials: [token], scopes: none }", true),
    (
        "require: { credentials: [token], scopes: none }",
        "require: { credentials: [token, api_key], scopes: none }",
        false,
    ),
    (
        "require: { credentials: [token, api_key], scopes: none }",
        "require: { credentials: [token], scopes: none }",
        true,
    ),
    (
        "require: { credentials: [token], scopes: { all: [a] } }",
        "require: { credentials: [token], scopes: none }",
        true,
    ),
    (
        "require: { credentials: [token], scopes: { all: [a, b] } }",
        "require: { credentials: [token], scopes: { all: [b] } }",
        true,
    ),
    (
        "require: { credentials: [token], scopes: { all: [a] } }",
        "require: { credentials: [token], scopes: { all: [a, b] } }",
        false,
    ),
    (
        "require: { credentials: [token], scopes: { any: [a, b] } }",
        "require: { credentials: [token], scopes: { any: [a, b] } }",
        true,
    ),
    (
        "require: { credentials: [token], scopes: { any: [a, b] } }",
        "require: { credentials: [token], scopes: { all: [a] } }",
        false,
    ),
    // One of several is met by all of some, if one of these is among them, and by one of fewer.
    (
        "require: { credentials: [token], scopes: { all: [a] } }",
        "require: { credentials: [token], scopes: { any: [a, b] } }",
        true,
    ),
    (
        "require: { credentials: [token], scopes: { all: [a, b] } }",
        "require: { credentials: [token], scopes: { any: [b, c] } }",
        true,
    ),
    (
        "require: { credentials: [token], scopes: { all: [a, b] } }",
        "require: { credentials: [token], scopes: { any: [c, d] } }",
        false,
    ),
    (
        "require: { credentials: [token], scopes: { any: [a, b] } }",
        "require: { credentials: [token], scopes: { any: [c, b, a] } }",
        true,
    ),
    (
        "require: { credentials: [token], scopes: { any: [a, b] } }",
        "require: { credentials: [token], scopes: { any: [a, c] } }",
        false,
    ),
    (
        "require: { credentials: [token], scopes: { any: [a] } }",
        "require: { credentials: [token], scopes: { all: [a, b] } }",
        false,
    ),
    (
        "require: { credentials: [token], scopes: none }, mode: shadow",
        "require: { credentials: [token], scopes: none }",
        false,
    ),
    (
        "require: { credentials: [token], scopes: none }",
        "require: { credentials: [token], scopes: none }, mode: shadow",
        true,
    ),
    (
        "require: { credentials: [token], scopes: none, conditions: ['token.subject == \"me\"', 'request.method == \"GET\"'] }",
        "require: { credentials: [token], scopes: none, conditions: ['token.subject == \"me\"'] }",
        true,
    ),
    (
        "require: { credentials: [token], scopes: none }",
        "require: { credentials: [token], scopes: none, conditions: ['token.subject == \"me\"'] }",
        false,
    ),
    (
        "require: { credentials: [token], scopes: none, conditions: ['request.path != \"/files/readme\"'] }",
        "require: { credentials: [token], scopes: none, conditions: ['request.path != \"/files/readme\"'] }",
        false,
    ),
    // However the path is named, and not what only looks like it.
    (
        r#"require: { credentials: [token], scopes: none, conditions: ['!request["p\x61th"].endsWith("readme")'] }"#,
        r#"require: { credentials: [token], scopes: none, conditions: ['!request["p\x61th"].endsWith("readme")'] }"#,
        false,
    ),
    (
        r#"require: { credentials: [token], scopes: none, conditions: ['!("x-path" in request.headers)'] }"#,
        r#"require: { credentials: [token], scopes: none, conditions: ['!("x-path" in request.headers)'] }"#,
        true,
    ),
];

#[test]
fn letter_case_and_a_slash_refuse_only_where_the_other_reading_is_stricter() {
    for (rest, readme, passes) in BESIDE {
        let policy = policy(&format!(
            "{HEAD}
forward: {{ headers: {{}} }}
routes:
  - {{ id: rest, methods: [GET], path: '/files/{{_rest...}}', {rest} }}
  - {{ id: readme, methods: [GET], path: /files/readme, {readme} }}"
        ));
        let facts = Facts { subject: Some("me".parse().unwrap()), scope: "a b".parse().unwrap(), ..Facts::none() };
        let sent = [("authorization", "Bearer t"), ("api-key", "k")];
        let decide =
            |path| judge(&policy, &headers("GET", path, &sent), |_lookup| Answer::Active(Arc::new(facts.clone())));
        for path in ["/files/README", "/files/readme/", "/files/README/"] {
            let decision = decide(path);
            assert_eq!(matches!(decision, Decision::Allow(_)), *passes, "{path} {rest} | {readme}: {decision:?}");
            if let Decision::Allow(grant) = decision {
                assert_eq!(grant.rule().unwrap().as_str(), "rest");
            }
        }
        if let Decision::Allow(grant) = decide("/files/readme") {
            assert_eq!(grant.rule().unwrap().as_str(), "readme", "the route that is spelt so");
        }
    }
}

#[test]
fn owner_that_stands_elsewhere_in_the_other_reading_is_not_the_same() {
    let owned = |rest: &str, other: &str| {
        let require = "require: { credentials: [token], scopes: none, owner: { param: id, equals: token.client_id } }";
        policy(&format!(
            "{HEAD}
forward: {{ headers: {{}} }}
routes:
  - {{ id: a, methods: [GET], path: '{rest}', {require} }}
  - {{ id: b, methods: [GET], path: '{other}', {require} }}"
        ))
    };
    let facts = Facts { client_id: Some("me".parse().unwrap()), ..Facts::none() };
    for (own, other, path, passes) in [
        ("/{_x}/{id}", "/files/{id}", "/FILES/me", true),
        ("/{_x}/{id}", "/{id}/ME", "/x/me", false),
        ("/{_x}/{id}", "/{id...}", "/x/me", true),
    ] {
        let policy = owned(own, other);
        let sent = headers("GET", path, &[("authorization", "Bearer t")]);
        let decision = judge(&policy, &sent, |_lookup| Answer::Active(Arc::new(facts.clone())));
        assert_eq!(matches!(decision, Decision::Allow(_)), passes, "{own} {other}: {decision:?}");
    }
}

#[test]
fn preflight_request_does_not_pass_for_a_path_that_a_judged_route_differs_from_in_letter_case_or_a_slash() {
    let policy = policy(&format!(
        "{HEAD}
forward: {{ headers: {{}} }}
routes:
  - {{ id: files, methods: [GET], path: '/{{_r...}}', preflight: {{ because: cors }}, public: {{ because: files }} }}
  - {{ id: judged, methods: [GET], path: /judged, public: {{ because: files }} }}"
    ));
    let sent = [("origin", "https://a"), ("access-control-request-method", "GET")];
    for path in ["/JUDGED", "/judged/"] {
        assert_refused(&decide(&policy, "OPTIONS", path, &sent), "preflight");
        assert!(matches!(decide(&policy, "GET", path, &[]), Decision::Allow(_)), "both are public");
    }
}
