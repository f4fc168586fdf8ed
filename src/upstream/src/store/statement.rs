//! Owns the statements for both kinds of database: written in PostgreSQL's dialect, and translated into SQLite's.

use std::borrow::Cow;
use std::sync::LazyLock;

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments, AssertSqlSafe, Connection as _, Encode, FromRow, PgConnection, Type};

use super::StoreError;
use super::closing::OpenConnection;
use crate::id::Id;

/// An open connection to a database.
pub(super) enum Connection {
    Postgres(PgConnection, Names),
    Sqlite(OpenConnection),
}

/// Names of the statements that are prepared on a connection.
pub(super) type Names = Vec<&'static str>;

/// A statement in both dialects, made by [`sql!`].
#[derive(Clone, Copy)]
pub(super) struct Sql {
    pub(super) postgres: &'static str,
    pub(super) sqlite: &'static LazyLock<&'static str>,
}

/// A statement that takes ids. PostgreSQL prepares it once on a connection, so that one message can hold several: each
/// message costs a round trip to the server.
#[derive(Clone, Copy)]
pub(super) struct Prepared {
    pub(super) name: &'static str,
    pub(super) sql: Sql,
}

/// A parameter: the value of `$1` and so on.
pub(super) enum Value<'a> {
    Number(Option<i64>),
    Text(Cow<'a, str>),
}

/// A type that rows of either database are read into.
pub(super) trait Row: for<'r> FromRow<'r, PgRow> + for<'r> FromRow<'r, SqliteRow> + Send + Unpin {}

impl<R> Row for R where R: for<'r> FromRow<'r, PgRow> + for<'r> FromRow<'r, SqliteRow> + Send + Unpin {}

/// A [`Sql`] from PostgreSQL's dialect alone, or from both dialects if [`WORDS`] do not suffice.
macro_rules! sql {
    ($postgres:expr) => {
        sql!($postgres, crate::store::statement::in_sqlite($postgres))
    };
    ($postgres:expr, $sqlite:expr) => {{
        static SQLITE: std::sync::LazyLock<&'static str> = std::sync::LazyLock::new(|| $sqlite);
        crate::store::statement::Sql { postgres: $postgres, sqlite: &SQLITE }
    }};
}
pub(super) use sql;

impl Connection {
    /// Runs one statement or several, without parameters.
    pub(super) async fn run(&mut self, sql: Sql) -> Result<(), StoreError> {
        match self {
            Self::Postgres(connection, _) => sqlx::raw_sql(sql.postgres).execute(connection).await.map(|_| ())?,
            Self::Sqlite(open) => sqlx::raw_sql(**sql.sqlite).execute(open.get()?).await.map(|_| ())?,
        }
        Ok(())
    }

    /// Runs a statement, and returns the number of changed rows.
    pub(super) async fn execute(&mut self, sql: Sql, values: &[Value<'_>]) -> Result<u64, StoreError> {
        Ok(match self {
            Self::Postgres(connection, _) => sqlx::query_with(sql.postgres, arguments::<PgArguments>(values)?)
                .execute(connection)
                .await?
                .rows_affected(),
            Self::Sqlite(open) => sqlx::query_with(**sql.sqlite, arguments::<SqliteArguments>(values)?)
                .execute(open.get()?)
                .await?
                .rows_affected(),
        })
    }

    pub(super) async fn rows<R: Row>(&mut self, sql: Sql, values: &[Value<'_>]) -> Result<Vec<R>, StoreError> {
        Ok(match self {
            Self::Postgres(connection, _) => {
                sqlx::query_as_with(sql.postgres, arguments::<PgArguments>(values)?).fetch_all(connection).await?
            }
            Self::Sqlite(open) => {
                sqlx::query_as_with(**sql.sqlite, arguments::<SqliteArguments>(values)?).fetch_all(open.get()?).await?
            }
        })
    }

    /// Begins a transaction and runs statements in it. Returns their rows, of one text each.
    pub(super) async fn begin(&mut self, statements: &[(Prepared, &[Id])]) -> Result<Vec<(String,)>, StoreError> {
        let begin = sql!("BEGIN", "BEGIN IMMEDIATE");
        let Self::Postgres(connection, prepared) = self else {
            self.run(begin).await?;
            let mut rows = Vec::new();
            for (Prepared { sql, .. }, ids) in statements {
                rows.extend(self.rows(*sql, &ids.iter().map(|id| (*id).into()).collect::<Vec<_>>()).await?);
            }
            return Ok(rows);
        };
        let mut message = begin.postgres.to_owned();
        for (Prepared { name, sql }, ids) in statements {
            if !prepared.contains(name) {
                let prepare = format!("PREPARE {name} AS {}", sql.postgres);
                sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut *connection).await?;
                prepared.push(name);
            }
            let ids: Vec<String> = ids.iter().map(|id| format!("'{id}'")).collect();
            message += &format!("; EXECUTE {name} ({})", ids.join(", "));
        }
        let rows = sqlx::raw_sql(AssertSqlSafe(message)).fetch_all(connection).await?;
        Ok(rows.iter().map(FromRow::from_row).collect::<Result<_, _>>()?)
    }

    pub(super) async fn close(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Postgres(connection, _) => connection.close().await,
            Self::Sqlite(open) => open.close().await,
        }
    }
}

/// The one column of the one row. Errors: `RowNotFound`.
pub(super) fn only<T>(mut rows: Vec<(T,)>) -> Result<T, StoreError> {
    let (value,) = rows.pop().ok_or(sqlx::Error::RowNotFound)?;
    Ok(value)
}

impl From<Id> for Value<'_> {
    fn from(id: Id) -> Self {
        Self::Text(id.to_string().into())
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Number(Some(number))
    }
}

impl From<Option<i64>> for Value<'_> {
    fn from(number: Option<i64>) -> Self {
        Self::Number(number)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text.into())
    }
}

fn arguments<A: Arguments>(values: &[Value<'_>]) -> Result<A, sqlx::Error>
where
    Option<i64>: Encode<'static, A::Database> + Type<A::Database>,
    for<'t> &'t str: Encode<'t, A::Database> + Type<A::Database>,
{
    let mut arguments = A::default();
    for value in values {
        match value {
            Value::Number(number) => arguments.add(*number),
            Value::Text(text) => arguments.add(text.as_ref()),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

/// Translates a statement into SQLite's dialect. The text is kept for ever, since it is made once for each [`sql!`] in
/// the program.
pub(super) fn in_sqlite(sql: &str) -> &'static str {
    WORDS.iter().fold(sql.to_owned(), |sql, (postgres, sqlite)| sql.replace(postgres, sqlite)).leak()
}

/// Words of PostgreSQL's dialect and of SQLite's, in the order in which they are replaced.
///
/// SQLite has one writer, and lacks schemas, locks of rows, and types for moments and UUIDs. A moment that cannot be
/// read is taken for the earliest.
const WORDS: [(&str, &str); 12] = [
    ("brama.unix_now()", "unixepoch()"),
    ("brama.", "brama_"),
    ("mithril.", "mithril_"),
    ("prm.", "prm_"),
    ("clock_timestamp() - interval '1 day'", "unixepoch() - 24 * 3600"),
    ("clock_timestamp()", "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"),
    ("floor(extract(epoch FROM token.inserted_at))", "coalesce(unixepoch(token.inserted_at), 0)"),
    ("greatest(", "max("),
    ("'00000000-0000-0000-0000-000000000000'", "''"),
    ("FOR UPDATE OF division FOR SHARE OF contract", ""),
    ("::text", ""),
    ("::uuid", ""),
];
