//! Requests that would leave HTTP, or the filter, behind.

use brama_e2e::client::{Call, exchange};
use brama_e2e::stack::Gateway;

const PATH: &str = "/api/clients/1380df72-275a-11e7-93ae-92361f002671/connections/e5372365-d47a-467f-81d0-f35117864352";
const API_KEY: &str = "uXhEczJ56adsfh3Ri9SUkc4en";
const TOKEN: &str = "c2778f3064753ea70de870a53795f5c9";

fn credentials(call: Call) -> Call {
    call.api_key(API_KEY).token(TOKEN)
}

#[test]
fn upgrades_are_refused() {
    let gateway = Gateway::start();
    for protocol in ["websocket", "WebSocket", "tcp", "foo/2"] {
        let call = credentials(Call::delete(PATH)).header("Connection", "Upgrade").header("Upgrade", protocol);
        let reply = call.send(gateway.address());
        assert!(matches!(reply.status, 400 | 403), "{reply:?}");
        reply.envelope();
        assert_eq!(gateway.tap.take(), "", "{protocol}");
    }
}

#[test]
fn connect_and_trace_are_refused() {
    let gateway = Gateway::start();
    for (method, target) in
        [("CONNECT", "api.example:443"), ("CONNECT", "127.0.0.1:9901"), ("TRACE", PATH), ("TRACE", "/readyz")]
    {
        let reply = credentials(Call::new(method, target)).send(gateway.address());
        assert!(matches!(reply.status, 400 | 403 | 404), "{method}: {reply:?}");
        reply.envelope();
        assert_eq!(gateway.tap.take(), "", "{method}");
    }
}

#[test]
fn old_and_odd_http_is_refused() {
    let gateway = Gateway::start();
    let head = format!("api-key: {API_KEY}\r\nauthorization: Bearer {TOKEN}\r\n");
    for (what, request) in [
        ("HTTP/1.0", format!("DELETE {PATH} HTTP/1.0\r\nhost: a\r\n{head}\r\n")),
        ("HTTP/1.0 without a host", format!("DELETE {PATH} HTTP/1.0\r\n{head}\r\n")),
        ("no version", format!("DELETE {PATH}\r\n\r\n")),
        ("no host", format!("DELETE {PATH} HTTP/1.1\r\n{head}\r\n")),
        ("two hosts", format!("DELETE {PATH} HTTP/1.1\r\nhost: a\r\nhost: b\r\n{head}\r\n")),
        ("unknown method", format!("ERASE {PATH} HTTP/1.1\r\nhost: a\r\n{head}\r\n")),
        (
            "two lengths",
            format!("DELETE {PATH} HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\ncontent-length: 5\r\n{head}\r\nhello"),
        ),
        (
            "length and chunks",
            format!(
                "DELETE {PATH} HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n{head}\r\n0\r\n\r\n"
            ),
        ),
        (
            "space before the colon",
            format!("DELETE {PATH} HTTP/1.1\r\nhost: a\r\nx-consumer-id : forged\r\n{head}\r\n"),
        ),
        ("NUL", format!("DELETE {PATH} HTTP/1.1\r\nhost: a\r\nx: a\0b\r\n{head}\r\n")),
        ("fragment", format!("DELETE {PATH}#x HTTP/1.1\r\nhost: a\r\n{head}\r\n")),
        ("garbage", "\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n".to_owned()),
    ] {
        println!("{what}");
        if let Some(reply) = exchange(gateway.address(), request.as_bytes()) {
            assert!(matches!(reply.status, 400 | 403 | 404 | 426 | 501), "{reply:?}");
            reply.envelope();
        }
        assert_eq!(gateway.tap.take(), "", "{what}");
    }
}

#[test]
fn second_request_hidden_in_a_body_is_not_smuggled() {
    let gateway = Gateway::start();
    let hidden = format!("DELETE {PATH} HTTP/1.1\r\nhost: a\r\nx-consumer-id: forged\r\n\r\n");
    let body = format!("{:x}\r\n{hidden}\r\n0\r\n\r\n", hidden.len());
    let call = Call::new("GET", "/readyz").header("Transfer-Encoding", "chunked").body(&body);
    let reply = call.send(gateway.address());
    assert_eq!(reply.status, 200, "{reply:?}");
    // The hidden text is the body of the first request, framed as such, and the upstream read it as that.
    let sent = gateway.tap.take();
    assert!(sent.contains(&format!("content-length: {}\r\n", hidden.len())), "{sent}");
    assert_eq!(sent.to_lowercase().matches("transfer-encoding").count(), 0, "{sent}");
    assert!(gateway.database.has_connection("e5372365-d47a-467f-81d0-f35117864352"));
}

#[test]
fn grpc_without_credentials_is_refused_in_its_own_form() {
    let gateway = Gateway::start();
    for content_type in ["application/grpc", "application/grpc+proto"] {
        let reply = Call::new("DELETE", PATH).header("content-type", content_type).send(gateway.address());
        assert_eq!((reply.status, reply.header("grpc-status")), (200, Some("16")), "{reply:?}");
        assert_eq!(gateway.tap.take(), "");
        let reply = Call::new("POST", "/unlisted").header("content-type", content_type).send(gateway.address());
        assert_eq!((reply.status, reply.header("grpc-status")), (200, Some("7")), "{reply:?}");
        assert_eq!(gateway.tap.take(), "");
    }
}

#[test]
fn what_only_looks_like_grpc_gets_the_envelope() {
    let gateway = Gateway::start();
    for content_type in ["application/grpc-web", "application/grpcx", "application/grpc;x", "Application/GRPC"] {
        let reply = Call::delete(PATH).header("content-type", content_type).send(gateway.address());
        reply.is_unauthenticated();
    }
    let health = Call::new("GET", "/healthz").header("content-type", "application/grpc-web").send(gateway.address());
    assert_eq!((health.status, health.text().as_str()), (200, ""));
}

#[test]
fn balancers_are_answered_before_the_filter() {
    let gateway = Gateway::start();
    assert_eq!(Call::new("GET", "/healthz").send(gateway.address()).status, 200);
    for (method, target) in [("POST", "/healthz"), ("GET", "/healthz/"), ("GET", "/healthz?x"), ("GET", "/HEALTHZ")] {
        let reply = Call::new(method, target).send(gateway.address());
        assert!(matches!(reply.status, 400 | 403), "{method} {target}: {reply:?}");
    }
    assert_eq!(gateway.tap.take(), "");
}
