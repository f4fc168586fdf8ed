//! The command `serve` where something cannot be written: its database, or its log. It goes on, and says so where it
//! can.

use std::fs::File;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::process::{SECRET, signal, started};
use crate::support::{CONNECTION, Database, FORM, KEY, Kind, MSP, Reply, USER, demo, exchange};
use brama_upstream::secret::Secret;
use brama_upstream::store::{CredentialKind, Introspection, Store, StoreError};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
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

/// Waits until a database takes no writes, for a reason:
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
async fn comes_to_refuse(store: &Store, reason: &str) {
    let give_up = Instant::now() + Duration::from_secs(60);
    loop {
        let ready = store.ready().await;
        if let Err(StoreError::Database(error)) = &ready
            && error.as_database_error().and_then(|error| error.code()).as_deref() == Some(reason)
        {
            return;
        }
        assert!(Instant::now() < give_up, "{ready:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn comes_to_be_ready(store: &Store) {
    let give_up = Instant::now() + Duration::from_secs(60);
    while let Err(error) = store.ready().await {
        assert!(Instant::now() < give_up, "{error:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn key_is_good(store: &Store) -> bool {
    let key = Secret::new(KEY).hash();
    store.introspect(key, CredentialKind::ApiKey).await.unwrap() != Introspection::Inactive
}

#[tokio::test]
async fn postgres_that_became_read_only_says_so_and_works_again_once_it_is_not() {
    let database = Database::demo(Kind::Postgres).await;
    // Its own session can write in any case.
    let mut hand = database.hand().await;
    comes_to_be_ready(&database.store).await;
    for (read_only, is_ready) in [("on", false), ("off", true)] {
        let all = format!(
            "DO $$ BEGIN
                 EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = {read_only}', current_database());
             END $$;
             SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()"
        );
        hand.run(&all).await.unwrap();
        if is_ready {
            comes_to_be_ready(&database.store).await;
        } else {
            comes_to_refuse(&database.store, "25006").await;
            assert!(key_is_good(&database.store).await, "what only reads goes on");
        }
    }
}

#[tokio::test]
async fn postgres_whose_role_may_not_insert_says_so_and_works_once_it_may() {
    let database = Database::demo(Kind::Postgres).await;
    let mut hand = database.hand().await;
    let role = hand.text("SELECT 'unwritable_' || pg_backend_pid()").await;
    let grants = format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'secret-of-tests';
         GRANT USAGE ON SCHEMA brama, mithril, prm TO {role};
         GRANT SELECT, UPDATE, DELETE ON ALL TABLES IN SCHEMA brama, mithril, prm TO {role}"
    );
    hand.run(&grants).await.unwrap();
    let url = database.address().with_user(&role, "secret-of-tests");
    let store = Store::open(&url.parse().unwrap()).await.unwrap();
    comes_to_refuse(&store, "42501").await;
    assert!(key_is_good(&store).await, "what only reads goes on");
    hand.run(&format!("GRANT INSERT ON brama_cutoffs TO {role}")).await.unwrap();
    comes_to_be_ready(&store).await;
    store.close().await;
    hand.run(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await.unwrap();
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
