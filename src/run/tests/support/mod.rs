//! A copy of the checkout without anything built, programs written for a test, and how they are started.
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Copies what `make` and its scripts look at before anything is built, to `copy` in `folder`.
pub(crate) fn copied_checkout(folder: &Path) -> PathBuf {
    // Cargo names it anew wherever the checkout is.
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").unwrap();
    let project = Path::new(&manifest).join("../..").canonicalize().unwrap();
    let copy = folder.canonicalize().unwrap().join("copy");
    let mut files: Vec<PathBuf> =
        ["Cargo.lock", "Cargo.toml", "Makefile", "src/run/Cargo.toml"].map(PathBuf::from).to_vec();
    for folder in ["install", "build", "test"].map(|name| Path::new("src/tools").join(name)) {
        for entry in fs::read_dir(project.join(&folder)).unwrap() {
            files.push(folder.join(entry.unwrap().file_name()));
        }
    }
    for file in files {
        fs::create_dir_all(copy.join(&file).parent().unwrap()).unwrap();
        let _guard = no_process_begins();
        fs::copy(project.join(&file), copy.join(&file)).unwrap();
    }
    copy
}

/// Held while a program is written, and while a process begins. Linux runs no file that somebody has open for writing
/// ("text file busy"), and a process that another test begins meanwhile has it open, too, until it is a program of its
/// own.
static STARTS: Mutex<()> = Mutex::new(());

pub(crate) fn no_process_begins() -> MutexGuard<'static, ()> {
    STARTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What comes of a command.
pub(crate) fn output(command: &mut Command) -> Output {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let guard = no_process_begins();
    let child = command.spawn().unwrap();
    drop(guard);
    child.wait_with_output().unwrap()
}

/// Writes a shell script that can be run.
pub(crate) fn program(path: &Path, script: &str) {
    let _guard = no_process_begins();
    write(path, &format!("#!/bin/bash\n{script}\n"));
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

pub(crate) fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}
