//! The command `serve` as a process of its own, with its database and its sockets in a folder.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

pub(crate) const SECRET: &str = "a-secret-that-is-secret";

pub(crate) fn serve(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_brama-upstream"));
    command
        .arg("serve")
        .env_clear()
        .env("DATABASE_URL", format!("sqlite://{}/brama.db", folder.display()))
        .env("PUBLIC_LISTEN", format!("unix:{}/p.sock", folder.display()))
        .env("INTERNAL_LISTEN", format!("unix:{}/i.sock", folder.display()))
        .env("BRAMA_AUTHORITY_SECRET", SECRET)
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// A service that answers.
pub(crate) async fn started(folder: &TempDir, edit: impl FnOnce(&mut Command)) -> Child {
    let mut command = serve(folder.path());
    edit(&mut command);
    let child = command.spawn().unwrap();
    let internal = folder.path().join("i.sock");
    let give_up = Instant::now() + Duration::from_secs(60);
    while tokio::net::UnixStream::connect(&internal).await.is_err() {
        assert!(Instant::now() < give_up, "the service does not answer");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    child
}

/// Sends a signal, and gives the exit code, the log, and how long it took.
pub(crate) async fn stopped(mut child: Child, signal: &str) -> (Option<i32>, String, Duration) {
    let asked = Instant::now();
    self::signal(&child, signal);
    let status = child.wait().await.unwrap();
    let took = asked.elapsed();
    let mut log = String::new();
    child.stderr.take().unwrap().read_to_string(&mut log).await.unwrap();
    (status.code(), log, took)
}

pub(crate) fn signal(child: &Child, signal: &str) {
    let id = child.id().unwrap();
    assert!(std::process::Command::new("sh").args(["-c", &format!("kill {signal} {id}")]).status().unwrap().success());
}
