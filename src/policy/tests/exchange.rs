//! The course of a judgement: what is asked when, and where every answer leads.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{headers, judge, now};
use brama_policy::deciding::{Decision, Grant, Policy, Request, Step, UnixTime};
use brama_policy::identity::{Answer, Fact, Facts, GrantedScopes, JwtRejection, Reply, Unavailable};
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

const PATH: &str = "/api/clients/1380df72-275a-11e7-93ae-92361f002671/connections/c1";
const CREDENTIALS: [(&str, &str); 2] = [("api-key", "k"), ("authorization", "Bearer t")];

fn msp() -> Facts {
    Facts {
        subject: fact("u"),
        client_id: fact("1380df72-275a-11e7-93ae-92361f002671"),
        client_type: fact("MSP"),
        scope: "connection:delete".parse().unwrap(),
        not_before: None,
        expires: None,
        further: Vec::new(),
    }
}

fn fact(text: &str) -> Option<Fact> {
    Some(text.parse().unwrap())
}

/// The decision where the API key is good and the token's answer is this.
fn with_token(answer: Answer) -> Decision {
    judge(&crate::support::ehealth(), &headers("DELETE", PATH, &CREDENTIALS), |lookup| match lookup.kind().as_str() {
        "api_key" => Answer::Active(Arc::new(Facts::none())),
        _ => answer.clone(),
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
fn code(decision: &Decision) -> &str {
    match decision {
        Decision::Allow(grant) => panic!("{grant:?}"),
        Decision::Refuse(refused) => refused.denial().code(),
    }
}

#[test]
fn credential_of_the_future_is_refused_until_it_begins() {
    let at = |begin| Answer::Active(Arc::new(Facts { not_before: Some(UnixTime::from_seconds(begin)), ..msp() }));
    assert_eq!(code(&with_token(at(1_700_000_001))), "token_not_yet_valid");
    granted(with_token(at(1_700_000_000)));
}

#[test]
fn token_is_asked_about_once_the_api_key_is_good() {
    let mut asked = Vec::new();
    let decision = judge(&crate::support::ehealth(), &headers("DELETE", PATH, &CREDENTIALS), |lookup| {
        asked.push((lookup.kind().as_str().to_owned(), lookup.credential().expose_secret().to_owned()));
        Answer::Active(Arc::new(msp()))
    });
    granted(decision);
    assert_eq!(asked, [("api_key".to_owned(), "k".to_owned()), ("token".to_owned(), "t".to_owned())]);
}

#[test]
fn token_is_not_asked_about_with_a_bad_api_key() {
    for answer in [Answer::Inactive, Answer::Unavailable(Unavailable::NoReply)] {
        let mut asked = 0;
        let decision = judge(&crate::support::ehealth(), &headers("DELETE", PATH, &CREDENTIALS), |_lookup| {
            asked += 1;
            answer.clone()
        });
        assert!(matches!(decision, Decision::Refuse(_)));
        assert_eq!(asked, 1);
    }
}

#[test]
fn nothing_is_asked_for_a_request_that_cannot_pass() {
    for (method, path, further) in [
        ("DELETE", "/api//x", &CREDENTIALS[..]),
        ("DELETE", PATH, &CREDENTIALS[..1]),
        ("DELETE", PATH, &CREDENTIALS[1..]),
        ("POST", PATH, &CREDENTIALS[..]),
        ("DELETE", PATH, &[("api-key", "k"), ("authorization", "Bearer a"), ("Authorization", "Bearer a")]),
    ] {
        let step = crate::support::ehealth().begin(&Request::new(&headers(method, path, further)), now());
        assert!(matches!(step, Step::Done(Decision::Refuse(_))), "{step:?}");
    }
}

#[test]
fn unavailable_is_never_the_clients_fault() {
    for reason in [
        Unavailable::NotSent,
        Unavailable::NoReply,
        Unavailable::Status(401),
        Unavailable::Status(500),
        Unavailable::Unusable("x"),
    ] {
        let Decision::Refuse(refused) = with_token(Answer::Unavailable(reason)) else { panic!("allowed") };
        assert_eq!((refused.denial().code(), refused.denial().status()), ("token_unavailable", 503));
    }
}

#[test]
fn expired_facts_are_refused_whoever_remembers_them() {
    let at = |expires| Answer::Active(Arc::new(Facts { expires: Some(UnixTime::from_seconds(expires)), ..msp() }));
    assert_eq!(code(&with_token(at(1_700_000_000))), "token_expired");
    assert_eq!(code(&with_token(at(0))), "token_expired");
    granted(with_token(at(1_700_000_001)));
}

#[test]
fn missing_facts_refuse() {
    let without = |facts| code(&with_token(Answer::Active(Arc::new(facts)))).to_owned();
    assert_eq!(without(Facts { client_id: None, ..msp() }), "not_owner");
    assert_eq!(without(Facts { subject: None, ..msp() }), "fact_missing");
    assert_eq!(without(Facts { scope: GrantedScopes::none(), ..msp() }), "scope_missing");
    assert_eq!(without(Facts { client_type: None, client_id: fact("other"), ..msp() }), "not_owner");
    granted(with_token(Answer::Active(Arc::new(Facts { client_type: None, ..msp() }))));
}

#[test]
fn exempt_client_types_are_exact() {
    let of_type = |client_type| {
        with_token(Answer::Active(Arc::new(Facts {
            client_type: fact(client_type),
            client_id: fact("other"),
            ..msp()
        })))
    };
    granted(of_type("NHS ADMIN"));
    for near in ["nhs admin", "NHS  ADMIN", "NHS ADMIN,", "NHSADMIN", "NHS,MSP"] {
        assert_eq!(code(&of_type(near)), "not_owner", "{near}");
    }
}

#[test]
fn everything_a_client_must_not_send_is_removed() {
    let forged = [
        ("api-key", "k"),
        ("Authorization", "Bearer t"),
        ("x-consumer-id", "1"),
        ("X-Consumer-Id", "2"),
        ("x_consumer_id", "3"),
        ("x-consumer_scope", "4"),
        ("x-consumer-metadata", "5"),
        ("x-person-id", "6"),
        ("x-other", "7"),
    ];
    let grant = granted(judge(&crate::support::ehealth(), &headers("DELETE", PATH, &forged), |_| {
        Answer::Active(Arc::new(msp()))
    }));
    let mut names: Vec<_> =
        forged.iter().map(|(name, _)| (*name).to_owned()).filter(|name| name != "x-other").collect();
    names.sort_unstable();
    assert_eq!(grant.remove(), names);
    assert_eq!(grant.set().len(), 3);
}

#[test]
fn request_without_one_method_host_and_path_is_refused() {
    for missing in [":method", ":authority", ":path"] {
        let all = headers("GET", "/readyz", &[]);
        let without: Vec<_> = all.iter().filter(|(name, _)| name != missing).cloned().collect();
        let twice: Vec<_> = all.iter().chain(all.iter().filter(|(name, _)| name == missing)).cloned().collect();
        for headers in [without, twice] {
            assert_eq!(code(&judge(&crate::support::ehealth(), &headers, |_| Answer::Inactive)), "request_incomplete");
        }
    }
}

#[test]
fn leaving_http_is_refused() {
    let refused = |method, further: &[(&str, &str)]| {
        code(&judge(&crate::support::ehealth(), &headers(method, "/readyz", further), |_| Answer::Inactive)).to_owned()
    };
    assert_eq!(refused("CONNECT", &[]), "method_refused");
    assert_eq!(refused("TRACE", &[]), "method_refused");
    assert_eq!(refused("GET", &[(":protocol", "websocket")]), "method_refused");
    assert_eq!(refused("GET", &[("Upgrade", "websocket")]), "upgrade_refused");
    assert_eq!(refused("get", &[]), "route_unknown");
    assert_eq!(refused("GET", &[(":protocol", "websocket"), (":protocol", "x")]), "method_refused");
    for name in ["X-HTTP-Method-Override", "X_HTTP_METHOD_OVERRIDE", "x-http-method", "x-method-override"] {
        assert_eq!(refused("GET", &[(name, "")]), "method_overridden");
    }
    for name in ["X-Original-URL", "x_original_url", "x-rewrite-url"] {
        assert_eq!(refused("GET", &[(name, "/api")]), "path_overridden");
    }
}

#[test]
fn without_a_policy_everything_is_refused() {
    let policy = Arc::new(Policy::refuse_all());
    for path in ["/", "/readyz", PATH] {
        assert_eq!(
            code(&judge(&policy, &headers("GET", path, &CREDENTIALS), |_| Answer::Active(Arc::new(msp())))),
            "not_configured"
        );
    }
}

fn answer_to(reply: Reply<'_>) -> Answer {
    let policy = crate::support::ehealth();
    let step = policy.begin(&Request::new(&headers("DELETE", PATH, &CREDENTIALS)), now());
    let Step::Ask(lookup, _awaiting) = step else { panic!("{step:?}") };
    lookup.answer(reply)
}

#[test]
fn active_answer_states_the_facts() {
    let body = br#"{"active":true,"token_use":"api_key","sub":"u","client_id":"c","client_type":"MIS","scope":"b a","exp":9,"x":[1]}"#;
    let Answer::Active(facts) = answer_to(Reply { status: 200, body }) else { panic!("not active") };
    let wanted = Facts {
        subject: fact("u"),
        client_id: fact("c"),
        client_type: fact("MIS"),
        scope: "a b".parse().unwrap(),
        not_before: None,
        expires: Some(UnixTime::from_seconds(9)),
        further: Vec::new(),
    };
    assert_eq!(*facts, wanted);
}

#[test]
fn scope_is_a_text_or_a_list_and_null_states_nothing() {
    let body = br#"{"active":true,"token_use":"api_key","sub":null,"client_id":"c","scope":["b","a"],"exp":null}"#;
    let Answer::Active(facts) = answer_to(Reply { status: 200, body }) else { panic!("not active") };
    assert_eq!(*facts, Facts { client_id: fact("c"), scope: "a b".parse().unwrap(), ..Facts::none() });
    for body in
        [r#"{"active":true,"token_use":"api_key","scope":[]}"#, r#"{"active":true,"token_use":"api_key","scope":null}"#]
    {
        let answer = answer_to(Reply { status: 200, body: body.as_bytes() });
        assert_eq!(answer, Answer::Active(Arc::new(Facts::none())), "{body}");
    }
}

#[test]
fn inactive_and_other_kinds_are_not_vouched_for() {
    for body in [
        r#"{"active":false}"#,
        r#"{"active":false,"token_use":"api_key"}"#,
        r#"{"active":true,"token_use":"access_token"}"#,
        r#"{"active":true,"token_use":"API_KEY"}"#,
    ] {
        assert_eq!(answer_to(Reply { status: 200, body: body.as_bytes() }), Answer::Inactive, "{body}");
    }
}

#[test]
fn whatever_is_no_answer_is_unavailable() {
    for status in [0, 100, 201, 204, 301, 400, 401, 403, 404, 422, 500, 503, 999] {
        let body = br#"{"active":true,"token_use":"api_key"}"#;
        assert_eq!(answer_to(Reply { status, body }), Answer::Unavailable(Unavailable::Status(status)));
    }
    let long =
        format!(r#"{{"active":true,"token_use":"api_key","x":"{}"}}"#, "x".repeat(brama_policy::identity::MAX_ANSWER));
    for body in [
        "",
        "true",
        "[]",
        "{}",
        r#"{"active":"true","token_use":"api_key"}"#,
        r#"{"active":1,"token_use":"api_key"}"#,
        r#"{"active":null}"#,
        r#"{"active":false,"active":true,"token_use":"api_key"}"#,
        r#"{"active":true}"#,
        r#"{"active":true,"token_use":5}"#,
        r#"{"active":true,"token_use":null}"#,
        r#"{"active":true,"token_use":"api_key"} {}"#,
        &long,
    ] {
        let answer = answer_to(Reply { status: 200, body: body.as_bytes() });
        assert!(matches!(answer, Answer::Unavailable(Unavailable::Unusable(_))), "{body}: {answer:?}");
    }
}

/// Of this policy: the client and its type are looked at, of the API key no subject, and no scope.
#[test]
fn fact_that_cannot_be_read_is_the_credentials_fault_where_it_is_looked_at() {
    for (stated, name) in [
        (r#""client_id":"a\r\nx-admin: 1""#, "client_id"),
        (r#""client_id":5.5"#, "client_id"),
        (r#""client_id":18446744073709551616"#, "client_id"),
        (r#""client_id":["c"]"#, "client_id"),
        (r#""client_id":"c\n""#, "client_id"),
        (r#""client_id":" c""#, "client_id"),
        (r#""client_id":"c\u3000""#, "client_id"),
        (r#""exp":"9""#, "expires"),
        (r#""exp":-1"#, "expires"),
        (r#""exp":[9]"#, "expires"),
    ] {
        let body = format!(r#"{{"active":true,"token_use":"api_key",{stated}}}"#);
        let answer = answer_to(Reply { status: 200, body: body.as_bytes() });
        let Answer::Rejected(JwtRejection::Fact(fact)) = answer else { panic!("{body}: {answer:?}") };
        assert_eq!(fact.name, name, "{body}");
    }
    for stated in [
        r#""client_id":"""#,
        r#""sub":[5]"#,
        r#""sub":"\u0007""#,
        r#""scope":["a b","","\u0430",1,["b"],null]"#,
        r#""scope":"a\u0000""#,
        r#""scope":{"a":"b"}"#,
        r#""exp":"""#,
        r#""tenant":{}"#,
    ] {
        let body = format!(r#"{{"active":true,"token_use":"api_key",{stated}}}"#);
        let answer = answer_to(Reply { status: 200, body: body.as_bytes() });
        assert_eq!(answer, Answer::Active(Arc::new(Facts::none())), "{body}");
    }
    let odd_entries =
        br#"{"active":true,"token_use":"api_key","scope":["b","Orders Admins","\u0430",7,"a"],"exp":9.5}"#;
    let Answer::Active(facts) = answer_to(Reply { status: 200, body: odd_entries }) else { panic!("not active") };
    assert_eq!(facts.scope.as_str(), "a b");
    assert_eq!(facts.expires, Some(UnixTime::since_epoch(Duration::from_millis(9_500))));
}

#[test]
fn credential_is_encoded_never_spliced() {
    let policy = crate::support::ehealth();
    let headers =
        headers("DELETE", PATH, &[("api-key", "a&token_type_hint=b+%\"/é=".trim_end_matches("é=")), CREDENTIALS[1]]);
    let step = policy.begin(&Request::new(&headers), now());
    let Step::Ask(lookup, _awaiting) = step else { panic!("{step:?}") };
    let question = lookup.question(|_name| Some("s3cret")).unwrap_or_else(|answer| panic!("{answer:?}"));
    assert_eq!(question.body.unwrap(), "token=a%26token_type_hint%3Db%2B%25%22%2F&token_type_hint=api_key");
    assert!(question.headers.contains(&("authorization", "Bearer s3cret".to_owned())));
    assert_eq!(question.cluster, "authority");
}
