//! The service killed again and again while clients delete, with room on its disk and without.
//!
//! Each row is asked for once. After a 200 the row is wholly changed. Without an answer, since the service died, it is
//! either untouched or wholly changed. What changes: a connection goes, with its secret among the revoked ones and an
//! entry in the feed; a division gets new `is_active`, `updated_at` and `updated_by`.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use brama_upstream::secret::Secret;
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};

use crate::support::client::USER;
use crate::support::service;

const KILLS: usize = 200;
/// Number of connections, and of divisions.
const ROWS: usize = 20_000;
const CLIENTS: usize = 8;

/// State of the service's disk until it is killed.
#[derive(Clone, Copy, Eq, PartialEq)]
pub enum Disk {
    HasRoom,
    /// Full after a moment, at times within a write; every third time there is room again before the kill.
    Fills,
}

pub fn lose_nothing(disk: Disk) {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::seeded(folder.path(), disk);
    let asked = Asked::default();
    let begin = Instant::now();
    let kills = scope(|threads| {
        for _ in 0..CLIENTS {
            threads.spawn(|| asked.delete_all(&service.socket));
        }
        let kills = service.kill_again_and_again(&asked);
        asked.is_over.store(true, SeqCst);
        kills
    });
    // One more start, so that the database is recovered.
    service.start().terminate();
    let (told, open) = (asked.told.lock().unwrap().clone(), asked.open.lock().unwrap().clone());
    let lost = verify(&service.database, &told, &open);
    println!(
        "kill -9 of the service{}: {kills} kills in {:.0} s; {} deletes acknowledged, {} refused for now, {} without an answer, lost = {lost}",
        if disk == Disk::Fills { " on a full disk" } else { "" },
        begin.elapsed().as_secs_f64(),
        told.len(),
        asked.refused.load(SeqCst),
        open.len() - asked.refused.load(SeqCst)
    );
    assert!(kills > 0 && told.len() > kills && lost == 0);
    assert_eq!(disk == Disk::Fills, asked.refused.load(SeqCst) > kills, "the disk was full");
}

/// The service over a database with all the rows.
struct Service {
    disk: Disk,
    database: PathBuf,
    socket: PathBuf,
    internal: PathBuf,
}

struct Running(Child);

impl Service {
    fn seeded(folder: &Path, disk: Disk) -> Self {
        let at = |name| folder.join(name);
        let service = Self { disk, database: at("brama.db"), socket: at("p.sock"), internal: at("i.sock") };
        std::fs::write(at("fixture.json"), fixture().to_string()).unwrap();
        let seeded = service.command().arg("seed").arg(at("fixture.json")).output().unwrap();
        assert!(seeded.status.success(), "{seeded:?}");
        service
    }

    fn command(&self) -> Command {
        let mut command = service::command(&format!("sqlite://{}", self.database.display()));
        // A full disk would be a line for each request.
        command.env("BRAMA_LOG", if self.disk == Disk::Fills { "off" } else { "error" });
        command.env("PUBLIC_LISTEN", format!("unix:{}", self.socket.display()));
        command.env("INTERNAL_LISTEN", format!("unix:{}", self.internal.display()));
        command
    }

    fn start(&self) -> Running {
        let mut running = Running(self.command().arg("serve").stdout(Stdio::null()).spawn().unwrap());
        let until = Instant::now() + Duration::from_secs(20);
        while UnixStream::connect(&self.socket).is_err() {
            assert_eq!(running.0.try_wait().unwrap(), None, "the service ended");
            assert!(Instant::now() < until, "the service does not listen");
            sleep(Duration::from_millis(2));
        }
        running
    }

    /// Kills the service until there is nothing left to delete, and returns the number of kills.
    fn kill_again_and_again(&self, asked: &Asked) -> usize {
        for kill in 0..KILLS {
            let running = self.start();
            if self.disk == Disk::Fills {
                self.fill(&running, kill);
            }
            // At another moment of the work each time.
            sleep(Duration::from_millis(20 + u64::try_from(kill * 37 % 120).unwrap()));
            running.kill();
            if asked.next.load(SeqCst) >= 2 * ROWS {
                return kill + 1;
            }
        }
        KILLS
    }
}

impl Service {
    /// Limits the size of the files that the service writes, which has the effect of a full disk.
    fn fill(&self, running: &Running, kill: usize) {
        sleep(Duration::from_millis(20 + u64::try_from(kill * 53 % 90).unwrap()));
        let wal = std::fs::metadata(self.database.with_extension("db-wal")).map_or(0, |file| file.len());
        // No room at all, or room for some pages and a part of one.
        let room = if kill.is_multiple_of(4) { 0 } else { wal + u64::try_from(kill * 1237 % 40_000).unwrap() };
        running.limit_files(Some(room));
        if kill.is_multiple_of(3) {
            sleep(Duration::from_millis(20 + u64::try_from(kill * 29 % 60).unwrap()));
            running.limit_files(None);
        }
    }
}

impl Running {
    fn limit_files(&self, bytes: Option<u64>) {
        let id = Pid::from_raw(self.0.id().try_into().unwrap());
        prlimit(id, Resource::Fsize, Rlimit { current: bytes, maximum: None }).unwrap();
    }

    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    fn terminate(mut self) {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").arg(pid).status().unwrap().success());
        assert!(self.0.wait().unwrap().success());
    }
}

/// Answers that clients received. Rows are numbers: first the connections, then the divisions, taken in turns.
#[derive(Default)]
struct Asked {
    next: AtomicUsize,
    told: Mutex<BTreeSet<usize>>,
    open: Mutex<BTreeSet<usize>>,
    /// Number of the rows in `open` that were answered 503.
    refused: AtomicUsize,
    is_over: AtomicBool,
}

impl Asked {
    /// Deletes row after row as one client, each once.
    fn delete_all(&self, socket: &Path) {
        while !self.is_over.load(SeqCst) {
            let Ok(stream) = UnixStream::connect(socket) else {
                sleep(Duration::from_millis(1));
                continue;
            };
            let number = self.next.fetch_add(1, SeqCst);
            if number >= 2 * ROWS {
                return;
            }
            let row = number / 2 + number % 2 * ROWS;
            match answer(stream, row) {
                Some(200) => drop(self.told.lock().unwrap().insert(row)),
                Some(503) => {
                    self.open.lock().unwrap().insert(row);
                    self.refused.fetch_add(1, SeqCst);
                    // A pause, since the number of rows is limited.
                    sleep(Duration::from_millis(10));
                }
                None => drop(self.open.lock().unwrap().insert(row)),
                Some(other) => panic!("{other} for row {row}"),
            }
        }
    }
}

/// The status of the answer; `None` where there was none.
fn answer(mut stream: UnixStream, row: usize) -> Option<u16> {
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let path = match row.checked_sub(ROWS) {
        None => format!("/api/clients/{}/connections/{}", id(CLIENT, 0), id(CONNECTION, row)),
        Some(division) => format!("/api/admin/contract_divisions/{}", id(DIVISION, division)),
    };
    let request = format!("DELETE {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx-consumer-id: {USER}\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split(' ').nth(1)?.parse().ok()
}

/// Number of rows whose state contradicts their answer.
#[tokio::main(flavor = "current_thread")]
async fn verify(database: &Path, told: &BTreeSet<usize>, open: &BTreeSet<usize>) -> usize {
    let mut connection = SqliteConnectOptions::new().filename(database).read_only(true).connect().await.unwrap();
    let there = texts(&mut connection, "SELECT id FROM mithril_connections").await;
    let revoked = texts(&mut connection, "SELECT secret_hash FROM mithril_revoked_secrets").await;
    let fed = texts(&mut connection, "SELECT subject FROM brama_revocations WHERE kind = 'credential'").await;
    let active = texts(
        &mut connection,
        "SELECT id FROM prm_contract_divisions WHERE is_active = 1 AND updated_by IS NULL AND updated_at = inserted_at",
    )
    .await;
    let deleted = format!(
        "SELECT id FROM prm_contract_divisions WHERE is_active = 0 AND updated_by = '{USER}' AND updated_at > inserted_at"
    );
    let deleted = texts(&mut connection, &deleted).await;
    let is_wrong = |row: &usize| {
        let (untouched, changed) = match row.checked_sub(ROWS) {
            None => {
                let secret = Secret::new(secret(*row)).hash().to_hex();
                let traces = [revoked.contains(&secret), fed.contains(&secret)];
                let is_there = there.contains(&id(CONNECTION, *row));
                (is_there && traces == [false; 2], !is_there && traces == [true; 2])
            }
            Some(division) => (active.contains(&id(DIVISION, division)), deleted.contains(&id(DIVISION, division))),
        };
        match (told.contains(row), open.contains(row)) {
            (true, _) => !changed,
            (false, true) => !untouched && !changed,
            (false, false) => !untouched,
        }
    };
    (0..2 * ROWS).filter(is_wrong).count()
}

async fn texts(connection: &mut SqliteConnection, query: &str) -> BTreeSet<String> {
    let query = sqlx::query_scalar(sqlx::AssertSqlSafe(query));
    query.fetch_all(connection).await.unwrap().into_iter().collect()
}

fn fixture() -> Value {
    let rows = |row: fn(usize) -> Value| (0..ROWS).map(row).collect::<Vec<_>>();
    json!({
        // A provider and a consumer have one connection at most, so each has a consumer of its own.
        "clients": rows(|number| json!({
            "id": id(CLIENT, number), "name": "n", "client_type": "MIS", "scope": "", "is_blocked": false,
        })),
        "connections": rows(|number| json!({
            "id": id(CONNECTION, number), "client_id": id(CLIENT, 0), "consumer_id": id(CLIENT, number),
            "secret": secret(number), "redirect_uri": "https://a.example",
        })),
        "contracts": [{ "id": id(CONTRACT, 0), "type": "GB_CBP" }],
        "contract_divisions": rows(|number| json!({
            "id": id(DIVISION, number), "contract_id": id(CONTRACT, 0), "division_id": id(DIVISION, number), "is_active": true,
        })),
    })
}

const CLIENT: &str = "c11e0000";
const CONNECTION: &str = "c0220000";
const CONTRACT: &str = "c0170000";
const DIVISION: &str = "d1710000";

fn id(kind: &str, number: usize) -> String {
    format!("{kind}-0000-4000-8000-{number:012}")
}

fn secret(number: usize) -> String {
    format!("secret-of-connection-{number}")
}
