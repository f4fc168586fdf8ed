//! Running the command on files of a folder of its own.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::{fs, thread};

use tempfile::TempDir;

/// A policy for tokens alone, to which a test does one thing.
pub(crate) const POLICY: &str = "\
version: 1
name: x
authorities: { a: { cluster: c, host: h, timeout: 1s, auth: { bearer_env: S } } }
credentials:
  token:
    header: authorization
    scheme: Bearer
    verify: [{ introspect: { authority: a, path: /i, hint: h, expect: { /u: x } } }]
    cache: { ttl: 60s, refused_ttl: 2s, entries: 10 }
forward: { headers: { x-subject: token.subject } }
refusals: { format: ehealth }
routes:
  - { id: open, methods: [GET], path: /open, public: { because: \"it says nothing of anybody\" } }
  - { id: guarded, methods: [GET], path: /guarded, require: { credentials: [token], scopes: { all: [read] } } }
";

/// A folder with these files.
pub(crate) fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

pub(crate) fn brama(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_brama"));
    command.args(arguments).current_dir(folder);
    command
}

/// What a run with this input came to.
pub(crate) struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

#[track_caller]
pub(crate) fn run(folder: &Path, arguments: &[&str], input: &[u8]) -> Run {
    let piped = || Stdio::piped();
    let mut child = brama(folder, arguments).stdin(piped()).stdout(piped()).stderr(piped()).spawn().unwrap();
    let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_vec());
    // In a thread of its own: the command answers while it reads. It may also end before it has read all.
    let writer = thread::spawn(move || drop(stdin.write_all(&input)));
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: status.code().unwrap(), stdout: text(stdout), stderr: text(stderr) }
}
