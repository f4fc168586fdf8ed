//! Owns the settings: their form on the command line and in the environment, and their meaning.

use std::num::NonZeroU8;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::builder::RangedI64ValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::listen::{Listen, Listener};
use crate::operations::MAX_REQUESTS;
use crate::secret::AuthoritySecrets;
use crate::store::revocation::Keep;
use crate::store::{DatabaseUrl, USUAL_CONNECTIONS};

/// The service behind the gateway: it owns connections and contract divisions, and vouches for credentials.
///
/// Exit codes: 0 done, 1 a fault (one sentence on stderr), 2 wrong usage.
#[derive(Debug, Parser)]
#[command(name = "brama-upstream", version)]
pub struct CommandLine {
    /// Level of the log, or directives of the crate `tracing-subscriber`.
    #[arg(long, env = "BRAMA_LOG", default_value = "info", global = true)]
    pub log: String,
    /// Format of the log lines on stderr.
    #[arg(long, env = "BRAMA_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text, global = true)]
    pub log_format: LogFormat,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The program's commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serves both listeners until SIGTERM or SIGINT.
    ///
    /// Two settings come from the environment only, where other users' `ps` does not show them:
    ///   BRAMA_AUTHORITY_SECRET           what the gateway sends as a bearer token; at least 16 characters
    ///   BRAMA_AUTHORITY_SECRET_PREVIOUS  optional: the previous secret, accepted as well during a rotation
    #[command(verbatim_doc_comment)]
    Serve(ServeArgs),
    /// Brings the database's schema up to date; `serve` and `seed` do the same when they start.
    ///
    /// On PostgreSQL the role of `serve` then needs no right to change the schema.
    Migrate {
        /// The database: sqlite:///absolute/path.db, created as needed, or postgres://user@host/database.
        #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
        database_url: String,
    },
    /// Asks a running service, at its internal listener, whether it is ready; exit code 0 if it is. For health checks.
    Ready {
        /// The service's internal listener: unix:/path/to.sock or tcp:address:port.
        #[arg(long, env = "INTERNAL_LISTEN")]
        internal_listen: String,
    },
    /// Prints the OpenAPI 3.1 document of a listener.
    Openapi {
        /// The listener.
        #[arg(value_enum)]
        listener: Listener,
    },
    /// Applies a fixture to a new database; on a seeded one, renews the fixture's tokens that are still there.
    Seed(SeedArgs),
}

/// The settings of `serve`, as written.
#[derive(Args, Debug)]
pub struct ServeArgs {
    /// The database: sqlite:///absolute/path.db, created as needed, or postgres://user@host/database; migrated as
    /// needed.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: String,
    /// Address of the public listener, for the gateway's routes: unix:/path/to.sock or tcp:127.0.0.1:8081.
    #[arg(long, env = "PUBLIC_LISTEN")]
    pub public_listen: String,
    /// Address of the internal listener, for the gateway's lookups and polls, in the same form.
    #[arg(long, env = "INTERNAL_LISTEN")]
    pub internal_listen: String,
    /// Hours for which a revocation is kept at least: a gateway that was away for longer empties its cache.
    #[arg(long, env = "REVOCATION_RETENTION_HOURS", default_value_t = 24, value_parser = hours())]
    pub revocation_retention_hours: u32,
    /// Longest life of a JWT, in hours, at any issuer that the gateways accept. After a client is blocked, its JWTs are
    /// refused for this time and an hour more.
    #[arg(long, env = "LONGEST_JWT_HOURS", default_value_t = 24, value_parser = hours())]
    pub longest_jwt_hours: u32,
    /// Limit of concurrent requests at each listener; further ones are answered 503 at once. Polls of the feed have a
    /// limit of their own.
    #[arg(long, env = "MAX_REQUESTS", default_value_t = MAX_REQUESTS, value_parser = clap::value_parser!(u16).range(1..))]
    pub max_requests: u16,
    /// Connections to the database for reads, and as many for writes; SQLite has one writer.
    #[arg(long, env = "DATABASE_CONNECTIONS", default_value_t = USUAL_CONNECTIONS)]
    pub database_connections: NonZeroU8,
    /// Seconds for which everything is served as before after SIGTERM or SIGINT, while `/readyz` says 503, so that load
    /// balancers can turn elsewhere. A second signal ends this time.
    #[arg(long, env = "DRAIN_SECONDS", default_value_t = 0, value_parser = clap::value_parser!(u16).range(..=3600))]
    pub drain_seconds: u16,
}

/// The settings of `seed`, as written.
#[derive(Args, Debug)]
pub struct SeedArgs {
    /// The fixture, a JSON file.
    pub file: PathBuf,
    /// Only check the fixture; the database is left alone.
    #[arg(long)]
    pub check: bool,
    /// The database: sqlite:///absolute/path.db, created as needed, or postgres://user@host/database; migrated as
    /// needed.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, required_unless_present = "check")]
    pub database_url: Option<String>,
}

/// The forms of a log line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// A JSON object a line, for machines.
    Json,
}

/// The settings of `serve`, as understood.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The database.
    pub database: DatabaseUrl,
    /// Address of the public listener.
    pub public: Listen,
    /// Address of the internal listener.
    pub internal: Listen,
    /// Secrets that authenticate the gateway at the internal listener.
    pub secrets: AuthoritySecrets,
    /// Connections to the database for reads, and as many for writes.
    pub connections: NonZeroU8,
    /// Retention of the feed's entries.
    pub keep: Keep,
    /// Limit of concurrent requests at each listener.
    pub max_requests: usize,
    /// Time for which the service serves on after a signal.
    pub drain: Duration,
}

impl Settings {
    /// Checks the settings of `serve` and the two secrets. An empty `previous` counts as unset, since Compose files
    /// pass unset variables as empty ones. The error names the setting at fault.
    pub fn new(arguments: &ServeArgs, current: &str, previous: &str) -> Result<Self> {
        ensure!(!current.is_empty(), "BRAMA_AUTHORITY_SECRET is not set; without it anybody could ask the authority");
        let secrets = AuthoritySecrets::new(current, Some(previous).filter(|text| !text.is_empty()));
        let public: Listen = arguments.public_listen.parse().context("PUBLIC_LISTEN")?;
        let internal: Listen = arguments.internal_listen.parse().context("INTERNAL_LISTEN")?;
        ensure!(public != internal || public.is_any_port(), "PUBLIC_LISTEN and INTERNAL_LISTEN are the same address");
        Ok(Self {
            database: arguments.database_url.parse().context("DATABASE_URL")?,
            public,
            internal,
            secrets: secrets.context("BRAMA_AUTHORITY_SECRET or BRAMA_AUTHORITY_SECRET_PREVIOUS")?,
            connections: arguments.database_connections,
            keep: Keep {
                retention: HOUR * arguments.revocation_retention_hours,
                longest_jwt: HOUR * arguments.longest_jwt_hours,
            },
            max_requests: arguments.max_requests.into(),
            drain: Duration::from_secs(arguments.drain_seconds.into()),
        })
    }
}

/// A number of hours from 1, below which gateways would empty their caches at every disturbance, to a year.
fn hours() -> RangedI64ValueParser<u32> {
    RangedI64ValueParser::new().range(1..=8760)
}

const HOUR: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    const SECRET: &str = "0123456789abcdef";

    fn arguments() -> ServeArgs {
        ServeArgs {
            database_url: "sqlite:///tmp/a.db".to_owned(),
            public_listen: "unix:/tmp/p.sock".to_owned(),
            internal_listen: "tcp:127.0.0.1:0".to_owned(),
            revocation_retention_hours: 24,
            longest_jwt_hours: 24,
            max_requests: 1,
            database_connections: USUAL_CONNECTIONS,
            drain_seconds: 0,
        }
    }

    #[test]
    fn command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn sound_settings_are_understood() {
        assert!(Settings::new(&arguments(), SECRET, "").is_ok());
        assert!(Settings::new(&arguments(), SECRET, "fedcba9876543210").is_ok());
    }

    #[test]
    fn every_setting_is_checked() {
        let fault = |arguments: &ServeArgs, current, previous| {
            crate::cause::chain(Settings::new(arguments, current, previous).unwrap_err().as_ref())
        };
        assert!(fault(&arguments(), "", "").starts_with("BRAMA_AUTHORITY_SECRET is not set"));
        assert!(fault(&arguments(), "short", "").contains("shorter than 16 characters"));
        assert!(fault(&arguments(), SECRET, "short").contains("shorter than 16 characters"));
        let edited = |edit: fn(&mut ServeArgs)| {
            let mut arguments = arguments();
            edit(&mut arguments);
            fault(&arguments, SECRET, "")
        };
        assert!(
            edited(|all| all.database_url = "mysql://x".to_owned()).starts_with("DATABASE_URL: begins with neither")
        );
        assert!(edited(|all| all.public_listen = "x".to_owned()).starts_with("PUBLIC_LISTEN: `x`"));
        assert!(edited(|all| all.internal_listen = "x".to_owned()).starts_with("INTERNAL_LISTEN: `x`"));
        assert!(edited(|all| all.internal_listen.clone_from(&all.public_listen)).contains("the same address"));
    }
}
