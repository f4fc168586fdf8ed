//! A copied or moved checkout runs its own files, not those of the folder that the launcher was built in.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{copied_checkout, no_process_begins, output, program, write};

/// A copy with a launcher, and beside it programs that only tell what they were asked. Its bootstrap is faulty, so that
/// the launcher, after it has looked at every file, says whose it is.
fn copy(folder: &Path) -> PathBuf {
    let copy = copied_checkout(folder);
    let built = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().join("brama-run");
    fs::create_dir_all(copy.join("target/debug")).unwrap();
    let guard = no_process_begins();
    fs::copy(built, copy.join("target/debug/brama-run")).unwrap();
    drop(guard);
    for name in ["brama", "brama-upstream", "envoy"] {
        program(&copy.join("target/debug").join(name), r#"echo "$@" >>"$ASKED""#);
    }
    for file in ["policies/ehealth.yaml", "src/upstream/fixtures/demo.json", "target/brama_filter.wasm"] {
        write(&copy.join(file), "");
    }
    write(&copy.join("envoy/envoy.yaml"), "${COPIED}\n");
    copy
}

/// What the launcher says, and what it asked the programs beside it.
fn launch(program: &Path, variables: &[(&str, &Path)]) -> (String, String) {
    let asked = tempfile::NamedTempFile::new().unwrap();
    let mut command = Command::new(program);
    for name in ["ADMIN_PORT", "BRAMA_PROJECT", "BRAMA_WASM", "DATABASE_URL", "DATA_DIR", "FIXTURES", "POLICY", "PORT"]
    {
        command.env_remove(name);
    }
    command.envs([("PORT", "0"), ("ADMIN_PORT", "0"), ("ENVOY", "/bin/true")]).env("ASKED", asked.path());
    let output = output(command.envs(variables.iter().copied()).current_dir("/"));
    (String::from_utf8(output.stderr).unwrap(), fs::read_to_string(asked.path()).unwrap())
}

#[track_caller]
fn runs_files_of(project: &Path, (said, asked): (String, String)) {
    let project = project.display();
    assert!(said.contains(&format!("the bootstrap `{project}/envoy/envoy.yaml` cannot be filled in")), "{said}");
    assert!(asked.contains(&format!("render {project}/policies/ehealth.yaml")), "{asked}");
    assert!(asked.contains(&format!("--wasm {project}/target/brama_filter.wasm")), "{asked}");
    assert!(asked.contains(&format!("seed {project}/src/upstream/fixtures/demo.json")), "{asked}");
}

#[test]
fn copied_checkout_runs_its_own_files() {
    let folder = tempfile::tempdir().unwrap();
    let copy = copy(folder.path());
    runs_files_of(&copy, launch(&copy.join("target/debug/brama-run"), &[]));
}

#[test]
fn moved_checkout_runs_its_own_files() {
    let folder = tempfile::tempdir().unwrap();
    let copy = copy(folder.path());
    let moved = folder.path().join("moved");
    fs::rename(copy, &moved).unwrap();
    runs_files_of(&moved, launch(&moved.join("target/debug/brama-run"), &[]));
}

/// As where `target` is a link to a larger disk: `make` says which checkout it is.
#[test]
fn named_checkout_runs_its_own_files() {
    let folder = tempfile::tempdir().unwrap();
    let copy = copy(folder.path());
    let elsewhere = folder.path().join("elsewhere");
    fs::rename(copy.join("target/debug"), &elsewhere).unwrap();
    runs_files_of(&copy, launch(&elsewhere.join("brama-run"), &[("BRAMA_PROJECT", &copy)]));
}

#[test]
fn launcher_outside_of_a_checkout_runs_nobodys_files() {
    let folder = tempfile::tempdir().unwrap();
    let launcher = copy(folder.path()).join("target/debug/brama-run");
    let alone = folder.path().join("brama-run");
    fs::rename(launcher, &alone).unwrap();
    let (said, asked) = launch(&alone, &[]);
    let sentence = "lies in no checkout of Brama: run `make run` there, or set BRAMA_PROJECT";
    assert_eq!(said, format!("brama-run: `{}` {sentence}\n", alone.display()));
    assert_eq!(asked, "");
}
