//! Wrong usage of `brama render` for Istio and Envoy Gateway: refused with exit code 2 and the flag's name.

use std::path::Path;
use std::process::Command;

const SUM: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const ISTIO: &str = "--target istio --wasm-url oci://r.example/brama:1 --sha256 SUM --namespace ehealth --workload \
                     gateway --selector app=x";
const GATEWAY: &str =
    "--target envoy-gateway --wasm-url https://r.example/brama.wasm --sha256 SUM --namespace ehealth --gateway eg";

/// What the command says to `flags`, and its exit code.
fn said(flags: &str) -> (Option<i32>, String) {
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/ehealth.yaml");
    let flags = flags.replace("SUM", SUM);
    let mut command = Command::new(env!("CARGO_BIN_EXE_brama"));
    let output = command.arg("render").arg(policy).args(flags.split(' ')).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[track_caller]
fn is_wrong(flags: &str, words: &str) {
    let (code, error) = said(flags);
    assert_eq!(code, Some(2), "{flags}: {error}");
    assert!(error.contains(words), "{flags}: {error}");
}

#[test]
fn whole_command_lines_are_taken() {
    for flags in [ISTIO, GATEWAY] {
        assert_eq!(said(flags).0, Some(0), "{}", said(flags).1);
    }
}

#[test]
fn missing_flags_are_named() {
    for (whole, flag) in [
        (ISTIO, "--wasm-url oci://r.example/brama:1"),
        (ISTIO, "--namespace ehealth"),
        (ISTIO, "--workload gateway"),
        (ISTIO, "--selector app=x"),
        (GATEWAY, "--wasm-url https://r.example/brama.wasm"),
        (GATEWAY, "--namespace ehealth"),
        (GATEWAY, "--gateway eg"),
    ] {
        let name = flag.split(' ').next().unwrap();
        is_wrong(&whole.replace(&format!(" {flag}"), ""), name);
    }
    is_wrong(&ISTIO.replace(" --sha256 SUM", ""), "a tag can be moved");
    is_wrong(&GATEWAY.replace(" --sha256 SUM", ""), "needs `--sha256 HEX`, or `--wasm FILE`");
}

#[test]
fn useless_flags_are_named() {
    for (whole, flag) in [
        (ISTIO, "--gateway eg"),
        (GATEWAY, "--workload sidecar"),
        (GATEWAY, "--selector app=x"),
        ("--target plugin-config", "--wasm plugin.wasm"),
        ("--target plugin-config", "--namespace ehealth"),
        ("--target envoy-ecds --wasm plugin.wasm", "--wasm-url oci://r.example/brama:1"),
        ("--target envoy-ecds --wasm plugin.wasm", "--sha256 SUM"),
    ] {
        let name = flag.split(' ').next().unwrap();
        is_wrong(&format!("{whole} {flag}"), &format!("`{name}` means nothing for this target"));
    }
    is_wrong(&format!("{ISTIO} --selector app=y"), "asks for `app` twice");
    is_wrong(&format!("{GATEWAY} --wasm plugin.wasm"), "both give the checksum");
    is_wrong(&ISTIO.replace("--sha256 SUM", "--wasm plugin.wasm"), "says nothing about an image");
    let local = "file:///opt/brama.wasm";
    is_wrong(&ISTIO.replace("oci://r.example/brama:1", local), "is not checked by Istio");
    let local = GATEWAY.replace("https://r.example/brama.wasm --sha256 SUM", local);
    is_wrong(&local, "Envoy Gateway loads no plugin from `file://`");
}

#[test]
fn odd_values_are_named() {
    for (whole, from, to, flag) in [
        (ISTIO, "oci://", "http://", "--wasm-url"),
        (ISTIO, "SUM", "abc", "--sha256"),
        (ISTIO, "--namespace ehealth", "--namespace eHealth", "--namespace"),
        (ISTIO, "--workload gateway", "--workload waypoint", "--workload"),
        (ISTIO, "app=x", "app", "--selector"),
        (GATEWAY, "--gateway eg", "--gateway ns/eg", "--gateway"),
    ] {
        is_wrong(&whole.replace(from, to), flag);
    }
}
