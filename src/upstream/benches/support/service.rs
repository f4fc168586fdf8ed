//! The service as a process of its own, with its two listeners in a folder.

use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub const SECRET: &str = "the-secret-of-a-bench";

pub struct Service {
    process: Child,
    folder: TempDir,
}

impl Service {
    /// The service over the database of this address, once it listens.
    pub fn start(url: &str, edit: impl FnOnce(&mut Command)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = command(url);
        command.arg("serve").env("PUBLIC_LISTEN", format!("unix:{}", folder.path().join("public").display()));
        command.env("INTERNAL_LISTEN", format!("unix:{}", folder.path().join("internal").display()));
        // The log goes to the null device: a line for each request is written, as always.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        edit(&mut command);
        let mut service = Self { process: command.spawn().unwrap(), folder };
        let until = Instant::now() + Duration::from_secs(60);
        while std::os::unix::net::UnixStream::connect(service.internal()).is_err() {
            assert_eq!(service.process.try_wait().unwrap(), None, "the service ended");
            assert!(Instant::now() < until, "the service does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        service
    }

    pub fn public(&self) -> PathBuf {
        self.folder.path().join("public")
    }

    pub fn internal(&self) -> PathBuf {
        self.folder.path().join("internal")
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Sends SIGTERM, and returns how the service ended.
    pub fn terminate(mut self) -> ExitStatus {
        assert!(Command::new("kill").arg(self.id().to_string()).status().unwrap().success());
        self.process.wait().unwrap()
    }
}

impl Drop for Service {
    /// Sends SIGKILL, unless the service has ended.
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Brings a database's schema up to date.
pub fn migrate(url: &str) {
    let migrated = command(url).arg("migrate").output().unwrap();
    assert!(migrated.status.success(), "{migrated:?}");
}

pub fn command(url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_brama-upstream"));
    command.env("DATABASE_URL", url).env("BRAMA_AUTHORITY_SECRET", SECRET);
    command
}
