//! Owns the settings: how they are written on the command line or in the environment, and what they mean.

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
    /// What to log: a level, or directives of the crate `tracing-subscriber`.
    #[arg(long, env = "BRAMA_LOG", default_value = "info", global = true)]
    pub log: String,
    /// How to write log lines to stderr.
    #[arg(long, env = "BRAMA_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text, global = true)]
    pub log_format: LogFormat,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serves both listeners until SIGTERM or SIGINT.
    ///
    /// Two settings come from the environment only, where other users' `ps` does not show them:
    ///   BRAMA_AUTHORITY_SECRET           what the gateway sends as a bearer token; at least 16 characters
    ///   BRAMA_AUTHORITY_SECRET_PREVIOUS  optional: the one before, accepted as well while they rotate
    #[command(verbatim_doc_comment)]
    Serve(ServeArgs),
    /// Brings the database's schema up to date, which `serve` and `seed` do as well, and tells that it is.
    ///
    /// For PostgreSQL, so that the role that serves need not be the one that may change the schema.
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
        /// Which listener.
        #[arg(value_enum)]
        listener: Listener,
    },
    /// Applies a fixture to a new database; on a seeded one, renews the fixture's tokens that are still there.
    Seed(SeedArgs),
}

/// The settings of `serve`, as written.
#[derive(Args, Debug)]
pub struct ServeArgs {
    /// The database: sqlite:///absolute/path.db, created as needed, or postgres://user@host/database; migrated as needed.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: String,
    /// Where the gateway is served: unix:/path/to.sock or tcp:127.0.0.1:8081.
    #[arg(long, env = "PUBLIC_LISTEN")]
    pub public_listen: String,
    /// Where the authority is served, in the same form.
    #[arg(long, env = "INTERNAL_LISTEN")]
    pub internal_listen: String,
    /// For how many hours a revocation is kept at least: a gateway that was away for longer forgets all it knew.
    #[arg(long, env = "REVOCATION_RETENTION_HOURS", default_value_t = 24, value_parser = hours())]
    pub revocation_retention_hours: u32,
    /// The longest life of a JWT, in hours, at any issuer that the gateways accept: for so long, and an hour more, one
    /// is refused whose client was blocked.
    #[arg(long, env = "LONGEST_JWT_HOURS", default_value_t = 24, value_parser = hours())]
    pub longest_jwt_hours: u32,
    /// How many requests each listener has in work at once; more are answered 503 at once. Gateways that follow the feed
    /// are not counted.
    #[arg(long, env = "MAX_REQUESTS", default_value_t = MAX_REQUESTS, value_parser = clap::value_parser!(u16).range(1..))]
    pub max_requests: u16,
    /// How many connections to the database there are for what reads, and as many for what writes; SQLite has one writer.
    #[arg(long, env = "DATABASE_CONNECTIONS", default_value_t = USUAL_CONNECTIONS)]
    pub database_connections: NonZeroU8,
    /// For how many seconds after SIGTERM or SIGINT everything is served as before, while `/readyz` says 503, so that
    /// whoever sends requests here can turn elsewhere. A second signal ends it.
    #[arg(long, env = "DRAIN_SECONDS", default_value_t = 0, value_parser = clap::value_parser!(u16).range(..=3600))]
    pub drain_seconds: u16,
}

/// The settings of `seed`, as written.
#[derive(Args, Debug)]
pub struct SeedArgs {
    /// The fixture, a JSON file.
    pub file: PathBuf,
    /// Only tell whether the fixture is sound.
    #[arg(long)]
    pub check: bool,
    /// The database: sqlite:///absolute/path.db, created as needed, or postgres://user@host/database; migrated as needed.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, required_unless_present = "check")]
    pub database_url: Option<String>,
}

/// The forms of a log line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines, an object a line.
    Json,
}

/// The settings of `serve`, as understood.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The database.
    pub database: DatabaseUrl,
    /// Where the gateway is served.
    pub public: Listen,
    /// Where the authority is served.
    pub internal: Listen,
    /// By what the gateway is known to the authority.
    pub secrets: AuthoritySecrets,
    /// How many connections to the database there are of each kind.
    pub connections: NonZeroU8,
    /// How long revocations are kept.
    pub keep: Keep,
    /// How many requests each listener has in work at once.
    pub max_requests: usize,
    /// For how long it serves on after it was told to stop.
    pub drain: Duration,
}

impl Settings {
    /// Understands the settings. An empty variable counts as unset: composition files pass what they have not got.
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

/// From an hour, below which gateways would forget at every disturbance, to a year.
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
