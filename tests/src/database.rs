//! The upstream's database, read and changed beside the upstream.

use std::collections::BTreeSet;
use std::path::Path;

use sqlx::any::{AnyRow, install_default_drivers};
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Row};

use crate::postgres::Server;

/// A database of either kind. Statements are written with SQLite's names, and translated for PostgreSQL.
pub struct Database {
    url: String,
    /// A database that was made for a test is dropped with this.
    is_own: bool,
}

impl Database {
    /// The database that a stack was given, or else the file in its folder.
    pub fn of_stack(given: Option<&str>, folder: &Path) -> Self {
        let file = || format!("sqlite://{}", folder.join("brama.db").display());
        Self::at(given.map_or_else(file, ToOwned::to_owned))
    }

    /// The database of a `DATABASE_URL`.
    pub fn at(url: String) -> Self {
        Self { url, is_own: false }
    }

    /// A new, empty database on PostgreSQL.
    pub fn on_server() -> Self {
        Self { url: wait(Server::get().create_database()), is_own: true }
    }

    /// The database as a `DATABASE_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn has_connection(&self, id: &str) -> bool {
        self.row("SELECT CAST(count(*) AS TEXT) FROM mithril_connections WHERE id = ?", id) == ["1"]
    }

    /// `is_active`, `updated_at` and `updated_by` of a division; the last is empty where nobody has changed it.
    pub fn division(&self, id: &str) -> Vec<String> {
        let query =
            "SELECT CASE WHEN is_active THEN '1' ELSE '0' END, CAST(updated_at AS TEXT), COALESCE(CAST(updated_by AS TEXT), '')
             FROM prm_contract_divisions WHERE id = ?";
        self.row(query, id)
    }

    /// Runs a statement that changes one row; `?` stands for its id.
    pub fn change(&self, statement: &str, id: &str) {
        assert_eq!(self.execute(self.say(statement, id)), 1, "{statement} {id}");
    }

    /// Runs a statement that changes any number of rows.
    pub fn run(&self, statement: &str) {
        self.execute(self.say(statement, ""));
    }

    fn execute(&self, statement: String) -> u64 {
        let query = sqlx::query(AssertSqlSafe(statement));
        wait(async { query.execute(&mut self.connect().await).await.unwrap().rows_affected() })
    }

    /// The first column of every row. Columns are cast to TEXT.
    pub fn texts(&self, query: &str) -> BTreeSet<String> {
        self.rows(query, "").iter().map(|row| row.get(0)).collect()
    }

    fn row(&self, query: &str, id: &str) -> Vec<String> {
        let rows = self.rows(query, id);
        let [row] = rows.as_slice() else { panic!("{} rows: {query} {id}", rows.len()) };
        (0..row.len()).map(|column| row.get(column)).collect()
    }

    fn rows(&self, query: &str, id: &str) -> Vec<AnyRow> {
        let query = AssertSqlSafe(self.say(query, id));
        wait(async { sqlx::query(query).fetch_all(&mut self.connect().await).await.unwrap() })
    }

    async fn connect(&self) -> AnyConnection {
        install_default_drivers();
        let mut connection = AnyConnection::connect(&self.url).await.unwrap();
        if self.is_postgres() {
            sqlx::query("SET TIME ZONE 'UTC'").execute(&mut connection).await.unwrap();
        }
        connection
    }

    fn is_postgres(&self) -> bool {
        self.url.starts_with("postgres://")
    }

    /// The statement in the database's words, with the id as a literal, which PostgreSQL takes for whatever type the
    /// column has.
    fn say(&self, sql: &str, id: &str) -> String {
        let sql = sql.replace('?', &format!("'{id}'"));
        match self.is_postgres() {
            true => SCHEMAS.iter().fold(sql, |sql, schema| sql.replace(&format!("{schema}_"), &format!("{schema}."))),
            false => sql,
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if self.is_own {
            Server::get().drop_database(&self.url);
        }
    }
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

const SCHEMAS: [&str; 3] = ["brama", "mithril", "prm"];
