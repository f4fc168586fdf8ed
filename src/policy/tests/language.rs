//! What the language says beyond the shipped policy: hosts, scopes of several identities, binding, shadow mode,
//! preflight, forwarding, words.

use std::sync::Arc;

use crate::support::{headers, judge, now, policy};
use brama_policy::deciding::{Decision, Denial, Envelope, Grant, Moment, Policy, Request, RuleId, Step, UnixTime};
use brama_policy::identity::{Answer, Facts, Unavailable};
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

const HEAD: &str = r#"
version: 1
name: x
authorities: { a: { cluster: a, host: a, timeout: 1s, auth: { bearer_env: S } } }
credentials:
  api_key: { header: api-key, cache: { ttl: 1s, refused_ttl: 1s, entries: 1 }, verify: [{ introspect: { authority: a, path: /i, hint: k, expect: { /u: k } } }] }
  token: { header: authorization, scheme: Bearer, cache: { ttl: 1s, refused_ttl: 1s, entries: 1 },
    verify: [{ introspect: { authority: a, path: /i, hint: t, expect: { /u: t }, facts: { further: { tenant: /tenant } } } }] }
"#;

/// A policy of one route for `GET /a/{x}` with these requirements; further keys of the route and of the document.
fn one(require: &str, route: &str, document: &str) -> Arc<Policy> {
    policy(&format!(
        "{HEAD}
forward: {{ headers: {{ x-user: token.subject, x-broker: api_key.client_id }}, keep: [] }}
refusals: {{ format: ehealth }}
{document}
routes:
  - {{ id: r, methods: [GET], path: '/a/{{_x}}', require: {{ {require} }}{route} }}"
    ))
}

fn facts(client_id: &str, scope: &str) -> Answer {
    Answer::Active(Arc::new(Facts {
        subject: Some("u".parse().unwrap()),
        client_id: Some(client_id.parse().unwrap()),
        scope: scope.parse().unwrap(),
        further: vec![("tenant".into(), "t1".parse().unwrap())],
        ..Facts::none()
    }))
}

const BOTH: [(&str, &str); 2] = [("api-key", "k"), ("authorization", "Bearer t")];

fn decide(policy: &Arc<Policy>, sent: &[(&str, &str)], api_key: &Answer, token: &Answer) -> Decision {
    judge(policy, &headers("GET", "/a/b", sent), |lookup| match lookup.kind().as_str() {
        "api_key" => api_key.clone(),
        _ => token.clone(),
    })
}

#[track_caller]
fn granted(decision: Decision) -> Grant {
    match decision {
        Decision::Allow(grant) => grant,
        Decision::Refuse(refused) => panic!("{refused:?}"),
    }
}

#[track_caller]
fn denial(decision: Decision) -> Denial {
    match decision {
        Decision::Allow(grant) => panic!("{grant:?}"),
        Decision::Refuse(refused) => refused.denial().clone(),
    }
}

fn code(decision: &Decision) -> &str {
    match decision {
        Decision::Allow(grant) => grant.would_refuse().map_or("allowed", |denial| denial.code()),
        Decision::Refuse(refused) => refused.denial().code(),
    }
}

#[test]
fn any_of_several_scopes_suffices() {
    let policy = one("credentials: [token], scopes: { any: [a, b] }", "", "");
    for (scope, outcome) in [("a", "allowed"), ("c b", "allowed"), ("", "scope_missing"), ("c", "scope_missing")] {
        assert_eq!(code(&decide(&policy, &BOTH, &Answer::Inactive, &facts("c", scope))), outcome, "{scope}");
    }
}

#[test]
fn broker_needs_the_scopes_too_where_the_route_says_so() {
    let policy = one("credentials: [api_key, token], scopes: { all: [a, b], of: [token, api_key] }", "", "");
    for (broker, token, lack) in [
        ("a b", "a b c", None),
        ("a", "a b", Some(("api_key", "b"))),
        ("", "a b", Some(("api_key", "a b"))),
        ("a b", "b", Some(("token", "a"))),
    ] {
        let decision = decide(&policy, &BOTH, &facts("m", broker), &facts("c", token));
        let Some((kind, scopes)) = lack else {
            granted(decision);
            continue;
        };
        let Denial::ScopeMissing { of, missing, .. } = denial(decision) else { panic!("{broker} {token}") };
        assert_eq!((of.as_str(), missing.to_string().as_str()), (kind, scopes));
    }
}

#[test]
fn token_must_belong_to_the_api_key_where_they_are_bound() {
    let policy =
        one("credentials: [api_key, token], scopes: none, bind: { token: client_id, api_key: client_id }", "", "");
    assert_eq!(code(&decide(&policy, &BOTH, &facts("m", ""), &facts("m", ""))), "allowed");
    assert_eq!(code(&decide(&policy, &BOTH, &facts("m", ""), &facts("n", ""))), "not_bound");
    // Two that state nothing are not equal.
    let nothing = Answer::Active(Arc::new(Facts::none()));
    assert_eq!(code(&decide(&policy, &BOTH, &nothing, &nothing)), "not_bound");
}

#[test]
fn further_fact_can_own_a_resource() {
    let policy = policy(&format!(
        "{HEAD}
forward: {{ headers: {{ x-tenant: token.tenant }} }}
refusals: {{ format: ehealth }}
routes:
  - {{ id: r, methods: [GET], path: '/a/{{t}}', require: {{ credentials: [token], scopes: none, owner: {{ param: t, equals: token.tenant }} }} }}"
    ));
    let ask = |path: &str| judge(&policy, &headers("GET", path, &BOTH), |_| facts("c", ""));
    assert_eq!(granted(ask("/a/t1")).set(), [("x-tenant".to_owned(), "t1".to_owned())]);
    assert_eq!(code(&ask("/a/t2")), "not_owner");
}

#[test]
fn shadow_mode_marks_and_lets_pass() {
    let policy = one("credentials: [api_key, token], scopes: { all: [a] }", ", mode: shadow", "");
    let (good, bad) = (facts("m", "a"), Answer::Inactive);
    let away = Answer::Unavailable(Unavailable::NoReply);
    let user = ("x-user".to_owned(), "u".to_owned());
    let broker = ("x-broker".to_owned(), "m".to_owned());
    for (sent, api_key, token, mark, told) in [
        (&BOTH[..], &good, &good, None, vec![broker.clone(), user.clone()]),
        // Verified, and not enough: the identity is known.
        (&BOTH, &good, &facts("m", ""), Some("scope_missing"), vec![broker.clone(), user]),
        // Only what was verified is told.
        (&BOTH, &good, &bad, Some("token_refused"), vec![broker.clone()]),
        (&BOTH, &good, &away, Some("token_unavailable"), vec![broker]),
        (&BOTH, &bad, &good, Some("api_key_refused"), vec![]),
        (&BOTH[..1], &good, &good, Some("token_missing"), vec![]),
        (&[], &good, &good, Some("api_key_missing"), vec![]),
    ] {
        let grant = granted(decide(&policy, sent, api_key, token));
        assert_eq!(grant.would_refuse().map(Denial::code), mark, "{sent:?}");
        assert_eq!(grant.set(), told, "{mark:?}");
        assert_eq!(grant.rule().map(RuleId::as_str), Some("r"));
        assert_eq!(grant.remove(), sent.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    }
}

#[test]
fn api_key_that_ends_while_the_token_is_asked_for_is_forwarded_in_no_mode() {
    let end = UnixTime::from_seconds(1_700_000_010);
    let key = Facts { client_id: Some("broker".parse().unwrap()), expires: Some(end), ..Facts::none() };
    for (mode, is_allowed) in [("", false), (", mode: shadow", true)] {
        let policy = one("credentials: [api_key, token], scopes: none", mode, "");
        let sent = headers("GET", "/a/b", &BOTH);
        let Step::Ask(_lookup, awaiting) = policy.begin(&Request::new(&sent), now()) else { panic!() };
        let Step::Ask(_lookup, awaiting) = awaiting.resume(Answer::Active(Arc::new(key.clone())), now()) else {
            panic!()
        };
        match awaiting.resume(facts("c", ""), Moment { wall: end, ..now() }) {
            Step::Done(Decision::Allow(grant)) => {
                assert!(is_allowed);
                assert_eq!(grant.would_refuse().unwrap().code(), "api_key_expired");
                assert!(grant.set().iter().all(|(name, _value)| name != "x-broker"), "{grant:?}");
            }
            Step::Done(Decision::Refuse(refused)) => {
                assert!(!is_allowed);
                assert_eq!(refused.denial().code(), "api_key_expired");
            }
            Step::Ask(..) => panic!(),
        }
    }
}

#[test]
fn shadow_mode_waives_no_ambiguity() {
    let policy = one("credentials: [api_key, token], scopes: none", ", mode: shadow", "");
    let good = facts("m", "");
    for (sent, outcome) in [
        (&[("api-key", "k"), ("api-key", "l")][..], "api_key_repeated"),
        // Hidden behind a missing API key, which it would waive.
        (&[("authorization", "Basic x")], "token_malformed"),
        (&[("authorization", "Bearer a,b")], "token_repeated"),
        (&[("x-http-method-override", "GET")], "method_overridden"),
        (&[("upgrade", "x")], "upgrade_refused"),
    ] {
        let decision = decide(&policy, sent, &good, &good);
        assert_eq!(denial(decision).code(), outcome);
    }
    let ask = |path: &str| judge(&policy, &headers("GET", path, &BOTH), |_| good.clone());
    assert_eq!(denial(ask("/a//b")).code(), "path_ambiguous");
    assert_eq!(denial(ask("/A/b")).code(), "path_ambiguous");
    // The document is enforced: what no rule names is refused.
    assert_eq!(denial(ask("/b")).code(), "route_unknown");
}

#[test]
fn policy_in_shadow_mode_marks_what_no_rule_names_too() {
    let shadow = "mode: { shadow: { because: a trial } }";
    let policy = one("credentials: [token], scopes: none", "", shadow);
    let forged = headers("GET", "/b", &[("x-user", "forged"), ("authorization", "Bearer t")]);
    let grant = granted(judge(&policy, &forged, |_| panic!("nothing is asked")));
    assert_eq!((grant.rule(), grant.would_refuse()), (None, Some(&Denial::RouteUnknown)));
    assert_eq!(grant.remove(), ["authorization", "x-user"]);
    assert_eq!(code(&decide(&policy, &BOTH, &Answer::Inactive, &Answer::Inactive)), "token_refused");
    assert!(matches!(decide(&policy, &BOTH, &Answer::Inactive, &Answer::Inactive), Decision::Allow(_)));
    // A route can be enforced all the same.
    let policy = one("credentials: [token], scopes: none", ", mode: enforce", shadow);
    assert!(matches!(decide(&policy, &BOTH, &Answer::Inactive, &Answer::Inactive), Decision::Refuse(_)));
    // A second spelling of that route is no way round it.
    for path in ["/a/b/", "/A/b/", "/A/b"] {
        let decision = judge(&policy, &headers("GET", path, &BOTH), |_| panic!("nothing is asked"));
        assert_eq!(denial(decision).code(), "path_ambiguous", "{path}");
    }
    assert!(matches!(judge(&policy, &headers("GET", "/b/", &BOTH), |_| panic!()), Decision::Allow(_)));
}

#[test]
fn kept_credential_that_is_repeated_is_refused_on_every_route() {
    let policy = policy(&format!(
        "{HEAD}
mode: {{ shadow: {{ because: a trial }} }}
forward: {{ headers: {{}}, keep: [token] }}
refusals: {{ format: ehealth }}
routes: [{{ id: open, methods: [GET], path: /open, public: {{ because: a test }} }}]"
    ));
    for path in ["/open", "/elsewhere"] {
        let ask = |sent: &[(&str, &str)]| judge(&policy, &headers("GET", path, sent), |_| panic!("nothing is asked"));
        assert!(granted(ask(&[("authorization", "Basic x"), ("api-key", "k")])).remove() == ["api-key"]);
        assert_eq!(
            denial(ask(&[("authorization", "Bearer a"), ("authorization", "Bearer b")])).code(),
            "token_repeated"
        );
        assert_eq!(denial(ask(&[("authorization", "Bearer a, Bearer b")])).code(), "token_repeated");
    }
}

#[test]
fn route_for_options_goes_before_a_preflight_that_passes() {
    let policy = policy(&format!(
        "{HEAD}
forward: {{ headers: {{}} }}
refusals: {{ format: ehealth }}
routes:
  - {{ id: get, methods: [GET], path: /a, preflight: {{ because: a test }}, require: {{ credentials: [token], scopes: none }} }}
  - {{ id: options, methods: [OPTIONS], path: /a, require: {{ credentials: [token], scopes: none }} }}"
    ));
    let preflight = [("origin", "https://b.example"), ("access-control-request-method", "GET")];
    assert_eq!(code(&judge(&policy, &headers("OPTIONS", "/a", &preflight), |_| panic!())), "token_missing");
}

#[test]
fn preflight_passes_where_a_route_lets_it() {
    let open = ", preflight: { because: the CORS filter answers it }";
    let (open, shut) =
        (one("credentials: [token], scopes: none", open, ""), one("credentials: [token], scopes: none", "", ""));
    let ask = |policy: &Arc<Policy>, method: &str, path: &str, sent: &[(&str, &str)]| {
        code(&judge(policy, &headers(method, path, sent), |_| panic!("nothing is asked"))).to_owned()
    };
    let preflight = [("origin", "https://b.example"), ("access-control-request-method", "GET")];
    assert_eq!(ask(&open, "OPTIONS", "/a/b", &preflight), "allowed");
    assert_eq!(ask(&shut, "OPTIONS", "/a/b", &preflight), "route_unknown");
    for (method, path, sent, outcome) in [
        ("OPTIONS", "/b", &preflight[..], "route_unknown"),
        ("OPTIONS", "/A/b", &preflight, "path_ambiguous"),
        ("OPTIONS", "/a/b", &preflight[..1], "route_unknown"),
        ("OPTIONS", "/a/b", &preflight[1..], "route_unknown"),
        ("OPTIONS", "/a/b", &[preflight[0], preflight[0], preflight[1]], "route_unknown"),
        ("OPTIONS", "/a/b", &[preflight[0], ("access-control-request-method", "PUT")], "route_unknown"),
        ("OPTIONS", "/a/b", &[preflight[0], ("access_control_request_method", "GET")], "route_unknown"),
        ("GET", "/a/b", &preflight, "token_missing"),
        ("POST", "/a/b", &preflight, "route_unknown"),
    ] {
        assert_eq!(ask(&open, method, path, sent), outcome, "{method} {path} {sent:?}");
    }
    let grant = granted(judge(
        &open,
        &headers("OPTIONS", "/a/b", &[preflight[0], preflight[1], ("x-user", "f"), BOTH[1]]),
        |_| panic!(),
    ));
    assert_eq!((grant.remove(), grant.set()), (&["authorization".to_owned(), "x-user".to_owned()][..], &[][..]));
}

#[test]
fn host_chooses_the_route() {
    let policy = policy(&format!(
        "{HEAD}
forward: {{ headers: {{}} }}
refusals: {{ format: ehealth }}
routes:
  - {{ id: any, methods: [GET], path: /a, require: {{ credentials: [token], scopes: none }} }}
  - {{ id: below, methods: [GET], path: /a, hosts: ['*.b.example'], public: {{ because: a test }} }}"
    ));
    for (host, outcome) in [
        ("c.b.example", "allowed"),
        ("C.B.EXAMPLE:80", "allowed"),
        ("b.example", "token_missing"),
        ("cb.example", "token_missing"),
        ("other", "token_missing"),
        ("c.b.example,other", "host_malformed"),
    ] {
        let mut sent = headers("GET", "/a", &[]);
        sent[2].1 = host.into();
        assert_eq!(code(&judge(&policy, &sent, |_| panic!())), outcome, "{host}");
    }
}

#[test]
fn service_is_told_facts_objects_and_fixed_texts() {
    let policy = policy(&format!(
        "{HEAD}
forward:
  headers: {{ x-user: token.subject }}
  json: {{ x-meta: {{ client: token.client_id, scope: token.scope, broker: api_key.client_id }}, x-broker: {{ id: api_key.client_id }} }}
  fixed: {{ x-gateway: brama 1 }}
  strip: [x-meta-*]
  keep: [token]
refusals: {{ format: ehealth }}
routes:
  - {{ id: token, methods: [GET], path: '/a/b', require: {{ credentials: [token], scopes: none }} }}
  - {{ id: open, methods: [GET], path: /open, public: {{ because: a test }} }}"
    ));
    let sent =
        [&BOTH[..], &[("x-meta", "f"), ("x_meta", "f"), ("x-meta-a", "f"), ("X-Gateway", "f"), ("x-other", "o")]]
            .concat();
    let grant = granted(decide(&policy, &sent, &Answer::Inactive, &facts("c\"1", "a b")));
    let set: Vec<_> = grant.set().iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    // What is the API key's is not told where none is required.
    let meta = r#"{"client":"c\"1","scope":"a b"}"#;
    assert_eq!(set, [("x-gateway", "brama 1"), ("x-user", "u"), ("x-meta", meta)]);
    assert_eq!(grant.remove(), ["X-Gateway", "api-key", "x-meta", "x-meta-a", "x_meta"]);
    let open = granted(judge(&policy, &headers("GET", "/open", &sent), |_| panic!()));
    assert_eq!(open.set(), [("x-gateway".to_owned(), "brama 1".to_owned())]);
    assert_eq!(open.remove(), grant.remove());
    // A member that is not stated refuses, as a header does.
    let nameless = Answer::Active(Arc::new(Facts { client_id: None, ..Facts::none() }));
    assert_eq!(code(&decide(&policy, &BOTH, &Answer::Inactive, &nameless)), "fact_missing");
}

#[test]
fn words_of_a_refusal_are_the_policys() {
    let words = r#"messages: { scope_missing: "Missing allowances: {missing_scopes}", route_unknown: "ACL: No matching rule" }"#;
    let policy = policy(&format!(
        "{HEAD}
forward: {{ headers: {{}} }}
refusals: {{ format: problem, {words} }}
routes:
  - {{ id: token, methods: [GET], path: '/a/b', require: {{ credentials: [token], scopes: {{ all: [a, b, c] }} }} }}"
    ));
    let told = |denial: &Denial| {
        let refusal = policy.refusal(denial, Envelope { url: "http://a/b", request_id: "1" });
        serde_json::from_str::<serde_json::Value>(&refusal.body).unwrap()["detail"].clone()
    };
    assert_eq!(told(&denial(decide(&policy, &BOTH, &Answer::Inactive, &facts("c", "b")))), "Missing allowances: a, c");
    assert_eq!(told(&Denial::RouteUnknown), "ACL: No matching rule");
    assert_eq!(told(&Denial::NotCarriedOut), "Service unavailable");
}
