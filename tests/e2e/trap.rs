//! A plugin that traps: nothing passes, whatever Envoy was told to do then.
//!
//! The plugin is the real one, but for one of its functions ([`faulty`]).

mod faulty;

use std::thread;
use std::time::{Duration, Instant};

use brama_e2e::authority::Mode;
use brama_e2e::client::Call;
use brama_e2e::stack::{Gateway, Plan};
use serde_json::json;

use crate::attack;
use crate::reload::{RELOADED, wait_until};
use crate::trap::faulty::MANY_HEADERS;

const PATH: &str = "/api/clients/1380df72-275a-11e7-93ae-92361f002671/connections/e5372365-d47a-467f-81d0-f35117864352";
const API_KEY: &str = "uXhEczJ56adsfh3Ri9SUkc4en";
const TOKEN: &str = "c2778f3064753ea70de870a53795f5c9";

fn good() -> Call {
    Call::delete(PATH).api_key(API_KEY).token(TOKEN)
}

fn deadly() -> Call {
    (0..MANY_HEADERS)
        .fold(good().header("x-consumer-id", "forged"), |call, number| call.header(&format!("x-{number}"), "x"))
}

#[track_caller]
fn never_passes(gateway: &Gateway, call: &Call) -> u16 {
    let reply = call.send(gateway.address());
    assert!(reply.status >= 400, "{reply:?}");
    reply.envelope();
    assert_eq!(gateway.tap.take(), "");
    assert!(gateway.database.has_connection("e5372365-d47a-467f-81d0-f35117864352"));
    reply.status
}

#[test]
fn nothing_passes_a_plugin_that_fails_open() {
    let gateway = Plan::shipped().one_worker().plugin(faulty::fails_open).start();
    // Until the first trap it does its work.
    assert_eq!(Call::new("GET", "/readyz").send(gateway.address()).status, 200);
    assert!(gateway.tap.take().starts_with("GET /readyz"));
    for _ in 0..3 {
        never_passes(&gateway, &deadly());
    }
    // The worker's plugin is dead, and Envoy lets every request by it: the lock behind holds.
    for call in
        [good(), good().header("x-consumer-id", "forged"), Call::new("GET", "/readyz"), Call::new("GET", "/nowhere")]
    {
        assert_eq!(never_passes(&gateway, &call), 403);
    }
    assert!(gateway.counter("http.public.rbac.brama.denied") > 0);
}

#[test]
fn plugin_that_trapped_is_made_anew() {
    let gateway = Plan::shipped().plugin(faulty::traps_on_headers).start();
    for _ in 0..4 {
        never_passes(&gateway, &deadly());
    }
    comes_back(&gateway);
}

/// Good requests are served again, and it is said after how long: those that nobody has to be asked about as soon as
/// there is a plugin, the others when the authority is asked again, which rests for a second or so after lookups
/// without an answer.
fn comes_back(gateway: &Gateway) {
    let begin = Instant::now();
    let answers = |call: &Call, status: u16| {
        while call.send(gateway.address()).status != status {
            assert!(begin.elapsed() < Duration::from_secs(60), "the plugin did not come back");
            thread::sleep(Duration::from_millis(10));
        }
        begin.elapsed()
    };
    let plugin = answers(&Call::new("GET", "/readyz"), 200);
    let authority = answers(&Call::delete(attack::NOTHING).api_key(API_KEY).token(TOKEN), 404);
    println!("the plugin was back after {plugin:?}, and the authority asked after {authority:?}");
    gateway.tap.take();
}

/// Kills the one worker's plugin by a reply, while another request waits in it.
fn trap_while_another_waits(gateway: &Gateway) {
    gateway.authority.set(Mode::Hang);
    let address = gateway.address();
    let waiting = thread::spawn(move || Call::delete(PATH).api_key("waits").token(TOKEN).send(address));
    gateway.authority.wait_for_lookup("token=waits");
    let long = format!(r#"{{"active":true,"token_use":"api_key","x":"{}"}}"#, "x".repeat(6000));
    gateway.authority.set(Mode::Double("token_type_hint=api_key".to_owned(), long));
    // Whose lookup it was is told at once; the other one by the timeout, since nobody is left to answer it.
    assert_eq!(never_passes(gateway, &good()), 503);
    let reply = waiting.join().unwrap();
    reply.envelope();
    assert_eq!(reply.status, 503, "{reply:?}");
    assert_eq!(gateway.tap.take(), "");
}

#[test]
fn requests_paused_in_a_plugin_that_traps_are_answered_and_do_not_pass() {
    trap_while_another_waits(&Plan::shipped().one_worker().plugin(faulty::traps_on_reply).start());
}

#[test]
fn requests_paused_in_a_plugin_that_traps_and_fails_open_do_not_pass() {
    let plan = Plan::shipped().one_worker().plugin(faulty::traps_on_reply_and_fails_open);
    trap_while_another_waits(&plan.start());
}

#[test]
fn plugin_without_memory_lets_nothing_pass_and_comes_back() {
    let gateway = Plan::shipped().one_worker().plugin(faulty::runs_out_of_memory).start();
    for crowd in 1.. {
        takes_all_memory(&gateway);
        // Envoy makes a plugin anew for the next request after its end.
        comes_back(&gateway);
        if gateway.counter("wasm.brama.vm_reload_success") > 0 {
            break;
        }
        // A crowd that came too slowly has left room for the next one: a plugin keeps the memory it had once. A new one
        // has none.
        assert!(crowd < 10, "{crowd} crowds without memory, and the plugin has not ended");
        let reloads = gateway.counter(RELOADED);
        gateway.reload(|config| config["vm_config"]["vm_id"] = json!(crowd.to_string()));
        wait_until("another plugin", || gateway.counter(RELOADED) > reloads);
    }
}

/// A request that takes all memory, and a crowd behind it that nothing of passes.
fn takes_all_memory(gateway: &Gateway) {
    let address = gateway.address();
    // It is decided with what is left.
    let _status = deadly().send(address).status;
    // Whoever waits keeps its credentials in memory that is not there.
    gateway.authority.set(Mode::Hang);
    let waiting: Vec<_> = (0..150)
        .map(|number| {
            let call = Call::delete(PATH).api_key(&format!("{number}-{}", "x".repeat(7000))).token(&"y".repeat(8000));
            thread::spawn(move || call.send(address).status)
        })
        .collect();
    for thread in waiting {
        assert_eq!(thread.join().unwrap(), 503);
    }
    assert!(!gateway.tap.take().contains("forged"));
    gateway.authority.set(Mode::Pass);
}

#[test]
fn upgrade_chain_lets_nothing_pass_a_plugin_that_fails_open() {
    // The chain as envoy/README.md wants it: the plugin, and the lock behind it.
    let main = "                http_filters:\n";
    let chain = r#"                upgrade_configs:
                  - upgrade_type: websocket
                    filters:
                      - name: brama
                        config_discovery:
                          config_source: { path_config_source: { path: "${ECDS_FILE}" }, resource_api_version: V3 }
                          type_urls: [type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm]
                      - name: envoy.filters.http.rbac
                        typed_config:
                          "@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC
                          rules_stat_prefix: upgrades
                          rules: { action: ALLOW, policies: { allowed: { permissions: [{ any: true }], principals: [{ filter_state: { key: wasm.brama_decision, string_match: { exact: allow } } }] } } }
                      - name: envoy.filters.http.router
                        typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
"#;
    let plan = Plan::shipped().one_worker().plugin(faulty::fails_open);
    let gateway = plan.edit(main, &format!("{chain}{main}")).start();
    let upgrade = |call: Call| call.header("Connection", "Upgrade").header("Upgrade", "websocket");
    // Alive, the plugin refuses every upgrade.
    upgrade(good()).send(gateway.address()).is_error(400, "request_malformed", "The protocol must not be upgraded.");
    never_passes(&gateway, &upgrade(deadly()));
    for call in [good(), deadly(), Call::new("GET", "/readyz")] {
        assert_eq!(never_passes(&gateway, &upgrade(call)), 403);
    }
    assert!(gateway.counter("http.public.rbac.upgrades.denied") >= 3);
}
