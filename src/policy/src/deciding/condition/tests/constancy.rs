//! Owns which conditions are told to say nothing: each with the one outcome it has, or none.

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

#[test]
fn path_of_literals_has_nothing_else() {
    let path = PathTemplate::parse("/c").unwrap();
    let names = Names { around: Around { path: &path, ..*AROUND }, ..names() };
    for text in ["!request.path.contains('force=true')", "request.path.startsWith('/d')", "request.path != '/c/'"] {
        assert!(Condition::compile(text, &names).is_err(), "{text}");
    }
    let condition = Condition::compile("request.path == '/c'", &names).unwrap();
    assert_eq!(outcome_of(&condition, &names), Some(true));
}

#[test]
fn condition_of_one_outcome_is_constant() {
    for (text, constant) in [
        ("request.path.startsWith('/')", Some(true)),
        ("!request.path.startsWith('/clients/')", Some(false)),
        ("request.path.contains('')", Some(true)),
        ("request.method in ['GET', 'PUT']", Some(true)),
        ("!(request.method in ['PUT', 'GET'])", Some(false)),
        ("request.method in ['PUT']", None),
        ("request.method.endsWith('T')", Some(true)),
        ("request.method != 'GET' || request.method != 'PUT'", Some(true)),
        ("request.method == 'GET' && params.id == 'a' && request.method == 'PUT'", Some(false)),
        ("request.method == 'GET' || request.method == 'PUT'", Some(true)),
        ("token.subject != 'a' || now > token.expires || 'b' != token.subject", Some(true)),
        ("token.subject != 'a' && token.subject != 'b'", None),
        ("params.number >= 0", Some(true)),
        ("!(params.number > -1)", Some(false)),
        ("now.getHours() >= 0 && now.getHours() <= 23", Some(true)),
        ("now.getHours() >= 6 && now.getHours() < 22", None),
        ("now >= timestamp('1970-01-01T00:00:00Z')", Some(true)),
        ("now < timestamp('2030-01-01T00:00:00Z')", None),
        ("1 == 1 || has(token.subject)", Some(true)),
        ("'a' == 'b' && has(token.subject)", Some(false)),
        ("has(token.scopes)", Some(true)),
        ("has(request.method) ? true : has(token.subject)", Some(true)),
        ("has(token.subject)", None),
        ("request.headers.all(h, h.startsWith(''))", Some(true)),
        ("request.headers.exists(h, false)", Some(false)),
        ("request.headers.all(h, h != 'x-a')", None),
        ("['a', 'b'].exists(x, 'a'.startsWith('a') || x == params.id)", Some(true)),
        ("['a', 'b'].all(x, x != params.id)", None),
        ("params.id in []", Some(false)),
        // Several tests of one place are judged together.
        ("['G', 'PUT'].exists(x, request.method.startsWith(x))", Some(true)),
        ("request.method.startsWith('G') == (request.method == 'GET')", Some(true)),
        ("request.method + '.' in ['GET.', 'PUT.']", Some(true)),
        ("size(request.method) == 3", Some(true)),
        ("params.id.startsWith('ab') && !params.id.contains('b')", Some(false)),
        ("params.id.startsWith('ab') && !params.id.contains('ba')", None),
        ("'a:' + params.id == 'a:b' && params.id != 'b'", Some(false)),
        ("('a:' + params.id + ':c').contains('b:c') || !params.id.endsWith('b')", Some(true)),
        ("params.number < 7 || params.number > 6", Some(true)),
        ("params.number < 7 || params.number > 7", None),
        ("7 < params.number && params.number < 9 && params.number != 8", Some(false)),
        ("now > timestamp(7) || now < timestamp(9)", Some(true)),
        ("(now > timestamp(7) ? 'a' : 'b') == 'a' && now < timestamp(7)", Some(false)),
        ("params.id == token.subject || params.id != token.subject", Some(true)),
        ("params.id == token.subject && params.uuid != token.subject", None),
        ("params.id == params.id", Some(true)),
        // Lengths have ranges, also of what is joined, chosen or listed.
        ("size(request.path) >= 1", Some(true)),
        ("size(request.path) > 12", None),
        ("params.uuid.size() == 36", Some(true)),
        ("size(params.uuid) == size('1380df72-275a-11e7-93ae-92361f002671')", Some(true)),
        ("size(params.id) > 0", Some(true)),
        ("size(params.id) > 1", None),
        ("size(params.id) < 3 || size(params.id) > 2", Some(true)),
        ("size(params.id) < 3 || params.id.size() > 3", None),
        ("size('ab' + params.id) > 2", Some(true)),
        ("size('ab' + params.id) > 3 || size(params.id) < 2", Some(true)),
        ("size(params.id + params.uuid) >= 37", Some(true)),
        ("size(request.method == 'GET' ? 'ab' : 'c') + size(params.id) > 1", Some(true)),
        ("size(request.method == 'GET' ? 'ab' : 'c') == 2 && request.method == 'PUT'", Some(false)),
        ("size(token.subject) <= 256", Some(true)),
        ("size(token.subject) < 256", None),
        ("size(string(params.number)) < 20", Some(true)),
        ("size(string(params.number)) < 19", None),
        ("size(token.scopes) >= 0 && size(request.headers.accept) >= 0", Some(true)),
        ("size(token.scopes) > 0", None),
        ("request.headers.all(h, size(h) > 0)", Some(true)),
        ("request.headers.all(h, size(h) > 1)", None),
        ("size([params.id, 'b']) == 2", Some(true)),
        ("size(['a', 'b'].filter(x, x != params.id)) <= 2", Some(true)),
        ("size(['a', 'b'].filter(x, x != params.id)) < 2", None),
        ("size(request.method == 'GET' ? ['a'] : ['a', params.id]) < 3", Some(true)),
        ("size(params.id) != size(params.uuid)", None),
        ("size(params.uuid) > size(string(params.number))", Some(true)),
        // So have sums and differences; out of range they fail.
        ("params.number + 1 > 0", Some(true)),
        ("1 + params.number > 1", None),
        ("params.number - 1 >= -1", Some(true)),
        ("-params.number <= 0 && 7 - params.number <= 7", Some(true)),
        ("params.number + 1 > 7 || params.number < 7", Some(true)),
        ("params.number + 1 > 8 || params.number < 7", None),
        ("7 - params.number > 0 && 7 - params.number < 0 + 1", Some(false)),
        ("params.number + 1 - 1 > 7 && params.number == 9223372036854775807", Some(false)),
        ("params.number - 1 + 1 > 7 && params.number == 9223372036854775807", None),
        ("params.number + 9223372036854775807 > 0", Some(true)),
        ("params.number + 9223372036854775806 < 9223372036854775807", None),
        ("params.number + size(params.id) > 0", Some(true)),
        ("params.number + size(params.id) > 1", None),
        ("params.number * 2 >= 0", None),
        ("now.getHours() + 1 <= 24", Some(true)),
        // What is absent fails, also where it is asked for.
        ("has(token.tenant) || token.tenant == 'a'", Some(true)),
        ("!has(token.tenant) && token.tenant == 'a'", Some(false)),
        ("has(token.tenant) && token.tenant == 'a'", None),
        ("has(token.tenant) == true", None),
        ("'x-a' in request.headers || request.headers['x-a'] == 'b'", Some(true)),
        ("!('x-a' in request.headers) || request.headers['x-a'] == 'b'", None),
        ("has(request.headers.accept) != ('accept' in request.headers)", Some(false)),
        // A list can have any of the entries that there are.
        ("token.scopes.all(s, s == 'a') && 'b' in token.scopes", Some(false)),
        ("token.scopes.all(s, s != 'a') || 'a' in token.scopes", Some(true)),
        ("token.scopes.exists(s, s.startsWith('a')) || token.scopes.all(s, !s.startsWith('a'))", Some(true)),
        ("token.scopes.exists(s, s.startsWith('a')) || !('ab' in token.scopes)", Some(true)),
        ("token.scopes.exists_one(s, s == 'a') && !('a' in token.scopes)", Some(false)),
        ("token.scopes.exists_one(s, s == 'a')", None),
        ("token.scopes.exists_one(s, s == 'a') || !('a' in token.scopes)", Some(true)),
        ("token.scopes.exists_one(s, s.endsWith('a')) || !token.scopes.exists(s, s.endsWith('a'))", None),
        ("token.scopes.exists_one(s, s != 'a') && !token.scopes.exists_one(s, !(s == 'a'))", Some(false)),
        ("token.scopes.all(s, s == params.id)", None),
        ("['a', 'b'].exists_one(x, request.method.contains('T') && x == 'a')", Some(true)),
        ("['a', 'b'].exists_one(x, x == params.id)", None),
        ("request.headers.all(h, h != 'x-a' || request.headers[h] == 'b')", None),
        ("request.headers.exists(h, h == 'x-a' && h == 'x-b')", Some(false)),
        ("request.headers.exists(h, h == 'x-a') && !('x-a' in request.headers)", Some(false)),
        ("request.headers.exists(h, h.startsWith('x-')) || !('x-a' in request.headers)", Some(true)),
        ("request.headers.all(h, h != 'x-a') && request.headers['x-a'] == 'b'", Some(false)),
    ] {
        let found = compile(text).map(|condition| outcome_of(&condition, &names()));
        assert_eq!(found, Ok(constant), "{text}");
    }
}
