//! Every odd way to ask for a method: what is carried out is what was judged.

use brama_e2e::stack::Gateway;

use super::arrived::requests;
use super::wire::{Ending, Field, Raw, Wire, field};
use super::{NOTHING, laxer};

const METHODS: [&[u8]; 27] = [
    b"DELETE",
    b"delete",
    b"Delete",
    b"DELETe",
    b"DELETE\0",
    b"DELETE\t",
    b"\tDELETE",
    b"DELETE DELETE",
    b"DEL\xc3\x89TE",
    b"GET",
    b"get",
    b"HEAD",
    b"OPTIONS",
    b"POST",
    b"PUT",
    b"PATCH",
    b"CONNECT",
    b"TRACE",
    b"trace",
    b"PRI",
    b"PROPFIND",
    b"PURGE",
    b"ERASE",
    b"M-SEARCH",
    b"*",
    b"",
    b"DELETEDELETEDELETEDELETEDELETEDELETEDELETEDELETEDELETEDELETEDELETEDELETE",
];

#[test]
fn method_that_is_carried_out_is_the_one_that_was_judged() {
    search(&Gateway::start());
}

#[test]
fn laxer_envoy_has_the_method_carried_out_that_was_judged() {
    search(&laxer());
}

fn search(gateway: &Gateway) {
    let (mut tried, mut passed) = (0, 0);
    for wire in [Wire::Http1, Wire::Http2] {
        for method in METHODS {
            for target in [
                NOTHING.to_owned(),
                "/readyz".to_owned(),
                format!("{NOTHING}?_method=DELETE"),
                "/readyz?%5Fmethod=DELETE".to_owned(),
            ] {
                for (override_, may_pass) in overrides() {
                    let mut request = Raw { method: method.to_vec(), ..Raw::good().with(&override_) };
                    request.target = target.clone().into_bytes();
                    let ending = request.send(wire, gateway.address());
                    let arrived = requests(&gateway.tap.take());
                    let what = format!("{wire:?}, {}, {target}, {override_:?}: {ending:?}", method.escape_ascii());
                    tried += 1;
                    // A tab parts words of the request's line too (RFC 9112, 3).
                    let named = if wire == Wire::Http1 { method.trim_ascii() } else { method };
                    let is_listed =
                        (named == b"DELETE" && target == NOTHING) || (named == b"GET" && target == "/readyz");
                    match ending {
                        Ending::Answered(200 | 404) if !arrived.is_empty() => {
                            passed += 1;
                            assert!(is_listed && may_pass, "{what}: {arrived:?}");
                            let [arrived] = &arrived[..] else { panic!("{what}: {arrived:?}") };
                            arrived.assert_sound();
                        }
                        // Envoy knows no method of this name, or no route for CONNECT.
                        Ending::Answered(400 | 403 | 404 | 501) | Ending::Cut => {
                            assert!(arrived.is_empty(), "{what}: {arrived:?}");
                        }
                        Ending::Answered(_other) => panic!("{what}"),
                    }
                    let is_plain = named == method && is_listed && override_.is_empty();
                    assert!(!is_plain || matches!(ending, Ending::Answered(200 | 404)), "{what}");
                }
            }
        }
    }
    println!("{tried} methods and overrides, {passed} passed");
    assert!(passed >= 4);
}

/// Fields that ask for another method, path or protocol, and whether a request with them may pass all the same.
fn overrides() -> Vec<(Vec<Field>, bool)> {
    let mut all = vec![(vec![], true)];
    for name in [
        "x-http-method-override",
        "X-HTTP-Method",
        "x-method-override",
        "x-method",
        "x-forwarded-method",
        "x_http_method_override",
        "x.http.method.override",
        "x-original-url",
        "x-rewrite-url",
        "x-forwarded-uri",
        "x-original-uri",
        "x-forwarded-path",
        "_method",
        ":method",
        ":protocol",
    ] {
        let value = if name.contains("ur") { "/readyz" } else { "DELETE" };
        all.push((vec![field(name, value)], false));
        all.push((vec![field(name, value), field(name, "")], false));
        all.push((vec![field(name, "")], false));
    }
    for protocol in ["websocket", "h2c", "TLS/1.0", "connect-udp", "foo, websocket"] {
        // Envoy takes `h2c` off too, and goes on in HTTP/1.1 as RFC 9113, 3.1 wants it.
        let is_taken_off = protocol == "h2c";
        all.push((vec![field("connection", "upgrade"), field("upgrade", protocol)], is_taken_off));
        let named = field("connection", "close, Upgrade, HTTP2-Settings");
        let settings = field("http2-settings", "AAMAAABkAAQAAP__");
        all.push((vec![named, field("Upgrade", protocol), settings], is_taken_off));
        all.push((vec![field(":protocol", protocol)], false));
    }
    // Where the connection does not name it, Envoy takes it off; and who names it there and asks for none, asks for
    // none.
    all.push((vec![field("upgrade", "websocket")], true));
    all.push((vec![field("connection", "close, upgrade")], true));
    all
}
