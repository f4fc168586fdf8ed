//! What `make` and its scripts install, and what they say before they do: on a machine where each program is one that
//! only tells how it was called.
mod machine;

use std::fs;
use std::time::Duration;

use self::machine::{Machine, TELLS};
use crate::support::{program, write};

/// Each thing that the system's package manager may be asked for: the command, what is missing, and what is installed.
fn wants() -> [(&'static str, &'static str, &'static str, Machine); 5] {
    let no_image = r#"case $1 in info) ;; *) exit 1 ;; esac"#;
    [
        (
            "src/tools/build/wasm.sh wasm32-wasip1 build",
            "The Rust toolchain cannot build for wasm32-wasip1",
            "rustc-web cargo-web rust-web-src lld-22 wasi-libc",
            Machine::new().with_rust(),
        ),
        (
            "BRAMA_WASM_TOOLCHAIN=debian src/tools/build/wasm.sh wasm32-wasip1 build",
            "The Rust toolchain cannot build for wasm32-wasip1",
            "rustc-web cargo-web rust-web-src lld-22 wasi-libc",
            Machine::new(),
        ),
        (
            "src/tools/install/venv.sh target/venv",
            "python3 cannot make virtual environments",
            "python3-venv",
            Machine::new().with("python3", "exit 1"),
        ),
        (
            "mkdir -p target/docker && echo x >target/docker/base && src/tools/build/docker.sh compose up",
            "Docker Compose is missing",
            "docker-compose",
            Machine::new().with("docker", no_image),
        ),
        (
            "mkdir -p target/command src/upstream/fixtures envoy/docker && touch target/command/brama{,-upstream} \
             target/brama_filter.wasm src/upstream/fixtures/demo.json envoy/docker/Dockerfile envoy/envoy.yaml && \
             src/tools/build/docker.sh prepare",
            "debootstrap, which can make one, is missing",
            "debootstrap",
            Machine::new().with("docker", no_image).with("envoy", ""),
        ),
    ]
}

#[test]
fn package_manager_is_announced_with_the_reason_and_the_command() {
    for (line, reason, packages, machine) in wants() {
        let outcome = machine.run(line);
        let (announced, called) =
            outcome.said.split_once("called: apt-get").unwrap_or_else(|| panic!("{}", outcome.said));
        assert!(announced.contains(reason), "{line}: {announced}");
        assert!(announced.contains("BRAMA_INSTALL=no forbids this"), "{line}: {announced}");
        // Each command that was called stands there as it was called, before the first of them.
        for call in outcome.calls.lines().filter(|call| call.starts_with("called: apt-get")) {
            let command = call.strip_prefix("called: ").unwrap();
            assert!(announced.lines().any(|said| said.ends_with(command)), "{line}: {command}\n{announced}");
        }
        assert!(called.contains(&format!("install -y --no-install-recommends {packages}\n")), "{line}: {called}");
    }
}

#[test]
fn nothing_is_installed_where_it_is_forbidden_and_what_is_wanted_is_said() {
    for (line, reason, packages, machine) in wants() {
        let outcome = machine.with("rustup", TELLS).run(&format!("export BRAMA_INSTALL=no; {line}"));
        assert!(!outcome.success, "{line}");
        assert_eq!(outcome.calls, "", "{line}");
        for part in [reason, packages, "BRAMA_INSTALL=no", "by hand"] {
            assert!(outcome.said.contains(part), "{line}: {part}\n{}", outcome.said);
        }
    }
}

#[test]
fn setting_that_is_neither_yes_nor_no_installs_nothing() {
    for (line, _, _, machine) in wants() {
        let outcome = machine.with("rustup", TELLS).run(&format!("export BRAMA_INSTALL=never; {line}"));
        assert!(!outcome.success && outcome.calls.is_empty(), "{line}: {}", outcome.calls);
        assert!(outcome.said.contains("BRAMA_INSTALL is `never`; it can be yes or no"), "{line}: {}", outcome.said);
    }
}

#[test]
fn whoever_is_not_root_is_told_the_command_with_sudo() {
    let sudo = r#"echo "called: sudo $*" | tee -a "$CALLS" >&2"#;
    let machine = Machine::new().with_rust().with("id", "echo 1000").with("sudo", sudo);
    let outcome = machine.run("src/tools/build/wasm.sh wasm32-wasip1 build");
    let announced = outcome.said.split_once("called: sudo").unwrap().0;
    assert!(announced.contains("  sudo -n env DEBIAN_FRONTEND=noninteractive apt-get"), "{announced}");
    let outcome = Machine::new().with_rust().with("id", "echo 1000").run("src/tools/build/wasm.sh wasm32-wasip1 build");
    assert!(!outcome.success && outcome.said.contains("takes root or sudo"), "{}", outcome.said);
    assert!(outcome.said.contains("rustc-web"), "{}", outcome.said);
}

#[test]
fn without_rust_each_command_says_so_and_installs_nothing() {
    let listed = Machine::new().run("make help").said;
    let targets = listed.lines().filter_map(|line| line.trim_start().strip_prefix("make ")?.split_whitespace().next());
    // These neither build nor run anything that is built here.
    let without = ["docker-down", "docker-policy", "help"];
    let targets: Vec<&str> = targets.filter(|target| !without.contains(target)).collect();
    assert!(targets.len() > 30, "{listed}");
    for target in targets {
        let docker = r#"case $1 in info) ;; *) exit 1 ;; esac"#;
        let machine = Machine::new().with("docker", docker).with("rustup", TELLS).with("python3", TELLS);
        let outcome = machine.run(&format!("make {target}"));
        assert!(!outcome.success, "{target}");
        assert_eq!(outcome.calls, "", "{target}");
        assert!(outcome.said.starts_with("cargo is not on PATH.\n"), "{target}: {}", outcome.said);
        for way in ["https://rustup.rs", "apt-get install rustc-web", "1.94 or newer"] {
            assert!(outcome.said.contains(way), "{target}: {}", outcome.said);
        }
    }
}

#[test]
fn missing_c_compiler_is_told_before_anything_is_built() {
    let machine = Machine::new().with_rust();
    fs::remove_file(machine.path("bin/cc")).unwrap();
    let outcome = machine.run("make run");
    assert!(!outcome.success && outcome.calls.is_empty(), "{}", outcome.calls);
    assert!(outcome.said.starts_with("cc is not on PATH"), "{}", outcome.said);
}

/// As in a shell that was open when rustup was installed.
#[test]
fn rust_that_is_not_on_path_is_told_where_it_is() {
    let machine = Machine::new();
    program(&machine.path("home/.cargo/bin/cargo"), "");
    let outcome = machine.run("make run");
    let folder = machine.path("home/.cargo/bin").display().to_string();
    assert!(!outcome.success && outcome.said.contains(&format!("export PATH=\"{folder}:$PATH\"")), "{}", outcome.said);
}

#[test]
fn rust_that_is_too_old_is_told_its_version() {
    for (version, passes) in [
        ("1.63.0", false),
        ("1.93.1", false),
        ("1.94.0", true),
        ("1.94.0-nightly", true),
        ("1.100.0", true),
        ("2.0.0", true),
    ] {
        let machine =
            Machine::new().with("cargo", "").with("rustc", &format!("echo 'rustc {version} (abc 2026-01-01)'"));
        let outcome = machine.run("src/tools/install/rust.sh");
        assert_eq!(outcome.success, passes, "{version}: {}", outcome.said);
        assert_eq!(outcome.said.contains("too old"), !passes, "{version}: {}", outcome.said);
    }
}

#[test]
fn target_is_fetched_by_rustup_before_the_way_round_is_taken() {
    // The standard library is there once rustup has been asked.
    let rustc = r#"case $1 in --version) echo "rustc 1.99.0" ;; *) echo "$CHECKOUT/libraries" ;; esac"#;
    let rustup = format!(r#"{TELLS}; mkdir -p "$CHECKOUT/libraries"; touch "$CHECKOUT/libraries/libstd-1.rlib""#);
    let machine = Machine::new().with_rust().with("rustc", rustc).with("rustup", &rustup);
    let outcome = machine.run("src/tools/build/wasm.sh wasm32-wasip1 build");
    assert!(outcome.success, "{}", outcome.said);
    let called: Vec<_> = outcome.calls.lines().map(|call| call.split(' ').nth(1).unwrap()).collect();
    assert_eq!(called, ["rustup", "cargo"], "{}", outcome.calls);
    let announced = outcome.said.split_once("called: ").unwrap().0;
    assert!(announced.contains("rustup target add wasm32-wasip1"), "{announced}");
}

/// Cargo takes what it finds in a moved `target` as it is, and tests name the folder that they were compiled in.
#[test]
fn moved_checkout_is_compiled_anew_once() {
    let machine = Machine::new().with_rust();
    let source = machine.checkout.join("src/run/src/main.rs");
    write(&source, "");
    let age = || source.metadata().unwrap().modified().unwrap().elapsed().unwrap();
    let grow_old = || {
        let past = std::time::SystemTime::now() - Duration::from_hours(1);
        fs::File::options().write(true).open(&source).unwrap().set_modified(past).unwrap();
    };
    fs::create_dir(machine.checkout.join("tests")).unwrap();
    // A new checkout, the same one again, one that was moved here, the same one again.
    for (compiled_in, anew) in [(None, false), (None, false), (Some("/elsewhere"), true), (None, false)] {
        grow_old();
        if let Some(folder) = compiled_in {
            write(&machine.checkout.join("target/compiled_in"), folder);
        }
        let outcome = machine.run("make rust");
        assert!(outcome.success, "{}", outcome.said);
        assert_eq!(age() < Duration::from_mins(30), anew, "{compiled_in:?}: {}", outcome.said);
        assert_eq!(outcome.said.contains("the checkout was in /elsewhere before"), anew, "{}", outcome.said);
    }
}

/// The first of the two commands, with what it builds replaced: the launcher is this checkout's, and is told so.
#[test]
fn two_commands_are_enough_in_a_container_without_a_terminal() {
    let rustc = r#"case $1 in --version) echo "rustc 1.99.0" ;; *) echo "$CHECKOUT" ;; esac"#;
    let cargo = r#"
        case "$*" in
            *brama-filter*) echo x >"$CHECKOUT/built.wasm"; mkdir -p "$CHECKOUT/a"; cp "$CHECKOUT/built.wasm" "$CHECKOUT/a/brama_filter.wasm"
                echo "{\"filenames\":[\"$CHECKOUT/a/brama_filter.wasm\"]}" ;;
            *brama-run*) mkdir -p "$CARGO_TARGET_DIR/debug"
                printf '#!/bin/bash\necho "launched $0 with $BRAMA_PROJECT and $ENVOY"\n' >"$CARGO_TARGET_DIR/debug/brama-run"
                chmod +x "$CARGO_TARGET_DIR/debug/brama-run" ;;
        esac"#;
    let machine = Machine::new().with("rustc", rustc).with("cargo", cargo).with("envoy", "");
    write(&machine.checkout.join("libstd-1.rlib"), "");
    for (folder, line) in [(machine.checkout.as_path(), "make run"), (machine.path("").as_path(), "make -C copy run")] {
        let outcome = machine.run_in(folder, line);
        let expected = format!(
            "launched {0}/target/debug/brama-run with {0} and {1}\n",
            machine.checkout.display(),
            machine.path("bin/envoy").display()
        );
        assert!(outcome.success && outcome.said.contains(&expected), "{line}: {}", outcome.said);
        assert_eq!(outcome.calls, "", "{line}: nothing is installed");
    }
}

/// The policy of the composed stack: any file, from where the caller is.
#[test]
fn policy_of_the_composed_stack_is_any_file() {
    let machine = Machine::new().with("docker", "").with("docker-compose", "");
    let elsewhere = machine.path("elsewhere");
    write(&elsewhere.join("of my own.yaml"), "mine");
    write(&elsewhere.join(".hidden.yaml"), "hidden");
    write(&elsewhere.join("--help"), "an option");
    write(&machine.checkout.join("policies/other.yaml"), "other");
    write(&machine.checkout.join("policies/ehealth.yaml"), "shipped");
    let whole = elsewhere.join("of my own.yaml").display().to_string();
    for (folder, policy, text) in [
        (&elsewhere, "of my own.yaml", "mine"),
        (&elsewhere, "./of my own.yaml", "mine"),
        (&elsewhere, "policies/other.yaml", "other"),
        (&machine.checkout, "../elsewhere/of my own.yaml", "mine"),
        (&machine.checkout, &whole, "mine"),
        (&elsewhere, ".hidden.yaml", "hidden"),
        (&elsewhere, "--help", "an option"),
        (&elsewhere, "", "shipped"),
    ] {
        let line = format!("make -C \"$CHECKOUT\" POLICY='{policy}' docker-policy");
        // What composes is not asked here: there is no engine.
        let outcome = machine.run_in(folder, &line);
        // Under the one name that the composed stack reads.
        let copies: Vec<_> = fs::read_dir(machine.checkout.join("target/docker/policy"))
            .unwrap_or_else(|_| panic!("{}", outcome.said))
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap()))
            .collect();
        assert_eq!(copies, [("policy.yaml".to_owned(), text.to_owned())], "{policy}: {}", outcome.said);
        assert!(outcome.said.contains("the policy: /"), "{policy}: {}", outcome.said);
    }
}

#[test]
fn policy_that_is_no_file_or_two_is_refused() {
    let machine = Machine::new().with("docker", "");
    let elsewhere = machine.path("elsewhere");
    write(&elsewhere.join("mine.yaml"), "a");
    write(&machine.checkout.join("mine.yaml"), "b");
    for (policy, sentence) in [
        ("nowhere.yaml", "POLICY is `nowhere.yaml`: there is no such file"),
        ("/nowhere.yaml", "POLICY is `/nowhere.yaml`: there is no such file"),
        ("mine.yaml", "POLICY is `mine.yaml`, which is two files; write its whole path: "),
    ] {
        let outcome = machine.run_in(&elsewhere, &format!("make -C \"$CHECKOUT\" POLICY={policy} docker-policy"));
        assert!(!outcome.success && outcome.said.contains(sentence), "{}", outcome.said);
    }
}

#[test]
fn what_is_silent_for_long_shows_its_progress() {
    let machine = Machine::new();
    // It ends when its progress was shown, or after a minute.
    let slow = "for _ in {1..600}; do grep -q first shown && exit; sleep 0.1; done; exit 1";
    let line = format!(
        "PROGRESS_EVERY=0.1 src/tools/install/progress.sh 'waiting for it' bash -c 'echo a first step; {slow}' 2>shown; echo \"status $?\"; cat shown"
    );
    let outcome = machine.run(&line);
    assert!(outcome.said.contains("status 0\n") && outcome.said.contains(" s: a first step\n"), "{}", outcome.said);
    let outcome = machine.run("CI=true PROGRESS_EVERY=0.1 src/tools/install/progress.sh 'waiting for it' sleep 0.5");
    assert_eq!(outcome.said, "waiting for it\n");
}

#[test]
fn what_fails_silently_is_told_with_its_last_words() {
    let outcome =
        Machine::new().run("src/tools/install/progress.sh 'making it' bash -c 'echo why; exit 7'; echo \"status $?\"");
    assert!(outcome.said.contains("why\nmaking it: failed after"), "{}", outcome.said);
    assert!(outcome.said.contains("status 7\n"), "{}", outcome.said);
}
