//! Owns the address of the database, as it is written.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

/// Address of the database: `sqlite:///absolute/path.db` or `postgres://user@host/database`.
///
/// For PostgreSQL, missing parts come from the environment, as for `psql` (`PGUSER`, `PGPASSWORD`, and so on).
/// `sslmode`, `sslrootcert`, `sslcert`, `sslkey`, `host` (a folder with a socket) and `application_name` can follow a
/// question mark.
///
/// Across a network `sslmode` is required: `verify-full`, `verify-ca`, or `disable`. The modes in between, the usual
/// default among them, accept any server: an attacker in its place could hide revocations.
#[derive(Clone)]
pub struct DatabaseUrl {
    pub(super) place: Place,
}

/// The kind of database, and its place.
#[derive(Clone)]
pub(super) enum Place {
    Postgres(Box<PgConnectOptions>),
    Sqlite(PathBuf),
}

/// A database address that this service cannot use. Its text shows no address that could hold a password.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidDatabaseUrl {
    /// An address of neither kind.
    #[error("begins with neither sqlite:// nor postgres://")]
    Kind,
    /// An address of PostgreSQL's kind, with a fault.
    #[error("is not of the form postgres://user@host/database: {0}")]
    Postgres(String),
    /// An address of SQLite's kind, without an absolute path.
    #[error("`{0}` is not of the form sqlite:///absolute/path.db")]
    Sqlite(String),
}

/// Host and database only: the password stays out.
impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Postgres(options) => {
                let (host, database) = (options.get_host(), options.get_database());
                formatter.debug_struct("Postgres").field("host", &host).field("database", &database).finish()
            }
            Place::Sqlite(path) => formatter.debug_tuple("Sqlite").field(path).finish(),
        }
    }
}

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    fn from_str(url: &str) -> Result<Self, InvalidDatabaseUrl> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            return Ok(Self { place: Place::Sqlite(sqlite(url, path)?) });
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let options = postgres(url).map_err(InvalidDatabaseUrl::Postgres)?;
            return Ok(Self { place: Place::Postgres(Box::new(options)) });
        }
        Err(InvalidDatabaseUrl::Kind)
    }
}

fn sqlite(url: &str, path: &str) -> Result<PathBuf, InvalidDatabaseUrl> {
    let invalid = || InvalidDatabaseUrl::Sqlite(url.to_owned());
    let path = path.strip_prefix("//").ok_or_else(invalid)?;
    // A query, a fragment or percent-encoding would mean one file here and another one to other tools.
    if path.contains(['?', '#', '%', '\0']) || !path.starts_with('/') || path.ends_with('/') {
        return Err(invalid());
    }
    Ok(path.into())
}

fn postgres(url: &str) -> Result<PgConnectOptions, String> {
    if url.contains('#') {
        return Err("a fragment has no meaning".to_owned());
    }
    // The library ignores unknown parameters; a misspelt `sslmode` would be no `sslmode`.
    let (_, query) = url.split_once('?').unwrap_or((url, ""));
    let parameters = query.split('&').filter(|parameter| !parameter.is_empty());
    let mut names = parameters.filter_map(|parameter| parameter.split('=').next());
    if let Some(name) = names.find(|name| !PARAMETERS.contains(name)) {
        return Err(format!("the parameter `{name}` is none of {}", PARAMETERS.join(", ")));
    }
    let options: PgConnectOptions = url.parse().map_err(|error: sqlx::Error| error.to_string())?;
    if options.get_database().is_none() {
        return Err("it names no database".to_owned());
    }
    let is_said = matches!(options.get_ssl_mode(), PgSslMode::Disable | PgSslMode::VerifyCa | PgSslMode::VerifyFull);
    if is_said || options.get_socket().is_some() || is_near(options.get_host()) {
        return Ok(options);
    }
    Err("across a network sslmode has to be verify-full, verify-ca or disable".to_owned())
}

/// A local server: a folder with a socket, or this machine.
fn is_near(host: &str) -> bool {
    host.starts_with('/') || ["localhost", "127.0.0.1", "::1", "[::1]"].contains(&host)
}

const PARAMETERS: [&str; 6] = ["application_name", "host", "sslcert", "sslkey", "sslmode", "sslrootcert"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_sqlite_path_is_understood() {
        let url: DatabaseUrl = "sqlite:///var/lib/brama/a b.db".parse().unwrap();
        assert_eq!(format!("{url:?}"), "Sqlite(\"/var/lib/brama/a b.db\")");
    }

    #[test]
    fn other_sqlite_addresses_are_refused() {
        for url in [
            "sqlite:",
            "sqlite://",
            "sqlite://relative.db",
            "sqlite::memory:",
            "sqlite:///folder/",
            "sqlite:///a.db?mode=ro",
            "sqlite:///a%20b.db",
        ] {
            let fault = url.parse::<DatabaseUrl>().unwrap_err();
            assert_eq!(fault.to_string(), format!("`{url}` is not of the form sqlite:///absolute/path.db"));
        }
    }

    #[test]
    fn postgres_address_is_understood() {
        for url in [
            "postgres://localhost/brama",
            "postgresql://brama:secret@127.0.0.1:5433/brama",
            "postgres://brama@[::1]/brama",
            "postgres://%2Frun%2Fpostgresql/brama",
            "postgres:///brama?host=/run/postgresql",
            "postgres://db.example/brama?sslmode=verify-full&sslrootcert=/etc/ca.pem",
            "postgres://db.example/brama?sslmode=disable",
        ] {
            let parsed: DatabaseUrl = url.parse().unwrap();
            assert!(format!("{parsed:?}").contains("brama"), "{url}");
        }
    }

    #[test]
    fn other_postgres_addresses_are_refused() {
        for (url, reason) in [
            ("postgres://user:top-secret@localhost", "names no database"),
            ("postgres://user:top-secret@localhost:port/a", "invalid port"),
            ("postgres://user:top-secret@localhost/a?ssl_mode=disable", "the parameter `ssl_mode` is none of"),
            ("postgres://user:top-secret@localhost/a?sslmode=off", "unknown value"),
            ("postgres://user:top-secret@localhost/a#b", "fragment"),
            ("postgres://user:top-secret@db.example/a", "across a network"),
            ("postgres://user:top-secret@db.example/a?sslmode=prefer", "across a network"),
            ("postgres://user:top-secret@db.example/a?sslmode=require", "across a network"),
            ("mysql://user:top-secret@localhost/a", "neither sqlite:// nor postgres://"),
            ("/var/lib/brama.db", "neither"),
            ("", "neither"),
        ] {
            let fault = url.parse::<DatabaseUrl>().unwrap_err().to_string();
            assert!(fault.contains(reason), "{url}: {fault}");
            assert!(!fault.contains("top-secret"), "{fault}");
        }
    }

    #[test]
    fn password_is_not_shown() {
        let url: DatabaseUrl = "postgres://user:top-secret@localhost/a".parse().unwrap();
        assert!(!format!("{url:?}").contains("top-secret"), "{url:?}");
    }
}
