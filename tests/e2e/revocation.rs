//! Credentials that are revoked while every worker knows them: none of them is good for longer than the policy's `max_lag`.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::authority::Mode;
use crate::client::{Call, Reply};
use crate::stack::{Gateway, Plan};

const API_KEY: &str = "demo-revocable-api-key";
const OWN_CONNECTION: &str = "c0220000-0000-4000-8000-000000000004";
const OWN_CLIENT: &str = "c11e0000-0000-4000-8000-000000000004";
const TOKEN: &str = "0d7b3a5e9c1f4826b4d0a6e2f8c3957e";

/// The policy's.
const MAX_LAG: Duration = Duration::from_secs(3);

/// A request that passes the gateway and changes nothing.
fn harmless(gateway: &Gateway) -> Reply {
    Call::delete("/api/admin/contract_divisions/x").api_key(API_KEY).token(TOKEN).send(gateway.address())
}

/// A gateway whose workers all know the credentials and trust what they know.
fn warm() -> Gateway {
    let gateway = Gateway::start();
    warm_up(&gateway);
    gateway
}

#[track_caller]
fn warm_up(gateway: &Gateway) {
    wait_until("nothing is asked any more", || asks(gateway).is_empty());
}

/// What a number of requests ask for; enough of them to meet both workers.
fn asks(gateway: &Gateway) -> Vec<String> {
    gateway.authority.take();
    for _ in 0..20 {
        assert_eq!(harmless(gateway).status, 404);
    }
    gateway.authority.take()
}

#[track_caller]
fn wait_until(what: &str, done: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(10);
    while !done() {
        assert!(Instant::now() < until, "{what}");
        sleep(Duration::from_millis(50));
    }
}

/// From `max_lag` after it was revoked, the API key is good nowhere.
#[track_caller]
fn is_dead_after(gateway: &Gateway, revoked: Instant) {
    sleep(MAX_LAG.saturating_sub(revoked.elapsed()));
    for _ in 0..40 {
        harmless(gateway).is_unauthenticated();
    }
}

#[test]
fn deleted_connection_takes_its_own_api_key_along() {
    let gateway = warm();
    let path = format!("/api/clients/{OWN_CLIENT}/connections/{OWN_CONNECTION}");
    assert_eq!(Call::delete(&path).api_key(API_KEY).token(TOKEN).send(gateway.address()).status, 200);
    is_dead_after(&gateway, Instant::now());
    assert!(gateway.counter("wasmcustom.brama_revoked") >= 1);
}

#[test]
fn deleted_connection_is_dead_at_every_gateway() {
    let first = Gateway::start();
    let gateways = [Plan::shipped().beside(&first).start(), Plan::shipped().beside(&first).start(), first];
    gateways.iter().for_each(warm_up);
    let path = format!("/api/clients/{OWN_CLIENT}/connections/{OWN_CONNECTION}");
    let reply = Call::delete(&path).api_key("uXhEczJ56adsfh3Ri9SUkc4en").token(TOKEN).send(gateways[0].address());
    assert_eq!(reply.status, 200);
    let revoked = Instant::now();
    for gateway in &gateways {
        is_dead_after(gateway, revoked);
    }
}

#[test]
fn secret_changed_by_hand_ends_the_old_one() {
    let gateway = warm();
    gateway.database.change(
        "UPDATE mithril_connections SET secret_hash = '0000000000000000000000000000000000000000000000000000000000000001' WHERE id = ?",
        OWN_CONNECTION,
    );
    is_dead_after(&gateway, Instant::now());
}

#[test]
fn connection_deleted_by_hand_ends_its_api_key() {
    let gateway = warm();
    gateway.database.change("DELETE FROM mithril_connections WHERE id = ?", OWN_CONNECTION);
    is_dead_after(&gateway, Instant::now());
}

#[test]
fn feed_that_is_another_one_drops_every_cache() {
    let gateway = warm();
    // As an operator does after a restore.
    gateway.database.change("UPDATE brama_revocation_head SET feed_id = ?", "05e20000-0000-4000-8000-000000000099");
    wait_until("what was known is asked for again", || !asks(&gateway).is_empty());
    warm_up(&gateway);
}

#[test]
fn gateway_that_is_cut_off_from_the_feed_asks_again() {
    let gateway = warm();
    gateway.authority.set(Mode::NoFeed);
    wait_until("the feed is stale", || {
        sleep(MAX_LAG);
        !asks(&gateway).is_empty()
    });
    for _ in 0..10 {
        assert!(asks(&gateway).len() >= 20, "nothing that is remembered is trusted");
    }
    gateway.database.change("DELETE FROM mithril_connections WHERE id = ?", OWN_CONNECTION);
    harmless(&gateway).is_unauthenticated();
}

#[test]
fn trust_comes_back_with_the_feed() {
    let gateway = warm();
    gateway.authority.set(Mode::NoFeed);
    sleep(MAX_LAG + Duration::from_millis(500));
    assert!(!asks(&gateway).is_empty());
    gateway.authority.set(Mode::Pass);
    wait_until("nothing is asked any more", || asks(&gateway).is_empty());
}

#[test]
fn outage_that_lasts_ends_the_trust_in_what_is_known() {
    let gateway = warm();
    gateway.authority.set(Mode::Stopped);
    sleep(MAX_LAG + Duration::from_millis(500));
    for _ in 0..10 {
        harmless(&gateway).is_unavailable();
    }
}
