//! A machine on which each program is one that only tells how it was called.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{copied_checkout, output, program, write};

/// A machine with a checkout on it, a shell's usual programs, and whatever a test adds.
pub(crate) struct Machine {
    folder: tempfile::TempDir,
    pub(crate) checkout: PathBuf,
}

/// What came of a command.
pub(crate) struct Outcome {
    pub(crate) success: bool,
    pub(crate) said: String,
    /// How the machine's own programs were called, a line each.
    pub(crate) calls: String,
}

impl Machine {
    pub(crate) fn new() -> Self {
        // No script may split a path where it has a space.
        let folder = tempfile::Builder::new().prefix("a machine ").tempdir().unwrap();
        let checkout = copied_checkout(folder.path());
        let machine = Self { folder, checkout };
        fs::create_dir(machine.path("bin")).unwrap();
        let path = std::env::var_os("PATH").unwrap();
        for name in USUAL {
            let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|found| found.is_file());
            symlink(found.ok_or(name).unwrap(), machine.path("bin").join(name)).unwrap();
        }
        // An administrator's, so that nothing depends on who runs the tests.
        machine.with("id", "echo 0").with("apt-get", TELLS).with("dpkg-query", "exit 1").with("cc", "")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Adds a program, in place of the one of this name.
    pub(crate) fn with(self, name: &str, script: &str) -> Self {
        let _ = fs::remove_file(self.path("bin").join(name));
        program(&self.path("bin").join(name), script);
        self
    }

    /// Adds a toolchain that can build natively, whose `cargo` tells how it is called.
    pub(crate) fn with_rust(self) -> Self {
        self.with("cargo", TELLS)
            .with("rustc", r#"case $1 in --version) echo "rustc 1.99.0 (abc 2026-01-01)" ;; *) echo /nowhere ;; esac"#)
    }

    /// Runs a command line in the checkout, as in a container: no terminal, and nothing of the caller's.
    pub(crate) fn run(&self, line: &str) -> Outcome {
        self.run_in(&self.checkout, line)
    }

    pub(crate) fn run_in(&self, folder: &Path, line: &str) -> Outcome {
        let calls = self.path("calls");
        write(&calls, "");
        let mut command = Command::new("/bin/bash");
        command.args(["-c", line]).current_dir(folder).env_clear().stdin(Stdio::null());
        command.env("PATH", self.path("bin")).env("HOME", self.path("home")).env("CALLS", &calls);
        let output = output(command.env("CHECKOUT", &self.checkout));
        Outcome {
            success: output.status.success(),
            said: String::from_utf8([output.stdout, output.stderr].concat()).unwrap(),
            calls: fs::read_to_string(calls).unwrap(),
        }
    }
}

/// What a shell script may rely on.
const USUAL: [&str; 35] = [
    "awk",
    "basename",
    "bash",
    "cat",
    "chmod",
    "cmp",
    "cp",
    "cut",
    "dirname",
    "env",
    "find",
    "grep",
    "head",
    "install",
    "make",
    "mkdir",
    "mktemp",
    "mv",
    "od",
    "realpath",
    "rm",
    "sed",
    "seq",
    "sh",
    "sha256sum",
    "sleep",
    "sort",
    "tail",
    "tar",
    "tee",
    "timeout",
    "touch",
    "tr",
    "uname",
    "wc",
];

/// A program that tells how it was called, at once and for later.
pub(crate) const TELLS: &str = r#"echo "called: ${0##*/} $*" | tee -a "$CALLS" >&2"#;
