//! Every odd way to claim an identity: none of them arrives, and none stands beside the gateway's own.

use brama_e2e::stack::Gateway;

use super::arrived::requests;
use super::laxer;
use super::wire::{Ending, Field, Raw, Wire, field};

const NAMES: [&str; 6] =
    ["x-consumer-id", "x-consumer-client-id", "x-consumer-scope", "x-consumer-metadata", "x-consumer-", "x-person-id"];

#[test]
fn no_identity_of_a_clients_own_arrives() {
    search(&Gateway::start());
}

#[test]
fn laxer_envoy_lets_no_identity_of_a_clients_own_arrive() {
    search(&laxer());
}

fn search(gateway: &Gateway) {
    let (mut tried, mut passed) = (0, 0);
    for wire in [Wire::Http1, Wire::Http2] {
        for name in NAMES {
            for spelling in spellings(name) {
                for claim in claims(&spelling) {
                    let ending = claim.send(wire, gateway.address());
                    let arrived = requests(&gateway.tap.take());
                    tried += 1;
                    match ending {
                        Ending::Answered(200 | 404) => {
                            passed += 1;
                            let [arrived] = &arrived[..] else { panic!("{spelling:?}: {arrived:?}") };
                            arrived.assert_sound();
                        }
                        Ending::Answered(400 | 401 | 403 | 431) | Ending::Cut => {
                            assert!(arrived.is_empty(), "{spelling:?}: {arrived:?}");
                        }
                        Ending::Answered(other) => panic!("{spelling:?}: {other}"),
                    }
                }
            }
        }
    }
    println!("{tried} claims of an identity, {passed} requests passed without it");
    assert!(passed > tried / 10);
}

fn spellings(name: &str) -> Vec<String> {
    let mut all: Vec<String> = ["_", ".", "--", "+", "~", "!", "'", " ", "\t", "\0", "\u{2010}", ""]
        .iter()
        .map(|sign| name.replace('-', sign))
        .collect();
    all.extend([
        name.to_owned(),
        name.to_uppercase(),
        name.replacen('-', "_", 1),
        name.replace("x-", "X-").replace("c", "C"),
        format!("{name} "),
        format!(" {name}"),
        format!("{name}:"),
        format!("{name}\0"),
        format!("{name}\r"),
        format!("{name}_"),
        format!(":{name}"),
        format!("http-{name}"),
        name.replace("x-", "x\r\n-"),
    ]);
    all
}

/// Requests that claim it: in a header once and more often, before the credentials and after, in trailers, and as what
/// a hop should take off.
fn claims(name: &str) -> Vec<Raw> {
    let forged = field(name, "forged");
    let other = field("x-consumer-id", "forged");
    let mut all: Vec<Raw> = [
        vec![forged.clone()],
        vec![forged.clone(), forged.clone()],
        vec![forged.clone(), other],
        vec![field(name, "")],
        vec![field(name, "forged, forged"), forged.clone()],
        vec![field(name, "forged\r\nx-consumer-id: forged")],
        vec![(name.into(), b"forged\xff".to_vec())],
        vec![field("connection", &format!("close, {name}"))],
        vec![field("connection", "close, x-consumer-id, x-consumer-client-id, x-consumer-scope"), forged.clone()],
        vec![field("cookie", &format!("{name}=forged"))],
        vec![field("te", "trailers"), forged.clone()],
    ]
    .iter()
    .map(|fields: &Vec<Field>| Raw::good().with(fields))
    .collect();
    let mut first = Raw::good();
    first.fields.insert(0, forged.clone());
    all.push(first);
    all.push(Raw::new("GET", "/readyz").with(&[forged.clone(), forged.clone()]));
    all.push(Raw::new("GET", &format!("/readyz?{}=forged", name.escape_default())).with(std::slice::from_ref(&forged)));
    let mut trailing = Raw::good().with(&[field("trailer", "x-checksum")]);
    trailing.trailers = vec![forged.clone(), forged];
    trailing.body = b"{}".to_vec();
    all.push(trailing.clone());
    // The same in HTTP/1.1; with HTTP/2 it is refused for its `transfer-encoding`.
    trailing.trailers.clear();
    trailing.fields.push(field("transfer-encoding", "chunked"));
    trailing.body = format!("2\r\n{{}}\r\n0\r\n{name}: forged\r\n\r\n").into_bytes();
    all.push(trailing);
    all
}
