//! Owns how a statement is put to either kind of database: it is written in PostgreSQL's words, and SQLite is told it
//! in its own.

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

/// What is prepared on a connection.
pub(super) type Names = Vec<&'static str>;

/// A statement in the words of each kind, made by [`sql!`].
#[derive(Clone, Copy)]
pub(super) struct Sql {
    pub(super) postgres: &'static str,
    pub(super) sqlite: &'static LazyLock<&'static str>,
}

/// A statement that takes ids. PostgreSQL prepares it once on a connection, so that it goes in one message with others: each
/// message has this process, the server and the request wait for a turn.
#[derive(Clone, Copy)]
pub(super) struct Prepared {
    pub(super) name: &'static str,
    pub(super) sql: Sql,
}

/// What stands for `$1` and so on.
pub(super) enum Value<'a> {
    Number(Option<i64>),
    Text(Cow<'a, str>),
}

/// What a row is read into.
pub(super) trait Row: for<'r> FromRow<'r, PgRow> + for<'r> FromRow<'r, SqliteRow> + Send + Unpin {}

impl<R> Row for R where R: for<'r> FromRow<'r, PgRow> + for<'r> FromRow<'r, SqliteRow> + Send + Unpin {}

/// A [`Sql`]: of PostgreSQL's words alone, or of both where [`WORDS`] do not suffice.
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
    /// Runs what has no values, be it several statements.
    pub(super) async fn run(&mut self, sql: Sql) -> Result<(), StoreError> {
        match self {
            Self::Postgres(connection, _) => sqlx::raw_sql(sql.postgres).execute(connection).await.map(|_| ())?,
            Self::Sqlite(open) => sqlx::raw_sql(**sql.sqlite).execute(open.get()?).await.map(|_| ())?,
        }
        Ok(())
    }

    /// Tells how many rows were changed.
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

    /// Begins a transaction and runs statements, whose rows are of one text.
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

/// The one column of the one row.
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

/// Made once for each place in the program that has a statement, and kept.
pub(super) fn in_sqlite(sql: &str) -> &'static str {
    WORDS.iter().fold(sql.to_owned(), |sql, (postgres, sqlite)| sql.replace(postgres, sqlite)).leak()
}

/// PostgreSQL's words, and SQLite's for the same, in the order in which they are looked for.
///
/// SQLite has no schemas, no types for moments and UUIDs, and no locks of rows, since it has one writer. A moment that
/// cannot be read is taken for the earliest.
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
