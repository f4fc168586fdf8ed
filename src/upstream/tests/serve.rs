//! The command `serve`: its faults, its sockets, its end.

use std::time::{Duration, Instant};

use crate::support::process::{SECRET, serve, signal, started, stopped};
use crate::support::{
    Address, CONNECTION, DIVISION, FORM, KEY, Kind, MSP, READERS, Reply, USER, WRITERS, demo, exchange,
};
use brama_upstream::store::Store;
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::process::Command;

async fn introspect(folder: &TempDir, form: &str) -> Reply {
    let authorization = format!("Bearer {SECRET}");
    let headers = [("authorization", authorization.as_str()), ("content-type", FORM), ("x-request-id", "id-7")];
    exchange(&folder.path().join("i.sock"), "POST", "/introspect?query=hidden", &headers, form).await
}

#[tokio::test]
async fn service_serves_and_stops_cleanly_on_either_signal() {
    for signal in ["-TERM", "-INT"] {
        let folder = tempfile::tempdir().unwrap();
        let child = started(&folder, |command| {
            command.env("BRAMA_LOG", "trace").env("BRAMA_LOG_FORMAT", "json");
        })
        .await;
        assert_eq!(introspect(&folder, "token=top-secret-token").await.text, "{\"active\":false}");

        let (code, log, _) = stopped(child, signal).await;
        assert_eq!(code, Some(0), "{log}");
        for file in ["p.sock", "i.sock", "brama.db-wal"] {
            assert!(!folder.path().join(file).exists(), "{signal} {file}: {log}");
        }

        // One line a request; no query, no secret, no credential, even at the level `trace`.
        let lines: Vec<&str> = log.lines().filter(|line| line.contains("/introspect")).collect();
        let line: serde_json::Value = serde_json::from_str(lines.last().unwrap()).unwrap();
        let field = |name: &str| line[name].to_string();
        assert_eq!(
            (field("method"), field("path"), field("status"), field("request.id")),
            ("\"POST\"".to_owned(), "\"/introspect\"".to_owned(), "200".to_owned(), "\"id-7\"".to_owned()),
            "{log}"
        );
        assert!(line["duration_ms"].is_number(), "{line}");
        for secret in ["top-secret-token", SECRET, "hidden"] {
            assert!(!log.contains(secret), "{secret}: {log}");
        }
    }
}

#[tokio::test]
async fn deletion_that_was_carried_out_leaves_a_line_of_whose_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let child = started(&folder, |command| {
        command.env("BRAMA_LOG_FORMAT", "json");
    })
    .await;
    let store = Store::open(&format!("sqlite://{}/brama.db", folder.path().display()).parse().unwrap()).await.unwrap();
    let _inserted = store.seed(&demo()).await.unwrap();
    store.close().await;
    let connection = format!("/api/clients/{MSP}/connections/{CONNECTION}");
    let division = format!("/api/admin/contract_divisions/{DIVISION}");
    for (path, status) in [(&connection, 200), (&connection, 404), (&division, 200), (&division, 404)] {
        let headers = [("x-consumer-id", USER), ("x-request-id", "id-8")];
        let reply = exchange(&folder.path().join("p.sock"), "DELETE", path, &headers, "").await;
        assert_eq!(reply.status, status, "{path}");
    }
    let (_code, log, _took) = stopped(child, "-TERM").await;
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |message: &str| lines.iter().filter(|line| line["message"] == message).collect::<Vec<_>>();
    let ([of_connection], [of_division]) = (&of("connection deleted")[..], &of("contract division deleted")[..]) else {
        panic!("{log}")
    };
    let facts = [&of_connection["user"], &of_connection["client"], &of_connection["connection"]];
    assert_eq!(facts, [USER, MSP, CONNECTION]);
    assert_eq!([&of_division["user"], &of_division["division"]], [USER, DIVISION]);
    for line in [of_connection, of_division] {
        assert_eq!(line["span"]["request.id"], "id-8", "{log}");
    }
}

#[tokio::test]
async fn open_connections_do_not_hold_the_end_up_for_long() {
    let folder = tempfile::tempdir().unwrap();
    let child = started(&folder, |_| {}).await;
    let mut stuck = tokio::net::UnixStream::connect(folder.path().join("p.sock")).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stuck, b"GET /readyz HTTP/1.1\r\n").await.unwrap();
    let idle = tokio::net::UnixStream::connect(folder.path().join("p.sock")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let (code, log, _) = stopped(child, "-TERM").await;
    assert_eq!(code, Some(0), "{log}");
    drop((stuck, idle));
}

#[tokio::test]
async fn reader_that_waits_is_answered_before_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let child = started(&folder, |_| {}).await;
    let internal = folder.path().join("i.sock");
    let authorization = format!("Bearer {SECRET}");
    let headers = [("authorization", authorization.as_str())];
    let page = exchange(&internal, "GET", "/revocations", &headers, "").await.json();
    let path = format!("/revocations?wait=20000&after={}", page["next"].as_str().unwrap());
    let waiting = exchange(&internal, "GET", &path, &headers, "");
    let stopping = async {
        crate::support::until(&internal, READERS, "1").await;
        stopped(child, "-TERM").await
    };
    let (reply, (code, log, took)) = tokio::join!(waiting, stopping);
    assert_eq!((reply.status, reply.json()), (200, page), "{log}");
    assert_eq!(code, Some(0), "{log}");
    // Far below the twenty seconds that it asked to wait.
    assert!(took < Duration::from_secs(15), "{took:?}");
    assert!(!log.contains("unanswered"), "{log}");
    assert!(!log.contains("/revocations"), "polls that bring nothing leave no line: {log}");
}

#[tokio::test]
async fn what_was_begun_is_finished_before_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let child = started(&folder, |_| {}).await;
    let options = SqliteConnectOptions::new().filename(folder.path().join("brama.db"));
    let mut hand = options.connect().await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut hand).await.unwrap();
    let authorization = format!("Bearer {SECRET}");
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    let revocation = "{\"jti\":\"begun\",\"exp\":4000000000}";
    let internal = folder.path().join("i.sock");
    let begun = exchange(&internal, "POST", "/revocations", &headers, revocation);
    let stopping = async {
        crate::support::until(&internal, WRITERS, "1").await;
        let stopping = stopped(child, "-TERM");
        let unlocking = async {
            // Far below the time for which the service waits.
            tokio::time::sleep(Duration::from_millis(50)).await;
            sqlx::raw_sql("ROLLBACK").execute(&mut hand).await.unwrap();
        };
        tokio::join!(stopping, unlocking).0
    };
    let (reply, (code, log, _)) = tokio::join!(begun, stopping);
    assert_eq!((reply.status, code), (200, Some(0)), "{log}");
    assert!(!log.contains("unanswered"), "{log}");
    let mut hand = options.connect().await.unwrap();
    let query = "SELECT count(*) FROM brama_revocations WHERE subject = 'begun'";
    let written: i64 = sqlx::query_scalar(query).fetch_one(&mut hand).await.unwrap();
    assert_eq!(written, 1);
}

#[tokio::test]
async fn service_that_drains_serves_on_and_says_that_it_is_not_ready() {
    let folder = tempfile::tempdir().unwrap();
    let child = started(&folder, |command| {
        command.env("DRAIN_SECONDS", "60");
    })
    .await;
    let ready = async || exchange(&folder.path().join("p.sock"), "GET", "/readyz", &[], "").await.status;
    assert_eq!(ready().await, 200);
    signal(&child, "-TERM");
    let give_up = Instant::now() + Duration::from_secs(50);
    while ready().await != 503 {
        assert!(Instant::now() < give_up, "it is ready still");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(introspect(&folder, "token=a").await.status, 200);
    // The second signal is for who cannot wait: far below the minute of draining.
    let (code, log, took) = stopped(child, "-TERM").await;
    assert_eq!(code, Some(0), "{log}");
    assert!(took < Duration::from_secs(30), "{took:?}");
}

#[tokio::test]
async fn idle_connection_is_closed_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let child = started(&folder, |_| {}).await;
    let mut kept = tokio::net::UnixStream::connect(folder.path().join("p.sock")).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut kept, b"GET /readyz HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    assert_ne!(kept.read(&mut [0; 4096]).await.unwrap(), 0);
    let (code, log, _) = stopped(child, "-TERM").await;
    assert_eq!(code, Some(0), "{log}");
    assert_eq!(kept.read(&mut [0; 64]).await.unwrap(), 0, "closed");
}

#[tokio::test]
async fn settings_in_numbers_are_bounded_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let beyond = [
        ("REVOCATION_RETENTION_HOURS", ["0", "8761"]),
        ("LONGEST_JWT_HOURS", ["0", "8761"]),
        ("MAX_REQUESTS", ["0", "65536"]),
        ("DRAIN_SECONDS", ["-1", "3601"]),
    ];
    for (variable, [low, high]) in beyond {
        for value in [low, high, "1.5", "a day"] {
            let output = serve(folder.path()).env(variable, value).output().await.unwrap();
            let text = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{variable}={value}: {text}");
        }
    }
    let help = Command::new(env!("CARGO_BIN_EXE_brama-upstream")).args(["serve", "--help"]).output().await.unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for (variable, _) in beyond {
        assert!(help.contains(variable), "{help}");
    }
}

#[tokio::test]
async fn killed_service_starts_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = started(&folder, |_| {}).await;
    child.kill().await.unwrap();
    assert!(folder.path().join("p.sock").exists(), "left behind");
    let child = started(&folder, |_| {}).await;
    assert_eq!(introspect(&folder, "token=a").await.status, 200);
    assert_eq!(stopped(child, "-TERM").await.0, Some(0));
}

#[tokio::test]
async fn service_is_served_from_postgres() {
    let folder = tempfile::tempdir().unwrap();
    let address = Address::of(Kind::Postgres, folder.path()).await;
    // The schema's owner migrates and seeds; the service finds it done.
    for (arguments, said) in [
        (&["migrate"][..], "the schema is up to date\n"),
        (&["seed", concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/demo.json")], "seeded: "),
        (&["migrate"], "the schema is up to date\n"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_brama-upstream"))
            .args(arguments)
            .env_clear()
            .env("DATABASE_URL", address.text())
            .output()
            .await
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && text.starts_with(said), "{arguments:?}: {text} {:?}", output.stderr);
    }
    let child = started(&folder, |command| {
        command.env("DATABASE_URL", address.text());
    })
    .await;
    let reply = introspect(&folder, &format!("token={KEY}")).await;
    assert_eq!((reply.status, &reply.json()["active"]), (200, &serde_json::json!(true)));
    let (code, log, _) = stopped(child, "-TERM").await;
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains("WARN"), "{log}");
}

#[tokio::test]
async fn both_secrets_of_a_rotation_are_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let child = started(&folder, |command| {
        command.env("BRAMA_AUTHORITY_SECRET", "the-secret-after-this").env("BRAMA_AUTHORITY_SECRET_PREVIOUS", SECRET);
    })
    .await;
    assert_eq!(introspect(&folder, "token=a").await.status, 200);
    assert_eq!(stopped(child, "-TERM").await.0, Some(0));
}

#[tokio::test]
async fn fault_is_one_sentence_and_code_1() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let file = format!("unix:{}/file", folder.path().display());
    for (variable, value, sentence) in [
        ("BRAMA_AUTHORITY_SECRET", "", "BRAMA_AUTHORITY_SECRET is not set"),
        ("BRAMA_AUTHORITY_SECRET", "short", "shorter than 16 characters"),
        ("BRAMA_AUTHORITY_SECRET_PREVIOUS", "short", "shorter than 16 characters"),
        ("DATABASE_URL", "mysql://localhost/a", "DATABASE_URL: begins with neither sqlite:// nor postgres://"),
        ("DATABASE_URL", "postgres://db.example/a", "DATABASE_URL: is not of the form postgres://user@host/database"),
        ("DATABASE_URL", "postgres:///a?host=/no/such/folder", "cannot open the database: "),
        ("DATABASE_URL", "sqlite:///no/such/folder.db", "cannot create the database file `/no/such/folder.db`"),
        ("PUBLIC_LISTEN", "8080", "PUBLIC_LISTEN: `8080` is neither unix:"),
        ("INTERNAL_LISTEN", "tcp:nowhere:1", "INTERNAL_LISTEN: `tcp:nowhere:1` is neither"),
        ("INTERNAL_LISTEN", &file, "the path exists and is not a socket"),
        ("INTERNAL_LISTEN", "unix:/no/such/folder/s", "cannot listen at unix:/no/such/folder/s"),
        ("BRAMA_LOG", "a=b=c", "BRAMA_LOG: `a=b=c`"),
    ] {
        let output = serve(folder.path()).env(variable, value).output().await.unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{variable}={value}: {text}");
        assert!(text.contains(sentence), "{variable}={value}: {text}");
        assert_eq!(text.lines().count(), 1, "{variable}={value}: {text}");
        assert!(!folder.path().join("p.sock").exists(), "{variable}={value}");
    }
}

#[tokio::test]
async fn address_in_use_is_a_fault() {
    let folder = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    let child = started(&folder, |_| {}).await;
    let tcp = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    for address in [format!("unix:{}/p.sock", folder.path().display()), format!("tcp:{}", tcp.local_addr().unwrap())] {
        let output = serve(other.path()).env("INTERNAL_LISTEN", &address).output().await.unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.starts_with(&format!("brama-upstream: cannot listen at {address}: ")), "{text}");
        assert!(text.contains("in use"), "{text}");
    }
    assert_eq!(introspect(&folder, "token=a").await.status, 200, "the first one goes on");
    assert_eq!(stopped(child, "-TERM").await.0, Some(0));
}

#[tokio::test]
async fn wrong_usage_is_code_2() {
    for arguments in [&[][..], &["serve", "--colour"], &["seed"], &["fly"]] {
        let output =
            Command::new(env!("CARGO_BIN_EXE_brama-upstream")).args(arguments).env_clear().output().await.unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}

#[tokio::test]
async fn help_does_not_show_the_database_password() {
    for command in ["serve", "migrate", "seed"] {
        let mut help = Command::new(env!("CARGO_BIN_EXE_brama-upstream"));
        help.args([command, "--help"]).env_clear().env("DATABASE_URL", "postgres://user:top-secret@localhost/a");
        let text = String::from_utf8(help.output().await.unwrap().stdout).unwrap();
        assert!(text.contains("DATABASE_URL") && !text.contains("top-secret"), "{text}");
    }
}

#[tokio::test]
async fn ready_tells_by_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let ask = || async {
        let mut command = Command::new(env!("CARGO_BIN_EXE_brama-upstream"));
        command.arg("ready").env_clear().env("INTERNAL_LISTEN", format!("unix:{}/i.sock", folder.path().display()));
        let output = command.output().await.unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, fault) = ask().await;
    assert_eq!((code, fault.starts_with("brama-upstream: the service cannot be asked: ")), (Some(1), true), "{fault}");
    let child = started(&folder, |command| {
        command.env("DRAIN_SECONDS", "60");
    })
    .await;
    assert_eq!(ask().await, (Some(0), String::new()));
    signal(&child, "-TERM");
    let give_up = Instant::now() + Duration::from_secs(50);
    let fault = loop {
        let (code, fault) = ask().await;
        if code == Some(1) {
            break fault;
        }
        assert!(Instant::now() < give_up, "it is ready still");
    };
    assert!(fault.contains("the service answers `HTTP/1.1 503"), "{fault}");
}
