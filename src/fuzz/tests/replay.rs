//! Replay of the inputs that the fuzzer found worth keeping, and of those written by hand: every law holds for each.

#![allow(clippy::restriction, reason = "a test ends where something is amiss")]

use std::path::{Path, PathBuf};
use std::process::Command;

use brama_fuzz::LAWS;
use tempfile::TempDir;

#[test]
fn laws_hold_for_all_that_was_found() {
    for (name, holds_for) in LAWS {
        let folder = tempfile::tempdir().unwrap();
        let inputs = unpack(name, &folder);
        assert!(inputs.len() > 10, "{name} has {} inputs", inputs.len());
        println!("{name}: {} inputs", inputs.len());
        for input in inputs {
            // The test's output, shown where it fails.
            println!("{}", input.display());
            holds_for(&std::fs::read(&input).unwrap());
        }
    }
}

/// The inputs of a kind, by its name, as files in a folder. `src/tools/test/fuzz-inputs.sh` has packed them.
fn unpack(name: &str, folder: &TempDir) -> Vec<PathBuf> {
    let archive = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name).with_extension("tar.gz");
    let unpacked = Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(folder.path()).status();
    assert!(unpacked.unwrap().success(), "{name}");
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}
