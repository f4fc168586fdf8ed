//! Copies of the plugin with a fault, where a test wants one: it traps, or has no memory left.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use walrus::ir::{BinaryOp, MemoryGrow};
use walrus::{ExportItem, FunctionBuilder, InstrSeqBuilder, LocalId, Module, ValType};

/// Requests with at least this many headers meet the fault.
pub const MANY_HEADERS: i32 = 40;
/// Replies with at least this many bytes do.
pub const MANY_BYTES: i32 = 5000;

/// The plugin traps on requests with many headers, and Envoy makes it anew.
pub fn traps_on_headers(config: &mut Value, folder: &Path) {
    let copy = faulty(config, folder, "proxy_on_request_headers", 1, MANY_HEADERS, |_module, then| {
        then.unreachable();
    });
    replace(config, &copy);
}

/// The same, and Envoy is told to go on without it.
pub fn fails_open(config: &mut Value, folder: &Path) {
    traps_on_headers(config, folder);
    config["failure_policy"] = json!("FAIL_OPEN");
}

/// The plugin traps on replies with many bytes.
pub fn traps_on_reply(config: &mut Value, folder: &Path) {
    let copy = faulty(config, folder, "proxy_on_http_call_response", 3, MANY_BYTES, |_module, then| {
        then.unreachable();
    });
    replace(config, &copy);
}

/// The same, and Envoy is told to go on without it.
pub fn traps_on_reply_and_fails_open(config: &mut Value, folder: &Path) {
    traps_on_reply(config, folder);
    config["failure_policy"] = json!("FAIL_OPEN");
}

/// A request with many headers takes all the memory that there is, and leaves none for what comes after it.
pub fn runs_out_of_memory(config: &mut Value, folder: &Path) {
    let copy = faulty(config, folder, "proxy_on_request_headers", 1, MANY_HEADERS, |memory, then| {
        then.loop_(None, |all| {
            let again = all.id();
            all.i32_const(1).instr(MemoryGrow { memory }).i32_const(0).binop(BinaryOp::I32GeS).br_if(again);
        });
    });
    replace(config, &copy);
}

/// Writes a copy of the plugin in which `export` does something first where its argument `argument` is `limit` or more.
fn faulty(
    config: &Value,
    folder: &Path,
    export: &str,
    argument: usize,
    limit: i32,
    fault: impl Fn(walrus::MemoryId, &mut InstrSeqBuilder<'_>),
) -> PathBuf {
    let mut module = Module::from_file(plugin(config)).unwrap();
    // 64 MiB, so that "all" is soon taken.
    let memory = module.memories.iter_mut().next().unwrap();
    memory.maximum = Some(1024);
    let memory = memory.id();
    let original = module.exports.get_func(export).unwrap();
    let kind = module.types.get(module.funcs.get(original).ty());
    let (parameters, results): (Vec<ValType>, Vec<ValType>) = (kind.params().into(), kind.results().into());
    let arguments: Vec<LocalId> = parameters.iter().map(|parameter| module.locals.add(*parameter)).collect();
    let mut function = FunctionBuilder::new(&mut module.types, &parameters, &results);
    let mut body = function.func_body();
    body.local_get(arguments[argument]).i32_const(limit).binop(BinaryOp::I32GeU).if_else(
        None,
        |then| fault(memory, then),
        |_otherwise| {},
    );
    for argument in &arguments {
        body.local_get(*argument);
    }
    body.call(original);
    let replacement = function.finish(arguments, &mut module.funcs);
    let export = module.exports.iter_mut().find(|entry| entry.name == export).unwrap();
    export.item = ExportItem::Function(replacement);
    let path = folder.join("faulty.wasm");
    module.emit_wasm_file(&path).unwrap();
    path
}

fn plugin(config: &Value) -> PathBuf {
    config["vm_config"]["code"]["local"]["filename"].as_str().unwrap().into()
}

fn replace(config: &mut Value, path: &Path) {
    config["vm_config"]["code"]["local"]["filename"] = json!(path);
}
