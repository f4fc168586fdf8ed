//! Tokens of an OAuth 2 server that is not of this project: Authlib issues, introspects, signs and revokes as the RFCs
//! say, and the gateway asks it directly, as a cluster of Envoy's.

mod server;

use std::sync::mpsc::{TryRecvError, channel};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use brama_e2e::client::{Call, Reply};
use brama_e2e::stack::{Gateway, Plan, project};
use serde_json::{Value, json};

use crate::partner::server::{CLIENT, GATEWAY_SENT, Partner, Rotation};

/// The scope that the route asks for.
const SCOPE: &str = "private_contracts:write";

/// A gateway that trusts the partner, and knows its password there.
fn start(partner: &Partner) -> Gateway {
    plan(partner).plugin(|config, _folder| login(config, GATEWAY_SENT)).start()
}

fn plan(partner: &Partner) -> Plan {
    let cluster = format!(
        "
  clusters:
    - name: partner
      type: STATIC
      connect_timeout: 0.5s
      load_assignment:
        cluster_name: partner
        endpoints: [{{ lb_endpoints: [{{ endpoint: {{ address: {{ pipe: {{ path: {} }} }} }} }}] }}]
",
        partner.socket().display()
    );
    Plan::with_policy(project().join("tests/e2e/partner/policy.yaml")).edit("\n  clusters:\n", &cluster)
}

/// Tells the VM the password itself: Envoy's environment, where `host_env_keys` has it looked up, is this process's and
/// so every test's.
fn login(config: &mut Value, password: &str) {
    let variables = &mut config["vm_config"]["environment_variables"];
    assert_eq!(*variables, json!({ "host_env_keys": ["PARTNER_LOGIN"] }));
    *variables = json!({ "key_values": { "PARTNER_LOGIN": password } });
}

fn send(gateway: &Gateway, token: &str) -> Reply {
    Call::delete("/api/admin/contract_divisions/x").token(token).send(gateway.address())
}

/// A request that passes is told by the service that there is no such division.
#[track_caller]
fn passes(gateway: &Gateway, token: &str) {
    let reply = send(gateway, token);
    reply.is_error(404, "not_found", "Contract division with such id is not found");
}

#[track_caller]
fn is_refused(gateway: &Gateway, token: &str) {
    send(gateway, token).is_error(401, "access_denied", "Access denied");
}

#[track_caller]
fn facts_go_on(gateway: &Gateway) {
    let sent = gateway.tap.take();
    for (name, value) in [("id", CLIENT), ("client-id", CLIENT), ("scope", SCOPE)] {
        assert!(sent.contains(&format!("x-consumer-{name}: {value}\r\n")), "{name}: {sent}");
    }
}

/// Waits until this holds, which must be soon.
#[track_caller]
fn comes(awaited: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !awaited() {
        assert!(Instant::now() < until, "not in time");
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn opaque_token_is_good_while_its_issuer_says_so() {
    let partner = Partner::start();
    let gateway = start(&partner);
    passes(&gateway, &partner.opaque(SCOPE));
    facts_go_on(&gateway);
    is_refused(&gateway, "nobody-issued-it");
    let lacking = send(&gateway, &partner.opaque("private_contracts:read"));
    lacking.is_error(403, "forbidden", "Invalid scopes");
    assert_eq!(gateway.tap.take(), "");
}

#[test]
fn gateway_that_the_issuer_does_not_know_answers_503() {
    let partner = Partner::start();
    let gateway = plan(&partner).plugin(|config, _folder| login(config, "gateway:another")).start();
    send(&gateway, &partner.opaque(SCOPE)).is_unavailable();
    // Keys are public.
    passes(&gateway, &partner.jwt(SCOPE));
}

#[test]
fn opaque_token_is_refused_once_it_is_revoked() {
    let partner = Partner::start();
    let gateway = start(&partner);
    let (revoked, other) = (partner.opaque(SCOPE), partner.opaque(SCOPE));
    passes(&gateway, &revoked);
    partner.revoke(&revoked);
    is_refused(&gateway, &revoked);
    passes(&gateway, &other);
}

#[test]
fn jwt_is_good_by_its_issuers_published_key() {
    let partner = Partner::start();
    let gateway = start(&partner);
    let token = partner.jwt(SCOPE);
    passes(&gateway, &token);
    facts_go_on(&gateway);
    let lacking = partner.jwt("private_contracts:read");
    send(&gateway, &lacking).is_error(403, "forbidden", "Invalid scopes");
    // Signed with the same key, but not this.
    let (signed, _) = token.rsplit_once('.').unwrap();
    let (_, signature) = lacking.rsplit_once('.').unwrap();
    is_refused(&gateway, &format!("{signed}.{signature}"));
    // The same issuer by its own word.
    is_refused(&gateway, &Partner::start().jwt(SCOPE));
    assert_eq!(gateway.tap.take(), "");
}

#[test]
fn rotation_of_keys_disturbs_no_request_and_ends_the_old_tokens() {
    let partner = Partner::start();
    // One worker, so that its fetches can be counted.
    let gateway = plan(&partner).plugin(|config, _folder| login(config, GATEWAY_SENT)).one_worker().start();
    let old = partner.jwt(SCOPE);
    passes(&gateway, &old);
    let fetches = || gateway.counter("wasmcustom.brama_key_fetches");
    scope(|requests| {
        // It is dropped when this ends, however it ends.
        let (_running, ended) = channel::<()>();
        let (gateway, partner) = (&gateway, &partner);
        requests.spawn(move || {
            while ended.try_recv() == Err(TryRecvError::Empty) {
                passes(gateway, &partner.jwt(SCOPE));
            }
        });
        partner.rotate(Rotation::Publish);
        // The first may have been on its way before.
        let before = fetches();
        comes(|| fetches() >= before + 2);
        partner.rotate(Rotation::Sign);
        let new = partner.jwt(SCOPE);
        let header = |token: &str| token.split('.').next().unwrap().to_owned();
        assert_ne!(header(&new), header(&old), "another key, by its name");
        for _ in 0..20 {
            passes(gateway, &old);
            passes(gateway, &new);
        }
        partner.rotate(Rotation::Retire);
        comes(|| send(gateway, &old).status == 401);
        passes(gateway, &new);
    });
    is_refused(&gateway, &old);
}
