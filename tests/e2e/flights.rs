//! Many requests with credentials that nobody has seen before: each is asked for once at a worker, whoever comes and
//! goes.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::thread::scope;

use brama_e2e::authority::{Hold, Mode};
use brama_e2e::client::Call;
use brama_e2e::stack::{Gateway, Plan};

use crate::reasons::log_of_envoy;
use crate::reload::wait_until;

const API_KEY: &str = "demo-revocable-api-key";
const TOKEN: &str = "0d7b3a5e9c1f4826b4d0a6e2f8c3957e";

/// One worker whose authority answers when the test has seen who waits. Without a feed, so that all that is asked for
/// is known from then on.
fn held() -> (Gateway, Arc<Hold>) {
    let gateway = Plan::shipped().without_feed().patient().one_worker().log_all().start();
    let hold = Arc::new(Hold::default());
    gateway.authority.set(Mode::Held(Arc::clone(&hold)));
    (gateway, hold)
}

fn joined(gateway: &Gateway) -> u64 {
    gateway.counter("wasmcustom.brama_lookups_joined")
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
    let (gateway, hold) = held();
    scope(|requests| {
        requests.spawn(|| send_all(&gateway, 200));
        wait_until("all but one wait for its answer", || joined(&gateway) == 199);
        hold.release("");
    });
    asked_once(&gateway);
    let log = log_of_envoy(&gateway);
    let lookup = log.lines().find(|line| line.contains("lookup=api_key request.id=")).unwrap();
    assert!(lookup.contains("joined=199"), "{lookup}");
}

#[test]
fn request_that_is_reset_takes_nothing_from_those_that_wait_with_it() {
    let (gateway, hold) = held();
    let mut first = TcpStream::connect(gateway.address()).unwrap();
    let head = format!(
        "DELETE /api/admin/contract_divisions/x HTTP/1.1\r\nHost: api.example\r\napi-key: {API_KEY}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    );
    first.write_all(head.as_bytes()).unwrap();
    gateway.authority.wait_for_lookup(API_KEY);
    scope(|requests| {
        requests.spawn(|| send_all(&gateway, 50));
        wait_until("the others wait with it", || joined(&gateway) == 50);
        drop(first);
        let gone = || gateway.counter("http.public.downstream_cx_destroy_remote_active_rq");
        wait_until("Envoy knows that it is gone", || gone() == 1);
        hold.release("");
    });
    asked_once(&gateway);
}
