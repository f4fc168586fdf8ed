//! Backup and restore, as docs/operating.md has it: whoever followed the feed before begins anew.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::process::{SECRET, started, stopped};
use crate::support::{Address, CONNECTION, DIVISION, Hand, Kind, MSP, USER, demo, exchange, on_both, program};
use brama_upstream::store::Store;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Child;

on_both!(reader_of_before_a_restore_begins_anew);

async fn reader_of_before_a_restore_begins_anew(kind: Kind) {
    let folder = tempfile::tempdir().unwrap();
    let address = Address::of(kind, folder.path()).await;
    let store = Store::open(&address.text().parse().unwrap()).await.unwrap();
    let _inserted = store.seed(&demo()).await.unwrap();
    store.close().await;
    let place = Place { kind, folder };

    let service = place.serve(address.text()).await;
    let known = revoke(&place, "first").await;
    place.back_up(address.text()).await;
    // The connection's entry, and the division, are not in the backup.
    assert_eq!(delete(&place, &format!("/api/clients/{MSP}/connections/{CONNECTION}")).await, 200);
    assert_eq!(delete(&place, &format!("/api/admin/contract_divisions/{DIVISION}")).await, 200);
    let told = feed(&place, &known).await;
    assert_eq!(told["entries"].as_array().unwrap().len(), 1, "{told}");
    let lost = told["next"].as_str().unwrap().to_owned();
    let (code, log, _took) = stopped(service, "-TERM").await;
    assert_eq!(code, Some(0), "{log}");

    let new = Address::of(kind, &place.elsewhere()).await;
    place.restore(new.text()).await;
    Hand::reach(kind, new.text()).await.run(statement(kind)).await.unwrap();
    let _service = place.serve(new.text()).await;
    // Without another id, the first would be told nothing, and the second that its number is too high, but only until
    // as much is revoked again.
    for cursor in [&known, &lost] {
        let told = feed(&place, cursor).await;
        assert_eq!(told["reset"], true, "{told}");
        assert_eq!(told["entries"], Value::Array(Vec::new()), "{told}");
    }
    // What was revoked before the backup is on the deny list.
    let denied = exchange(&place.internal(), "GET", "/revocations?from=start", &[authorization()], "").await.json();
    assert_eq!(denied["entries"][0]["jti"], "first", "{denied}");
    // The database is of then, and works.
    let begin = denied["next"].as_str().unwrap();
    assert_eq!(delete(&place, &format!("/api/clients/{MSP}/connections/{CONNECTION}")).await, 200);
    assert_eq!(delete(&place, &format!("/api/admin/contract_divisions/{DIVISION}")).await, 200);
    let told = feed(&place, begin).await;
    assert_eq!((&told["reset"], told["entries"].as_array().unwrap().len()), (&Value::Bool(false), 1), "{told}");
}

/// Where the service is, and the backup.
struct Place {
    kind: Kind,
    folder: TempDir,
}

impl Place {
    async fn serve(&self, url: &str) -> Child {
        started(&self.folder, |command| {
            command.env("DATABASE_URL", url);
        })
        .await
    }

    /// While the service runs.
    async fn back_up(&self, url: &str) {
        match self.kind {
            Kind::Postgres => {
                let file = format!("--file={}", self.backup().display());
                run(Command::new(documented(program("pg_dump"))).args(["--format=custom", &file, url]));
            }
            Kind::Sqlite => {
                let wal = std::fs::metadata(self.folder.path().join("brama.db-wal")).unwrap();
                assert!(wal.len() > 0, "the file alone is not all");
                let statement = format!("VACUUM INTO '{}'", self.backup().display());
                assert!(OPERATIONS.contains("VACUUM INTO '"));
                Hand::reach(self.kind, url).await.run(&statement).await.unwrap();
            }
        }
    }

    /// In place of the file, and into a new database.
    async fn restore(&self, url: &str) {
        match self.kind {
            Kind::Postgres => {
                let database = format!("--dbname={url}");
                let mut command = Command::new(documented(program("pg_restore")));
                run(command.args(["--exit-on-error", "--single-transaction", &database]).arg(self.backup()));
            }
            Kind::Sqlite => std::fs::rename(self.backup(), self.elsewhere().join("brama.db")).unwrap(),
        }
    }

    fn backup(&self) -> PathBuf {
        self.folder.path().join("backup")
    }

    /// A folder without the files of the old database.
    fn elsewhere(&self) -> PathBuf {
        let folder = self.folder.path().join("new");
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn internal(&self) -> PathBuf {
        self.folder.path().join("i.sock")
    }
}

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// A program that the document tells to run.
fn documented(program: PathBuf) -> PathBuf {
    let name = Path::new(program.file_name().unwrap()).display().to_string();
    assert!(OPERATIONS.contains(&format!("\n{name} ")), "{name}");
    program
}

/// What the document says to run before the service starts.
fn statement(kind: Kind) -> &'static str {
    let begin = match kind {
        Kind::Postgres => "UPDATE brama.revocation_head SET feed_id",
        Kind::Sqlite => "UPDATE brama_revocation_head SET feed_id",
    };
    let (_, rest) = OPERATIONS.split_once(begin).unwrap();
    let end = rest.find(['"', ';']).unwrap();
    let start = OPERATIONS.len() - rest.len() - begin.len();
    OPERATIONS.get(start..OPERATIONS.len() - rest.len() + end).unwrap()
}

const OPERATIONS: &str = include_str!("../../../docs/operating.md");

fn authorization() -> (&'static str, &'static str) {
    ("authorization", AUTHORIZATION.as_str())
}

static AUTHORIZATION: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| format!("Bearer {SECRET}"));

/// What follows a cursor.
async fn feed(place: &Place, after: &str) -> Value {
    let path = format!("/revocations?after={after}&wait=5000");
    exchange(&place.internal(), "GET", &path, &[authorization()], "").await.json()
}

/// Puts JWTs of this `jti` on the deny list; who has followed the feed up to what is given knows it.
async fn revoke(place: &Place, jti: &str) -> String {
    let body = format!("{{\"jti\":\"{jti}\",\"exp\":4000000000}}");
    let headers = [authorization(), ("content-type", "application/json")];
    let reply = exchange(&place.internal(), "POST", "/revocations", &headers, &body).await;
    reply.json()["next"].as_str().unwrap().to_owned()
}

async fn delete(place: &Place, path: &str) -> u16 {
    exchange(&place.folder.path().join("p.sock"), "DELETE", path, &[("x-consumer-id", USER)], "").await.status
}
