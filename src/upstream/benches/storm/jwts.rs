//! Revocation of JWTs one by one, with an empty deny list and with a long one.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread::scope;
use std::time::{Duration, Instant, SystemTime};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use brama_e2e::hand::Kind;

use super::entries;
use super::report::figure;
use crate::support::client::Client;
use crate::support::database::Database;
use crate::support::service::Service;

pub fn measure(kind: Kind, amount: usize) {
    let amount = amount * 99 / 1000;
    let database = Database::empty(kind);
    let service = Service::start(&database.url(), |_| {});
    let next = AtomicUsize::new(0);
    figure("JWT revocations, the deny list empty", rate(&service, &next));
    assert!(service.terminate().success());
    let denied = database.number("SELECT count(*) FROM brama_revocations");
    entries::of_jwts(&database, amount.saturating_sub(denied.try_into().unwrap()));
    database.settle();
    let service = Service::start(&database.url(), |_| {});
    figure(format_args!("JWT revocations, {amount} on the deny list"), rate(&service, &next));
}

/// Rate of revocations by four clients.
fn rate(service: &Service, next: &AtomicUsize) -> String {
    let (done, failed, most) = (AtomicUsize::new(0), AtomicUsize::new(0), next.load(SeqCst) + JWTS);
    let begin = Instant::now();
    scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                let mut client = Client::of(&service.internal());
                while begin.elapsed() < LONGEST && next.load(SeqCst) < most {
                    let answer = client.post("/revoke", &format!("token={}", jwt(next.fetch_add(1, SeqCst))));
                    let counter = if answer.is_ok_and(|answer| answer.status == 200) { &done } else { &failed };
                    counter.fetch_add(1, SeqCst);
                }
            });
        }
    });
    let done = done.load(SeqCst);
    format!("{:.0} a second ({done} done, {} failed)", done as f64 / begin.elapsed().as_secs_f64(), failed.load(SeqCst))
}

fn jwt(number: usize) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    format!(
        "{}.{}.{}",
        part("{\"alg\":\"RS256\"}"),
        part(&format!("{{\"jti\":\"of-jwt-{number}\",\"exp\":{}}}", now + 3600)),
        part("signature")
    )
}

/// Number of JWTs: two entries each, for which the deny list has room.
const JWTS: usize = 400;

const LONGEST: Duration = Duration::from_secs(20);
