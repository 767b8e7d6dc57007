//! Everything the service can be told.
//!
//! Four layers, the later wins: defaults, the settings file (TOML), environment variables `PINGMA_…`, the command
//! line. Nothing is overlooked: a key that nobody knows is an error in the file and in the environment, and every value
//! is checked, also one that a later layer overrides.

mod transport;
mod values;

pub use transport::Transport;
pub use values::{BearerToken, Bounded, Line, LogFilter, LogFormat, Phone, PublicUrl, TrustedProxies};
use values::{list, some, value};

use crate::db::conn::{DatabaseUrl, MASK};
use ::config::{Config, Environment, FileFormat, Source as _};
use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The settings file that is read if there is one and no other is named.
pub const DEFAULT_FILE: &str = "pingma.toml";
/// What the names of our environment variables begin with.
pub const ENV_PREFIX: &str = "PINGMA_";
/// The environment variable that names the settings file.
const ENV_FILE: &str = "PINGMA_CONFIG";
/// Environment variables for the tests, which are no settings.
const ENV_TESTS: &str = "PINGMA_TEST_";
/// The largest settings file that is read, in bytes.
const MAX_FILE: u64 = 256 * 1024;

/// What is wrong with the settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The settings file can't be read.
    #[error("the settings file {} can't be read: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The settings file is not TOML. The offending line is not repeated, for it may hold a secret.
    #[error("the settings file {} is not valid TOML: {reason}", path.display())]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// Where and why.
        reason: String,
    },
    /// There is no such setting.
    #[error("{origin}: there is no setting {key:?}; allowed are {allowed}")]
    UnknownKey {
        /// As it is written there.
        key: String,
        /// Where it stands.
        origin: Origin,
        /// The settings that there are, as they would be written there.
        allowed: String,
    },
    /// A setting has a value that it can't have.
    #[error("{origin}: {key} {reason}")]
    Invalid {
        /// As it is written there.
        key: String,
        /// Where it stands.
        origin: Origin,
        /// What is allowed.
        reason: String,
    },
    /// The place of the key file can't be told from the database.
    #[error("key_file must be set: only with a SQLite file as the database the keys lie beside it")]
    KeyFileUnnamed,
    /// Passwords would go over the network in the clear.
    #[error(
        "listen: plain HTTP on {listen} would show passwords and tokens to the network. Set tls_certificate and tls_key, or \
         name the reverse proxy that speaks TLS in trusted_proxies, or listen on 127.0.0.1"
    )]
    PlainHttp {
        /// Where it was to listen.
        listen: SocketAddr,
    },
    /// A certificate without its key, or the other way round.
    #[error("tls_certificate and tls_key go together: set both or none")]
    HalfOfTls,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A settings file.
    File(PathBuf),
    /// Environment variables.
    Environment,
    /// The command line.
    CommandLine,
}

impl Origin {
    /// How a setting is written there.
    fn spell(&self, key: &str) -> String {
        match self {
            Self::File(_) => key.to_owned(),
            Self::Environment => format!("{ENV_PREFIX}{}", key.to_ascii_uppercase()),
            Self::CommandLine => format!("--{}", key.replace('_', "-")),
        }
    }

    fn invalid(&self, key: &str, reason: impl Into<String>) -> ConfigError {
        ConfigError::Invalid { key: self.spell(key), origin: self.clone(), reason: reason.into() }
    }

    /// What `config` found wrong here.
    fn explain(&self, error: ::config::ConfigError) -> ConfigError {
        match error {
            ::config::ConfigError::At { error, key: Some(key), .. } => self.invalid(&key, error.to_string()),
            ::config::ConfigError::Type { expected, key: Some(key), .. } => {
                self.invalid(&key, format!("must be {expected}"))
            }
            other => self.invalid("settings", other.to_string()),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Environment => f.write_str("environment"),
            Self::CommandLine => f.write_str("command line"),
        }
    }
}

/// What is in force.
#[derive(Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The database: `sqlite://FILE` or `postgres://…`. May hold a password.
    #[serde(deserialize_with = "value")]
    pub database: DatabaseUrl,
    /// Where HTTP is served. Port 0 takes any that is free.
    #[serde(deserialize_with = "value")]
    pub listen: SocketAddr,
    /// The file with the certificate for TLS; see [`Settings::transport`].
    #[serde(deserialize_with = "some")]
    pub tls_certificate: Option<PathBuf>,
    /// The file with its private key.
    #[serde(deserialize_with = "some")]
    pub tls_key: Option<PathBuf>,
    /// Under which address phones reach it; printed on every label.
    #[serde(deserialize_with = "value")]
    pub public_url: PublicUrl,
    /// The file with the keys as it was named; see [`Settings::key_file`].
    #[serde(deserialize_with = "some")]
    key_file: Option<PathBuf>,
    /// The time zone in which days are counted; Asian ones and UTC are built in (`.cargo/config.toml`).
    #[serde(deserialize_with = "value")]
    pub time_zone: Tz,
    /// The font of the labels; none means that one is looked for.
    #[serde(deserialize_with = "some")]
    pub label_font: Option<PathBuf>,
    /// The number for complaints, shown to the public.
    #[serde(deserialize_with = "value")]
    pub complaint_phone: Phone,
    /// Who takes complaints, shown to the public.
    #[serde(deserialize_with = "some")]
    pub complaint_authority: Option<Line>,
    /// What is logged.
    #[serde(deserialize_with = "value")]
    pub log: LogFilter,
    /// How it is logged.
    #[serde(deserialize_with = "value")]
    pub log_format: LogFormat,
    /// Database connections for reading, at most.
    #[serde(deserialize_with = "value")]
    pub pool_size: Bounded<1, 64>,
    /// Commands that may wait for the ledger; more are turned away.
    #[serde(deserialize_with = "value")]
    pub queue_length: Bounded<16, 65_536>,
    /// Threads that serve HTTP.
    #[serde(deserialize_with = "value")]
    pub http_workers: Bounded<1, 64>,
    /// Days without an event after which the clock is not believed.
    #[serde(deserialize_with = "value")]
    pub clock_gap_days: Bounded<1, 3650>,
    /// What /metrics asks for; none means that it asks for nothing.
    #[serde(deserialize_with = "some")]
    pub metrics_token: Option<BearerToken>,
    /// Whether a PostgreSQL with fsync=off is put up with: a power cut there loses what was acknowledged.
    #[serde(deserialize_with = "value")]
    pub allow_fsync_off: bool,
    /// Logins per minute from one address.
    #[serde(deserialize_with = "value")]
    pub login_rate_per_minute: Bounded<1, 100_000>,
    /// Calls without login per minute from one address.
    #[serde(deserialize_with = "value")]
    pub public_rate_per_minute: Bounded<1, 100_000>,
    /// Typed codes per minute from one address and of one organization.
    #[serde(deserialize_with = "value")]
    pub typed_rate_per_minute: Bounded<1, 100_000>,
    /// From which peers forwarded headers are believed.
    #[serde(deserialize_with = "list")]
    pub trusted_proxies: TrustedProxies,
    /// Seconds that running requests get when the service stops.
    #[serde(deserialize_with = "value")]
    pub shutdown_timeout_s: Bounded<1, 300>,
}

impl Default for Settings {
    fn default() -> Self {
        let cpus =
            std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(u32::MAX));
        Self {
            database: DatabaseUrl::Sqlite("pingma.db".to_owned()),
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            tls_certificate: None,
            tls_key: None,
            public_url: PublicUrl("http://127.0.0.1:8080".to_owned()),
            key_file: None,
            time_zone: Tz::Asia__Shanghai,
            label_font: None,
            complaint_phone: Phone("12315".to_owned()),
            complaint_authority: None,
            log: LogFilter("info".to_owned()),
            log_format: LogFormat::Text,
            pool_size: Bounded::clamped(8),
            queue_length: Bounded::clamped(4096),
            http_workers: Bounded::clamped(cpus),
            clock_gap_days: Bounded::clamped(180),
            metrics_token: None,
            allow_fsync_off: false,
            login_rate_per_minute: Bounded::clamped(30),
            public_rate_per_minute: Bounded::clamped(60),
            typed_rate_per_minute: Bounded::clamped(60),
            trusted_proxies: TrustedProxies::default(),
            shutdown_timeout_s: Bounded::clamped(20),
        }
    }
}

impl fmt::Debug for Settings {
    /// As [`Settings::describe`]: without secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Settings {}", self.describe())
    }
}

/// What the command line says; absent means nothing. Values are checked by [`Settings::load`], like those of every layer.
/// Everything else is set in the file or the environment; a secret must not be here, since other users of the machine see
/// command lines.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// The settings file; it must exist.
    pub config: Option<PathBuf>,
    /// The database.
    pub database: Option<String>,
    /// Where HTTP is served.
    pub listen: Option<String>,
    /// Under which address phones reach it.
    pub public_url: Option<String>,
    /// The file with the keys.
    pub key_file: Option<String>,
    /// Whether a PostgreSQL with fsync=off is put up with.
    pub allow_fsync_off: Option<String>,
}

impl Overrides {
    /// Keys and values, as in the other layers.
    fn into_values(self) -> HashMap<String, String> {
        [
            ("database", self.database),
            ("listen", self.listen),
            ("public_url", self.public_url),
            ("key_file", self.key_file),
            ("allow_fsync_off", self.allow_fsync_off),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)))
        .collect()
    }
}

/// Our variables in the environment of this process.
///
/// # Errors
/// One of them is not Unicode.
pub fn environment() -> Result<Vec<(String, String)>, ConfigError> {
    unicode(std::env::vars_os())
}

fn unicode(env: impl Iterator<Item = (OsString, OsString)>) -> Result<Vec<(String, String)>, ConfigError> {
    env.map(|(name, value)| (name.to_string_lossy().into_owned(), value))
        .filter(|(name, _)| name.starts_with(ENV_PREFIX))
        .map(|(name, value)| match value.into_string() {
            Ok(value) => Ok((name, value)),
            Err(_) => Err(ConfigError::Invalid {
                key: name,
                origin: Origin::Environment,
                reason: "must be Unicode (UTF-8)".to_owned(),
            }),
        })
        .collect()
}

impl Settings {
    /// Puts the layers together. `env` is the environment, usually [`environment`]; `directory` is where the default
    /// settings file lies and from where a relative path to another one counts, usually `"."`.
    ///
    /// # Errors
    /// A named settings file does not exist; the file can't be read or is not TOML; a key is unknown; a value is not
    /// allowed.
    pub fn load(
        mut overrides: Overrides,
        env: impl IntoIterator<Item = (String, String)>,
        directory: &Path,
    ) -> Result<Self, ConfigError> {
        let mut env: HashMap<String, String> =
            env.into_iter().filter(|(name, _)| name.starts_with(ENV_PREFIX)).collect();
        let named = env.remove(ENV_FILE).map(PathBuf::from);
        let file = read_file(overrides.config.take().or(named), directory)?;
        let environment = env_values(env)?;

        let mut builder = Config::builder();
        let mut settings = Self::default();
        let layers = file.into_iter().chain([
            (Origin::Environment, from_values(environment).map_err(|e| Origin::Environment.explain(e))?),
            (
                Origin::CommandLine,
                from_values(overrides.into_values()).map_err(|e| Origin::CommandLine.explain(e))?,
            ),
        ]);
        // One layer more each time: what is wrong then, is wrong in the latest.
        for (origin, layer) in layers {
            builder = builder.add_source(layer);
            settings = builder
                .build_cloned()
                .and_then(Config::try_deserialize)
                .map_err(|error| origin.explain(error))?;
        }
        Ok(settings)
    }

    /// Where the keys lie: in the file that was named, otherwise beside the SQLite file.
    ///
    /// # Errors
    /// None was named, and the database is not a file.
    pub fn key_file(&self) -> Result<PathBuf, ConfigError> {
        match (&self.key_file, &self.database) {
            (Some(path), _) => Ok(path.clone()),
            (None, DatabaseUrl::Sqlite(path)) if path != ":memory:" && !path.starts_with("file:") => {
                Ok(PathBuf::from(format!("{path}.keys")))
            }
            (None, _) => Err(ConfigError::KeyFileUnnamed),
        }
    }

    /// What is in force, by key, with secrets masked.
    #[must_use]
    pub fn describe(&self) -> Json {
        json!({
            "database": self.database.to_string(),
            "listen": self.listen.to_string(),
            "tls_certificate": self.tls_certificate.as_ref().map(|path| path.to_string_lossy()),
            "tls_key": self.tls_key.as_ref().map(|path| path.to_string_lossy()),
            "public_url": self.public_url.as_str(),
            "key_file": self.key_file().ok().map(|path| path.to_string_lossy().into_owned()),
            "time_zone": self.time_zone.name(),
            "label_font": self.label_font.as_ref().map(|path| path.to_string_lossy()),
            "complaint_phone": self.complaint_phone.as_str(),
            "complaint_authority": self.complaint_authority.as_ref().map(Line::as_str),
            "log": self.log.as_str(),
            "log_format": self.log_format.as_str(),
            "pool_size": self.pool_size.get(),
            "queue_length": self.queue_length.get(),
            "http_workers": self.http_workers.get(),
            "clock_gap_days": self.clock_gap_days.get(),
            "metrics_token": self.metrics_token.as_ref().map(|_| MASK),
            "allow_fsync_off": self.allow_fsync_off,
            "login_rate_per_minute": self.login_rate_per_minute.get(),
            "public_rate_per_minute": self.public_rate_per_minute.get(),
            "typed_rate_per_minute": self.typed_rate_per_minute.get(),
            "trusted_proxies": self.trusted_proxies.0,
            "shutdown_timeout_s": self.shutdown_timeout_s.get(),
        })
    }

    /// The same in the form of a settings file.
    #[must_use]
    pub fn describe_toml(&self) -> String {
        let described = self.describe();
        let lines = described.as_object().into_iter().flatten().map(|(key, value)| match value {
            Json::Null => format!("# {key} is not set\n"),
            // Strings, numbers and arrays of both look the same in JSON and in TOML.
            value => format!("{key} = {value}\n"),
        });
        lines.collect()
    }
}

/// The settings that there are.
fn keys() -> Vec<String> {
    let described = Settings::default().describe();
    described.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect()
}

/// Reads the settings file; no file is fine if none was named.
fn read_file(named: Option<PathBuf>, directory: &Path) -> Result<Option<(Origin, Config)>, ConfigError> {
    let must_exist = named.is_some();
    let path = named.unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
    let text = match read_text(&directory.join(&path)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !must_exist => return Ok(None),
        Err(source) => return Err(ConfigError::File { path, source }),
    };
    let source = ::config::File::from_str(&text, FileFormat::Toml);
    let table = source
        .collect()
        .map_err(|error| ConfigError::Syntax { path: path.clone(), reason: terse(&error) })?;
    let origin = Origin::File(path);
    let keys = keys();
    if let Some(key) = table.into_keys().filter(|key| !keys.contains(key)).min() {
        return Err(ConfigError::UnknownKey { key, origin, allowed: keys.join(", ") });
    }
    let layer = Config::builder().add_source(source).build().map_err(|error| origin.explain(error))?;
    Ok(Some((origin, layer)))
}

fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let read = File::open(path)?.take(MAX_FILE + 1).read_to_string(&mut text)?;
    if u64::try_from(read).unwrap_or(u64::MAX) > MAX_FILE {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it is larger than {MAX_FILE} bytes"),
        ));
    }
    Ok(text)
}

/// A TOML error on one line, without the piece of the file that it quotes.
fn terse(error: &::config::ConfigError) -> String {
    let text = match error {
        ::config::ConfigError::FileParse { cause, .. } => cause.to_string(),
        other => other.to_string(),
    };
    let quotes = |line: &str| {
        line.split_once('|').is_some_and(|(margin, _)| margin.chars().all(|c| c == ' ' || c.is_ascii_digit()))
    };
    text.lines().filter(|line| !quotes(line)).collect::<Vec<_>>().join(": ")
}

/// The settings among our environment variables.
fn env_values(env: HashMap<String, String>) -> Result<HashMap<String, String>, ConfigError> {
    let origin = Origin::Environment;
    let known: HashMap<String, String> = keys().into_iter().map(|key| (origin.spell(&key), key)).collect();
    let mut values = HashMap::new();
    let mut unknown = Vec::new();
    for (name, value) in env.into_iter().filter(|(name, _)| !name.starts_with(ENV_TESTS)) {
        match known.get(&name) {
            Some(key) => drop(values.insert(key.clone(), value)),
            None => unknown.push(name),
        }
    }
    let Some(key) = unknown.into_iter().min() else {
        return Ok(values);
    };
    let mut allowed: Vec<&str> = known.keys().map(String::as_str).chain([ENV_FILE]).collect();
    allowed.sort_unstable();
    Err(ConfigError::UnknownKey { key, origin, allowed: allowed.join(", ") })
}

fn from_values(values: HashMap<String, String>) -> Result<Config, ::config::ConfigError> {
    Config::builder().add_source(Environment::default().source(Some(values))).build()
}

#[cfg(test)]
mod tests;
