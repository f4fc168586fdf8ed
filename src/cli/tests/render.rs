//! `brama render`: what it writes, and what it refuses.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/ehealth.yaml")
}

fn render(policy: &Path, further: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_brama")).arg("render").arg(policy).args(further).output().unwrap()
}

/// What is said of a policy that has faults; nothing is on standard output.
#[track_caller]
fn refused(policy: &Path, further: &[&str]) -> String {
    ended(1, policy, further)
}

/// What is said where the work cannot be done; nothing is on standard output.
#[track_caller]
fn failed(policy: &Path, further: &[&str]) -> String {
    ended(2, policy, further)
}

#[track_caller]
fn ended(code: i32, policy: &Path, further: &[&str]) -> String {
    let Output { status, stdout, stderr } = render(policy, further);
    assert_eq!(status.code(), Some(code));
    assert!(stdout.is_empty());
    String::from_utf8(stderr).unwrap()
}

/// A file that begins as every plugin does.
fn plugin(folder: &Path) -> PathBuf {
    let path = folder.join("plugin.wasm");
    fs::write(&path, b"\0asm\x01\0\0\0").unwrap();
    path
}

#[test]
fn plugin_config_is_the_document_as_json() {
    let output = render(&shipped(), &["--target", "plugin-config"]);
    assert!(output.status.success());
    let written: Value = serde_json::from_slice(&output.stdout).unwrap();
    let source: Value = serde_saphyr::from_str(&fs::read_to_string(shipped()).unwrap()).unwrap();
    assert_eq!(written, source);
}

#[test]
fn ecds_answer_names_the_plugin_the_policy_and_its_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let (wasm, target) = (plugin(folder.path()), folder.path().join("ecds.json"));
    let output = render(
        &shipped(),
        &["--target", "envoy-ecds", "--wasm", wasm.to_str().unwrap(), "-o", target.to_str().unwrap()],
    );
    assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
    let written: Value = serde_json::from_str(&fs::read_to_string(&target).unwrap()).unwrap();
    let config = &written["resources"][0]["typed_config"]["config"];
    assert_eq!(config["failure_policy"], "FAIL_RELOAD");
    assert_eq!(config["vm_config"]["vm_id"], "ehealth:BRAMA_AUTHORITY_SECRET");
    assert_eq!(config["vm_config"]["code"]["local"]["filename"], wasm.canonicalize().unwrap().to_str().unwrap());
    assert_eq!(
        config["vm_config"]["environment_variables"]["host_env_keys"],
        serde_json::json!(["BRAMA_AUTHORITY_SECRET"])
    );
    assert_eq!(config["configuration"]["@type"], "type.googleapis.com/google.protobuf.StringValue");
    let policy: Value = serde_json::from_str(config["configuration"]["value"].as_str().unwrap()).unwrap();
    assert_eq!(policy["name"], "ehealth");
}

#[test]
fn vm_is_given_every_secret_and_none_where_none_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let (wasm, path) = (plugin(folder.path()), folder.path().join("policy.yaml"));
    let policy = fs::read_to_string(shipped()).unwrap();
    let (before, after) = policy.split_once("authority: mithril").unwrap();
    let two = format!("{before}authority: keys{after}").replace(
        "authorities:\n",
        "authorities:\n  keys: { cluster: k, host: k, timeout: 1s, auth: { header_env: { name: x-psk, env: PSK } } }\n",
    );
    for (from, to, wanted) in [
        (
            "{ bearer_env: BRAMA_AUTHORITY_SECRET }",
            "{ basic_env: USER_AND_PASSWORD }",
            &["PSK", "USER_AND_PASSWORD"][..],
        ),
        ("{ bearer_env: BRAMA_AUTHORITY_SECRET }", "{ bearer_env: PSK }", &["PSK"]),
        ("{ bearer_env: BRAMA_AUTHORITY_SECRET }", "{ none: { because: x } }", &["PSK"]),
    ] {
        assert!(two.contains(from));
        fs::write(&path, two.replace(from, to)).unwrap();
        let output = render(&path, &["--target", "envoy-ecds", "--wasm", wasm.to_str().unwrap()]);
        assert!(output.status.success(), "{output:?}");
        let written: Value = serde_json::from_slice(&output.stdout).unwrap();
        let vm = &written["resources"][0]["typed_config"]["config"]["vm_config"];
        assert_eq!(vm["environment_variables"]["host_env_keys"], serde_json::json!(wanted), "{to}");
    }
}

#[test]
fn version_follows_the_policy_and_the_plugin() {
    let folder = tempfile::tempdir().unwrap();
    let wasm = plugin(folder.path());
    let version = |policy: &Path| {
        let output = render(policy, &["--target", "envoy-ecds", "--wasm", wasm.to_str().unwrap()]);
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["version_info"].clone()
    };
    let first = version(&shipped());
    // `brama digest`, and the beginning of `sha256sum` of the plugin.
    let output = Command::new(env!("CARGO_BIN_EXE_brama")).arg("digest").arg(shipped()).output().unwrap();
    let digest = String::from_utf8(output.stdout).unwrap();
    assert_eq!(first, format!("{}.93a44bbb96c7", digest.trim_end()));
    // Layout and comments say nothing.
    let same = folder.path().join("same.json");
    let value: Value = serde_saphyr::from_str(&fs::read_to_string(shipped()).unwrap()).unwrap();
    fs::write(&same, format!("{value:#}")).unwrap();
    assert_eq!(version(&same), first);
    assert_eq!(version(&shipped()), first);
    let other = folder.path().join("other.yaml");
    fs::write(&other, fs::read_to_string(shipped()).unwrap().replace("ttl: 60s", "ttl: 59s")).unwrap();
    assert_ne!(version(&other), first);
    fs::write(&wasm, b"\0asm\x02\0\0\0").unwrap();
    assert_ne!(version(&shipped()), first);
}

#[test]
fn faulty_policy_leaves_the_file_that_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let (target, policy) = (folder.path().join("out.json"), folder.path().join("faulty.yaml"));
    fs::write(&target, "the last good one").unwrap();
    fs::write(&policy, fs::read_to_string(shipped()).unwrap().replace("DELETE", "delete")).unwrap();
    let error = refused(&policy, &["--target", "plugin-config", "-o", target.to_str().unwrap()]);
    assert!(error.starts_with("error: `delete` is no method"), "{error}");
    assert!(error.contains("faulty.yaml:") && error.contains("^ routes[0].methods[0]\n"), "{error}");
    assert!(error.contains("routes[1].methods[0]"), "{error}");
    assert_eq!(fs::read_to_string(&target).unwrap(), "the last good one");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "no half-written file is left");
}

#[test]
fn unusable_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let odd = |name: &str, text: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let config = ["--target", "plugin-config"];
    assert!(failed(&folder.path().join("nowhere.yaml"), &config).contains("nowhere.yaml cannot be read"));
    assert!(failed(folder.path(), &config).contains("cannot be read"));
    assert!(failed(&odd("bytes.yaml", b"\xff\xfe"), &config).contains("bytes.yaml cannot be read"));
    assert!(refused(&odd("empty.yaml", b""), &config).contains("empty.yaml"));
    assert!(refused(&odd("twice.yaml", b"version: 1\nversion: 1\n"), &config).contains("duplicate"));
    let unwritable = failed(&shipped(), &["--target", "plugin-config", "-o", "/nonexistent/folder/out.json"]);
    assert!(unwritable.contains("/nonexistent/folder/out.json cannot be written"), "{unwritable}");
}

#[test]
fn ecds_needs_a_plugin() {
    let folder = tempfile::tempdir().unwrap();
    let missing = render(&shipped(), &["--target", "envoy-ecds"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(String::from_utf8(missing.stderr).unwrap().contains("--wasm"));
    assert!(
        failed(&shipped(), &["--target", "envoy-ecds", "--wasm", "/nonexistent.wasm"]).contains("/nonexistent.wasm")
    );
    let text = folder.path().join("text.wasm");
    fs::write(&text, "no module").unwrap();
    let error = failed(&shipped(), &["--target", "envoy-ecds", "--wasm", text.to_str().unwrap()]);
    assert!(error.contains("it is no WebAssembly module"), "{error}");
}

#[test]
fn wrong_usage_is_exit_code_2() {
    assert_eq!(render(&shipped(), &["--target", "istio-of-old"]).status.code(), Some(2));
}
