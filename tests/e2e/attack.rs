//! Attacks, each searched through: every odd way to say a credential, an identity, a method or where a request ends,
//! over HTTP/1.1 and HTTP/2, with every other.
//!
//! The law is always the same: what arrives at the service is what was asked, from whom the gateway says, and only
//! where both credentials were said once and well. Numbers of inputs are printed.

mod arrived;
mod credentials;
mod floods;
mod framing;
mod http2;
mod identity;
mod methods;
pub mod wire;

use brama_e2e::stack::{Gateway, Plan};

const API_KEY: &str = "uXhEczJ56adsfh3Ri9SUkc4en";
const TOKEN: &str = "c2778f3064753ea70de870a53795f5c9";
const CLIENT: &str = "1380df72-275a-11e7-93ae-92361f002671";

/// A deletion that is judged, allowed, and finds nothing: it arrives at the service and changes nothing there.
pub const NOTHING: &str =
    "/api/clients/1380df72-275a-11e7-93ae-92361f002671/connections/00000000-0000-4000-8000-000000000000";

/// An Envoy that lets through what the shipped one refuses by itself, so that the plugin is asked.
fn laxer() -> Gateway {
    Plan::shipped()
        .edit("headers_with_underscores_action: REJECT_REQUEST", "headers_with_underscores_action: ALLOW")
        .edit("codec_type: AUTO", "codec_type: AUTO\n                upgrade_configs: [{ upgrade_type: websocket }, { upgrade_type: CONNECT }]")
        .edit("http2_protocol_options:\n", "http2_protocol_options:\n                  allow_connect: true\n")
        .edit("http2_protocol_options:\n", "http_protocol_options: { allow_custom_methods: true, accept_http_10: true, default_host_for_http_10: api.example }\n                http2_protocol_options:\n")
        .start()
}
