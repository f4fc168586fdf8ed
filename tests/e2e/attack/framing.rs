//! Every odd way to say where a request ends: nothing arrives that was not judged.

use brama_e2e::client::Connection;
use brama_e2e::stack::Gateway;
use brama_kit::dice::Dice;

use super::arrived::requests;
use super::wire::{Raw, Wire, field};
use super::{API_KEY, NOTHING, TOKEN};

/// What would arrive if somebody read a request where there is none: nobody's, and with another's identity.
fn hidden() -> String {
    format!(
        "DELETE {NOTHING} HTTP/1.1\r\nhost: api.example\r\nx-consumer-id: forged\r\nx-consumer-scope: connection:delete\r\n\r\n"
    )
}

#[test]
fn nothing_arrives_that_was_not_judged() {
    let gateway = Gateway::start();
    let (mut tried, mut arrived) = (0, 0);
    let mut dice = Dice::of(6);
    let mut bodies = bodies();
    bodies.extend(bodies.clone().iter().map(|body| body.replace("\r\n", "\n")));
    for length in lengths() {
        for coding in codings() {
            // Each with some of the bodies: all would take many minutes.
            for _body in 0..6 {
                let body = &bodies[dice.pick(bodies.len())];
                let is_public = dice.roll(2) == 0;
                let mut fields = [length.clone(), coding.clone()];
                if dice.roll(2) == 0 {
                    fields.reverse();
                }
                let line = if is_public { "GET /readyz HTTP/1.1" } else { &format!("DELETE {NOTHING} HTTP/1.1") };
                let credentials = format!("api-key: {API_KEY}\r\nauthorization: Bearer {TOKEN}\r\n");
                let head = format!("{line}\r\nhost: api.example\r\n{credentials}{}", fields.concat());
                let bytes = [
                    format!("{head}\r\n{body}").as_bytes(),
                    b"GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
                ]
                .concat();
                let _reply = Connection::open(gateway.address()).exchange(&bytes);
                tried += 1;
                for request in requests(&gateway.tap.take()) {
                    arrived += 1;
                    request.assert_sound();
                }
            }
        }
    }
    println!("{tried} framings, {arrived} requests arrived, each of them judged");
    assert!(arrived > 50);
}

fn lengths() -> Vec<String> {
    let mut all = vec![String::new()];
    for value in [
        "0",
        "5",
        "6",
        "44",
        "+5",
        "-1",
        " 5",
        "5 ",
        "05",
        "0x5",
        "5,5",
        "5, 6",
        "5;",
        "1e1",
        "18446744073709551616",
        "",
        "5\t",
        "\u{b}5",
    ] {
        all.push(format!("content-length: {value}\r\n"));
    }
    all.extend(
        [
            "content-length: 5\r\ncontent-length: 5\r\n",
            "content-length: 5\r\ncontent-length: 0\r\n",
            "content-length : 5\r\n",
            "content_length: 5\r\n",
            "content-length:5\r\n",
            "content-length\r\n",
        ]
        .map(str::to_owned),
    );
    all
}

fn codings() -> Vec<String> {
    let mut all = vec![String::new()];
    for value in [
        "chunked",
        "Chunked",
        " chunked",
        "chunked ",
        "\u{b}chunked",
        "chunked\t",
        "xchunked",
        "identity",
        "gzip, chunked",
        "chunked, identity",
        "chunked, chunked",
        "identity, chunked",
        "\"chunked\"",
        "chunked;q=1",
        "",
        "chun\u{212a}ed",
    ] {
        all.push(format!("transfer-encoding: {value}\r\n"));
    }
    all.extend(
        [
            "Transfer-Encoding : chunked\r\n",
            "transfer_encoding: chunked\r\n",
            "transfer-encoding\t: chunked\r\n",
            " transfer-encoding: chunked\r\n",
            "x: y\r\n transfer-encoding: chunked\r\n",
            "x: y\ntransfer-encoding: chunked\r\n",
            "x: y\rtransfer-encoding: chunked\r\n",
            "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n",
            "transfer-encoding:\r\n chunked\r\n",
            "connection: transfer-encoding\r\ntransfer-encoding: chunked\r\n",
        ]
        .map(str::to_owned),
    );
    all
}

fn bodies() -> Vec<String> {
    let hidden = hidden();
    let length = hidden.len();
    vec![
        String::new(),
        hidden.clone(),
        format!("hello{hidden}"),
        format!("0\r\n\r\n{hidden}"),
        format!("5\r\nhello\r\n0\r\n\r\n{hidden}"),
        format!("{length:x}\r\n{hidden}\r\n0\r\n\r\n"),
        format!("{length:X};x=\"\r\n\r\n{hidden}\"\r\n{hidden}\r\n0\r\n\r\n"),
        format!("0;\r\n{hidden}\r\n\r\n"),
        format!("0\r\nx-consumer-id: forged\r\n\r\n{hidden}"),
        format!("0\r\n{hidden}"),
        format!("5\r\nhello0\r\n\r\n{hidden}"),
        format!("-1\r\n{hidden}"),
        format!("+5\r\nhello\r\n0\r\n\r\n{hidden}"),
        format!("0x5\r\nhello\r\n0\r\n\r\n{hidden}"),
        format!("ffffffffffffffff\r\n{hidden}"),
        format!("10000000000000005\r\nhello\r\n0\r\n\r\n{hidden}"),
        format!("5 \r\nhello\r\n0\r\n\r\n{hidden}"),
        format!("5\r\nhello\r\n00\r\n\r\n{hidden}"),
        format!("5\rX\nhello\r\n0\r\n\r\n{hidden}"),
    ]
}

#[test]
fn nothing_of_http1s_framing_is_obeyed_in_http2() {
    let gateway = Gateway::start();
    let (mut tried, mut arrived) = (0, 0);
    let fields = [
        field("transfer-encoding", "chunked"),
        field("content-length", "0"),
        field("content-length", "5"),
        field("content-length", "99999"),
        field("content-length", "5, 5"),
        field("connection", "close"),
        field("keep-alive", "timeout=5"),
        field("proxy-connection", "keep-alive"),
        field("x", &format!("y\r\n\r\n{}", hidden())),
        field(&format!("x: y\r\n\r\n{}x", hidden()), "y"),
        field(":path", &format!("/ HTTP/1.1\r\n\r\n{}", hidden())),
        field(":authority", "b"),
        field("host", "b"),
        field(":method", "GET"),
        field(":x", "y"),
        field("", "y"),
        field("x-consumer-id\r\nx", "forged"),
    ];
    for first in &fields {
        for second in &fields {
            for body in ["", "hello", "0\r\n\r\n", &format!("0\r\n\r\n{}", hidden())] {
                let mut request = Raw::good().with(&[first.clone(), second.clone()]);
                request.body = body.into();
                let _ending = request.send(Wire::Http2, gateway.address());
                tried += 1;
                for request in requests(&gateway.tap.take()) {
                    arrived += 1;
                    request.assert_sound();
                }
            }
        }
    }
    for target in
        [format!("{NOTHING} HTTP/1.1\r\nx-consumer-id: forged\r\nx:"), format!("{NOTHING}\r\n"), format!("{NOTHING}\0")]
    {
        let _ending = Raw { target: target.into(), ..Raw::good() }.send(Wire::Http2, gateway.address());
        assert_eq!(gateway.tap.take(), "");
    }
    println!("{tried} pairs of fields over HTTP/2, {arrived} requests arrived, each of them judged");
    assert!(arrived > 0);
}
