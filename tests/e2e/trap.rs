//! A plugin that traps: nothing passes, whatever Envoy was told to do then.
//!
//! The plugin is the real one, but for one of its functions, which traps where a test tells it to.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use walrus::ir::BinaryOp;
use walrus::{ExportItem, FunctionBuilder, Module, ValType};

use crate::authority::Mode;
use crate::client::Call;
use crate::stack::{Gateway, Plan};

const PATH: &str = "/api/clients/1380df72-275a-11e7-93ae-92361f002671/connections/e5372365-d47a-467f-81d0-f35117864352";
const API_KEY: &str = "uXhEczJ56adsfh3Ri9SUkc4en";
const TOKEN: &str = "c2778f3064753ea70de870a53795f5c9";

/// Requests with at least this many headers trap.
const MANY_HEADERS: i32 = 40;
/// Replies with at least this many bytes trap.
const MANY_BYTES: i32 = 5000;

/// Writes a copy of the plugin in which `export` traps where its argument `argument` is `limit` or more.
fn trapping(wasm: &Path, folder: &Path, export: &str, argument: usize, limit: i32) -> PathBuf {
    let mut module = Module::from_file(wasm).unwrap();
    let original = module.exports.get_func(export).unwrap();
    let kind = module.types.get(module.funcs.get(original).ty());
    let (parameters, results): (Vec<ValType>, Vec<ValType>) = (kind.params().into(), kind.results().into());
    let arguments: Vec<_> = parameters.iter().map(|parameter| module.locals.add(*parameter)).collect();
    let mut function = FunctionBuilder::new(&mut module.types, &parameters, &results);
    let mut body = function.func_body();
    body.local_get(arguments[argument]).i32_const(limit).binop(BinaryOp::I32GeU).if_else(
        None,
        |then| {
            then.unreachable();
        },
        |_otherwise| {},
    );
    for argument in &arguments {
        body.local_get(*argument);
    }
    body.call(original);
    let replacement = function.finish(arguments, &mut module.funcs);
    let export = module.exports.iter_mut().find(|entry| entry.name == export).unwrap();
    export.item = ExportItem::Function(replacement);
    let path = folder.join("trapping.wasm");
    module.emit_wasm_file(&path).unwrap();
    path
}

fn replace_plugin(config: &mut Value, path: &Path) {
    config["vm_config"]["code"]["local"]["filename"] = json!(path);
}

fn plugin(config: &Value) -> PathBuf {
    config["vm_config"]["code"]["local"]["filename"].as_str().unwrap().into()
}

fn fail_open(config: &mut Value, folder: &Path) {
    fail_reload(config, folder);
    config["failure_policy"] = json!("FAIL_OPEN");
}

fn fail_reload(config: &mut Value, folder: &Path) {
    let path = trapping(&plugin(config), folder, "proxy_on_request_headers", 1, MANY_HEADERS);
    replace_plugin(config, &path);
}

fn trap_on_reply(config: &mut Value, folder: &Path) {
    let path = trapping(&plugin(config), folder, "proxy_on_http_call_response", 3, MANY_BYTES);
    replace_plugin(config, &path);
}

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
    let gateway = Plan::shipped().one_worker().plugin(fail_open).start();
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
    let gateway = Plan::shipped().plugin(fail_reload).start();
    for _ in 0..4 {
        never_passes(&gateway, &deadly());
    }
    let until = Instant::now() + Duration::from_secs(20);
    while good().send(gateway.address()).status != 200 {
        assert!(Instant::now() < until, "the plugin did not come back");
        thread::sleep(Duration::from_millis(100));
    }
}

/// Kills the one worker's plugin by a reply, while another request waits in it.
fn trap_while_another_waits(gateway: &Gateway) {
    gateway.authority.set(Mode::Hang);
    let address = gateway.address();
    let waiting = thread::spawn(move || {
        let begin = Instant::now();
        (Call::delete(PATH).api_key("waits").token(TOKEN).send(address), begin.elapsed())
    });
    thread::sleep(Duration::from_millis(300));
    let long = format!(r#"{{"active":true,"token_use":"api_key","x":"{}"}}"#, "x".repeat(6000));
    gateway.authority.set(Mode::Double("token_type_hint=api_key".to_owned(), long));
    // Whose lookup it was is told at once; the other one by the timeout, since nobody is left to answer it.
    assert_eq!(never_passes(gateway, &good()), 503);
    let (reply, waited) = waiting.join().unwrap();
    reply.envelope();
    assert_eq!(reply.status, 503, "{reply:?}");
    assert!(waited < Duration::from_secs(5), "{waited:?}");
    assert_eq!(gateway.tap.take(), "");
}

#[test]
fn requests_paused_in_a_plugin_that_traps_are_answered_and_do_not_pass() {
    trap_while_another_waits(&Plan::shipped().one_worker().plugin(trap_on_reply).start());
}

#[test]
fn requests_paused_in_a_plugin_that_traps_and_fails_open_do_not_pass() {
    let plan = Plan::shipped().one_worker().plugin(|config, folder| {
        trap_on_reply(config, folder);
        config["failure_policy"] = json!("FAIL_OPEN");
    });
    trap_while_another_waits(&plan.start());
}
