//! Credentials that are revoked while every worker knows them: none of them is good for longer than the policy's
//! `max_lag`.

use std::thread::sleep;
use std::time::{Duration, Instant};

use brama_e2e::authority::Mode;
use brama_e2e::client::{Call, Reply};
use brama_e2e::stack::{Gateway, Plan};

use crate::reload::wait_until;

const API_KEY: &str = "demo-revocable-api-key";
const OWN_CONNECTION: &str = "c0220000-0000-4000-8000-000000000004";
const OWN_CLIENT: &str = "c11e0000-0000-4000-8000-000000000004";
const TOKEN: &str = "0d7b3a5e9c1f4826b4d0a6e2f8c3957e";

/// The policy's.
const MAX_LAG: Duration = Duration::from_secs(3);

/// A request that passes the gateway and changes nothing.
fn harmless(gateway: &Gateway) -> Reply {
    call().send(gateway.address())
}

fn call() -> Call {
    Call::delete("/api/admin/contract_divisions/x").api_key(API_KEY).token(TOKEN)
}

/// A gateway whose workers all know the credentials and trust what they know.
fn warm() -> Gateway {
    let gateway = Gateway::start();
    warm_up(&gateway);
    gateway
}

#[track_caller]
fn warm_up(gateway: &Gateway) {
    knows(gateway, &call());
}

/// Waits until every worker knows the credentials of a request that passes, and trusts what it knows.
#[track_caller]
pub fn knows(gateway: &Gateway, call: &Call) {
    wait_until("nothing is asked any more", || asks_for(gateway, call).is_empty());
}

/// Waits until every worker asks again whatever it knows: each notes by itself for how long it has heard nothing.
#[track_caller]
fn trusts_nothing(gateway: &Gateway) {
    wait_until("nothing is trusted any more", || asks(gateway).len() >= MANY);
}

/// Requests that meet both workers: each comes to one of them by chance.
const MANY: usize = 20;

/// What so many requests ask for.
fn asks(gateway: &Gateway) -> Vec<String> {
    asks_for(gateway, &call())
}

fn asks_for(gateway: &Gateway, call: &Call) -> Vec<String> {
    gateway.authority.take();
    for _ in 0..MANY {
        assert_eq!(call.send(gateway.address()).status, 404);
    }
    gateway.authority.take()
}

/// From `max_lag` after it was revoked, the API key is good nowhere; and that is said wherever the authority is heard
/// in time.
#[track_caller]
fn is_dead_after(gateway: &Gateway, revoked: Instant) {
    sleep(MAX_LAG.saturating_sub(revoked.elapsed()));
    let statuses: Vec<_> = (0..40).map(|_| harmless(gateway).status).collect();
    assert!(statuses.iter().all(|status| matches!(status, 401 | 503)), "{statuses:?}");
    wait_until("it is told apart from an outage", || harmless(gateway).status == 401);
    harmless(gateway).is_unauthenticated();
}

#[test]
fn deleted_connection_takes_its_own_api_key_along() {
    let gateway = warm();
    let path = format!("/api/clients/{OWN_CLIENT}/connections/{OWN_CONNECTION}");
    assert_eq!(Call::delete(&path).api_key(API_KEY).token(TOKEN).send(gateway.address()).status, 200);
    is_dead_after(&gateway, Instant::now());
    wait_until("it is counted", || gateway.counter("wasmcustom.brama_revoked") >= 1);
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
    trusts_nothing(&gateway);
    for _ in 0..10 {
        assert!(asks(&gateway).len() >= MANY, "nothing that is remembered is trusted");
    }
    gateway.database.change("DELETE FROM mithril_connections WHERE id = ?", OWN_CONNECTION);
    harmless(&gateway).is_unauthenticated();
}

#[test]
fn trust_comes_back_with_the_feed() {
    let gateway = warm();
    gateway.authority.set(Mode::NoFeed);
    trusts_nothing(&gateway);
    gateway.authority.set(Mode::Pass);
    wait_until("nothing is asked any more", || asks(&gateway).is_empty());
}

#[test]
fn outage_that_lasts_ends_the_trust_in_what_is_known() {
    let gateway = warm();
    gateway.authority.set(Mode::Stopped);
    wait_until("nothing is trusted any more", || (0..MANY).all(|_| harmless(&gateway).status != 404));
    for _ in 0..MANY {
        harmless(&gateway).is_unavailable();
    }
}
