//! The identity the upstream is told: the filter's, and nobody else's.

use brama_e2e::client::Call;
use brama_e2e::stack::{Gateway, Plan};

const API_KEY: &str = "uXhEczJ56adsfh3Ri9SUkc4en";
const TOKEN: &str = "c2778f3064753ea70de870a53795f5c9";
const CLIENT: &str = "1380df72-275a-11e7-93ae-92361f002671";

fn delete(connection: &str) -> Call {
    Call::delete(&format!("/api/clients/{CLIENT}/connections/{connection}")).api_key(API_KEY).token(TOKEN)
}

/// The values of a header among what Envoy sent.
fn values<'a>(sent: &'a str, name: &str) -> Vec<&'a str> {
    let fields = sent.lines().filter_map(|line| line.split_once(": "));
    fields.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
}

#[test]
fn upstream_sees_only_the_filters_values() {
    let gateway = Gateway::start();
    let call = [
        "x-consumer-id",
        "X-Consumer-Client-Id",
        "X-CONSUMER-SCOPE",
        "x-consumer-metadata",
        "x-consumer-token",
        "x-person-id",
    ]
    .iter()
    .fold(delete("c0220000-0000-4000-8000-000000000020"), |call, name| {
        call.header(name, "forged").header(name, "forged again")
    });
    let reply = call.send(gateway.address());
    assert_eq!(reply.status, 200, "{reply:?}");
    let sent = gateway.tap.take();
    assert!(!sent.contains("forged"), "{sent}");
    assert_eq!(values(&sent, "x-consumer-client-id"), [CLIENT]);
    assert_eq!(values(&sent, "x-consumer-scope"), ["connection:delete"]);
    let subject = values(&sent, "x-consumer-id");
    assert_eq!((subject.len(), subject[0].len()), (1, 36));
}

#[test]
fn credentials_stop_at_the_gateway() {
    let gateway = Gateway::start();
    assert_eq!(delete("c0220000-0000-4000-8000-000000000020").send(gateway.address()).status, 200);
    let sent = gateway.tap.take();
    assert!(!sent.contains(TOKEN) && !sent.contains(API_KEY), "{sent}");
}

#[test]
fn no_header_can_make_envoy_drop_the_identity() {
    let gateway = Gateway::start();
    let reply = delete("c0220000-0000-4000-8000-000000000020")
        .header("Connection", "close, x-consumer-id, x-consumer-scope")
        .send(gateway.address());
    let sent = gateway.tap.take();
    assert!(reply.status == 400 || values(&sent, "x-consumer-id").len() == 1, "{reply:?} {sent}");
    if reply.status == 400 {
        assert_eq!(sent, "");
    }
}

#[test]
fn header_with_an_underscore_is_refused() {
    let gateway = Gateway::start();
    let reply =
        delete("c0220000-0000-4000-8000-000000000020").header("x_consumer_id", "forged").send(gateway.address());
    assert_eq!(reply.status, 400);
    reply.envelope();
    assert_eq!(gateway.tap.take(), "");
}

#[test]
fn public_route_forwards_no_identity() {
    let gateway = Gateway::start();
    let call = Call::new("GET", "/readyz").api_key(API_KEY).token(TOKEN).header("x-consumer-id", "forged");
    assert_eq!(call.send(gateway.address()).status, 200);
    let sent = gateway.tap.take();
    assert!(sent.starts_with("GET /readyz") && !sent.contains("x-consumer") && !sent.contains(TOKEN), "{sent}");
}

fn with_trailers() -> Call {
    delete("c0220000-0000-4000-8000-000000000021")
        .header("Transfer-Encoding", "chunked")
        .header("Trailer", "x-consumer-id, x-checksum")
        .body("2\r\n{}\r\n0\r\nx-consumer-id: forged\r\nX-Consumer-Scope: forged\r\nx-person-id: forged\r\nauthorization: forged\r\nx-checksum: kept\r\n\r\n")
}

#[test]
fn identity_in_trailers_is_removed() {
    let gateway = Gateway::start();
    let reply = with_trailers().send(gateway.address());
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(!gateway.tap.take().contains("forged"));
}

#[test]
fn identity_in_trailers_is_removed_where_envoy_passes_trailers_on() {
    // Whole requests lose their trailers on the way, so this one may go on in parts.
    let in_parts = "                        - match: { prefix: \"/\" }\n";
    let buffer = "                          typed_per_filter_config: { envoy.filters.http.buffer: { \"@type\": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.BufferPerRoute, disabled: true } }\n";
    let gateway = Plan::shipped()
        .edit(in_parts, &format!("{in_parts}{buffer}"))
        .edit("                http2_protocol_options:\n", "                http_protocol_options: { enable_trailers: true }\n                http2_protocol_options:\n")
        .edit("explicit_http_config: { http_protocol_options: {} }", "explicit_http_config: { http_protocol_options: { enable_trailers: true } }")
        .start();
    let reply = with_trailers().send(gateway.address());
    assert_eq!(reply.status, 200, "{reply:?}");
    let sent = gateway.tap.take();
    assert!(sent.contains("x-checksum: kept"), "trailers are passed on here: {sent}");
    assert!(!sent.contains("forged"), "{sent}");
}

#[test]
fn internal_headers_of_envoys_are_not_obeyed() {
    let gateway = Gateway::start();
    let reply = delete("c0220000-0000-4000-8000-000000000020")
        .header("x-envoy-upstream-rq-timeout-ms", "1")
        .header("x-envoy-retry-on", "5xx")
        .header("x-envoy-original-path", "/forged")
        .header("x-envoy-decorator-operation", "forged")
        .header("x-envoy-internal", "true")
        .header("x-forwarded-proto", "gopher")
        .send(gateway.address());
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(
        reply.envelope()["meta"]["url"],
        format!("http://api.example/api/clients/{CLIENT}/connections/c0220000-0000-4000-8000-000000000020")
    );
    let sent = gateway.tap.take();
    assert!(!sent.contains("forged") && !sent.contains("x-envoy-internal"), "{sent}");
}
