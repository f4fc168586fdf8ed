//! A database of either kind, which keeps what it has committed.

use brama_e2e::durable::Durable;
use brama_e2e::hand::Hand;
use brama_e2e::hand::Kind;
use tempfile::TempDir;

use crate::support::service::migrate;

pub enum Database {
    Postgres(Durable),
    Sqlite(TempDir),
}

impl Database {
    /// A new database with the schema only.
    pub fn empty(kind: Kind) -> Self {
        let database = match kind {
            Kind::Postgres => Self::Postgres(Durable::start()),
            Kind::Sqlite => Self::Sqlite(tempfile::tempdir().unwrap()),
        };
        migrate(&database.url());
        database
    }

    pub fn kind(&self) -> Kind {
        match self {
            Self::Postgres(_) => Kind::Postgres,
            Self::Sqlite(_) => Kind::Sqlite,
        }
    }

    pub fn url(&self) -> String {
        match self {
            Self::Postgres(server) => server.url(),
            Self::Sqlite(folder) => format!("sqlite://{}/brama.db", folder.path().display()),
        }
    }

    /// Runs statements, written with SQLite's names.
    pub fn run(&self, statements: &str) {
        wait(async { self.hand().await.run(statements).await.unwrap() });
    }

    pub fn number(&self, query: &str) -> i64 {
        wait(async { self.hand().await.number(query).await })
    }

    pub fn text(&self, query: &str) -> String {
        wait(async { self.hand().await.text(query).await })
    }

    pub fn is_true(&self, condition: &str) -> bool {
        self.number(&format!("SELECT CAST(CASE WHEN {condition} THEN 1 ELSE 0 END AS bigint)")) == 1
    }

    /// Finishes deferred writes, so that they are not measured later.
    pub fn settle(&self) {
        match self {
            Self::Postgres(_) => {
                ["VACUUM ANALYZE", "CHECKPOINT"].map(|statement| self.run(statement)).into_iter().collect()
            }
            Self::Sqlite(_) => self.run("PRAGMA wal_checkpoint(TRUNCATE)"),
        }
    }

    async fn hand(&self) -> Hand {
        Hand::reach(self.kind(), &self.url()).await
    }
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}
