//! What a person types. One file per command.

mod admin;
mod backup;
mod check;
mod demo;
mod keys;
mod restore;
mod serve;
mod verify;
mod words;

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};

use crate::clock::{SystemClock, SystemIds};
use crate::config::{self, ConfigError, Overrides, Settings};
use crate::db::DbError;
use crate::db::conn::{Conn, DatabaseUrl};
use crate::db::tx::IsConflict;
use crate::demo::DemoError;
use crate::server::{Parts, StartError};

/// Pingma 瓶码: traceability for LPG cylinders. One cylinder, one code.
#[derive(Debug, Parser)]
#[command(name = "pingma", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// Settings on the command line; they win over variables and the file.
#[derive(Debug, Args)]
struct Common {
    /// Settings file.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<std::path::PathBuf>,
    /// Database: sqlite://FILE or postgres://…
    #[arg(long, global = true, value_name = "URL")]
    database: Option<String>,
    /// File of the keys of labels and tokens.
    #[arg(long, global = true, value_name = "FILE")]
    key_file: Option<String>,
    /// Answer in JSON, for machines.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve a believable small city from a throw-away database.
    Demo(demo::Demo),
    /// Serve.
    Serve(serve::Serve),
    /// Bring the schema of the database up to date.
    Migrate,
    /// What only the operator of the machine may do.
    #[command(subcommand)]
    Admin(admin::Admin),
    /// The keys of labels and tokens.
    #[command(subcommand)]
    Keys(keys::Keys),
    /// What speaks against this cylinder itself, whoever fills it and whenever?
    Check(check::Reference),
    /// What happened to this cylinder?
    History(check::Reference),
    /// Walk every chain and say whether anything was altered.
    Verify,
    /// Write a copy of a SQLite database into a file, while the server runs, and verify it.
    Backup(backup::Backup),
    /// Put a copy that `backup` made in the place of the database. The server must be stopped.
    Restore(restore::Restore),
    /// Print the OpenAPI document.
    Openapi,
    /// Print the settings in force, without secrets.
    Config,
}

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The settings: exit 2.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// What was typed: exit 2.
    #[error("{0}")]
    Usage(String),
    /// The answer is no: exit 1.
    #[error("{0}")]
    No(String),
    /// The service or its database: exit 3.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The database: exit 3.
    #[error(transparent)]
    Database(#[from] DbError),
    /// A use case said no: exit 1; or could not say: exit 3.
    #[error(transparent)]
    App(#[from] crate::error::Error),
    /// The operating system: exit 3.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The keys: exit 3.
    #[error(transparent)]
    Keys(#[from] crate::auth::keyring::KeyringError),
    /// The demo's city: exit 3.
    #[error(transparent)]
    Demo(#[from] crate::demo::DemoError),
    /// Logging or metrics: exit 3.
    #[error(transparent)]
    Telemetry(#[from] crate::telemetry::TelemetryError),
}

impl CliError {
    /// 1 the answer is no, 2 usage, 3 unavailable.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::App(error) if error.code.class().is_no_answer() => 3,
            Self::No(_) | Self::App(_) => 1,
            Self::Config(_) | Self::Usage(_) | Self::Start(StartError::Config(_)) => 2,
            Self::Database(DbError::Url) | Self::Start(StartError::Database(DbError::Url)) => 2,
            Self::Demo(DemoError::NotEmpty(_)) => 1,
            Self::Demo(DemoError::Start(StartError::Config(_))) => 2,
            Self::Demo(_)
            | Self::Start(_)
            | Self::Database(_)
            | Self::Io(_)
            | Self::Keys(_)
            | Self::Telemetry(_) => 3,
        })
    }
}

impl IsConflict for CliError {
    /// A command is typed again by whoever typed it: a new key must not be made twice.
    fn is_conflict(&self) -> bool {
        false
    }
}

/// What a command prints, in words and for machines.
pub(crate) struct Output {
    text: String,
    json: serde_json::Value,
}

impl Output {
    pub(crate) fn new(text: impl Into<String>, json: serde_json::Value) -> Self {
        Self { text: text.into(), json }
    }
}

impl Common {
    fn overrides(&self) -> Overrides {
        Overrides {
            config: self.config.clone(),
            database: self.database.clone(),
            key_file: self.key_file.clone(),
            ..Overrides::default()
        }
    }

    fn settings(&self, more: impl FnOnce(&mut Overrides)) -> Result<Settings, CliError> {
        let mut overrides = self.overrides();
        more(&mut overrides);
        Ok(Settings::load(overrides, config::environment()?, Path::new("."))?)
    }
}

/// The machine's own clock and generator.
pub(crate) fn parts() -> Parts {
    Parts { clock: Arc::new(SystemClock), ids: Arc::new(SystemIds) }
}

/// A connection to the database of the settings, with a schema that fits. Its statements may take long: some verify.
pub(crate) fn connect(settings: &Settings) -> Result<Conn, CliError> {
    let url = &settings.database;
    if let DatabaseUrl::Sqlite(path) = url
        && !Path::new(path).exists()
    {
        return Err(CliError::Database(DbError::Away(format!("{path} does not exist"))));
    }
    let mut conn = url.connect_for_long()?;
    crate::db::migrations::check(&mut conn)?;
    Ok(conn)
}

impl Cli {
    /// Does what was asked and prints it.
    ///
    /// # Errors
    /// See [`CliError`].
    pub fn run(self) -> Result<ExitCode, CliError> {
        let common = self.common;
        let output = match self.command {
            Command::Demo(demo) => return demo.run(&common),
            Command::Serve(serve) => return serve.run(&common),
            Command::Migrate => serve::migrate(&common.settings(|_| {})?)?,
            Command::Admin(admin) => admin.run(&common.settings(|_| {})?)?,
            Command::Keys(keys) => keys.run(&common.settings(|_| {})?)?,
            Command::Check(reference) => return reference.check(&common.settings(|_| {})?, common.json),
            Command::History(reference) => reference.history(&common.settings(|_| {})?)?,
            Command::Verify => return verify::run(&common.settings(|_| {})?, common.json),
            Command::Backup(backup) => backup.run(&common.settings(|_| {})?, common.json)?,
            Command::Restore(restore) => restore.run(&common.settings(|_| {})?, common.json)?,
            Command::Openapi => Output::new(
                crate::http::openapi::text(),
                serde_json::from_str(crate::http::openapi::text()).unwrap_or_default(),
            ),
            Command::Config => {
                let settings = common.settings(|_| {})?;
                Output::new(settings.describe_toml(), settings.describe())
            }
        };
        print(&output, common.json)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Prints an answer. Whoever stopped reading (`| head`) has what they wanted.
pub(crate) fn print(output: &Output, json: bool) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    let written =
        if json { writeln!(out, "{}", output.json) } else { writeln!(out, "{}", output.text.trim_end()) };
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn no_is_told_from_no_answer() {
        for (code, exit) in [(Code::CylinderNotFound, 1), (Code::Unavailable, 3), (Code::Internal, 3)] {
            let ended = CliError::App(code.into()).exit_code();
            assert_eq!(format!("{ended:?}"), format!("{:?}", ExitCode::from(exit)), "{code:?}");
        }
    }
}
