//! Time that the plugin itself takes for a request that is allowed with its facts cached: everything but the calls to
//! the proxy.
//!
//! The same runs natively and in a Wasm guest, where it is what the plugin's own code costs in Envoy. REQUESTS makes a
//! run shorter: a round of that many.

#![allow(missing_docs, clippy::restriction, reason = "a measurement ends where something is amiss")]

use std::rc::Rc;
use std::time::Instant;

use brama_engine::host::StreamId;
use brama_engine::worker::Flow;
use brama_fake::{Done, Proxy, Request};
use serde_json::{Value, json};

fn main() {
    let requests: u32 = std::env::var("REQUESTS").map_or(200_000, |text| text.parse().unwrap());
    let Proxy { mut worker, settings, world, .. } = knowing();
    // The same headers again and again, and nothing is done with what it is told.
    world.forgets.set(true);
    let mut host = Request::new(&world, headers());
    let mut request = || {
        let flow = worker.on_headers(StreamId(2), Rc::clone(&settings), &mut host);
        worker.close(StreamId(2));
        assert_eq!(flow, Flow::Continue);
    };
    // Compiled and warm by then.
    (0..requests / 4).for_each(|_| request());
    let mut rounds: Vec<_> = (0..9)
        .map(|_| {
            let begin = Instant::now();
            (0..requests).for_each(|_| request());
            begin.elapsed() / requests
        })
        .collect();
    rounds.sort();
    println!("a request that is allowed, facts known: {:?}, the median of 9 rounds of {requests}", rounds[4]);
}

/// A worker under the shipped policy, without its feed of revocations, which would have to be followed. It has asked
/// about both credentials.
fn knowing() -> Proxy {
    let mut policy: Value = serde_saphyr::from_str(include_str!("../../../policies/ehealth.yaml")).unwrap();
    policy["authorities"]["mithril"].as_object_mut().unwrap().remove("revocations");
    let mut proxy = Proxy::new(brama_fake::settings(&policy.to_string()), ());
    let first = proxy.send(headers());
    for answer in [
        json!({ "active": true, "token_use": "api_key", "client_id": "m", "client_type": "MIS", "scope": "" }),
        json!({
            "active": true, "token_use": "access_token", "sub": "5c0b1e8e-0f3a-4c6e-9d52-7f1f6f1f2a11",
            "client_id": CLIENT, "client_type": "MSP", "scope": "connection:delete", "exp": 4_000_000_000_u64,
        }),
    ] {
        let _next = proxy.tick();
        proxy.reply_to_last(Some((200, &answer.to_string())));
    }
    assert_eq!(proxy.done(first), [Done::Forwarded, Done::Resumed]);
    proxy.reset(first);
    proxy
}

const CLIENT: &str = "1380df72-275a-11e7-93ae-92361f002671";

fn headers() -> Vec<(String, Vec<u8>)> {
    [
        (":method", "DELETE"),
        (":scheme", "http"),
        (":authority", "127.0.0.1:8080"),
        (":path", "/api/clients/1380df72-275a-11e7-93ae-92361f002671/connections/e5372365-d47a-467f-81d0-f35117864352"),
        ("x-request-id", "6617aeec-15e2-4d6f-b9bd-53559c358f97"),
        ("x-forwarded-proto", "http"),
        ("user-agent", "bench"),
        ("api-key", "uXhEczJ56adsfh3Ri9SUkc4en"),
        ("authorization", "Bearer good-c2778f3064753ea70de870a53795f5c9"),
    ]
    .map(|(name, value)| (name.to_owned(), value.into()))
    .into()
}
