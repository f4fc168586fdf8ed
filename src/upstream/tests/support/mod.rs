//! What the tests share: the real service on real sockets over a real database, in a folder of its own.
//!
//! Tests of what both kinds of database keep are listed in `on_both!`; one that is forgotten there is dead code, which
//! the lints refuse.

mod database;
pub(crate) mod process;

pub(crate) use brama_e2e::hand::{Hand, Kind};
pub(crate) use brama_e2e::postgres::{program, standby};
pub(crate) use database::{Address, Database, url};

use std::path::{Path, PathBuf};
use std::time::Duration;

use brama_upstream::feed::Feed;
use brama_upstream::fixture::Fixture;
use brama_upstream::listen::Listen;
use brama_upstream::operations::Operations;
use brama_upstream::secret::AuthoritySecrets;
use brama_upstream::store::revocation::Keep;
use brama_upstream::{internal_router, public_router};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

pub(crate) const SECRET: &str = "current-secret-of-tests";
pub(crate) const PREVIOUS: &str = "previous-secret-of-tests";

pub(crate) const USER: &str = "05e20000-0000-4000-8000-0000000000ff";

pub(crate) const MSP: &str = "1380df72-275a-11e7-93ae-92361f002671";
pub(crate) const OTHER_MSP: &str = "c11e0000-0000-4000-8000-000000000010";
pub(crate) const MIS_ONE: &str = "c11e0000-0000-4000-8000-000000000001";
pub(crate) const MIS_TWO: &str = "c11e0000-0000-4000-8000-000000000002";
pub(crate) const CONNECTION: &str = "e5372365-d47a-467f-81d0-f35117864352";
pub(crate) const DIVISION: &str = "b075f148-7f93-4fc2-b2ec-2d81b19a9b7b";
pub(crate) const NOWHERE: &str = "00000000-0000-4000-8000-000000000000";

/// In the demo data an access token of the MSP and an API key of `MIS_TWO`.
pub(crate) const TOKEN_AND_KEY: &str = "c2778f3064753ea70de870a53795f5c9";
pub(crate) const KEY: &str = "uXhEczJ56adsfh3Ri9SUkc4en";

pub(crate) const KEEP: Keep =
    Keep { retention: Duration::from_secs(24 * 3600), longest_jwt: Duration::from_secs(12 * 3600) };

/// The service over a seeded database, on two Unix sockets.
pub(crate) struct Service {
    pub(crate) database: Database,
    public: PathBuf,
    internal: PathBuf,
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Lower-case names.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) text: String,
}

/// Runs tests against both kinds of database: each is an `async fn` that takes a [`Kind`].
macro_rules! on_both {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test(crate::support::Kind::Sqlite).await;
                }
            )*
        }

        mod postgres {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test(crate::support::Kind::Postgres).await;
                }
            )*
        }
    };
}
pub(crate) use on_both;

pub(crate) fn demo() -> Fixture {
    Fixture::parse(include_bytes!("../../fixtures/demo.json")).unwrap()
}

impl Service {
    pub(crate) async fn start(kind: Kind) -> Self {
        Self::with(kind, Operations::new(256)).await
    }

    pub(crate) async fn with(kind: Kind, operations: Operations) -> Self {
        let database = Database::demo(kind).await;
        let public = database.folder.path().join("p.sock");
        let internal = database.folder.path().join("i.sock");
        let secrets = AuthoritySecrets::new(SECRET, Some(PREVIOUS)).unwrap();
        for (path, router) in [
            (&public, public_router(database.store.clone(), operations.clone())),
            (&internal, internal_router(Feed::start(database.store.clone(), KEEP), secrets, operations)),
        ] {
            let bound = Listen::Unix(path.clone()).bind().await.unwrap();
            tokio::spawn(bound.serve(router, 1024, async |file| {
                let () = std::future::pending().await;
                drop(file);
            }));
        }
        Self { database, public, internal }
    }

    /// Sends a request to the public listener as the gateway would, in the name of `USER`.
    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.public("DELETE", path, &[("x-consumer-id", USER)]).await
    }

    pub(crate) async fn public(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
        exchange(&self.public, method, path, headers, "").await
    }

    pub(crate) async fn internal(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        exchange(&self.internal, method, path, headers, body).await
    }

    /// Waits until a sample of the metrics has this value: a writer that waits for a lock, or a reader for news.
    pub(crate) async fn until(&self, sample: &str, wanted: &str) {
        until(&self.internal, sample, wanted).await;
    }

    /// Introspects with the current secret.
    pub(crate) async fn introspect(&self, form: &str) -> Reply {
        let authorization = format!("Bearer {SECRET}");
        let headers = [("authorization", authorization.as_str()), ("content-type", FORM)];
        self.internal("POST", "/introspect", &headers, form).await
    }
}

/// Waits until a sample of the metrics at this socket has this value.
pub(crate) async fn until(internal: &Path, sample: &str, wanted: &str) {
    let line = format!("brama_upstream_{sample} {wanted}");
    let give_up = std::time::Instant::now() + Duration::from_secs(60);
    loop {
        let metrics = exchange(internal, "GET", "/metrics", &[], "").await.text;
        if metrics.lines().any(|found| found == line || found == format!("{line}.0")) {
            return;
        }
        assert!(std::time::Instant::now() < give_up, "no {line}: {metrics}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// How many connections are used by who writes.
pub(crate) const WRITERS: &str = "database_connections{pool=\"writers\",state=\"used\"}";

/// How many readers of the feed wait for news.
pub(crate) const READERS: &str = "feed_readers_waiting";

pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

impl Reply {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The status, and the error's type and message, of an envelope that agrees with itself.
    #[track_caller]
    pub(crate) fn error(&self) -> (u16, String, String) {
        let body = self.json();
        assert_eq!(body["meta"]["code"], self.status, "{self:?}");
        assert_eq!(body["meta"]["type"], "object", "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        assert_eq!(body.as_object().unwrap().len(), 2, "only meta and error: {self:?}");
        let text = |name: &str| body["error"][name].as_str().unwrap().to_owned();
        (self.status, text("type"), text("message"))
    }

    #[track_caller]
    pub(crate) fn assert_error(&self, status: u16, code: &str, message: &str) {
        assert_eq!(self.error(), (status, code.to_owned(), message.to_owned()));
    }
}

/// One request on a connection of its own, written byte for byte.
pub(crate) async fn exchange(socket: &Path, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    let mut request = format!("{method} {path} HTTP/1.1\r\nhost: gateway.example\r\nconnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        request.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    request.push_str("\r\n");
    request.push_str(body);

    let mut stream = UnixStream::connect(socket).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A refused body may be answered, and the connection closed, before all of it was read.
    let read = stream.read_to_end(&mut answer).await;
    assert!(read.is_ok() || !answer.is_empty(), "{read:?}");
    let answer = String::from_utf8(answer).unwrap();
    let (head, text) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    Reply { status, headers, text: text.to_owned() }
}
