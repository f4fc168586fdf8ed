//! What the upstream's database holds, read and changed beside the upstream.

use std::path::{Path, PathBuf};

use sqlx::{ConnectOptions, Row, sqlite::SqliteConnectOptions};

pub struct Database(PathBuf);

impl Database {
    pub fn at(path: &Path) -> Self {
        assert!(path.exists(), "{}", path.display());
        Self(path.to_owned())
    }

    /// The one of a `DATABASE_URL`.
    pub fn of(url: &str) -> Self {
        Self::at(Path::new(url.strip_prefix("sqlite://").unwrap()))
    }

    /// The database as a `DATABASE_URL`.
    pub fn url(&self) -> String {
        format!("sqlite://{}", self.0.display())
    }

    pub fn has_connection(&self, id: &str) -> bool {
        self.row("SELECT count(*) AS value FROM mithril_connections WHERE id = ?", id) == ["1"]
    }

    /// `is_active`, `updated_at` and `updated_by` of a division.
    pub fn division(&self, id: &str) -> Vec<String> {
        self.row("SELECT is_active, updated_at, updated_by FROM prm_contract_divisions WHERE id = ?", id)
    }

    /// Changes the database by hand.
    pub fn change(&self, statement: &'static str, id: &str) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let options = SqliteConnectOptions::new().filename(&self.0).foreign_keys(true);
            let mut connection = options.connect().await.unwrap();
            let changed = sqlx::query(statement).bind(id).execute(&mut connection).await.unwrap();
            assert_eq!(changed.rows_affected(), 1, "{statement} {id}");
        });
    }

    /// The columns of one row as text; a NULL is an empty one.
    fn row(&self, query: &'static str, id: &str) -> Vec<String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut connection = SqliteConnectOptions::new().filename(&self.0).read_only(true).connect().await.unwrap();
            let row = sqlx::query(query).bind(id).fetch_one(&mut connection).await.unwrap();
            (0..row.len()).map(|column| text(&row, column)).collect()
        })
    }
}

fn text(row: &sqlx::sqlite::SqliteRow, column: usize) -> String {
    row.try_get::<Option<String>, _>(column)
        .map(|value| value.unwrap_or_default())
        .or_else(|_| row.try_get::<i64, _>(column).map(|value| value.to_string()))
        .unwrap()
}
