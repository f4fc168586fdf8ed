//! A copy of the checkout without anything built, and programs written for a test.
#![allow(clippy::unwrap_used, reason = "test support")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Copies what `make` and its scripts look at before anything is built, to `copy` in `folder`.
pub(crate) fn copied_checkout(folder: &Path) -> PathBuf {
    // Cargo names it anew wherever the checkout is.
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").unwrap();
    let project = Path::new(&manifest).join("../..").canonicalize().unwrap();
    let copy = folder.canonicalize().unwrap().join("copy");
    let mut files: Vec<PathBuf> =
        ["Cargo.lock", "Cargo.toml", "Makefile", "src/run/Cargo.toml"].map(PathBuf::from).to_vec();
    for entry in fs::read_dir(project.join("src/tools")).unwrap() {
        files.push(Path::new("src/tools").join(entry.unwrap().file_name()));
    }
    for file in files {
        fs::create_dir_all(copy.join(&file).parent().unwrap()).unwrap();
        fs::copy(project.join(&file), copy.join(&file)).unwrap();
    }
    copy
}

/// Writes a shell script that can be run.
pub(crate) fn program(path: &Path, script: &str) {
    write(path, &format!("#!/bin/bash\n{script}\n"));
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

pub(crate) fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}
