//! Owns the wiring of the command: arguments in, exit code out.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use brama_upstream::cause;
use brama_upstream::config::{Command, CommandLine, SeedArgs, ServeArgs, Settings};
use brama_upstream::fixture::Fixture;
use brama_upstream::store::{DatabaseUrl, Seeded, Store};
use brama_upstream::{log, openapi, ready, server};
use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    let command_line = CommandLine::parse();
    match run(&command_line).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If stderr is closed, the exit code remains.
            let _told = writeln!(io::stderr(), "brama-upstream: {}", cause::chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

async fn run(command_line: &CommandLine) -> Result<()> {
    let _log = log::start(&command_line.log, command_line.log_format)?;
    match &command_line.command {
        Command::Serve(arguments) => serve(arguments).await,
        Command::Migrate { database_url } => migrate(database_url).await,
        Command::Openapi { listener } => say(openapi::document(*listener).trim_end()),
        Command::Ready { internal_listen } => ready(internal_listen).await,
        Command::Seed(arguments) => seed(arguments).await,
    }
}

async fn serve(arguments: &ServeArgs) -> Result<()> {
    let current = variable("BRAMA_AUTHORITY_SECRET")?;
    let previous = variable("BRAMA_AUTHORITY_SECRET_PREVIOUS")?;
    server::serve(Settings::new(arguments, &current, &previous)?).await?;
    Ok(())
}

async fn migrate(database_url: &str) -> Result<()> {
    open(database_url).await?.close().await;
    say("the schema is up to date")
}

async fn ready(internal_listen: &str) -> Result<()> {
    let internal = internal_listen.parse().context("INTERNAL_LISTEN")?;
    ready::ask(&internal).await?;
    say("the service is ready")
}

async fn open(url: &str) -> Result<Store> {
    let url: DatabaseUrl = url.parse().context("DATABASE_URL")?;
    Store::open(&url).await.context("cannot open the database")
}

async fn seed(arguments: &SeedArgs) -> Result<()> {
    let file = arguments.file.display();
    let text = std::fs::read(&arguments.file).with_context(|| format!("cannot read `{file}`"))?;
    let fixture = Fixture::parse(&text).with_context(|| file.to_string())?;
    // Before the database is opened, which would create it. A seeded database accepts any fixture, since only its
    // tokens are renewed.
    fixture.check().await.with_context(|| file.to_string())?;
    let url = match &arguments.database_url {
        Some(url) if !arguments.check => url,
        _ => return say(format_args!("{file}: sound; {}", fixture.summary())),
    };
    let store = open(url).await?;
    let seeded = store.seed(&fixture).await;
    store.close().await;
    match seeded.with_context(|| format!("cannot seed from {file}"))? {
        Seeded::Inserted => say(format_args!("seeded: {}", fixture.summary())),
        Seeded::Renewed { tokens } => say(format_args!("seeded before: {tokens} tokens renewed, nothing inserted")),
    }
}

/// Writes a line to stdout. A closed pipe is an error rather than a panic.
fn say(text: impl Display) -> Result<()> {
    Ok(writeln!(io::stdout(), "{text}")?)
}

/// An environment variable, empty if it is not set.
fn variable(name: &str) -> Result<String> {
    match std::env::var(name) {
        Ok(value) => Ok(value),
        Err(std::env::VarError::NotPresent) => Ok(String::new()),
        // The error's own text would show the value.
        Err(std::env::VarError::NotUnicode(_)) => Err(anyhow!("{name} is not UTF-8")),
    }
}
