//! JWTs, and are taken back before they end.

use std::thread::sleep;
use std::time::{Duration, Instant};

use brama_e2e::authority::Mode;
use brama_e2e::stack::{Gateway, Plan};
use brama_kit::signer::Signer;
use serde_json::json;

use crate::jwt::{now, passes, policy, send, set, token_with};

/// One of the demonstration's.
const CLIENT: &str = "c11e0000-0000-4000-8000-000000000005";

/// A token that has a name, and was issued a while ago.
fn named(signer: &Signer, jti: &str) -> String {
    token_with(signer, json!({}), json!({ "jti": jti, "iat": now() - 60 }))
}

fn plan(signer: &Signer) -> (tempfile::TempDir, Plan) {
    let (folder, policy) = policy("5m", "          revocations: mithril\n");
    (folder, Plan::with_policy(policy).publish(set(&[signer])))
}

/// The policy's `max_lag` from now on, the token is good at no worker; and it is told that, wherever the authority is
/// heard.
#[track_caller]
fn dies(gateway: &Gateway, token: &str) {
    let until = Instant::now() + Duration::from_secs(3);
    let mut in_a_row = 0;
    while in_a_row < 20 {
        let began = Instant::now();
        let status = send(gateway, token).status;
        assert!(matches!(status, 401 | 503) || began < until, "it is still good: {status}");
        assert!(began < until + Duration::from_secs(60), "it is not told");
        in_a_row = if status == 401 { in_a_row + 1 } else { 0 };
    }
    send(gateway, token).is_unauthenticated();
}

#[test]
fn jwt_on_the_deny_list_stays_refused_in_a_fresh_vm() {
    let signer = Signer::new("ES256", "a");
    let (_folder, plan_of_first) = plan(&signer);
    let first = plan_of_first.start();
    let (revoked, other) = (named(&signer, "j1"), named(&signer, "j2"));
    (0..20).for_each(|_| passes(&first, &revoked));
    assert_eq!(first.authority.post("/revoke", &format!("token={revoked}")), 200);
    dies(&first, &revoked);
    (0..20).for_each(|_| passes(&first, &other));

    // Workers that have never seen it.
    let (_folder, plan_of_second) = plan(&signer);
    let second = plan_of_second.beside(&first).start();
    for _ in 0..20 {
        send(&second, &revoked).is_unauthenticated();
        passes(&second, &other);
    }
}

#[test]
fn jwts_of_a_client_that_was_blocked_are_refused_and_later_ones_pass() {
    let signer = Signer::new("ES256", "a");
    let (_folder, plan) = plan(&signer);
    let gateway = plan.start();
    let of_client = |iat| token_with(&signer, json!({}), json!({ "client_id": CLIENT, "iat": iat }));
    let (others, early) = (named(&signer, "j1"), of_client(now() - 60));
    for token in [&others, &early] {
        (0..20).for_each(|_| passes(&gateway, token));
    }
    gateway.database.change("UPDATE mithril_clients SET is_blocked = true WHERE id = ?", CLIENT);
    dies(&gateway, &early);
    passes(&gateway, &others);
    // Blocking one counts whole seconds.
    sleep(Duration::from_secs(2));
    passes(&gateway, &of_client(now()));
}

#[test]
fn worker_that_knows_no_deny_list_takes_no_jwt() {
    let signer = Signer::new("ES256", "a");
    let (_folder, plan) = plan(&signer);
    let gateway = plan.start();
    let token = named(&signer, "j1");
    passes(&gateway, &token);
    gateway.authority.set(Mode::NoFeed);
    let not_one_passes = || (0..20).all(|_| send(&gateway, &token).status != 404);
    crate::reload::wait_until("no worker trusts what it knows", not_one_passes);
    for _ in 0..20 {
        send(&gateway, &token).is_unavailable();
    }
    gateway.authority.set(Mode::Pass);
    let until = Instant::now() + Duration::from_secs(60);
    while send(&gateway, &token).status != 404 {
        assert!(Instant::now() < until, "trust does not come back");
    }
}
