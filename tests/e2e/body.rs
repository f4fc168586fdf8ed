//! Requests with bodies, whole and broken, though nothing that is guarded here wants one.

use brama_e2e::client::{Call, exchange};
use brama_e2e::stack::Gateway;

const API_KEY: &str = "uXhEczJ56adsfh3Ri9SUkc4en";
const TOKEN: &str = "c2778f3064753ea70de870a53795f5c9";

fn delete(connection: &str) -> Call {
    let target = format!("/api/clients/1380df72-275a-11e7-93ae-92361f002671/connections/{connection}");
    Call::delete(&target).api_key(API_KEY).token(TOKEN)
}

#[test]
fn deletion_with_a_body_is_answered_as_it_was_carried_out() {
    let gateway = Gateway::start();
    for number in 20..=26 {
        let connection = format!("c0220000-0000-4000-8000-0000000000{number}");
        let body = "x".repeat(16_000);
        let reply = delete(&connection).header("Content-Length", "16000").body(&body).send(gateway.address());
        assert_eq!(reply.status, 200, "{reply:?}");
        assert!(!gateway.database.has_connection(&connection));
    }
}

#[test]
fn body_that_is_too_large_is_refused_and_nothing_is_carried_out() {
    let gateway = Gateway::start();
    let connection = "c0220000-0000-4000-8000-000000000020";
    let body = "x".repeat(100_000);
    let reply = delete(connection).header("Content-Length", "100000").body(&body).send(gateway.address());
    // While the authority is asked, Envoy stops reading at its buffer's limit, and tells it by its idle timeout only.
    assert!(matches!(reply.status, 408 | 413), "{reply:?}");
    reply.envelope();
    let unpaused = Call::new("GET", "/readyz").header("Content-Length", "100000").body(&body).send(gateway.address());
    unpaused.is_error(413, "request_malformed", "The request is too large.");
    assert_eq!(gateway.tap.take(), "");
    assert!(gateway.database.has_connection(connection));
}

#[test]
fn request_whose_body_breaks_off_is_not_carried_out() {
    let gateway = Gateway::start();
    let connection = "c0220000-0000-4000-8000-000000000020";
    let head = format!(
        "DELETE /api/clients/1380df72-275a-11e7-93ae-92361f002671/connections/{connection} HTTP/1.1\r\nhost: a\r\napi-key: {API_KEY}\r\nauthorization: Bearer {TOKEN}\r\n"
    );
    for (what, rest) in [
        ("a malformed chunk", "transfer-encoding: chunked\r\n\r\n2\r\n{}\r\nzz\r\n"),
        ("a body that does not end", "content-length: 10\r\n\r\n{}"),
    ] {
        println!("{what}");
        if let Some(reply) = exchange(gateway.address(), format!("{head}{rest}").as_bytes()) {
            assert!(matches!(reply.status, 400 | 408 | 504), "{reply:?}");
            reply.envelope();
        }
        assert_eq!(gateway.tap.take(), "");
        assert!(gateway.database.has_connection(connection));
    }
}
