//! Which credentials a route needs: all of some, one of several, and those that may be there.

mod audience;

use std::sync::Arc;

use crate::support::{faults, headers, judge, policy};
use brama_policy::deciding::{Decision, Grant, Policy};
use brama_policy::identity::{Answer, FactList, FactValue, Facts, Lookup};
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A policy with a token in `authorization` or a cookie, and keys `partner` and `hook`, and one route.
fn text(require: &str, rest: &str) -> String {
    let verify = |facts: &str| {
        format!(
            "cache: {{ ttl: 1s, refused_ttl: 1s, entries: 1 }}, verify: [{{ introspect: {{ authority: a, path: /i, \
             hint: k, expect: {{ /u: k }}, facts: {{ further: {{ {facts} }} }} }} }}]"
        )
    };
    format!(
        "version: 1
name: x
authorities: {{ a: {{ cluster: a, host: a, timeout: 1s, auth: {{ bearer_env: S }} }} }}
credentials:
  token: {{ from: [{{ header: authorization, scheme: Bearer }}, {{ cookie: session }}], {} }}
  partner: {{ header: x-partner, {} }}
  hook: {{ header: x-hook, {} }}
forward: {{ headers: {{ x-user: token.subject, x-partner-id: partner.client_id }} }}
refusals: {{ format: problem, messages: {{}} }}
routes:
  - {{ id: r, methods: [GET], path: '/a/{{id}}', require: {{ {require} }} {rest} }}",
        verify("tenant: /tenant, groups: { list: /groups }"),
        verify("tenant: /tenant, groups: /groups"),
        verify(""),
    )
}

/// Facts that say of which credential they are: subject and client are its text, and its scope is its name.
fn answer(lookup: &Lookup) -> Answer {
    match lookup.credential().expose_secret() {
        "bad" => Answer::Inactive,
        text => Answer::Active(Arc::new(Facts {
            subject: Some(text.parse().unwrap()),
            client_id: Some(text.parse().unwrap()),
            client_type: Some(lookup.kind().as_str().parse().unwrap()),
            scope: lookup.kind().as_str().parse().unwrap(),
            further: vec![("tenant".into(), format!("of-{text}").parse().unwrap())],
            ..Facts::none()
        })),
    }
}

fn decide(policy: &Arc<Policy>, sent: &[(&str, &str)]) -> Result<Grant, String> {
    match judge(policy, &headers("GET", "/a/1", sent), answer) {
        Decision::Allow(grant) => Ok(grant),
        Decision::Refuse(refused) => Err(refused.denial().code().to_owned()),
    }
}

/// The identity headers of a request that passes, or the code of its denial.
fn told(policy: &Arc<Policy>, sent: &[(&str, &str)]) -> String {
    match decide(policy, sent) {
        Ok(grant) => grant.set().iter().map(|(name, value)| format!("{name}={value} ")).collect(),
        Err(code) => code,
    }
}

const TOKEN: (&str, &str) = ("authorization", "Bearer 1");
const COOKIE: (&str, &str) = ("cookie", "a=b; session=1");
const PARTNER: (&str, &str) = ("x-partner", "1");
const BAD_TOKEN: (&str, &str) = ("authorization", "Bearer bad");
const BAD_PARTNER: (&str, &str) = ("x-partner", "bad");

#[test]
fn one_of_several_is_enough_and_each_that_is_there_must_be_good() {
    let policy = policy(&text("credentials: { any: [partner, token] }, scopes: none", ""));
    for (sent, expected) in [
        (&[TOKEN][..], "x-user=1 "),
        (&[COOKIE], "x-user=1 "),
        (&[PARTNER], "x-partner-id=1 "),
        (&[PARTNER, TOKEN], "x-partner-id=1 x-user=1 "),
        (&[], "unauthenticated"),
        (&[("cookie", "a=b")], "unauthenticated"),
        // A bad one beside a good one is a refusal, whichever is the bad one.
        (&[PARTNER, BAD_TOKEN], "token_refused"),
        (&[BAD_PARTNER, TOKEN], "partner_refused"),
        (&[BAD_PARTNER], "partner_refused"),
        (&[PARTNER, ("cookie", "session=bad")], "token_refused"),
        (&[PARTNER, ("authorization", "Bearer")], "token_malformed"),
        (&[PARTNER, ("authorization", "Basic YTpi")], "token_malformed"),
        (&[PARTNER, ("authorization", "Bearer a b")], "token_malformed"),
        (&[("x-partner", ""), TOKEN], "partner_malformed"),
        // Twice is ambiguous, also where the other one would be enough.
        (&[PARTNER, TOKEN, COOKIE], "token_repeated"),
        (&[PARTNER, TOKEN, TOKEN], "token_repeated"),
        (&[PARTNER, PARTNER, TOKEN], "partner_repeated"),
        (&[PARTNER, ("X_Partner", "2")], "partner_repeated"),
        (&[TOKEN, ("cookie", "session=1; session=1")], "token_repeated"),
    ] {
        assert_eq!(told(&policy, sent), expected, "{sent:?}");
    }
}

#[test]
fn optional_credential_is_absent_or_good() {
    let policy = policy(&text("credentials: { all: [partner], optional: [token] }, scopes: { all: [partner] }", ""));
    for (sent, expected) in [
        (&[PARTNER][..], "x-partner-id=1 "),
        (&[PARTNER, TOKEN], "x-partner-id=1 x-user=1 "),
        (&[TOKEN], "partner_missing"),
        (&[], "partner_missing"),
        (&[PARTNER, BAD_TOKEN], "token_refused"),
        (&[PARTNER, ("authorization", "Basic YTpi")], "token_malformed"),
        (&[PARTNER, TOKEN, COOKIE], "token_repeated"),
    ] {
        assert_eq!(told(&policy, sent), expected, "{sent:?}");
    }
}

#[test]
fn request_may_pass_with_none_where_the_policy_says_why() {
    let because = "because: the catalogue is for everybody";
    let open = policy(&text(&format!("credentials: {{ optional: [token], {because} }}, scopes: none"), ""));
    for (sent, expected) in [
        (&[][..], ""),
        (&[TOKEN][..], "x-user=1 "),
        (&[BAD_TOKEN], "token_refused"),
        (&[("authorization", "bearer")], "token_malformed"),
        // Nothing asks for the key, and it does not go on.
        (&[BAD_PARTNER], ""),
    ] {
        assert_eq!(told(&open, sent), expected, "{sent:?}");
    }
    let removed = decide(&open, &[BAD_PARTNER, ("x-user", "forged")]).unwrap();
    assert_eq!(removed.remove(), ["x-partner", "x-user"]);
}

/// What only looks like an optional credential reaches no service, and is nobody's.
#[test]
fn optional_credential_in_a_hidden_place_does_not_go_on() {
    let open = policy(&text("credentials: { optional: [token], because: of a test }, scopes: none", ""));
    for sent in [("x_partner", "1"), ("X.Partner", "1"), ("x-partner", "1")] {
        let grant = decide(&open, &[sent]);
        let is_gone = grant.as_ref().is_ok_and(|grant| grant.remove().iter().any(|name| name == sent.0));
        assert!(is_gone, "{sent:?}");
    }
    // A cookie that a service could take for the session is taken off, or refused.
    for cookie in ["%73ession=1", "a=b; Session=1", "session[]=1"] {
        match decide(&open, &[("cookie", cookie)]) {
            Err(code) => assert!(code.starts_with("token_"), "{cookie}: {code}"),
            Ok(grant) => {
                let left = grant.cookies();
                let left = left.map_or_else(|| cookie.to_owned(), |left| String::from_utf8(left.to_vec()).unwrap());
                let is_gone = grant.remove().contains(&"cookie".to_owned()) || !left.contains("ession");
                assert!(is_gone, "{cookie}: {left}");
            }
        }
    }
}

#[test]
fn identity_of_several_is_the_first_that_is_there() {
    let forward = ", forward: { headers: { x-who: any.subject, x-tenant: any.tenant } }";
    let rules = "credentials: { any: [partner, token] }, scopes: { any: [partner, token] }, \
                 owner: { param: id, equals: any.client_id, except_client_types: [nobody] }";
    let policy = policy(&text(rules, forward));
    for (sent, expected) in [
        (&[TOKEN][..], "x-tenant=of-1 x-who=1 "),
        (&[PARTNER], "x-tenant=of-1 x-who=1 "),
        (&[PARTNER, ("authorization", "Bearer 2")], "x-tenant=of-1 x-who=1 "),
        // The token owns the resource, and the key is who asks.
        (&[("x-partner", "2"), TOKEN], "not_owner"),
        (&[("authorization", "Bearer 2")], "not_owner"),
    ] {
        assert_eq!(told(&policy, sent), expected, "{sent:?}");
    }
    let Decision::Refuse(refused) = judge(&policy, &headers("GET", "/a/1", &[("x-partner", "2")]), answer) else {
        panic!("allowed")
    };
    assert_eq!(policy.reason(refused.denial()).unwrap(), "`partner.client_id` is not the path's `id`");
    let scoped = crate::support::policy(&text("credentials: { any: [partner, token] }, scopes: { all: [token] }", ""));
    assert_eq!(told(&scoped, &[TOKEN]), "x-user=1 ");
    // The scopes of the second are no help to the first.
    assert_eq!(told(&scoped, &[PARTNER, TOKEN]), "scope_missing");
    let reordered =
        crate::support::policy(&text("credentials: { any: [token, partner] }, scopes: { all: [token] }", ""));
    assert_eq!(told(&reordered, &[PARTNER, TOKEN]), "x-partner-id=1 x-user=1 ");
}

#[test]
fn what_may_be_absent_is_bound_where_it_is_there() {
    let rules = "credentials: { all: [partner], optional: [token] }, scopes: none, \
                 bind: { partner: client_id, token: client_id }";
    let policy = policy(&text(rules, ""));
    assert_eq!(told(&policy, &[PARTNER]), "x-partner-id=1 ");
    assert_eq!(told(&policy, &[PARTNER, TOKEN]), "x-partner-id=1 x-user=1 ");
    assert_eq!(told(&policy, &[("x-partner", "2"), TOKEN]), "not_bound");
    let rules =
        "credentials: { all: [hook], any: [partner, token] }, scopes: none, bind: { hook: client_id, any: client_id }";
    let policy = crate::support::policy(&text(rules, ""));
    assert_eq!(told(&policy, &[("x-hook", "1"), PARTNER, ("authorization", "Bearer 2")]), "x-partner-id=1 x-user=2 ");
    assert_eq!(told(&policy, &[("x-hook", "2"), PARTNER, ("authorization", "Bearer 2")]), "not_bound");
    assert_eq!(told(&policy, &[("x-hook", "1"), TOKEN]), "x-user=1 ");
    assert_eq!(told(&policy, &[("x-hook", "1")]), "unauthenticated");
    assert_eq!(told(&policy, &[PARTNER]), "hook_missing");
}

#[cfg(feature = "cel")]
#[test]
fn conditions_ask_what_is_there() {
    let because = "because: of a test";
    let rules = format!(
        "credentials: {{ optional: [token, partner], {because} }}, scopes: none, conditions: \
         ['!has(token) || token.client_id == params.id', 'has(token) || !has(partner)', 'now > timestamp(\"2023-01-01T00:00:00Z\")']"
    );
    let policy = policy(&text(&rules, ""));
    for (sent, expected) in [
        (&[][..], ""),
        (&[TOKEN][..], "x-user=1 "),
        (&[("authorization", "Bearer 2")], "condition_false"),
        (&[PARTNER], "condition_false"),
        (&[TOKEN, PARTNER], "x-partner-id=1 x-user=1 "),
    ] {
        assert_eq!(told(&policy, sent), expected, "{sent:?}");
    }
    let of_any = "credentials: { any: [partner, token] }, scopes: none, conditions: \
                  ['any.tenant == \"of-1\" && (has(partner) || any.client_type == \"token\")']";
    let policy = crate::support::policy(&text(of_any, ""));
    assert_eq!(told(&policy, &[TOKEN]), "x-user=1 ");
    assert_eq!(told(&policy, &[PARTNER, ("authorization", "Bearer 2")]), "x-partner-id=1 x-user=2 ");
    assert_eq!(told(&policy, &[("x-partner", "2"), TOKEN]), "condition_false");
    let absent = "credentials: { any: [partner, token] }, scopes: none, conditions: ['token.client_id == \"1\"']";
    assert_eq!(told(&crate::support::policy(&text(absent, "")), &[PARTNER]), "condition_failed");
}

/// A client could leave out what the authority is to hold another credential against.
#[test]
fn what_goes_along_with_a_question_is_there() {
    let sent = |credentials: &str| {
        let text = text(&format!("credentials: {credentials}, scopes: none"), "");
        faults(&text.replacen("hint: k,", "hint: k, send: [partner],", 1))
    };
    let fault =
        "`partner` goes along with the question about `token`, and may be absent here (write `partner` under `all`)";
    for credentials in
        ["{ any: [partner, token] }", "{ any: [token, partner] }", "{ all: [token], optional: [partner] }"]
    {
        let found = sent(credentials);
        let later = "`partner` goes along with the question about `token`, and is verified after it";
        assert!(found.iter().any(|line| line.contains(fault) || line.contains(later)), "{credentials}: {found:?}");
    }
    assert_eq!(sent("{ all: [partner], optional: [token] }"), [""; 0]);
    assert_eq!(sent("[token]"), [""; 0]);
}

/// What a route's headers want of its alternatives is wanted of no other credential.
#[test]
fn forward_of_a_route_is_that_of_its_own_alternatives() {
    let text = text(
        "credentials: { any: [partner, token] }, scopes: none",
        ", forward: { headers: { x-a: { fact: any.tenant, encoding: percent } } }",
    );
    let own = "- { id: s, methods: [GET], path: /b, forward: { headers: {} }, require: { credentials: { any: [hook, partner] }, scopes: none } }";
    let policy = policy(&format!("{text}\n  {own}"));
    let unwritable = |name: &str| {
        let further = vec![("tenant".into(), FactValue::List(FactList::new(["a"]).unwrap()))];
        policy.unwritable(policy.credential(name).unwrap(), &Facts { further, ..Facts::none() }).is_some()
    };
    assert!(unwritable("partner") && unwritable("token") && !unwritable("hook"));
}

#[test]
fn codes_are_those_that_a_request_can_meet() {
    let given = |require: &str| policy(&text(require, "")).denials();
    let any = given("credentials: { any: [partner, token] }, scopes: none");
    for (code, is_given) in [
        ("unauthenticated", true),
        ("token_missing", false),
        ("partner_missing", false),
        ("token_malformed", true),
        ("token_repeated", true),
        ("partner_refused", true),
        ("hook_refused", false),
    ] {
        assert_eq!(any.contains(&code.to_owned()), is_given, "{code}");
    }
    let all = given("credentials: { all: [partner], optional: [token] }, scopes: none");
    assert!(!all.contains(&"unauthenticated".to_owned()) && !all.contains(&"token_missing".to_owned()));
    assert!(all.contains(&"partner_missing".to_owned()) && all.contains(&"token_refused".to_owned()));
    let policy = policy(&text("credentials: { any: [partner, token] }, scopes: none", ""));
    let Decision::Refuse(refused) = judge(&policy, &headers("GET", "/a/1", &[]), answer) else { panic!("allowed") };
    assert_eq!(refused.denial().status(), 401);
    let reason = "no header `x-partner` was sent; no header `authorization`, no cookie `session` was sent";
    assert_eq!(policy.reason(refused.denial()).unwrap(), reason);
}

#[test]
fn faulty_requirements_are_told() {
    for (require, fault) in [
        ("credentials: {}, scopes: none", "credentials: write `all`, `any` or `optional` with at least one credential"),
        ("credentials: { any: [] }, scopes: none", "credentials.any: write at least one credential"),
        (
            "credentials: { any: [token] }, scopes: none",
            "credentials.any: one alternative is none (write `all: [token]`)",
        ),
        (
            "credentials: { optional: [token] }, scopes: none",
            "credentials: a request may pass with no credential; say why",
        ),
        (
            "credentials: { optional: [token], because: ' ' }, scopes: none",
            "credentials.because: say why a request may pass with no credential",
        ),
        (
            "credentials: { all: [token], because: x }, scopes: none",
            "credentials.because: a request needs a credential here",
        ),
        ("credentials: { because: x }, scopes: none", "a route for everybody is `public`"),
        (
            "credentials: { all: [token], any: [token, partner] }, scopes: none",
            "credentials: `token` is written in two of the lists",
        ),
        ("credentials: { any: [token, token] }, scopes: none", "credentials.any[1]: `token` is written twice"),
        ("credentials: { any: [token, partnr] }, scopes: none", "did you mean `partner`?"),
        ("credentials: { all: [token, any] }, scopes: none", "`credentials.any` is not in this policy"),
        (
            "credentials: { any: [token, partner] }, scopes: { all: [a], of: [token] }",
            "scopes.of[0]: `token` is one of several alternatives, and a request without it has no such scopes (write `any`",
        ),
        (
            "credentials: { all: [partner], optional: [token] }, scopes: { all: [a], of: [token] }",
            "scopes.of[0]: `token` is optional, and a request without it has no such scopes (write a condition",
        ),
        (
            "credentials: { all: [partner], optional: [token] }, scopes: none, owner: { param: id, equals: token.client_id }",
            "owner.equals: `token` is optional, and a request without it has no such owner",
        ),
        (
            "credentials: { optional: [token], because: x }, scopes: { all: [a] }",
            "scopes: a request may have no credential here, and no scopes",
        ),
        (
            "credentials: { all: [hook], any: [token, partner] }, scopes: { all: [a] }",
            "scopes: say whose scopes these are (write `of: [hook, any]`, or one of them)",
        ),
        (
            "credentials: [token], scopes: { all: [a], of: [any] }",
            "scopes.of[0]: `any` stands for one of several alternatives, and there are none",
        ),
        (
            "credentials: { any: [token, partner] }, scopes: none, owner: { param: id, equals: any.org }",
            "`org` is no fact of `any`; there are `subject`, `client_id`, `client_type`, `scope`, `tenant`",
        ),
        // Its alternatives state it with different types.
        (
            "credentials: { any: [token, partner] }, scopes: none, owner: { param: id, in: any.groups }",
            "`groups` is no fact of `any`",
        ),
        (
            "credentials: { any: [token, partner] }, scopes: none, bind: { any: client_id, token: client_id }",
            "bind: `token` is one of the alternatives itself",
        ),
        (
            "credentials: { all: [token], optional: [partner] }, scopes: none, bind: { token: client_id, hook: client_id }",
            "bind.hook: this route does not require `hook`",
        ),
    ] {
        let found = faults(&text(require, ""));
        assert!(found.iter().any(|line| line.contains(fault)), "{require}: {found:?}");
    }
    let found = faults(&text("credentials: [token], scopes: none", ", forward: { headers: { x-a: any.subject } }"));
    assert!(found[0].contains("`any` stands for one of several alternatives, and there are none"), "{found:?}");
    let logged = text("credentials: { any: [token, partner] }, scopes: none", "")
        .replace("routes:", "log: { facts: [any.subject] }\nroutes:");
    assert!(faults(&logged)[0].contains("write the fact of each credential"), "{:?}", faults(&logged));
    // What no route has, no header tells.
    let document =
        text("credentials: [token], scopes: none", "").replace("x-user: token.subject", "x-user: any.subject");
    assert!(faults(&document)[0].contains("there are none"), "{:?}", faults(&document));
    let document = document.replace("credentials: [token], scopes", "credentials: { any: [token, partner] }, scopes");
    assert_eq!(faults(&document), [""; 0]);
}
