//! Every answer has the API's form, whoever gives it.

use brama_e2e::client::{Call, exchange};
use brama_e2e::stack::Gateway;

#[test]
fn refusal_names_the_request_as_the_client_knows_it() {
    let gateway = Gateway::start();
    let reply =
        Call::new("GET", "/nowhere?token=secret").header("x-request-id", "abc.DEF_1-2#3").send(gateway.address());
    reply.is_error(403, "forbidden", "Forbidden");
    let body = reply.envelope();
    assert_eq!(body["meta"]["url"], "http://api.example/nowhere");
    assert_eq!(body["meta"]["request_id"], "abc.DEF_1-2#3");
}

#[test]
fn request_id_is_made_or_replaced_where_the_clients_own_will_not_do() {
    let gateway = Gateway::start();
    for odd in ["", "a b", "a\"b", "<x>", &"x".repeat(129)] {
        for (target, status) in [("/nowhere", 403), ("/readyz", 200)] {
            let reply = Call::new("GET", target).header("x-request-id", odd).send(gateway.address());
            assert_eq!(reply.status, status);
            let id = reply.envelope()["meta"]["request_id"].as_str().unwrap().to_owned();
            assert!(id.len() == 36 && id != odd, "{odd} -> {id}");
        }
    }
    let twice =
        Call::new("GET", "/nowhere").header("x-request-id", "a").header("x-request-id", "b").send(gateway.address());
    assert_eq!(twice.envelope()["meta"]["request_id"].as_str().unwrap().len(), 36);
    let none = Call::new("GET", "/nowhere").send(gateway.address());
    assert_eq!(none.envelope()["meta"]["request_id"].as_str().unwrap().len(), 36);
}

#[test]
fn request_id_is_the_same_in_the_upstream_and_the_log() {
    let gateway = Gateway::start();
    let reply = Call::new("GET", "/readyz").header("x-request-id", "kept#1").send(gateway.address());
    assert_eq!(reply.envelope()["meta"]["request_id"], "kept#1");
    assert!(gateway.tap.take().contains("x-request-id: kept#1"));
    let entry = gateway.logged("kept#1");
    assert_eq!(
        (&entry["decision"], &entry["rule"], &entry["status"]),
        (&"allow".into(), &"readyz".into(), &200.into())
    );
}

#[test]
fn envoys_own_answers_have_the_form_too() {
    let gateway = Gateway::start();
    let large = "x".repeat(40_000);
    for (what, request, status) in [
        ("HTTP/1.0", "GET /readyz HTTP/1.0\r\nhost: a\r\n\r\n".to_owned(), 426),
        ("no host", "GET /readyz HTTP/1.1\r\n\r\n".to_owned(), 400),
        ("fragment", "GET /readyz#x HTTP/1.1\r\nhost: a\r\n\r\n".to_owned(), 400),
        ("underscore", "GET /readyz HTTP/1.1\r\nhost: a\r\nx_y: 1\r\n\r\n".to_owned(), 400),
        (
            "upgrade",
            "GET /readyz HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n".to_owned(),
            403,
        ),
        ("large", format!("GET /readyz HTTP/1.1\r\nhost: a\r\nx: {large}\r\n\r\n"), 431),
    ] {
        println!("{what}");
        let reply = exchange(gateway.address(), request.as_bytes()).unwrap();
        assert_eq!(reply.status, status, "{reply:?}");
        reply.envelope();
    }
}

#[test]
fn upstream_that_goes_away_is_503() {
    let gateway = Gateway::start();
    gateway.tap.shut();
    Call::new("GET", "/readyz").send(gateway.address()).is_unavailable();
}
