//! The command `serve` where something cannot be written: its database, or its log. It goes on, and says so where it can.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "test support")]

mod support;

use std::fs::File;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use support::process::{SECRET, signal, started};
use support::{CONNECTION, FORM, MSP, Reply, USER, demo, exchange};
use tempfile::TempDir;
use tokio::process::Child;

async fn ask(folder: &TempDir, path: &str) -> Reply {
    exchange(&folder.path().join("i.sock"), "GET", path, &[], "").await
}

/// Waits until `/readyz` says so.
async fn comes_to(folder: &TempDir, status: u16) {
    let give_up = Instant::now() + Duration::from_secs(60);
    while ask(folder, "/readyz").await.status != status {
        assert!(Instant::now() < give_up, "it is not {status}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn introspect(folder: &TempDir) -> Reply {
    let authorization = format!("Bearer {SECRET}");
    let headers = [("authorization", authorization.as_str()), ("content-type", FORM)];
    exchange(&folder.path().join("i.sock"), "POST", "/introspect", &headers, "token=a").await
}

async fn delete(folder: &TempDir) -> u16 {
    let path = format!("/api/clients/{MSP}/connections/{CONNECTION}");
    exchange(&folder.path().join("p.sock"), "DELETE", &path, &[("x-consumer-id", USER)], "").await.status
}

/// Limits the size of the files that a process writes, which is what a full disk is to it.
fn limit_files(child: &Child, bytes: Option<u64>) {
    let id = Pid::from_raw(child.id().unwrap().try_into().unwrap());
    prlimit(id, Resource::Fsize, Rlimit { current: bytes, maximum: None }).unwrap();
}

#[tokio::test]
async fn service_with_a_full_disk_says_so_and_works_again_once_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let child = started(&folder, |_| {}).await;
    let url = format!("sqlite://{}/brama.db", folder.path().display()).parse().unwrap();
    let store = brama_upstream::store::Store::open(&url).await.unwrap();
    let _inserted = store.seed(&demo()).await.unwrap();
    store.close().await;
    for _ in 0..2 {
        limit_files(&child, Some(0));
        for _ in 0..3 {
            assert_eq!(delete(&folder).await, 503);
            assert_eq!(introspect(&folder).await.status, 200, "what only reads goes on");
            comes_to(&folder, 503).await;
            assert_eq!(ask(&folder, "/healthz").await.status, 200);
        }
        limit_files(&child, None);
        comes_to(&folder, 200).await;
    }
    assert_eq!(delete(&folder).await, 200);
    assert_eq!(delete(&folder).await, 404);
}

/// How many lines of the log the service says are lost.
async fn lost(folder: &TempDir) -> u64 {
    let metrics = ask(folder, "/metrics").await.text;
    let line = metrics.lines().find_map(|line| line.strip_prefix("brama_upstream_log_lines_lost_total ")).unwrap();
    line.parse().unwrap()
}

/// A service whose log goes there.
async fn logging_to(folder: &TempDir, log: Stdio) -> Child {
    started(folder, |command| {
        command.env("BRAMA_LOG", "trace").stderr(log);
    })
    .await
}

/// The service answers, loses lines, counts them, and ends when it is asked to.
async fn goes_on(folder: &TempDir, mut child: Child) {
    let give_up = Instant::now() + Duration::from_secs(60);
    while lost(folder).await < 10 {
        assert_eq!(introspect(folder).await.status, 200);
        assert!(Instant::now() < give_up, "no line is lost");
    }
    signal(&child, "-TERM");
    assert_eq!(child.wait().await.unwrap().code(), Some(0));
}

#[tokio::test]
async fn log_on_a_full_device_loses_lines_and_counts_them() {
    let folder = tempfile::tempdir().unwrap();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let child = logging_to(&folder, full.into()).await;
    goes_on(&folder, child).await;
}

#[tokio::test]
async fn log_in_a_file_that_fills_loses_lines_and_counts_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    // Beyond what the database grows to.
    let most = 64 * 1024 * 1024;
    File::create(&path).unwrap().set_len(most - 100).unwrap();
    let log = File::options().append(true).open(&path).unwrap();
    let child = logging_to(&folder, log.into()).await;
    limit_files(&child, Some(most));
    goes_on(&folder, child).await;
}

#[tokio::test]
async fn log_into_a_pipe_that_is_closed_loses_lines_and_counts_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = logging_to(&folder, Stdio::piped()).await;
    drop(child.stderr.take().unwrap());
    goes_on(&folder, child).await;
}

#[tokio::test]
async fn log_into_a_pipe_that_nobody_reads_loses_lines_and_counts_them() {
    let folder = tempfile::tempdir().unwrap();
    let child = logging_to(&folder, Stdio::piped()).await;
    goes_on(&folder, child).await;
}
