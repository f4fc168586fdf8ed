//! Owns what conditions mean: each with the outcome it has.

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use std::sync::LazyLock;

use super::*;

// Draws from the system's randomness, which plain Wasm has not.
#[cfg(not(target_family = "wasm"))]
mod calendar;
mod constancy;
mod faults;
mod hostile;
mod occurs;
// Draws from the system's randomness, which plain Wasm has not.
#[cfg(not(target_family = "wasm"))]
mod laws;

const CAPTURES: [(&str, CaptureKind); 4] = [
    ("client_id", CaptureKind::Any),
    ("id", CaptureKind::Any),
    ("number", CaptureKind::Int),
    ("uuid", CaptureKind::Uuid),
];

/// A route for two methods, on every host, beside headers that no condition sees.
static AROUND: LazyLock<Around<'static>> = LazyLock::new(|| {
    let hidden = |pattern: &str, reason| Hidden { pattern: pattern.parse().unwrap(), reason };
    Around {
        methods: vec!["GET".to_owned(), "PUT".to_owned()].leak(),
        hosts: &[HostPattern::Any],
        path: Box::leak(Box::new(PathTemplate::parse("/clients/{client_id}/{number:int}").unwrap())),
        hidden: vec![hidden("authorization", "a credential"), hidden("x-user-*", "stripped")].leak(),
    }
});

fn names() -> Names<'static> {
    Names { captures: &CAPTURES, credentials: known(None, Some(&[("tenant", FactType::Text)])), around: *AROUND }
}

fn with_key() -> Names<'static> {
    let credentials = known(Some(&[("consumer_id", FactType::Text)]), Some(&[]));
    Names { captures: &CAPTURES, credentials, around: *AROUND }
}

/// Further facts of a credential; `None` where the route does not require it.
type Further = Option<&'static [(&'static str, FactType)]>;

/// An API key and a token of a policy.
fn known(api_key: Further, token: Further) -> &'static [Identity<'static>] {
    let identity = |name, further: Further| {
        let (kind, further) = (CredentialKind::new(name), further.map(<[_]>::to_vec));
        Identity { kind, further, is_certain: true }
    };
    vec![identity("api_key", api_key), identity("token", token)].leak()
}

/// The same where the route requires the API key, and the token may be absent.
fn with_optional_token() -> Names<'static> {
    let known = known(Some(&[]), Some(&[("tenant", FactType::Text), ("groups", FactType::List)]));
    let is_key = |identity: &Identity<'_>| identity.kind.as_str() == "api_key";
    let credentials = known.iter().map(|identity| Identity { is_certain: is_key(identity), ..identity.clone() });
    Names { captures: &CAPTURES, credentials: credentials.collect::<Vec<_>>().leak(), around: *AROUND }
}

fn verified(name: &str, facts: Facts) -> (&'static CredentialKind, Option<&'static Facts>) {
    (kind(name), Some(Box::leak(Box::new(facts))))
}

fn kind(name: &str) -> &'static CredentialKind {
    Box::leak(Box::new(CredentialKind::new(name)))
}

fn compile(text: &str) -> Result<Condition, InvalidCondition> {
    Condition::compile(text, &names())
}

/// The one outcome of a condition, where it does not fail.
fn outcome_of(condition: &Condition, names: &Names<'_>) -> Option<bool> {
    let Outcomes { can_hold, can_be_false, .. } = condition.outcomes(names);
    (can_hold != can_be_false).then_some(can_hold)
}

#[track_caller]
fn fault(text: &str) -> InvalidCondition {
    match compile(text) {
        Ok(condition) => panic!("{} is a condition", condition.source()),
        Err(fault) => fault,
    }
}

fn request(headers: Headers) -> RequestView {
    RequestView { method: "GET".into(), host: "api.example".into(), path: "/clients/c1/7".into(), headers }
}

fn headers(sent: &[(&str, &[u8])]) -> Headers {
    Headers::read(sent.iter().copied())
}

fn facts() -> Facts {
    Facts {
        subject: Some("u1".parse().unwrap()),
        client_id: Some("c1".parse().unwrap()),
        client_type: None,
        scope: "read write".parse().unwrap(),
        not_before: None,
        expires: Some(UnixTime::from_seconds(NOW + 3600)),
        further: vec![("tenant".into(), "t1".parse().unwrap())],
    }
}

/// 2026-11-25T22:30:05Z, a Wednesday.
const NOW: u64 = 1_795_645_805;

#[track_caller]
fn judge_on(text: &str, request: &RequestView) -> Result<bool, ConditionFailed> {
    let condition = compile(text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
    let identities = [verified("token", facts())];
    let captures = [("client_id", Capture::Text("c1")), ("id", Capture::Text("7")), ("number", Capture::Int(7))];
    condition.holds(&Scene { request, captures: &captures, identities: &identities, now: UnixTime::from_seconds(NOW) })
}

#[track_caller]
fn judge(text: &str) -> Result<bool, ConditionFailed> {
    let sent: [(&str, &[u8]); 5] =
        [(":path", b"/"), ("X-Team", b"red"), ("accept", b"a"), ("accept", b"b"), ("x-empty", b"")];
    judge_on(text, &request(headers(&sent)))
}

#[test]
fn conditions_hold() {
    for text in [
        r#"request.method == "GET""#,
        r#"request.method in ["GET", "PUT"]"#,
        r#"request["host"] == "api.example""#,
        r#"request.path.startsWith("/clients/") && !request.path.endsWith("/8")"#,
        r#"request.headers["x-team"] == "red""#,
        r#"request.headers.accept == "a, b""#,
        r#"request.headers["x-empty"] == """#,
        r#""x-team" in request.headers && !("x-other" in request.headers)"#,
        r#"has(request.headers.accept) && !has(request.headers.cookie)"#,
        r#"request.headers.all(name, !name.startsWith("z"))"#,
        r#"request.headers.exists(name, request.headers[name] == "red")"#,
        r#"request.headers.exists_one(name, name == "accept")"#,
        r#"request.headers.filter(name, name.startsWith("x-")) == ["x-empty", "x-team"]"#,
        "request.headers.size() == 3 && size(request.headers) == 3",
        r#"request.headers["x-" + "team"] == "red""#,
        "params.client_id == token.client_id",
        "params.number == 7 && params.number >= 7 && params.number < 8 && 7u < 8u && 1.5 < 2.0",
        "string(params.number) == params.id && int(params.id) == params.number",
        r#"params["id"] == "7""#,
        r#"token.subject == "u1" && token.tenant == "t1" && token["tenant"] == "t1""#,
        "!has(token.client_type)",
        r#"has(token.subject) ? token.subject == "u1" : false"#,
        r#"!has(token.client_type) || token.client_type == "MSP""#,
        r#""read" in token.scopes && token.scopes == ["read", "write"] && token.scopes[1] == "write""#,
        r#"token.scopes.all(scope, scope in ["read", "write", "admin"])"#,
        r#"token.scopes.filter(s, s != "read").size() == 1"#,
        r#"token.scopes.filter(s, s != "read").all(s, s == "write")"#,
        "now < token.expires && has(token.expires)",
        r#"token.expires - now == duration("1h")"#,
        r#"now + duration("1h") == token.expires && token.expires - duration("1h") == now"#,
        r#"duration("1h") + now > now && duration("30m") + duration("30m") - duration("1h") == duration("0s")"#,
        r#"now > timestamp("2026-11-25T22:30:04Z") && now == timestamp("2026-11-25T23:30:05+01:00")"#,
        "now == timestamp(int(now))",
        "now.getHours() == 22 && now.getMinutes() == 30 && now.getSeconds() == 5 && now.getDayOfWeek() == 3",
        "timestamp(-1).getHours() == 23 && timestamp(-1).getDayOfWeek() == 3",
        // An error beside what decides anyway is no error, in either order.
        r#"token.client_type == "MSP" || true"#,
        r#"!(false && token.client_type == "MSP")"#,
        "true",
        r#"'é\u00e9\x41\101\'' == "éé" + "AA'""#,
        r#"r"\d" == "\\d""#,
    ] {
        assert_eq!(judge(text), Ok(true), "{text}");
        assert_eq!(judge(&format!("!({text})")), Ok(false), "!({text})");
    }
}

#[test]
fn what_cannot_be_judged_fails() {
    use ConditionFailed::{Absent, Conversion, OutOfRange};
    for (text, failed) in [
        (r#"token.client_type == "MSP""#, Absent),
        (r#"token.client_type != "MSP""#, Absent),
        (r#"!(token["client_type"] == "MSP")"#, Absent),
        (r#"request.headers["x-other"] == "a""#, Absent),
        (r#"request.headers.cookie != "a""#, Absent),
        (r#"token.client_type == "MSP" || false"#, Absent),
        (r#"token.client_type == "MSP" && true"#, Absent),
        (r#"request.headers.all(name, request.headers[name + "x"] == "a")"#, Absent),
        ("params.number + 9223372036854775807 > 0", OutOfRange),
        ("-params.number - 9223372036854775807 < 0", OutOfRange),
        ("params.number * 9223372036854775807 > 0", OutOfRange),
        ("-(params.number - 7 - 9223372036854775807 - 1) > 0", OutOfRange),
        ("(params.number - 8 - 9223372036854775807) / (params.number - 8) > 0", OutOfRange),
        ("(params.number - 8 - 9223372036854775807) % (params.number - 8) == 0", OutOfRange),
        ("1 / (params.number - 7) == 1", OutOfRange),
        ("1 % (params.number - 7) == 1", OutOfRange),
        (r#"token.scopes[params.number] == "read""#, OutOfRange),
        (r#"token.scopes[-params.number] == "read""#, OutOfRange),
        (r#"token.scopes[params.number / 2] == "read""#, OutOfRange),
        ("int(request.headers.accept) == 1", Conversion),
        ("timestamp(token.subject) < now", Conversion),
        ("duration(token.subject) < now - now", Conversion),
        ("timestamp(params.number * 1000000000000) < now", Conversion),
        ("now + (timestamp(253402300799) - now) + duration(\"1s\") > now", OutOfRange),
        ("timestamp(-62135596800) - (now - timestamp(0)) < now", OutOfRange),
    ] {
        assert_eq!(judge(text), Err(failed), "{text}");
    }
}

#[test]
fn outcome_that_is_no_bool_is_a_fault() {
    let text = r#"params.number == 7 ? request.headers.filter(n, n == "a") : token.scopes"#;
    assert!(matches!(compile(text), Err(InvalidCondition::NotBool { is: "a list", .. })));
    let text = "token.scopes.filter(s, true)[0]";
    assert!(matches!(compile(text), Err(InvalidCondition::NotBool { is: "a string", .. })));
}

#[test]
fn headers_that_cannot_be_read_fail_those_who_ask() {
    let unreadable = request(headers(&[("x-team", b"\xff")]));
    assert_eq!(unreadable.headers, Headers::Unreadable);
    for text in [r#"request.headers["x-team"] == "a""#, r#"request.method == "PUT" && size(request.headers) == 0"#] {
        assert_eq!(judge_on(text, &unreadable), Err(ConditionFailed::HeadersUnreadable), "{text}");
        assert_eq!(judge_on(text, &request(Headers::NotAsked)), Err(ConditionFailed::HeadersNotRead), "{text}");
    }
    assert_eq!(judge_on(r#"request.method == "GET""#, &unreadable), Ok(true));
}

#[test]
fn credential_that_is_not_at_hand_fails() {
    let condition = compile(r#"has(token.subject)"#).unwrap();
    let request = request(Headers::NotAsked);
    let scene = Scene { request: &request, captures: &[], identities: &[], now: UnixTime::from_seconds(NOW) };
    assert_eq!(condition.holds(&scene), Err(ConditionFailed::Absent));
}

#[test]
fn token_and_api_key_are_told_apart() {
    let condition = Condition::compile(
        r#"api_key.client_id == token.client_id && api_key.consumer_id == "k1" && api_key.scopes != token.scopes"#,
        &with_key(),
    );
    let further = vec![("consumer_id".into(), "k1".parse().unwrap())];
    let (token, key) = (facts(), Facts { client_id: Some("c1".parse().unwrap()), further, ..Facts::none() });
    let request = request(Headers::NotAsked);
    let scene = Scene {
        request: &request,
        captures: &[],
        identities: &[verified("api_key", key), verified("token", token)],
        now: UnixTime::from_seconds(NOW),
    };
    assert_eq!(condition.unwrap().holds(&scene), Ok(true));
}

#[test]
fn credential_that_is_absent_has_no_facts() {
    let names = with_optional_token();
    let request = request(Headers::NotAsked);
    let (key, token) = (verified("api_key", Facts::none()), verified("token", facts()));
    let absent = (kind("token"), None);
    let judge = |text: &str, identities: &[(&CredentialKind, Option<&Facts>)]| {
        let condition = Condition::compile(text, &names).unwrap_or_else(|fault| panic!("{text}: {fault}"));
        let scene = Scene { request: &request, captures: &[], identities, now: UnixTime::from_seconds(NOW) };
        condition.holds(&scene)
    };
    for (text, there, not_there) in [
        ("has(token)", Ok(true), Ok(false)),
        ("has( token )", Ok(true), Ok(false)),
        ("!has(token) && has(api_key)", Ok(false), Ok(true)),
        ("has(token) ? token.client_id == \"c1\" : true", Ok(true), Ok(true)),
        ("!has(token) || token.client_id == \"c1\"", Ok(true), Ok(true)),
        ("has(token.client_id)", Ok(true), Ok(false)),
        ("has(token.client_type)", Ok(false), Ok(false)),
        ("has(token.scopes)", Ok(true), Ok(false)),
        ("token.client_id == \"c1\"", Ok(true), Err(ConditionFailed::Absent)),
        ("token.client_id != \"c1\"", Ok(false), Err(ConditionFailed::Absent)),
        ("\"read\" in token.scopes", Ok(true), Err(ConditionFailed::Absent)),
        ("!(\"read\" in token.scopes)", Ok(false), Err(ConditionFailed::Absent)),
        ("token.scopes.all(s, s != \"none\")", Ok(true), Err(ConditionFailed::Absent)),
        ("size(token.scopes) == 0", Ok(false), Err(ConditionFailed::Absent)),
        ("token.expires > now", Ok(true), Err(ConditionFailed::Absent)),
        ("[\"a\"].exists(t, has(token))", Ok(true), Ok(false)),
    ] {
        assert_eq!(judge(text, &[key, token]), there, "{text}");
        assert_eq!(judge(text, &[key, absent]), not_there, "{text}");
    }
}

#[test]
fn question_for_a_credential_is_constant_where_each_request_has_it() {
    let names = with_optional_token();
    for (text, constant) in [
        ("has(api_key)", Some(true)),
        ("!has(api_key)", Some(false)),
        ("has(token)", None),
        ("has(token) || !has(token)", Some(true)),
        ("has(token.scopes)", None),
        ("has(token) == has(token.scopes)", Some(true)),
        ("has(api_key.scopes)", Some(true)),
        ("has(token) && token.tenant == \"a\"", None),
        ("!has(token) || \"read\" in token.scopes", None),
    ] {
        let condition = Condition::compile(text, &names).unwrap_or_else(|fault| panic!("{text}: {fault}"));
        assert_eq!(outcome_of(&condition, &names), constant, "{text}");
    }
}

#[test]
fn question_for_what_is_no_credential_is_refused() {
    for (text, expected) in [
        ("has(request)", "`has` takes a credential, or a member of it"),
        ("has(tokens)", "`has` takes a credential, or a member of it"),
        ("has(1)", "`has` takes a credential, or a member of it"),
    ] {
        assert!(fault(text).hint().is_some_and(|hint| hint.contains(expected)), "{text}");
    }
    for text in ["token.__is_there__", "has(token.__is_there__)", "token.__is_there__ == \"a\""] {
        assert_eq!(fault(text).to_string(), "`__is_there__` is no name that a condition can have", "{text}");
    }
    let columns = fault("has(token) && has(token) and true");
    assert!(columns.to_string().contains("column 26"), "{columns}");
    // A literal may say whatever it likes.
    assert!(compile("token.subject != \"has(token) __is_there__\"").is_ok());
    let other = Condition::compile("has(api_key)", &self::names()).unwrap_err();
    assert_eq!(other.to_string(), "`api_key` can be read only of a route that requires that credential");
}

#[test]
fn end_past_all_calendars_is_far_away() {
    let condition = compile("token.expires > now").unwrap();
    let identities = [verified("token", Facts { expires: Some(UnixTime::from_seconds(u64::MAX)), ..Facts::none() })];
    let request = request(Headers::NotAsked);
    let scene = Scene { request: &request, captures: &[], identities: &identities, now: UnixTime::from_seconds(NOW) };
    assert_eq!(condition.holds(&scene), Ok(true));
}

#[test]
fn what_is_read_is_known() {
    for (text, uses_headers, captures, constant) in [
        ("true", false, &[][..], Some(true)),
        ("1 + 1 == 3", false, &[], Some(false)),
        (r#"["a"].all(x, x == "a")"#, false, &[], Some(true)),
        ("now == now", false, &[], Some(true)),
        ("true || has(token.subject)", false, &[], Some(true)),
        (r#"params.id == "1" || params["client_id"] == "2" || params.id == "3""#, false, &["client_id", "id"], None),
        ("has(params.number)", false, &["number"], Some(true)),
        ("request.headers.exists(n, n == params.id)", true, &["id"], None),
        (r#"request["headers"].size() == 0"#, true, &[], None),
        ("has(request.headers)", true, &[], Some(true)),
    ] {
        let condition = compile(text).unwrap();
        assert_eq!(condition.uses_headers(), uses_headers, "{text}");
        assert_eq!(condition.captures_used().collect::<Vec<_>>(), captures, "{text}");
        assert_eq!(outcome_of(&condition, &names()), constant, "{text}");
    }
}
