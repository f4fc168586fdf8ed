//! An authority that speaks no RFC 7662, by configuration: what is asked of the Mithril of production, and what its
//! answers say.

use std::sync::Arc;

use crate::support::{headers, judge, now, policy};
use brama_policy::deciding::{Decision, Policy, Request, Step, UnixTime};
use brama_policy::identity::{Answer, Facts, Lookup, Reply, Unavailable};
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn mithril() -> Arc<Policy> {
    policy(include_str!("support/mithril.yaml"))
}

/// The lookup of one kind that a request with these credentials leads to.
fn lookup(kind: &str, path: &str, api_key: &str, token: &str) -> Lookup {
    let bearer = format!("Bearer {token}");
    let headers = headers("DELETE", path, &[("api-key", api_key), ("authorization", &bearer)]);
    let mut step = mithril().begin(&Request::new(&headers), now());
    loop {
        match step {
            Step::Ask(lookup, _awaiting) if lookup.kind().as_str() == kind => return lookup,
            Step::Ask(_lookup, awaiting) => step = awaiting.resume(Answer::Active(Arc::new(Facts::none())), now()),
            Step::Done(decision) => panic!("{decision:?}"),
        }
    }
}

fn of_token(api_key: &str, token: &str) -> Lookup {
    lookup("token", "/brokered", api_key, token)
}

fn of_api_key(api_key: &str) -> Lookup {
    lookup("api_key", "/brokered", api_key, "t")
}

/// The question, a line a header; nobody's secret is wanted.
fn asked(lookup: &Lookup) -> Result<String, Answer> {
    let question = lookup.question(|name| panic!("{name:?}"))?;
    assert_eq!((question.cluster, question.body), ("mithril", None));
    let lines: Vec<_> = question.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    Ok(lines.join("\n"))
}

#[test]
fn token_is_asked_about_with_the_api_key_beside_it() {
    let wanted = ":method: GET\n:scheme: http\n:authority: api-svc.mithril\n:path: /admin/tokens/t0k/verify\n\
        accept: application/json";
    assert_eq!(asked(&of_token("k3y", "t0k")), Ok(format!("{wanted}\napi-key: k3y")));
    // A key that the route does not require is nobody's word: it is not sent.
    let direct = lookup("token", "/direct", "k3y", "t0k");
    assert_eq!(asked(&direct), Ok(wanted.to_owned()));
}

#[test]
fn api_key_is_asked_about_alone() {
    let asked = asked(&of_api_key("k3y")).unwrap();
    assert!(asked.contains("\n:path: /admin/api_key/k3y/verify\n"), "{asked}");
    assert!(!asked.contains("api-key:") && !asked.contains("authorization:"), "{asked}");
}

/// API keys, and how they stand in the path.
const ENCODED: &[(&str, &str)] = &[
    ("a=b&c", "a%3Db%26c"),
    ("a:b@c", "a%3Ab%40c"),
    ("a%", "a%25"),
    ("100%zz", "100%25zz"),
    ("a+b=", "a%2Bb%3D"),
    ("{credential}", "%7Bcredential%7D"),
    ("a\"b'c<d>", "a%22b%27c%3Cd%3E"),
    ("...", "..."),
    ("a..b", "a..b"),
    ("-._~", "-._~"),
];

#[test]
fn credential_in_a_path_is_encoded_never_spliced() {
    for (api_key, segment) in ENCODED {
        let asked = asked(&of_api_key(api_key)).unwrap();
        assert!(asked.contains(&format!("\n:path: /admin/api_key/{segment}/verify\n")), "{api_key}: {asked}");
    }
}

#[test]
fn credential_that_could_be_taken_for_another_path_is_refused_unasked() {
    for api_key in [
        ".",
        "..",
        "/",
        "a/b",
        "../x",
        "..\\x",
        "a\\b",
        "a?b",
        "a#b",
        "a;b",
        "../../clients/1/details?",
        "%2f",
        "..%2fx",
        "%2e%2e",
        "%252e",
        "a%00",
    ] {
        assert_eq!(asked(&of_api_key(api_key)), Err(Answer::Inactive), "{api_key}");
    }
    for token in [".", "..", "a/../b", "/", "a/"] {
        assert_eq!(asked(&of_token("k", token)), Err(Answer::Inactive), "{token}");
    }
}

#[test]
fn answer_depends_on_every_credential_that_was_sent() {
    use std::hash::{BuildHasher, RandomState};
    let hasher = RandomState::new();
    let key = |lookup: &Lookup| hasher.hash_one(lookup.depends_on());
    let one = key(&of_token("k", "t"));
    assert_eq!(key(&of_token("k", "t")), one);
    for other in [
        of_token("k2", "t"),
        of_token("k", "t2"),
        of_token("t", "k"),
        lookup("token", "/direct", "k", "t"),
        of_api_key("t"),
    ] {
        assert_ne!(key(&other), one, "{other:?}");
    }
    assert_eq!(key(&of_api_key("k")), key(&lookup("api_key", "/brokered", "k", "another")));
}

fn answer(lookup: &Lookup, status: u16, body: &str) -> Answer {
    lookup.answer(Reply { status, body: body.as_bytes() })
}

const TOKEN: &str = r#"{"meta":{"code":200},"data":{"id":"7","name":"access_token","value":"t","expires_at":1800000000,"user_id":"u",
    "details":{"client_id":"c","client_type":"MSP","grant_type":"password","scope":"connection:delete a","broker_scope":"connection:delete"}},
    "urgent":{"mis_client_id":"m"}}"#;

#[test]
fn active_token_states_its_facts() {
    let Answer::Active(facts) = answer(&of_token("k", "t"), 200, TOKEN) else { panic!("not active") };
    let fact = |text: &str| Some(text.parse().unwrap());
    let wanted = Facts {
        subject: fact("u"),
        client_id: fact("c"),
        client_type: fact("MSP"),
        scope: "a connection:delete".parse().unwrap(),
        not_before: None,
        expires: Some(UnixTime::from_seconds(1_800_000_000)),
        further: vec![
            ("broker_scope".into(), "connection:delete".parse().unwrap()),
            ("mis_client_id".into(), "m".parse().unwrap()),
        ],
    };
    assert_eq!(*facts, wanted);
}

#[test]
fn token_of_a_direct_client_names_no_broker() {
    let direct = TOKEN.replace(r#","broker_scope":"connection:delete""#, "").replace(r#""m""#, "null");
    let Answer::Active(facts) = answer(&of_token("k", "t"), 200, &direct) else { panic!("not active") };
    assert_eq!(facts.further, []);
}

#[test]
fn token_of_another_name_is_no_access_token() {
    // Mithril itself does not look: a refresh token or a code would pass.
    for name in ["refresh_token", "authorization_code", "2fa_access_token", "change_password_token"] {
        let other = TOKEN.replace(r#""access_token""#, &format!("\"{name}\""));
        assert_eq!(answer(&of_token("k", "t"), 200, &other), Answer::Inactive, "{name}");
    }
}

#[test]
fn statuses_decide_and_what_is_not_named_is_an_outage() {
    let error = r#"{"error":{"type":"not_found"}}"#;
    for lookup in [of_token("k", "t"), of_api_key("k")] {
        for status in [401, 404, 422] {
            for body in [error, "", TOKEN, "garbage"] {
                assert_eq!(answer(&lookup, status, body), Answer::Inactive, "{status} {body}");
            }
        }
        for status in [0, 100, 201, 202, 204, 206, 301, 302, 400, 403, 405, 408, 409, 429, 500, 502, 503, 504] {
            let wanted = Answer::Unavailable(Unavailable::Status(status));
            assert_eq!(answer(&lookup, status, TOKEN), wanted, "{status}");
        }
    }
}

#[test]
fn success_without_its_facts_vouches_for_nothing() {
    for body in [
        String::new(),
        "{}".to_owned(),
        r#"{"active":true}"#.to_owned(),
        TOKEN.replace(r#""name":"access_token","#, ""),
        TOKEN.replace(r#""id":"7""#, r#""id":"7","id":"8""#),
    ] {
        let answer = answer(&of_token("k", "t"), 200, &body);
        assert!(matches!(answer, Answer::Unavailable(Unavailable::Unusable(_))), "{body}: {answer:?}");
    }
    for (body, told) in [
        (TOKEN.replace(r#""user_id":"u","#, ""), "`subject` at `/data/user_id` is required"),
        (TOKEN.replace(r#""user_id":"u""#, r#""user_id":null"#), "`subject` at `/data/user_id` is required"),
        (TOKEN.replace(r#""user_id":"u""#, r#""user_id":"""#), "`subject` at `/data/user_id` is required"),
        (TOKEN.replace(r#""user_id":"u""#, r#""user_id":[42]"#), "`subject` at `/data/user_id` is no text"),
        (TOKEN.replace(r#""expires_at":1800000000,"#, ""), "`expires` at `/data/expires_at` is required"),
        (TOKEN.replace("1800000000", "\"1800000000\""), "`expires` at `/data/expires_at` is not a number of seconds"),
        (
            TOKEN.replace(r#""client_id":"c""#, r#""client_id":{}"#),
            "`client_id` at `/data/details/client_id` is no text",
        ),
    ] {
        let answer = answer(&of_token("k", "t"), 200, &body);
        let Answer::Rejected(rejected) = answer else { panic!("{body}: {answer:?}") };
        assert_eq!(rejected.code(), "fact");
        assert!(rejected.to_string().contains(told), "{rejected}");
    }
    // Here nothing but the status says that it is an answer.
    let nobodys = r#"{"data":{"details":{"scope":"a"}}}"#;
    let answer = answer(&of_api_key("k"), 200, nobodys);
    assert!(matches!(answer, Answer::Unavailable(Unavailable::Unusable(_))), "{answer:?}");
}

#[test]
fn broker_needs_the_scope_too() {
    let decide = |broker_scope: &str| {
        let key = format!(
            r#"{{"data":{{"details":{{"broker_scope":"{broker_scope}","client_id":"m","scope":"x"}}}},"urgent":{{"mis_client_id":"m"}}}}"#
        );
        let sent = headers("DELETE", "/brokered", &[("api-key", "k"), ("authorization", "Bearer t")]);
        judge(&mithril(), &sent, |lookup| match lookup.kind().as_str() {
            "api_key" => answer(lookup, 200, &key),
            _ => answer(lookup, 200, TOKEN),
        })
    };
    assert!(matches!(decide("connection:delete b"), Decision::Allow(_)));
    let Decision::Refuse(refused) = decide("b") else { panic!("allowed") };
    assert_eq!(refused.denial().code(), "scope_missing");
}
