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
        ("has(request)", "does not parse"),
        ("[1].all(1, true)", "does not parse"),
        ("9223372036854775808 == 1", "does not parse"),
        ("1e999 == 1.0", "does not parse"),
        (r"'\q' == 'q'", "does not parse"),
        (r"'\ud800' == 'q'", "does not parse"),
        (r"'\xzz' == 'q'", "does not parse"),
        ("foo == 1", "`foo` is no variable; there are `request`, `params`, `api_key`, `token`, `now`"),
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
        (
            "request.headers['X-Team'] == 'a'",
            "`X-Team` can never be the name of a header here: names are in lower case",
        ),
        ("request.headers.Accept == 'a'", "`Accept` can never be the name of a header here"),
        ("'Accept' in request.headers", "`Accept` can never be the name of a header here"),
        ("has(request.headers.Accept)", "`Accept` can never be the name of a header here"),
        (
            "request.path.matches('a')",
            "`matches` is no function of conditions; there are `bool`, `contains`, `duration`, `endsWith`, ",
        ),
        ("type(now) == now", "`type` is no function"),
        ("dyn(1) == 'a'", "`dyn` is no function"),
        ("request.path.startsWith('a', 'b')", "`startsWith` is called otherwise: `text.startsWith(start)`"),
        ("startsWith(request.path, 'a')", "`startsWith` is called otherwise"),
        ("[1].all(x)", "`all` is called otherwise: `list.all(x, condition)`"),
        ("size() == 1", "`size` is called otherwise: `size(value)`"),
        ("request.path.lowerAscii() == 'a'", "`lowerAscii` is no function"),
        ("optional.of(1) == 1", "`of` is no function"),
        ("now.getHours('Europe/Kyiv') == 1", "`getHours` is called otherwise: `time.getHours()`"),
        ("now.getFullYear() == 2026", "`getFullYear` is no function"),
        ("token.scopes.map(s, 'x' + s) == ['xread']", "`map` is no function"),
        ("token.scopes.map(s, true, 'x' + s) == ['xread']", "`map` is no function"),
        ("token.scopes.map(s, [s, s]) == []", "`map` is no function"),
        ("{'a': 1}['a'] == 1", "there are no map literals in a condition"),
        ("int('abc') == 1", "`int('abc') == 1` always fails: "),
        ("params.number == int('1e3')", "`int(\"1e3\")` always fails: "),
        ("params.number / 0 == 1", "`params.number / 0` always fails: "),
        ("params.number % 0 == 1", "`params.number % 0` always fails: "),
        ("params.number < 9223372036854775807 + 1", "` always fails: "),
        ("request.method == 'GET' || bool('yes')", "`bool(\"yes\")` always fails: "),
        ("bool(params.uuid)", "`bool(params.uuid)` always fails: "),
        ("now < timestamp(99999999999999)", "`timestamp(99999999999999)` always fails: "),
        ("request.method in ['GET', ['PUT'][1]]", "` always fails: "),
        ("token.scopes.exists(x, x == string(1 / 0))", "`1 / 0` always fails: "),
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
        ("params.id in ['7', 7]", "a list has one type, and this one has a string and an int"),
        ("params.id in [7]", "`in` between a string and a number can mean nothing"),
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
        ("1 / 0 == 1", "`1 / 0` always fails"),
        ("[1][1] == 1", "`[1][1] == 1` always fails"),
        ("[true][0] && 'a' + 1 == 'a1'", "`+` between a string and a number can mean nothing"),
    ] {
        let fault = fault(text).to_string();
        assert!(fault.contains(message), "{text}: {fault}");
        assert!(!fault.contains('\n') || text.contains('\n'), "{text}: {fault}");
    }
}

#[test]
fn route_without_captures_says_so() {
    let names = Names { captures: &[], credentials: &[], around: *AROUND };
    let fault = Condition::compile("params.id == 'a'", &names).unwrap_err();
    assert_eq!(fault.to_string(), "`params.id` can never exist; the path captures nothing");
}

#[test]
fn types_are_followed_wherever_values_go() {
    let mut wrong = Vec::new();
    for (text, message) in [
        ("[13, 14].all(x, x != params.id)", "`!=` between a number and a string"),
        ("!(token.scopes.exists(s, s == params.number))", "`==` between a string and a number"),
        ("[params.number] != ['7']", "`!=` between a list of numbers and a list of strings"),
        ("token.scopes[0] != 5", "`!=` between a string and a number"),
        ("token.scopes.filter(s, s != 'a')[0] != 5", "`!=` between a string and a number"),
        ("request.headers.filter(h, h != 'a')[0] == 5", "`==` between a string and a number"),
        ("[[1], [2]][0][0] == 'a'", "`==` between a number and a string"),
        ("[[1], ['a']].all(x, true)", "a list has one type"),
        ("token.expires - now != 300", "`!=` between a duration and a number"),
        ("token.expires - now > 300", "`>` between a duration and a number"),
        ("now + 3600 > token.expires", "`+` between a timestamp and a number"),
        ("(now - duration('1h')) - now == now", "`==` between a duration and a timestamp"),
        ("now.getHours() == '7'", "`==` between a number and a string"),
        ("string(params.number) == 7", "`==` between a string and a number"),
        ("int(params.id) == '7'", "`==` between a number and a string"),
        ("params.number == 7u", "`==` between an int and a uint"),
        ("params.number != 7.0", "`!=` between an int and a double"),
        ("params.number + 1u > 0", "`+` between an int and a uint"),
        ("params.number in [7u]", "`in` between an int and a uint"),
        ("params.number < 7.5", "`<` between an int and a double"),
        ("7u >= params.number", "`>=` between a uint and an int"),
        ("1.5 % 1.5 == 0.0", "`%` between a double and a double"),
        ("(has(token.subject) ? now : 5) == now", "`? :` between a timestamp and a number"),
        ("(has(token.subject) ? 5 : 6) == '5'", "`==` between a number and a string"),
        ("(token.subject ? 5 : 6) == 5", "`? :` takes bools, not a string"),
        ("[now, token.expires].exists(t, t == 5)", "`==` between a timestamp and a number"),
        ("request.headers == request.headers", "there is no comparing of all headers"),
        ("token.scopes < token.scopes", "`<` between a list of strings and a list of strings"),
        ("null < null", "`<` between null and null"),
        ("token.scopes[params.id] == 'read'", "`[ ]` between a list and a string"),
        ("request.headers[params.number] == 'a'", "`[ ]` between a map and a number"),
        ("request.path[0] == 'a'", "`[ ]` between a string and a number"),
        ("token.scopes.filter(s, s == s)[0] + params.number == request.path", "`+` between a string and a number"),
        ("request.path + 1 == '/'", "`+` between a string and a number"),
        ("-request.path == 'a'", "`-` takes an int or a double, and this is a string"),
        ("token.scopes.contains('read')", "`contains` is called on a string, and this is a list"),
        ("token.subject.contains(1)", "`contains` takes a string, and this is a number"),
        ("token.subject.getHours() == 5", "`getHours` is called on a timestamp, and this is a string"),
        ("(token.expires - now).getHours() == 5", "`getHours` is called on a timestamp, and this is a duration"),
        ("string(now) == 'a'", "`string` takes a bool, bytes, a number or a string, and this is a timestamp"),
        ("timestamp(token.expires) > now", "`timestamp` takes a string or an int, and this is a timestamp"),
        ("int(token.scopes) == 1", "`int` takes a number, a string or a timestamp, and this is a list"),
        ("duration(5) == token.expires - now", "`duration` takes a string, and this is a number"),
        ("bool(1)", "`bool` takes a bool or a string, and this is a number"),
        ("size(now) == 1", "`size` takes a string, bytes, a list or the headers, and this is a timestamp"),
        ("now.hour > 5", "`now.hour` can never exist; `now` is a timestamp"),
        ("token.subject.name == 'a'", "`token.subject.name` can never exist; `token.subject` is a string"),
        ("token.scopes.all(s, s)", "`s` is a string, and no bool"),
        ("token.scopes.filter(s, 1).size() == 1", "`1` is a number, and no bool"),
    ] {
        let told = told(text);
        if !told.0.contains(message) {
            wrong.push(format!("{text}: {told:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is said of a text: the fault and the hint, or nothing of a condition.
fn told(text: &str) -> (String, String) {
    compile(text).err().map(|fault| (fault.to_string(), fault.hint().unwrap_or_default())).unwrap_or_default()
}

#[test]
fn what_was_meant_is_told() {
    let mut wrong = Vec::new();
    for (text, hint) in [
        ("token.scopes.contains('read')", "write `\"read\" in token.scopes`"),
        ("token.expires - now > 300", "write `duration(\"300s\")`"),
        ("now + 3600 > token.expires", "write `duration(\"3600s\")` for so many seconds, `timestamp(3600)` for a time"),
        ("now.hour > 5", "write `now.getHours()`"),
        ("token.expires.day == 5", "write `token.expires.getDayOfWeek()`"),
        ("request.path + 1 == '/'", "write `\"1\"`"),
        ("request.path + params.number == '/'", "write `string(params.number)`"),
        ("params.number == '7'", "write `7` without quotes"),
        ("params.id == 7", "write `\"7\"`"),
        ("params.id in [7]", "write `\"7\"`"),
        ("params.number < 7u", "write `7` for `7u`"),
        ("7.0 >= params.number", "write `7` for `7.0`"),
        ("params.number < 7.5", "write a whole number, such as `7`, for `7.5`"),
        ("params.id == params.number", "write `string(params.number)`"),
        ("token.client_type == null", "write `has(token.client_type)`"),
        ("request.path.startswith('a')", "did you mean `startsWith`?"),
        ("request.path.StartsWith('a')", "did you mean `startsWith`?"),
        ("token.tennant == 'a'", "did you mean `tenant`?"),
        ("requst.path == 'a'", "did you mean `request`?"),
        ("request.headers.x-features == 'a'", "write `request.headers[\"x-features\"]`"),
        ("request.headers.x-a-features.contains('a')", "write `request.headers[\"x-a-features\"]`"),
        ("'a' in [request.headers.x-a-b]", "write `request.headers[\"x-a-b\"]`"),
        (
            "has(request.headers['x-a'])",
            "ask for a header as in `\"x-team\" in request.headers`; `has` takes a member, as in `has(token.client_type)`",
        ),
        ("has(request)", "`has` takes a credential, or a member of it: `has(token)`, `has(token.client_type)`"),
        ("request.method == 'GET' and params.id == 'a'", "write `&&` for `and`"),
        ("request.method == 'GET' or params.id == 'a'", "write `||` for `or`"),
        ("not (params.id == 'a and b')", "write `!` for `not`"),
        ("request.method = 'GET'", "write `==` to compare"),
        ("now < now + duration('30d')", "write `720h`"),
        ("now < now + duration('1d12h')", "write `36h`"),
        ("now < now + duration('1.5h')", "write `1h30m`"),
        ("now < now + duration('2000ms')", "write `2s`"),
        ("now < now + duration('300')", "write `5m`"),
        ("now < timestamp('2026-11-25T10:00:00.000Z')", "write `2026-11-25T10:00:00Z`"),
        ("now < timestamp('2026-11-25 10:00:00+02:00')", "write `2026-11-25T10:00:00+02:00`"),
        ("now < timestamp('2026-11-25')", "write `2026-11-25T00:00:00Z`"),
    ] {
        let told = told(text);
        if told.1 != hint {
            wrong.push(format!("{text}: {told:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for text in ["now < now + duration('1500ms')", "now < now + duration('soon')", "now < timestamp('soon')", "true ||"]
    {
        assert_eq!(fault(text).hint(), None, "{text}");
    }
    let fault = fault("now < now + duration('1500ms')").to_string();
    assert!(fault.contains("is no duration of whole hours, minutes and seconds, such as `1h30m`"), "{fault}");
}

#[test]
fn no_literal_hides_a_comment() {
    for text in [
        "true // false",
        r#"request.headers["x-a"] != r"\" // " && "admin" in token.scopes"#,
        r#"request.headers["x-a"] != R'\' // ' && false"#,
        r#""""a"b""" == "c" || true // && false"#,
        r#"br"\" == b"a" // ""#,
    ] {
        assert_eq!(compile(text).unwrap_err(), InvalidCondition::Comment(text.to_owned()), "{text}");
    }
    for text in [
        r#"request.headers["x-a"] == "http://a" || token.subject == 'a//b\'//'"#,
        // A literal that ends in the letter of a raw one, or is empty.
        r#"request.headers["referer"].startsWith("https://a.example/")"#,
        r#"request.headers["x-user"] == "" || request.headers['x-user'] == 'a//b'"#,
        r#"token.subject in ["", "a//b"]"#,
        r#"token.subject == "\\" || request.headers["x-a"] == "a//b""#,
    ] {
        let outcome = compile(text);
        assert!(!matches!(outcome, Err(InvalidCondition::Comment(_))), "{text}: {outcome:?}");
    }
}
