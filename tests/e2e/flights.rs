//! Many requests with credentials that nobody has seen before: each is asked for once at a worker, whoever comes and goes.

use std::io::Write;
use std::net::TcpStream;
use std::thread::{scope, sleep};
use std::time::Duration;

use crate::authority::Mode;
use crate::client::Call;
use crate::stack::{Gateway, Plan};

const API_KEY: &str = "demo-revocable-api-key";
const TOKEN: &str = "0d7b3a5e9c1f4826b4d0a6e2f8c3957e";

/// Long enough for all requests to be there before the first answer is.
const SLOW: Duration = Duration::from_millis(500);

/// One worker whose authority takes its time. Without a feed, so that all that is asked for is known from then on.
fn slow() -> Gateway {
    let gateway = Plan::shipped().without_feed().one_worker().start();
    gateway.authority.set(Mode::Slow(SLOW));
    gateway
}

#[track_caller]
fn asked_once(gateway: &Gateway) {
    assert_eq!(
        gateway.authority.take(),
        [format!("token={API_KEY}&token_type_hint=api_key"), format!("token={TOKEN}&token_type_hint=access_token")]
    );
}

fn send_all(gateway: &Gateway, count: usize) {
    scope(|requests| {
        for _ in 0..count {
            requests.spawn(|| {
                let call = Call::delete("/api/admin/contract_divisions/x").api_key(API_KEY).token(TOKEN);
                call.send(gateway.address()).is_error(404, "not_found", "Contract division with such id is not found");
            });
        }
    });
}

#[test]
fn many_requests_at_once_cause_one_lookup_of_each_credential() {
    let gateway = slow();
    send_all(&gateway, 200);
    asked_once(&gateway);
    assert!(gateway.counter("wasmcustom.brama_joined") >= 100, "they came together");
    let log = gateway.written().into_iter().find(|file| file.ends_with("envoy.log")).unwrap();
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("lookup=api_key request.id=") && log.contains(" joined="), "how many joined is told");
}

#[test]
fn request_that_is_reset_takes_nothing_from_those_that_wait_with_it() {
    let gateway = slow();
    let mut first = TcpStream::connect(gateway.address()).unwrap();
    let head = format!(
        "DELETE /api/admin/contract_divisions/x HTTP/1.1\r\nHost: api.example\r\napi-key: {API_KEY}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    );
    first.write_all(head.as_bytes()).unwrap();
    // It is asked for by then, and not answered.
    sleep(SLOW / 4);
    scope(|requests| {
        requests.spawn(|| send_all(&gateway, 50));
        sleep(SLOW / 4);
        drop(first);
    });
    asked_once(&gateway);
}
