//! Owns which texts are no conditions, and what their authors are told.

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn faults_are_found_before_any_request() {
    for (text, message) in [
        ("", "does not parse, line 1, column 1: "),
        ("request.method ==", "does not parse, line 1, column 18: "),
        ("true\n&& &&", "does not parse, line 2, column 4: "),
        ("'a", "does not parse"),
        ("request.method = 'GET'", "does not parse"),
        ("request.?method == 'GET'", "does not parse"),
        ("has(token)", "does not parse"),
        ("[1].all(1, true)", "does not parse"),
        ("9223372036854775808 == 1", "does not parse"),
        ("1e999 == 1.0", "does not parse"),
        (r"'\q' == 'q'", "does not parse"),
        (r"'\ud800' == 'q'", "does not parse"),
        (r"'\xzz' == 'q'", "does not parse"),
        ("foo == 1", "`foo` is no variable; there are `request`, `params`, `token`, `api_key`, `now`"),
        (".request.method == 'GET'", "`.request` is no variable"),
        ("Request.method == 'GET'", "`Request` is no variable"),
        ("string == 1", "`string` is no variable"),
        ("[1].all(x, true) && x == 1", "`x` is no variable"),
        ("request == request", "`request` is read by its members only, as in `request.name`"),
        ("request[request.method] == 'a'", "`request` is read by its members only"),
        ("params.size() == 1", "`params` is read by its members only"),
        ("'a' in token", "`token` is read by its members only"),
        ("token.all(x, true)", "`token` is read by its members only"),
        ("api_key.subject == 'a'", "`api_key` can be read only of a route that requires that credential"),
        ("has(api_key.subject)", "`api_key` can be read only of a route"),
        ("params.foo == 'a'", "`params.foo` can never exist; there are `client_id`, `id`, `number`"),
        ("has(params.foo)", "`params.foo` can never exist"),
        ("params['foo'] == 'a'", "`params.foo` can never exist"),
        (
            "token.sub == 'a'",
            "`token.sub` can never exist; there are `subject`, `client_id`, `client_type`, `scopes`, `expires`, `tenant`",
        ),
        ("request.query == 'a'", "`request.query` can never exist; there are `method`, `host`, `path`, `headers`"),
        ("request.headers['X-Team'] == 'a'", "`X-Team` can never be a header's name here; names are in lower case"),
        ("request.headers.Accept == 'a'", "`Accept` can never be a header's name here"),
        ("'Accept' in request.headers", "`Accept` can never be a header's name here"),
        ("has(request.headers.Accept)", "`Accept` can never be a header's name here"),
        ("request.path.matches('a')", "`matches` is no function of conditions, or is not called like that"),
        ("type(now) == now", "`type` is no function"),
        ("dyn(1) == 'a'", "`dyn` is no function"),
        ("request.path.startsWith('a', 'b')", "`startsWith` is no function"),
        ("startsWith(request.path, 'a')", "`startsWith` is no function"),
        ("request.path.lowerAscii() == 'a'", "`lowerAscii` is no function"),
        ("optional.of(1) == 1", "`of` is no function"),
        ("now.getHours('Europe/Kyiv') == 1", "`getHours` is no function"),
        ("now.getFullYear() == 2026", "`getFullYear` is no function"),
        ("token.scopes.map(s, 'x' + s) == ['xread']", "`map` is no function"),
        ("token.scopes.map(s, true, 'x' + s) == ['xread']", "`map` is no function"),
        ("token.scopes.map(s, [s, s]) == []", "`map` is no function"),
        ("{'a': 1}['a'] == 1", "there are no map literals in a condition"),
        ("Foo{a: 1} == Foo{a: 1}", "there are no messages in a condition"),
        ("[1].all(now, true)", "`now` names what a loop goes over, but is taken"),
        ("[1].all(request, request.foo == 1)", "`request` names what a loop goes over, but is taken"),
        ("[1].all(x, [2].all(y, true))", "a loop inside a loop, as over `y`, could cost too much"),
        ("[1].all(x, token.scopes.filter(y, true).all(z, true))", "a loop inside a loop"),
        (
            "token.scopes.all(x, x in token.scopes && x in token.scopes)",
            "`token.scopes` is read in the body of a loop once too often",
        ),
        (
            "token.scopes.all(x, x in token.scopes) && ['a'].exists(x, x in token.scopes)",
            "`token.scopes` is read in the body of a loop once too often",
        ),
        ("request.path.all(x, true)", "a loop goes over a list or the headers, not over a string"),
        ("params.number != '7'", "`!=` between a number and a string can mean nothing"),
        ("params.id == 7", "`==` between a string and a number can mean nothing"),
        ("params.id in ['7', 7]", "`in` between a string and a number can mean nothing"),
        ("params.number in token.scopes", "`in` between a number and a string can mean nothing"),
        ("'a' in request.path", "`in` between a string and a string can mean nothing"),
        ("token.client_type == null", "`==` between a string and null can mean nothing"),
        ("now > 5", "`>` between a timestamp and a number can mean nothing"),
        ("request.headers.accept == 5", "`==` between a string and a number can mean nothing"),
        ("has(token.subject) == 'true'", "`==` between a bool and a string can mean nothing"),
        ("token.scopes.size() == '1'", "`==` between a number and a string can mean nothing"),
        ("(params.number == 1 ? 'a' : 'b') == 1", "`==` between a string and a number can mean nothing"),
        ("request.method && true", "`&&` takes bools, not a string"),
        ("!params.number", "`!` takes bools, not a number"),
        ("'true'", "`'true'` is a string, and no bool"),
        ("null", "`null` is null, and no bool"),
        ("1 + 1", "`1 + 1` is a number, and no bool"),
        ("request.method", "`request.method` is a string, and no bool"),
        ("now", "`now` is a timestamp, and no bool"),
        ("token.scopes", "`token.scopes` is a list, and no bool"),
        ("now < timestamp('2026-02-30T00:00:00Z')", "`2026-02-30T00:00:00Z` is no timestamp"),
        ("now < now + duration('1 day')", "`1 day` is no duration"),
        (
            "9223372036854775807 + 1 > 0",
            "`9223372036854775807 + 1 > 0` always fails: a number or a time is out of range",
        ),
        ("1 / 0 == 1", "`1 / 0 == 1` always fails"),
        ("[1][1] == 1", "`[1][1] == 1` always fails"),
        ("[true][0] && 'a' + 1 == 'a1'", "always fails: an operator or a function does not take what it was given"),
    ] {
        let fault = fault(text).to_string();
        assert!(fault.contains(message), "{text}: {fault}");
        assert!(!fault.contains('\n') || text.contains('\n'), "{text}: {fault}");
    }
}

#[test]
fn route_without_captures_says_so() {
    let names = Names { captures: &[], token: None, api_key: None };
    let fault = Condition::compile("params.id == 'a'", &names).unwrap_err();
    assert_eq!(fault.to_string(), "`params.id` can never exist; the path captures nothing");
}
