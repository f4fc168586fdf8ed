//! SQL by hand, on a connection beside the service's.

use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection, SqliteConnection};

/// Kind of a service's database.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    Postgres,
    Sqlite,
}

/// A connection to a database. Statements are written with SQLite's names, and translated for PostgreSQL.
pub enum Hand {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

impl Hand {
    pub async fn reach(kind: Kind, url: &str) -> Self {
        match kind {
            Kind::Postgres => Self::Postgres(url.parse::<PgConnectOptions>().unwrap().connect().await.unwrap()),
            Kind::Sqlite => {
                let file = url.strip_prefix("sqlite://").unwrap();
                let options = SqliteConnectOptions::new().filename(file).foreign_keys(false);
                Self::Sqlite(options.connect().await.unwrap())
            }
        }
    }

    /// Turns foreign keys on or off: cascades, and the refusal of dangling references.
    pub async fn mind_foreign_keys(&mut self, mind: bool) {
        let statement = match (&self, mind) {
            (Self::Postgres(_), true) => "SET session_replication_role = origin",
            (Self::Postgres(_), false) => "SET session_replication_role = replica",
            (Self::Sqlite(_), true) => "PRAGMA foreign_keys = true",
            (Self::Sqlite(_), false) => "PRAGMA foreign_keys = false",
        };
        self.run(statement).await.unwrap();
    }

    pub async fn run(&mut self, statements: &str) -> Result<(), sqlx::Error> {
        let statements = self.say(statements);
        match self {
            Self::Postgres(connection) => sqlx::raw_sql(statements).execute(connection).await.map(|_| ()),
            Self::Sqlite(connection) => sqlx::raw_sql(statements).execute(connection).await.map(|_| ()),
        }
    }

    pub async fn number(&mut self, query: &str) -> i64 {
        let query = self.say(query);
        match self {
            Self::Postgres(connection) => sqlx::query_scalar(query).fetch_one(connection).await.unwrap(),
            Self::Sqlite(connection) => sqlx::query_scalar(query).fetch_one(connection).await.unwrap(),
        }
    }

    pub async fn text(&mut self, query: &str) -> String {
        let query = self.say(query);
        match self {
            Self::Postgres(connection) => sqlx::query_scalar(query).fetch_one(connection).await.unwrap(),
            Self::Sqlite(connection) => sqlx::query_scalar(query).fetch_one(connection).await.unwrap(),
        }
    }

    /// Begins a transaction for which all revocations wait.
    pub async fn hold_feed(&mut self) {
        let begin = match self {
            Self::Postgres(_) => "BEGIN; LOCK TABLE brama_revocations IN SHARE MODE",
            Self::Sqlite(_) => "BEGIN IMMEDIATE",
        };
        self.run(begin).await.unwrap();
    }

    /// Waits until a lock of this transaction is waited for. SQLite does not report waits: there this sleeps for a
    /// moment, far less than the service's own time limit.
    pub async fn is_waited_for(&mut self) {
        if matches!(self, Self::Sqlite(_)) {
            return tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let give_up = Instant::now() + Duration::from_secs(60);
        let waiting = "SELECT count(*) FROM pg_locks
                       WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))";
        while self.number(waiting).await == 0 {
            assert!(Instant::now() < give_up, "nobody waits");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn say(&self, sql: &str) -> AssertSqlSafe<String> {
        AssertSqlSafe(match self {
            Self::Sqlite(_) => sql.to_owned(),
            Self::Postgres(_) => WORDS.iter().fold(sql.to_owned(), |sql, (one, other)| sql.replace(one, other)),
        })
    }
}

const WORDS: [(&str, &str); 5] = [
    ("brama_", "brama."),
    ("mithril_", "mithril."),
    ("prm_", "prm."),
    ("unixepoch()", "brama.unix_now()"),
    ("group_concat(secret_hash)", "string_agg(secret_hash, ',')"),
];
