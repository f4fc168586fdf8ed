//! Facts of other types than text: how they are read, required, forwarded and logged.

use std::sync::Arc;

use crate::support::{headers, judge, policy};
use brama_policy::deciding::{Decision, Grant, Policy, PolicyDocument};
use brama_policy::identity::{Answer, Lookup, Reply};
use serde_json::{Value, json};
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

const FACTS: &str = "subject: /sub, scope: [/scope, /roles, { members: /granted }], further: { name: /name, \
                     level: { int: /level }, is_admin: { bool: /admin }, groups: { list: /groups }, orgs: { members: /orgs } }";

/// A policy of one route for `GET /orgs/{org}`, with these facts, these headers and these requirements.
fn document(facts: &str, forward: &str, require: &str) -> String {
    format!(
        "
version: 1
name: x
authorities: {{ a: {{ cluster: a, host: a, timeout: 1s, auth: {{ bearer_env: S }} }} }}
credentials:
  token: {{ header: authorization, scheme: Bearer, cache: {{ ttl: 1s, refused_ttl: 1s, entries: 1 }},
    verify: [{{ introspect: {{ authority: a, path: /i, hint: t, expect: {{ /u: t }}, facts: {{ {facts} }} }} }}] }}
forward: {{ {forward} }}
refusals: {{ format: bare }}
routes:
  - {{ id: r, methods: [GET], path: '/orgs/{{org}}', require: {{ credentials: [token], {require} }} }}"
    )
}

fn faults(facts: &str, forward: &str, require: &str) -> String {
    let yaml: Value = serde_saphyr::from_str(&document(facts, forward, require)).unwrap();
    match PolicyDocument::read(&yaml.to_string()).and_then(|document| Policy::compile(&document)) {
        Ok(_policy) => String::new(),
        Err(faults) => faults.to_string(),
    }
}

/// An authority's answer, read as the policy says.
fn answer(lookup: &Lookup, said: &Value) -> Answer {
    let mut body = json!({ "active": true, "u": "t" });
    body.as_object_mut().unwrap().extend(said.as_object().unwrap().clone());
    lookup.answer(Reply { status: 200, body: body.to_string().as_bytes() })
}

fn decide(policy: &Arc<Policy>, path: &str, said: &Value) -> Decision {
    judge(policy, &headers("GET", path, &[("authorization", "Bearer t")]), |lookup| answer(lookup, said))
}

fn code(decision: &Decision) -> &str {
    match decision {
        Decision::Allow(_) => "allowed",
        Decision::Refuse(refused) => refused.denial().code(),
    }
}

#[track_caller]
fn granted(decision: Decision) -> Grant {
    match decision {
        Decision::Allow(grant) => grant,
        Decision::Refuse(refused) => panic!("{refused:?}"),
    }
}

fn why(policy: &Policy, decision: &Decision) -> String {
    match decision {
        Decision::Allow(grant) => panic!("{grant:?}"),
        Decision::Refuse(refused) => policy.reason(refused.denial()).expect("a reason"),
    }
}

#[test]
fn owner_is_one_of_a_list() {
    for (facts, said) in [
        (FACTS, json!({ "groups": ["a", "Orders Admins", 7, true] })),
        (
            "further: { groups: { members: /by_name } }",
            json!({ "by_name": { "a": 1, "Orders Admins": {}, "7": [], "true": true, "no": null, "never": false } }),
        ),
    ] {
        let owned = policy(&document(facts, "headers: {}", "scopes: none, owner: { param: org, in: token.groups }"));
        for (org, outcome) in [
            ("a", "allowed"),
            ("Orders%20Admins", "allowed"),
            ("7", "allowed"),
            ("true", "allowed"),
            ("A", "not_owner"),
            ("Orders", "not_owner"),
            ("Admins", "not_owner"),
            ("no", "not_owner"),
            ("never", "not_owner"),
        ] {
            assert_eq!(code(&decide(&owned, &format!("/orgs/{org}"), &said)), outcome, "{org}");
        }
        let decision = decide(&owned, "/orgs/A", &said);
        assert_eq!(why(&owned, &decision), "`token.groups` has not the path's `org`");
        for nothing in [json!({}), json!({ "groups": null, "by_name": null }), json!({ "groups": [], "by_name": {} })] {
            assert_eq!(code(&decide(&owned, "/orgs/a", &nothing)), "not_owner", "{nothing}");
        }
    }
    let alone = policy(&document(FACTS, "headers: {}", "scopes: none, owner: { param: org, in: token.groups }"));
    assert_eq!(code(&decide(&alone, "/orgs/a", &json!({ "groups": "a" }))), "allowed");
    assert_eq!(code(&decide(&alone, "/orgs/a", &json!({ "groups": "a b" }))), "not_owner");
}

#[test]
fn owner_can_be_a_number_and_its_text() {
    let owned = policy(&document(FACTS, "headers: {}", "scopes: none, owner: { param: org, equals: token.level }"));
    assert_eq!(code(&decide(&owned, "/orgs/7", &json!({ "level": 7 }))), "allowed");
    assert_eq!(code(&decide(&owned, "/orgs/07", &json!({ "level": 7 }))), "not_owner");
    let subject = policy(&document(FACTS, "headers: {}", "scopes: none, owner: { param: org, equals: token.subject }"));
    for (sub, org) in
        [(json!(42), "42"), (json!("42"), "42"), (json!(true), "true"), (json!(u64::MAX), "18446744073709551615")]
    {
        assert_eq!(code(&decide(&subject, &format!("/orgs/{org}"), &json!({ "sub": sub }))), "allowed", "{sub}");
    }
}

#[test]
fn scopes_of_several_places_are_united() {
    let scoped = policy(&document(FACTS, "headers: { x-scope: token.scope }", "scopes: { all: [a, b, c] }"));
    let all = json!({ "scope": "a x", "roles": ["b", "Not A Scope"], "granted": { "c": {}, "d e": 1 } });
    let grant = granted(decide(&scoped, "/orgs/1", &all));
    assert_eq!(grant.set(), [("x-scope".to_owned(), "a b c x".to_owned())]);
    for lacking in ["scope", "roles", "granted"] {
        let mut said = all.clone();
        said.as_object_mut().unwrap().remove(lacking);
        assert_eq!(code(&decide(&scoped, "/orgs/1", &said)), "scope_missing", "{lacking}");
    }
    let odd = json!({ "scope": "a b c", "roles": 5 });
    let decision = decide(&scoped, "/orgs/1", &odd);
    assert_eq!(code(&decision), "token_refused");
    assert_eq!(why(&scoped, &decision), "fact: the fact `scope` at `/roles` is neither a text nor a list");
}

#[test]
fn facts_are_forwarded_in_the_form_that_is_written() {
    let forward = "headers: { x-name: { fact: token.name, encoding: percent }, x-name64: { fact: token.name, encoding: base64 }, \
                   x-name-json: { fact: token.name, encoding: json }, x-groups: { fact: token.groups, separator: ',' }, \
                   x-orgs: { fact: token.orgs, separator: ' ', encoding: percent }, x-all: { fact: token.groups, encoding: json }, \
                   x-level: token.level, x-admin: token.is_admin }, \
                   json: { x-caller: { name: token.name, level: token.level, admin: token.is_admin, orgs: token.orgs } }";
    let forwarding = policy(&document(FACTS, forward, "scopes: none"));
    let said = json!({ "name": "Олена К.", "level": -3, "admin": false, "groups": ["a b", "c"], "orgs": { "x y": 1, "Їжак": 2 } });
    let grant = granted(decide(&forwarding, "/orgs/1", &said));
    let mut set = grant.set().to_vec();
    set.sort();
    let expected = [
        ("x-admin", "false"),
        ("x-all", r#"["a b","c"]"#),
        (
            "x-caller",
            r#"{"admin":false,"level":-3,"name":"\u041e\u043b\u0435\u043d\u0430 \u041a.","orgs":["x y","\u0407\u0436\u0430\u043a"]}"#,
        ),
        ("x-groups", "a b,c"),
        ("x-level", "-3"),
        ("x-name", "%D0%9E%D0%BB%D0%B5%D0%BD%D0%B0%20%D0%9A."),
        ("x-name-json", r#""\u041e\u043b\u0435\u043d\u0430 \u041a.""#),
        ("x-name64", "0J7Qu9C10L3QsCDQmi4="),
        ("x-orgs", "x%20y %D0%87%D0%B6%D0%B0%D0%BA"),
    ];
    assert_eq!(set, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn fact_that_cannot_be_written_refuses_and_says_which() {
    let plain = policy(&document(FACTS, "headers: { x-name: token.name }", "scopes: none"));
    let decision = decide(&plain, "/orgs/1", &json!({ "name": "Олена" }));
    assert_eq!(code(&decision), "token_refused");
    let told = "fact: the fact `name` at `/name` is no visible ASCII; name an encoding, or forward it as JSON";
    assert_eq!(why(&plain, &decision), told);
    let joined =
        policy(&document(FACTS, "headers: { x-groups: { fact: token.groups, separator: ',' } }", "scopes: none"));
    let decision = decide(&joined, "/orgs/1", &json!({ "groups": ["a", "b,c"] }));
    assert_eq!(code(&decision), "token_refused");
    let told =
        "fact: the fact `groups` at `/groups` has the separator in an entry; name an encoding, or forward it as JSON";
    assert_eq!(why(&joined, &decision), told);
}

#[test]
fn fact_of_another_type_refuses_only_where_something_looks_at_it() {
    let odd = json!({ "level": "3", "admin": "true", "groups": [["a"]], "orgs": ["a"], "name": { "a": 1 } });
    let nobody = policy(&document(FACTS, "headers: {}", "scopes: none"));
    assert_eq!(code(&decide(&nobody, "/orgs/1", &odd)), "allowed");
    for (name, told) in [
        ("level", "at `/level` is no whole number of 64 bits"),
        ("is_admin", "at `/admin` is no boolean"),
        ("groups", "at `/groups` has an entry that is no text, whole number or boolean"),
        ("orgs", "at `/orgs` is no object"),
        ("name", "at `/name` is no text, whole number or boolean"),
    ] {
        let forward = format!("headers: {{}}, json: {{ x-caller: {{ it: token.{name} }} }}");
        let forwarding = policy(&document(FACTS, &forward, "scopes: none"));
        let decision = decide(&forwarding, "/orgs/1", &odd);
        assert_eq!(code(&decision), "token_refused", "{name}");
        assert_eq!(why(&forwarding, &decision), format!("fact: the fact `{name}` {told}"));
    }
}

#[test]
fn document_names_the_type_once_and_uses_it_as_such() {
    let none = "headers: {}";
    for (facts, forward, require, fault) in [
        ("further: { a: { int: a } }", none, "scopes: none", "further.a.int: `a` is no JSON pointer"),
        ("further: { a: { number: /a } }", none, "scopes: none", "unknown key `number`"),
        ("further: { a: {} }", none, "scopes: none", "write one of `bool`, `int`, `list`, `members`"),
        (
            "further: { a: { int: /a, bool: /a } }",
            none,
            "scopes: none",
            "write one of `bool`, `int`, `list`, `members`",
        ),
        ("scope: []", none, "scopes: none", "facts.scope: write at least one JSON pointer"),
        ("scope: [/a, /a]", none, "scopes: none", "facts.scope[1]: `/a` is written twice"),
        ("scope: [/a, { members: b }]", none, "scopes: none", "facts.scope[1].members: `b` is no JSON pointer"),
        (
            FACTS,
            "headers: { x-a: token.groups }",
            "scopes: none",
            "`token.groups` is a list; say how a header carries it",
        ),
        (
            FACTS,
            "headers: { x-a: { fact: token.name, separator: ',' } }",
            "scopes: none",
            "x-a.separator: `token.name` is a text, and has no entries to separate",
        ),
        (
            FACTS,
            "headers: { x-a: { fact: token.groups, separator: ',', encoding: json } }",
            "scopes: none",
            "x-a.separator: JSON separates the entries of a list itself",
        ),
        (
            FACTS,
            "headers: { x-a: { fact: token.groups, separator: '=', encoding: base64 } }",
            "scopes: none",
            "x-a.separator: an entry can have `=` in it",
        ),
        (
            FACTS,
            "headers: { x-a: { fact: token.groups, separator: ', ' } }",
            "scopes: none",
            "`, ` is not one character",
        ),
        (FACTS, "headers: { x-a: { fact: token.nme } }", "scopes: none", "x-a.fact: `nme` is no fact of `token`"),
        (
            FACTS,
            none,
            "scopes: none, owner: { param: org, equals: token.groups }",
            "owner.equals: `token.groups` is a list",
        ),
        (
            FACTS,
            none,
            "scopes: none, owner: { param: org, in: token.name }",
            "owner.in: `token.name` is a text, and no list",
        ),
        (
            FACTS,
            none,
            "scopes: none, owner: { param: org, in: token.scope }",
            "`scope` is a list and cannot own a resource",
        ),
        (
            FACTS,
            "headers: { x-a: { fact: token.scope, separator: ',' } }",
            "scopes: none",
            "x-a.separator: scopes have a space between them",
        ),
        (
            FACTS,
            "headers: { x-a: { fact: token.scope, missing: omit } }",
            "scopes: none",
            "x-a.missing: a scope is never missing",
        ),
        (
            FACTS,
            "headers: {}, json: { x-a: { s: { fact: token.scope, missing: omit } } }",
            "scopes: none",
            "x-a.s.missing: a scope is never missing",
        ),
        (FACTS, none, "scopes: none, owner: { param: org }", "owner: write either `equals`, with one fact, or `in`"),
    ] {
        let told = faults(facts, forward, require);
        assert!(told.contains(fault), "{facts} {forward} {require}: {told}");
    }
}

#[cfg(feature = "cel")]
#[test]
fn conditions_read_facts_of_every_type() {
    let said =
        json!({ "groups": ["mfa", "Orders Admins"], "orgs": { "a": 1 }, "level": 3, "admin": true, "name": "Олена" });
    for (condition, outcome) in [
        ("\"mfa\" in token.groups", "allowed"),
        ("\"pwd\" in token.groups", "condition_false"),
        ("params.org in token.orgs", "allowed"),
        ("size(token.groups) == 2", "allowed"),
        ("token.groups.exists(group, group.endsWith(\" Admins\"))", "allowed"),
        ("token.groups.all(group, group.size() > 3)", "condition_false"),
        ("has(token.groups) && !(\"banned\" in token.groups)", "allowed"),
        ("token.level >= 2", "allowed"),
        ("token.level + 1 == 5", "condition_false"),
        ("token.is_admin", "allowed"),
        ("!token.is_admin", "condition_false"),
        ("token.name == \"Олена\"", "allowed"),
    ] {
        let judged = policy(&document(FACTS, "headers: {}", &format!("scopes: none, conditions: ['{condition}']")));
        assert_eq!(code(&decide(&judged, "/orgs/a", &said)), outcome, "{condition}");
        let nothing = decide(&judged, "/orgs/a", &json!({}));
        let expected = if condition.starts_with("has(") { "condition_false" } else { "condition_failed" };
        assert_eq!(code(&nothing), expected, "{condition}");
    }
    for (condition, fault) in [
        ("token.level == \"3\"", "between a number and a string"),
        ("token.groups == \"a\"", "between a list and a string"),
        ("token.is_admin == 1", "between a bool and a number"),
        ("token.name == \"\"", "can never be"),
    ] {
        let told = faults(FACTS, "headers: {}", &format!("scopes: none, conditions: ['{condition}']"));
        assert!(told.contains(fault), "{condition}: {told}");
    }
}

#[cfg(feature = "cel")]
#[test]
fn long_lists_stay_within_what_conditions_may_cost() {
    let all = "token.groups.exists(group, token.orgs.exists_one(org, org == group))";
    assert!(
        faults(FACTS, "headers: {}", &format!("scopes: none, conditions: ['{all}']")).contains("loop inside a loop")
    );
    let within = "token.groups.exists(group, group in token.orgs)";
    let judged = policy(&document(FACTS, "headers: {}", &format!("scopes: none, conditions: ['{within}']")));
    let few = json!({ "groups": ["a", "b"], "orgs": { "b": 1 } });
    assert_eq!(code(&decide(&judged, "/orgs/a", &few)), "allowed");
    let names: Vec<String> = (0..1000).map(|number| format!("g{number}")).collect();
    let orgs: serde_json::Map<_, _> = (0..1000).map(|number| (format!("o{number}"), json!(1))).collect();
    assert_eq!(code(&decide(&judged, "/orgs/a", &json!({ "groups": names, "orgs": orgs }))), "condition_failed");
}
