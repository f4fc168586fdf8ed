//! Owns which comparisons have one outcome only, and so are faults.

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn text_that_can_never_occur_is_a_fault_that_tells_the_one_meant() {
    let mut wrong = Vec::new();
    for (text, message, hint) in [
        (
            "request.host != 'Internal.example'",
            "`Internal.example` can never be `request.host`: a host is in lower case",
            "write `internal.example`",
        ),
        ("request.host != 'api.example:8443'", "`api.example:8443` can never be", "write `api.example`"),
        ("request.host == 'https://api.example/x'", "can never be `request.host`", "write `api.example`"),
        ("request.host == 'api.example.'", "can never be", "write `api.example`"),
        ("request.host == '1.2.3'", "can never be", ""),
        ("request.host == '01.2.3.4'", "can never be", ""),
        (
            "request.host.endsWith('.Example')",
            "`.Example` can never stand at the end of `request.host`",
            "write `.example`",
        ),
        ("request.host.startsWith('API.')", "`API.` can never stand at the start of", "write `api.`"),
        ("request.host.contains('/')", "`/` can never be part of", ""),
        ("request.host in ['a.example', 'B.example']", "`B.example` can never be `request.host`", "write `b.example`"),
        (
            "['a.example', 'B.example'].exists(x, request.host == x)",
            "`B.example` can never be `request.host`",
            "write `b.example`",
        ),
        ("['a.', 'B.'].exists(x, request.host.startsWith(x))", "`B.` can never stand at the start", "write `b.`"),
        ("request.host == (has(token.subject) ? 'a' : 'B')", "`B` can never be `request.host`", "write `b`"),
        ("request.host == params.id + '.Example'", "`request.host` can never be `params.id + \".Example\"`", ""),
        (
            "params.id + '.example' == 'a.Example'",
            "`a.Example` can never be `params.id + \".example\"`: its parts never come to that",
            "",
        ),
        ("[request.host] == ['A']", "`A` can never be", "write `a`"),
        ("request.path == '/clients/a/7?x=1'", "can never be `request.path`", "write `/clients/a/7`"),
        ("request.path.startsWith('clients/')", "can never stand at the start of", "write `/clients/`"),
        ("request.path.contains('//')", "`//` can never be part of `request.path`", "write `/`"),
        ("request.path.contains('?')", "`?` can never be part of", ""),
        ("request.path.contains('%2F')", "can never be part of", ""),
        ("request.path.contains('%5c')", "can never be part of", ""),
        ("request.path.contains('%3B')", "can never be part of", ""),
        ("request.path.contains('%d0%B1')", "can never be part of", "write `%D0%B1`"),
        ("request.path.contains('%41')", "can never be part of", "write `A`"),
        ("request.path == '/%41'", "can never be `request.path`", ""),
        ("request.path != '/clients/%41%c3%a9/7'", "can never be `request.path`", "write `/clients/A%C3%A9/7`"),
        ("request.path in ['/clients/%7E/7']", "can never be `request.path`", "write `/clients/~/7`"),
        ("request.path.startsWith('/clients/%7e')", "can never stand at the start of", "write `/clients/~`"),
        ("request.path.startsWith('/%63lients/')", "can never stand at the start of", "write `/clients/`"),
        ("request.path.endsWith('/%37')", "can never stand at the end of", "write `/7`"),
        ("request.path.contains('é ')", "can never be part of", "write `%C3%A9%20`"),
        ("request.path.contains('/../')", "can never be part of", ""),
        ("request.path.contains('/./')", "can never be part of", ""),
        ("request.path.contains('\\\\')", "can never be part of", ""),
        (
            "request.path.startsWith('/Clients/')",
            "this route is for `/clients/{client_id}/{number:int}`",
            "write `/clients/`",
        ),
        ("request.path.startsWith('/admin/')", "can never stand at the start of", ""),
        ("request.path.endsWith('/')", "can never stand at the end of", ""),
        ("request.path == request.host", "`request.path` can never be `request.host`", ""),
        (
            "!(request.method in ['delete', 'put'])",
            "`delete` can never be `request.method`: this route is for `GET`, `PUT`, in capitals",
            "",
        ),
        ("request.method == 'put'", "`put` can never be", "write `PUT`"),
        ("request.method == 'DELETE'", "`DELETE` can never be", ""),
        ("request.method == token.scopes[0] + ' '", "`request.method` can never be", ""),
        (
            "'x_debug' in request.headers",
            "`x_debug` can never be the name of a header here: names are in lower case, with `-`",
            "write `x-debug`",
        ),
        ("'x.debug' in request.headers", "`x.debug` can never be", "write `x-debug`"),
        ("'x debug' in request.headers", "`x debug` can never be", "write `x-debug`"),
        ("!(':path' in request.headers)", "`:path` can never be", "write `-path`"),
        ("has(request.headers.x_debug)", "`x_debug` can never be", "write `x-debug`"),
        ("request.headers.x_debug == 'a'", "`x_debug` can never be", "write `x-debug`"),
        ("request.headers['X-Team'] == 'a'", "`X-Team` can never be", "write `x-team`"),
        ("request.headers['x_' + 'team'] == 'a'", "`x_team` can never be", "write `x-team`"),
        ("request.headers['x_' + params.id] == 'a'", "can never be", ""),
        (
            "!('authorization' in request.headers)",
            "`authorization` can never be the name of a header here: a credential",
            "",
        ),
        ("'Authorization' in request.headers", "a credential", ""),
        ("request.headers.exists(h, h == 'authorization')", "`authorization` can never be `h`: a credential", ""),
        (
            "request.headers.exists(h, h.startsWith('x-user-'))",
            "`x-user-` can never stand at the start of `h`: stripped",
            "",
        ),
        ("'x-user-id' in request.headers", "stripped", ""),
        ("request.headers.exists(h, h.startsWith('X-'))", "`X-` can never stand at the start of `h`", "write `x-`"),
        ("request.headers.filter(h, h != 'a') == ['X']", "`X` can never be", "write `x`"),
        ("['x-a', 'x_b'].all(h, h in request.headers)", "`x_b` can never be", "write `x-b`"),
        (
            "request.headers.accept != ' a'",
            "`request.headers.accept`: a value has no control character, and no space in front",
            "write `a`",
        ),
        ("request.headers.accept.contains('\\n')", "can never be part of", ""),
        (
            "params.uuid != '1380DF72-275A-11E7-93AE-92361F002671'",
            "a UUID is in lower case, with hyphens",
            "write `1380df72-275a-11e7-93ae-92361f002671`",
        ),
        ("params.uuid.startsWith('A-B')", "a UUID is in lower case", ""),
        ("params.uuid == 'me'", "a UUID is in lower case", ""),
        ("params.id == '/a'", "a segment is not empty", "write `a`"),
        ("params.id.contains('/')", "a segment is not empty", ""),
        ("params.id != ''", "a segment is not empty", ""),
        ("params.id == '..'", "a segment is not empty", ""),
        ("params.id == '%41'", "further encoding such as `%41`", "write `A`"),
        ("params.id != 'a%20b%C3%A9'", "`a%20b%C3%A9` can never be `params.id`", "write `a bé`"),
        ("params.id in ['b', '%7e']", "`%7e` can never be `params.id`", "write `~`"),
        ("['%7e'].exists(x, params.id == x)", "`%7e` can never be `params.id`", "write `~`"),
        ("params.id.startsWith('%41')", "can never stand at the start of `params.id`", "write `A`"),
        ("params.id.endsWith('a%41')", "can never stand at the end of `params.id`", "write `aA`"),
        ("params.id.contains('%4a')", "can never be part of `params.id`", "write `J`"),
        ("params.id == '%2F'", "a segment is not empty", ""),
        ("params.id == '%FF'", "a segment is not empty", ""),
        ("params.id == '%2541'", "a segment is not empty", ""),
        ("params.id + 'b' == '%41b'", "its parts never come to that", "write `Ab`"),
        ("params.uuid == '%41380df7-275a-11e7-93ae-92361f002671'", "a UUID is in lower case", ""),
        (
            "params.uuid == '1380df72-275a-11e7-93ae-92361f00267%61'",
            "a UUID is in lower case",
            "write `1380df72-275a-11e7-93ae-92361f00267a`",
        ),
        ("string(params.number) == '%37'", "a number has no leading zeros", "write `7`"),
        ("params.number == -1", "`-1` can never be `params.number`: `params.number` is 0 or more", ""),
        ("params.number in [1, -1]", "`-1` can never be `params.number`", ""),
        ("[1, -1].exists(x, params.number == x)", "`-1` can never be `params.number`", ""),
        ("params.number < 0", "`params.number < 0` can never hold: `params.number` is 0 or more", ""),
        ("!(0 > params.number)", "`0 > params.number` can never hold", ""),
        (
            "string(params.number) == '07'",
            "`07` can never be `string(params.number)`: a number has no leading zeros",
            "write `7`",
        ),
        ("string(params.number) == '-7'", "can never be", ""),
        ("now.getHours() == 24", "`24` can never be `now.getHours()`: `now.getHours()` is 0 to 23", ""),
        ("now.getDayOfWeek() in [6, 7]", "`7` can never be `now.getDayOfWeek()`: `now.getDayOfWeek()` is 0 to 6", ""),
        ("now.getMinutes() > 59", "can never hold", ""),
        ("token.expires.getSeconds() != 60", "`60` can never be", ""),
        ("token.scopes.size() < 0", "can never hold", ""),
        ("size(request.path) < 1", "`size(request.path)` is 12 or more", ""),
        ("size(request.path) != 0", "`0` can never be `size(request.path)`", ""),
        ("params.uuid.size() < 36", "`params.uuid.size()` is 36", ""),
        ("size(params.uuid) == 32", "`32` can never be `size(params.uuid)`: `size(params.uuid)` is 36", ""),
        ("size(request.method) in [2, 3]", "`size(request.method)` is 3", ""),
        ("size(token.subject) > 256", "`size(token.subject)` is 1 to 256", ""),
        ("size(token.scopes) == -1", "`-1` can never be", ""),
        ("request.headers.exists(h, size(h) == 0)", "`size(h)` is 1 or more", ""),
        ("size('ab' + params.id) == 2", "is 3 or more", ""),
        ("params.number + 1 == 0", "`0` can never be `params.number + 1`: `params.number + 1` is 1 or more", ""),
        ("params.number + 1 - 1 == 9223372036854775807", "is 0 to 9223372036854775806", ""),
        ("7 - params.number > 7", "`7 - params.number > 7` can never hold", ""),
        ("-params.number > 0", "can never hold", ""),
        ("now < timestamp('1970-01-01T00:00:00Z')", "can never hold", ""),
        ("now == timestamp('1969-01-01T00:00:00Z')", "can never be `now`", ""),
        ("'read write' in token.scopes", "a scope is one word of visible ASCII", ""),
        ("token.scopes.exists(s, s == 'a b')", "`a b` can never be `s`", ""),
        ("token.scopes.all(s, s != '')", "a scope is one word", ""),
        (
            "token.scopes == ['write', 'read']",
            "its entries are in alphabetical order, each once",
            "write `[\"read\", \"write\"]`",
        ),
        ("['a', 'a'] != token.scopes", "its entries are in alphabetical order, each once", "write `[\"a\"]`"),
        (
            "request.headers.filter(h, true) == ['b', 'a']",
            "its entries are in alphabetical order",
            "write `[\"a\", \"b\"]`",
        ),
        (
            "token.client_id != ''",
            "a fact is 1 to 256 bytes without control characters",
            "write `has(token.client_id)`",
        ),
        ("token.tenant == 'a\\n'", "a fact is 1 to 256 bytes", "write `a`"),
        ("token.tenant == ' a '", "a fact is 1 to 256 bytes", "write `a`"),
        ("token.tenant == 'é\u{3000}'", "a fact is 1 to 256 bytes", "write `é`"),
        ("int(params.uuid) == 1", "`int(params.uuid)` always fails: a UUID", ""),
        ("int(request.method) == 1", "`int(request.method)` always fails", ""),
        ("timestamp(request.path) < now", "`timestamp(request.path)` always fails", ""),
        ("duration(params.uuid) < now - now", "`duration(params.uuid)` always fails", ""),
        ("token.scopes[-1] == 'a'", "`token.scopes[-1]` always fails", ""),
    ] {
        let told = compile(text).err().map(|fault| (fault.to_string(), fault.hint().unwrap_or_default()));
        if !told.as_ref().is_some_and(|(fault, meant)| fault.contains(message) && meant == hint) {
            wrong.push(format!("{text}: {told:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_can_occur_is_no_fault() {
    let mut wrong = Vec::new();
    for text in [
        "request.host == 'a_b.example' && request.host != '10.0.0.1' && request.host != '[::1]'",
        "request.host.endsWith('.example') || request.host.contains('1') || request.host == '1a'",
        "request.host == params.id + '.example' || request.host == token.tenant",
        "request.path.startsWith('/clients/a') && request.path.contains('%D0%B1') && request.path.contains('!')",
        "request.path.contains('/clients/...') || request.path.endsWith('/7')",
        "request.path == '/clients/' + params.client_id + '/7'",
        "request.path.startsWith('/cl') && request.path.startsWith('')",
        "'x-user' in request.headers && request.headers.exists(h, h.startsWith('x-user'))",
        "request.headers.exists(h, h.contains('user-id') || h.endsWith('x-user-id'))",
        "request.headers.accept == '' || request.headers.accept == 'a, ' || request.headers.accept == 'é'",
        "params.uuid == '1380df72-275a-11e7-93ae-92361f002671' && params.uuid.startsWith('13')",
        "params.id == '.' + 'a' || params.id == '...' || params.id == 'a b' || params.id == 'é'",
        "params.id == '%' || params.id == '%4' || params.id == '%4z' || params.id == '%.41' || params.id == '..%'",
        "params.id.contains('%') && params.id != '%%g1%a%' && params.id + '1' == '%41' && '%' + params.id == '%41'",
        "params.id.endsWith('41') && params.id.startsWith('1%4') && params.id == '.%'",
        "request.path.contains('%4') == false || request.path.startsWith('/clients/%25')",
        "params.number == 0 && params.number <= 0 && params.number > -1 && -params.number == -7",
        "now.getHours() >= 0 && now.getHours() < 24 && now.getDayOfWeek() == 0",
        "token.scopes == ['a', 'b'] || token.scopes == [] || token.scopes != ['b:c']",
        "token.subject == 'NHS ADMIN' && token.subject != 'a'",
        "int(params.id) == -7 && int(token.subject) == 1 && int(token.scopes[0]) == 1",
        "timestamp(token.subject) < now && duration(request.headers.a) > now - now",
        "1 == 1 || 'a' == 'b' || 'A'.startsWith('a') || [1].exists(x, x == 2)",
    ] {
        if let Err(fault) = compile(text) {
            wrong.push(format!("{text}: {fault}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn hosts_of_the_route_are_the_hosts_of_its_conditions() {
    let hosts: Vec<HostPattern> = ["*.saas.example", "admin.example"].map(|host| host.parse().unwrap()).into();
    let names = Names { around: Around { hosts: &hosts, ..*AROUND }, ..names() };
    for text in [
        "request.host == 'a.b.saas.example'",
        "request.host == params.id + '.saas.example'",
        "request.host == 'admin.example'",
    ] {
        assert!(Condition::compile(text, &names).is_ok(), "{text}");
    }
    for text in [
        "request.host == 'saas.example'",
        "request.host == params.id + '.other.example'",
        "request.host != 'a.example'",
    ] {
        let fault = Condition::compile(text, &names).unwrap_err().to_string();
        assert!(fault.contains("this route is for `*.saas.example`, `admin.example`"), "{text}: {fault}");
    }
}
