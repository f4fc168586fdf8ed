//! A configuration that is replaced while the gateway serves.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use brama_e2e::authority::{Hold, Mode};
use brama_e2e::client::Call;
use brama_e2e::stack::{Gateway, Plan};
use brama_run::StartError;
use serde_json::{Value, json};

const REJECTED: &str = "extension_config_discovery.http_filter.brama.config_fail";
const UPDATE_REJECTED: &str = "extension_config_discovery.http_filter.brama.update_rejected";
pub const RELOADED: &str = "extension_config_discovery.http_filter.brama.config_reload";

fn division() -> Call {
    Call::delete("/api/admin/contract_divisions/x")
        .api_key("uXhEczJ56adsfh3Ri9SUkc4en")
        .token("0d7b3a5e9c1f4826b4d0a6e2f8c3957e")
}

/// Changes the policy's own text inside the plugin's configuration.
fn edit(config: &mut Value, text: &str, by: &str) {
    let policy = config["configuration"]["value"].as_str().unwrap();
    assert!(policy.contains(text), "{policy}");
    config["configuration"]["value"] = json!(policy.replace(text, by));
}

/// Waits for a state that must come, however slow the machine is.
#[track_caller]
pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < until, "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn replaced_policy_takes_effect_and_keeps_what_is_known() {
    // A worker whose feed is late asks again, and so does one that has not met a credential yet.
    let gateway = Plan::shipped().without_feed().one_worker().start();
    crate::revocation::knows(&gateway, &division());
    gateway.reload(|config| edit(config, "private_contracts:write", "private_contracts:other"));
    wait_until("the new policy", || division().send(gateway.address()).status == 403);
    gateway.reload(|config| edit(config, "private_contracts:other", "private_contracts:write"));
    wait_until("the old policy", || division().send(gateway.address()).status == 404);
    assert!(gateway.counter(RELOADED) >= 3);
    assert_eq!(gateway.authority.take(), [""; 0], "nothing is asked again");
}

#[test]
fn refused_configuration_leaves_the_last_good_one_serving() {
    type Change = fn(&mut Value);
    let faulty: [(&str, Change); 6] = [
        ("a fault in the policy", |config| edit(config, "\"DELETE\"", "\"delete\"")),
        ("a condition that does not compile", |config| {
            let scopes = r#""scopes":{"all":["private_contracts:write"]}"#;
            edit(config, scopes, &format!(r#""conditions":["now <"],{scopes}"#));
        }),
        ("an unknown key", |config| edit(config, "\"version\":1", "\"version\":1,\"verison\":1")),
        ("no JSON", |config| config["configuration"]["value"] = json!("version: 1")),
        ("a Struct", |config| {
            config["configuration"] =
                json!({"@type": "type.googleapis.com/google.protobuf.Struct", "value": {"version": 1}})
        }),
        ("no secret", |config| edit(config, "BRAMA_AUTHORITY_SECRET", "BRAMA_OTHER_SECRET")),
    ];
    for (what, change) in faulty {
        println!("{what}");
        let gateway = Gateway::start();
        let (before, rejected) = (gateway.counter(REJECTED), gateway.counter(UPDATE_REJECTED));
        gateway.reload(change);
        wait_until(what, || gateway.counter(REJECTED) > before);
        assert_eq!(gateway.counter(UPDATE_REJECTED), rejected + 1);
        for _ in 0..4 {
            assert_eq!(division().send(gateway.address()).status, 404);
            Call::delete("/api/admin/contract_divisions/x").send(gateway.address()).is_unauthenticated();
        }
    }
}

/// Replaces the configuration, and waits until Envoy has judged it.
fn reload(gateway: &Gateway, change: fn(&mut Value)) {
    let judged = || gateway.counter(RELOADED) + gateway.counter(REJECTED);
    let before = judged();
    gateway.reload(change);
    wait_until("the configuration is judged", || judged() > before);
}

#[test]
fn request_that_waits_while_the_plugin_is_replaced_is_judged_as_it_began() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change, u16); 3] = [
        ("another policy", |config| edit(config, "private_contracts:write", "private_contracts:other"), 403),
        ("a fault in the policy", |config| edit(config, "\"DELETE\"", "\"delete\""), 404),
        ("another VM", |config| config["vm_config"]["vm_id"] = json!("another"), 404),
    ];
    for (what, change, afterwards) in changes {
        let gateway = Plan::shipped().patient().start();
        let hold = Arc::new(Hold::default());
        gateway.authority.set(Mode::Held(Arc::clone(&hold)));
        let address = gateway.address();
        let waiting: Vec<_> = (0..20)
            .map(|number| {
                // Half of them would be refused, whatever the policy.
                let key =
                    if number % 2 == 0 { "uXhEczJ56adsfh3Ri9SUkc4en".to_owned() } else { format!("unknown-{number}") };
                let call = Call::delete("/api/admin/contract_divisions/x").api_key(&key);
                let call = call.token("0d7b3a5e9c1f4826b4d0a6e2f8c3957e");
                thread::spawn(move || (number % 2, call.send(address).status))
            })
            .collect();
        wait_until("all of them wait", || gateway.counter("http.public.downstream_rq_active") == 20);
        // While their API keys are asked about, and the same again while their tokens are.
        reload(&gateway, change);
        hold.release("token_type_hint=api_key");
        gateway.authority.wait_for_lookup("token_type_hint=access_token");
        gateway.reload(|_config| {});
        hold.release("");
        let statuses: Vec<_> = waiting.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert!(statuses.iter().all(|status| matches!(status, (0, 404) | (1, 401))), "{what}: {statuses:?}");
        gateway.authority.set(Mode::Pass);
        wait_until(what, || division().send(gateway.address()).status == afterwards);
        // Ten, and those that were sent until the change was there.
        let arrived = gateway.tap.take();
        assert!(arrived.matches("x-consumer-id: ").count() >= 10, "{what}: {arrived}");
        assert_eq!(arrived.matches("DELETE ").count(), arrived.matches("x-consumer-id: ").count(), "{what}");
    }
}

#[test]
fn first_configuration_that_is_refused_serves_nobody() {
    let plan = Plan::shipped().plugin(|config, _folder| edit(config, "\"DELETE\"", "\"delete\""));
    let error = plan.try_start().err().unwrap();
    assert!(matches!(error, StartError::PluginRejected { status: 500, .. }), "{error}");
    assert!(error.report().contains("routes[0].methods[0]"), "{}", error.report());
}
