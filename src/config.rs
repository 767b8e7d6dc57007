//! Everything the service can be told.
//!
//! Four layers, the later wins: defaults, the settings file (TOML), environment variables `PINGMA_…`, the command
//! line. Nothing is overlooked: a key that nobody knows is an error in the file and in the environment, and every value
//! is checked, also one that a later layer overrides.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use ::config::{Config, Environment, FileFormat, Source as _};
use chrono_tz::Tz;
use secrecy::SecretString;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Value as Json, json};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::db::conn::{DatabaseUrl, MASK};

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
/// The longest value, in bytes.
const MAX_VALUE: usize = 4096;

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

/// A kind of value: all layers write it as text, and a number or true/false in the file counts as its text.
trait Value: Sized {
    /// Whether errors must not repeat it.
    const SECRET: bool = false;
    /// Whether the empty text is one.
    const MAY_BE_EMPTY: bool = false;
    /// What is allowed, after "must be".
    fn allowed() -> String;
    /// Reads it.
    fn read(text: &str) -> Option<Self>;
}

/// Reads a value or says what is allowed.
fn read<T: Value>(text: &str) -> Result<T, String> {
    if text.is_empty() && !T::MAY_BE_EMPTY {
        return Err(format!("must not be empty; it must be {}", T::allowed()));
    }
    if text.len() > MAX_VALUE {
        return Err(format!("must not be longer than {MAX_VALUE} bytes"));
    }
    if text.chars().any(char::is_control) || text.trim() != text {
        return Err("must not have control characters in it or blanks around it".to_owned());
    }
    T::read(text).ok_or_else(|| {
        if T::SECRET {
            return format!("must be {}", T::allowed());
        }
        let shown: String = text.chars().take(60).collect();
        format!("must be {}, not {shown:?}", T::allowed())
    })
}

fn value<'de, T: Value, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)
        .map_err(|_| D::Error::custom(format!("must be {}", T::allowed())))?;
    read(&text).map_err(D::Error::custom)
}

fn some<'de, T: Value, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    value(deserializer).map(Some)
}

/// A list is an array in the file, and a text with commas everywhere.
fn list<'de, T: Value, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum List {
        Text(String),
        Items(Vec<String>),
    }
    let text = match List::deserialize(deserializer) {
        Ok(List::Text(text)) => text,
        Ok(List::Items(items)) => items.join(","),
        Err(_) => return Err(D::Error::custom(format!("must be {}", T::allowed()))),
    };
    read(&text).map_err(D::Error::custom)
}

/// A whole number with bounds, both inclusive; the lower one is at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounded<const MIN: u32, const MAX: u32>(NonZeroU32);

impl<const MIN: u32, const MAX: u32> Bounded<MIN, MAX> {
    /// The number, if it is within the bounds.
    #[must_use]
    pub fn new(number: u32) -> Option<Self> {
        NonZeroU32::new(number).filter(|_| (MIN..=MAX).contains(&number)).map(Self)
    }

    /// The number, or the bound that is nearest to it.
    #[must_use]
    pub fn clamped(number: u32) -> Self {
        let number = if number < MIN { MIN } else { number.min(MAX) };
        Self(NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN))
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0.get()
    }

    /// The number, known not to be zero.
    #[must_use]
    pub fn non_zero(self) -> NonZeroU32 {
        self.0
    }

    /// The number as a count of things in memory.
    #[must_use]
    pub fn as_usize(self) -> usize {
        usize::try_from(self.get()).unwrap_or(usize::MAX)
    }
}

impl<const MIN: u32, const MAX: u32> Value for Bounded<MIN, MAX> {
    fn allowed() -> String {
        format!("a whole number from {MIN} to {MAX}")
    }
    fn read(text: &str) -> Option<Self> {
        text.parse().ok().and_then(Self::new)
    }
}

impl Value for bool {
    fn allowed() -> String {
        "true or false".to_owned()
    }
    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Value for DatabaseUrl {
    const SECRET: bool = true;
    fn allowed() -> String {
        "sqlite://FILE or postgres://…".to_owned()
    }
    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Value for SocketAddr {
    fn allowed() -> String {
        "an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080".to_owned()
    }
    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Value for PathBuf {
    fn allowed() -> String {
        "the path of a file".to_owned()
    }
    fn read(text: &str) -> Option<Self> {
        Some(Self::from(text))
    }
}

impl Value for Tz {
    fn allowed() -> String {
        "the IANA name of a time zone, such as Asia/Shanghai".to_owned()
    }
    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// The address under which phones reach the service: scheme, host and port, lower case, no slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// The longest one, in characters. Longer ones need a QR symbol too dense for a label.
    pub const MAX_LENGTH: usize = 100;

    /// As text, without a slash at the end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Value for PublicUrl {
    fn allowed() -> String {
        format!(
            "http:// or https://, a host of letters, digits, - and . (they go into the QR code in capitals) and perhaps \
             a port, without path or query, {} characters at most",
            Self::MAX_LENGTH
        )
    }
    fn read(text: &str) -> Option<Self> {
        let url = url::Url::parse(text).ok()?;
        let host = url.host_str().filter(|host| !host.is_empty())?;
        let bare = url.username().is_empty()
            && url.password().is_none()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none();
        let good = matches!(url.scheme(), "http" | "https")
            && text.contains("://")
            && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
            && bare;
        let origin = url.origin().ascii_serialization();
        (good && origin.len() <= Self::MAX_LENGTH).then_some(Self(origin))
    }
}

/// A telephone number as it is shown to the public.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phone(String);

impl Phone {
    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Value for Phone {
    fn allowed() -> String {
        "a telephone number: 3 to 20 digits, blanks, hyphens, parentheses, + in front".to_owned()
    }
    fn read(text: &str) -> Option<Self> {
        let number = text.strip_prefix('+').unwrap_or(text);
        let good = (3..=20).contains(&text.len())
            && number.chars().any(|c| c.is_ascii_digit())
            && number.chars().all(|c| c.is_ascii_digit() || " -()".contains(c));
        good.then(|| Self(text.to_owned()))
    }
}

/// A line of text of at most 100 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line(String);

impl Line {
    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Value for Line {
    fn allowed() -> String {
        "a line of at most 100 characters".to_owned()
    }
    fn read(text: &str) -> Option<Self> {
        (text.chars().count() <= 100).then(|| Self(text.to_owned()))
    }
}

/// A filter for the log that `tracing` understands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter(String);

impl LogFilter {
    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Value for LogFilter {
    fn allowed() -> String {
        "off, error, warn, info, debug, trace or a tracing filter such as info,pingma::ledger=debug"
            .to_owned()
    }
    fn read(text: &str) -> Option<Self> {
        // A word that is no level would count as a module of that name: a typo would turn the log off.
        let typo = |part: &str| {
            part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                && part.parse::<LevelFilter>().is_err()
        };
        if !text.contains('[') && text.split(',').any(typo) {
            return None;
        }
        EnvFilter::builder().parse(text).ok().map(|_| Self(text.to_owned()))
    }
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

impl Value for LogFormat {
    fn allowed() -> String {
        "text or json".to_owned()
    }
    fn read(text: &str) -> Option<Self> {
        [Self::Text, Self::Json].into_iter().find(|format| format.as_str() == text)
    }
}

/// A secret that a caller sends as `Authorization: Bearer …`. Compare it in constant time.
#[derive(Debug, Clone)]
pub struct BearerToken(SecretString);

impl BearerToken {
    /// The secret.
    #[must_use]
    pub fn secret(&self) -> &SecretString {
        &self.0
    }
}

impl Value for BearerToken {
    const SECRET: bool = true;
    fn allowed() -> String {
        "16 to 256 letters, digits and - . _ ~ + / =".to_owned()
    }
    fn read(text: &str) -> Option<Self> {
        let good = (16..=256).contains(&text.len())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "-._~+/=".contains(c));
        good.then(|| Self(text.into()))
    }
}

/// The reverse proxies whose word about their callers is taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpAddr>);

impl TrustedProxies {
    /// How many there can be.
    pub const MAX: usize = 64;

    /// Whether this peer is one of them. An IPv4 address counts the same in its IPv6 form, `::ffff:a.b.c.d`.
    #[must_use]
    pub fn contains(&self, peer: IpAddr) -> bool {
        self.0.contains(&peer.to_canonical())
    }
}

impl Value for TrustedProxies {
    const MAY_BE_EMPTY: bool = true;
    fn allowed() -> String {
        format!("a list of at most {} IP addresses", Self::MAX)
    }
    fn read(text: &str) -> Option<Self> {
        let items = text.split(',').map(str::trim).filter(|_| !text.is_empty());
        let proxies: Vec<IpAddr> = items
            .map(|item| item.parse().map(|ip: IpAddr| ip.to_canonical()))
            .collect::<Result<_, _>>()
            .ok()?;
        (proxies.len() <= Self::MAX).then_some(Self(proxies))
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
    /// Under which address phones reach it; printed on every label.
    #[serde(deserialize_with = "value")]
    pub public_url: PublicUrl,
    /// The file with the keys as it was named; see [`Settings::key_file`].
    #[serde(deserialize_with = "some")]
    key_file: Option<PathBuf>,
    /// The time zone in which days are counted.
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

/// What the command line says; absent means nothing. Values are checked by [`Settings::load`], like those of every
/// layer. There is no option for `metrics_token`, since other users of the machine see command lines.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Settings")]
pub struct Overrides {
    /// Read settings from this file; it must exist [default: pingma.toml if there is one] [env: PINGMA_CONFIG]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Database: sqlite://FILE or postgres://… (put one with a password into the file or the environment)
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
    /// Serve HTTP on this address and port
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// Address under which phones reach the service; printed on every label
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// File with the keys [default: beside the SQLite file, FILE.keys]
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<String>,
    /// Time zone in which days are counted
    #[arg(long, value_name = "NAME")]
    pub time_zone: Option<String>,
    /// Font of the labels
    #[arg(long, value_name = "FILE")]
    pub label_font: Option<String>,
    /// Number for complaints, shown to the public
    #[arg(long, value_name = "NUMBER")]
    pub complaint_phone: Option<String>,
    /// Who takes complaints, shown to the public
    #[arg(long, value_name = "NAME")]
    pub complaint_authority: Option<String>,
    /// What is logged: off, error, warn, info, debug, trace or a tracing filter
    #[arg(long, value_name = "FILTER")]
    pub log: Option<String>,
    /// How it is logged: text or json
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<String>,
    /// Database connections for reading, 1 to 64
    #[arg(long, value_name = "COUNT")]
    pub pool_size: Option<String>,
    /// Commands that may wait for the ledger, 16 to 65536
    #[arg(long, value_name = "COUNT")]
    pub queue_length: Option<String>,
    /// Threads that serve HTTP, 1 to 64
    #[arg(long, value_name = "COUNT")]
    pub http_workers: Option<String>,
    /// Days without an event after which the clock is not believed, 1 to 3650
    #[arg(long, value_name = "DAYS")]
    pub clock_gap_days: Option<String>,
    /// Put up with a PostgreSQL that runs with fsync=off
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub allow_fsync_off: Option<String>,
    /// Logins per minute from one address, 1 to 100000
    #[arg(long, value_name = "COUNT")]
    pub login_rate_per_minute: Option<String>,
    /// Calls without login per minute from one address, 1 to 100000
    #[arg(long, value_name = "COUNT")]
    pub public_rate_per_minute: Option<String>,
    /// IP addresses, with commas between, from which forwarded headers are believed
    #[arg(long, value_name = "ADDRESSES")]
    pub trusted_proxies: Option<String>,
    /// Seconds that running requests get when the service stops, 1 to 300
    #[arg(long, value_name = "SECONDS")]
    pub shutdown_timeout_s: Option<String>,
}

impl Overrides {
    /// Keys and values, as in the other layers.
    fn into_values(self) -> HashMap<String, String> {
        [
            ("database", self.database),
            ("listen", self.listen),
            ("public_url", self.public_url),
            ("key_file", self.key_file),
            ("time_zone", self.time_zone),
            ("label_font", self.label_font),
            ("complaint_phone", self.complaint_phone),
            ("complaint_authority", self.complaint_authority),
            ("log", self.log),
            ("log_format", self.log_format),
            ("pool_size", self.pool_size),
            ("queue_length", self.queue_length),
            ("http_workers", self.http_workers),
            ("clock_gap_days", self.clock_gap_days),
            ("allow_fsync_off", self.allow_fsync_off),
            ("login_rate_per_minute", self.login_rate_per_minute),
            ("public_rate_per_minute", self.public_rate_per_minute),
            ("trusted_proxies", self.trusted_proxies),
            ("shutdown_timeout_s", self.shutdown_timeout_s),
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
mod tests {
    use std::error::Error as _;

    use secrecy::ExposeSecret as _;
    use tempfile::TempDir;

    use super::*;

    const TOKEN: &str = "correct-horse-battery";

    /// Loads with a default settings file of this content, if any.
    fn load(file: Option<&str>, env: &[(&str, &str)], overrides: Overrides) -> Result<Settings, ConfigError> {
        let dir = TempDir::new().unwrap();
        if let Some(text) = file {
            std::fs::write(dir.path().join(DEFAULT_FILE), text).unwrap();
        }
        load_in(dir.path(), env, overrides)
    }

    fn load_in(dir: &Path, env: &[(&str, &str)], overrides: Overrides) -> Result<Settings, ConfigError> {
        let env = env.iter().map(|&(name, value)| (name.to_owned(), value.to_owned()));
        Settings::load(overrides, env, dir)
    }

    fn from_file(text: &str) -> Result<Settings, ConfigError> {
        load(Some(text), &[], Overrides::default())
    }

    fn from_env(name: &str, value: &str) -> Result<Settings, ConfigError> {
        load(None, &[(name, value)], Overrides::default())
    }

    /// The message, of this error and all below it.
    fn message(result: Result<Settings, ConfigError>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn without_any_layer_the_defaults_are_in_force() {
        let settings = load(None, &[("PATH", "/bin"), ("pingma_listen", "x")], Overrides::default()).unwrap();
        let mut described = settings.describe();
        let workers = described.as_object_mut().unwrap().remove("http_workers").unwrap();
        assert!((1..=64).contains(&workers.as_u64().unwrap()));
        assert_eq!(
            described,
            json!({
                "database": "sqlite://pingma.db",
                "listen": "127.0.0.1:8080",
                "public_url": "http://127.0.0.1:8080",
                "key_file": "pingma.db.keys",
                "time_zone": "Asia/Shanghai",
                "label_font": null,
                "complaint_phone": "12315",
                "complaint_authority": null,
                "log": "info",
                "log_format": "text",
                "pool_size": 8,
                "queue_length": 4096,
                "clock_gap_days": 180,
                "metrics_token": null,
                "allow_fsync_off": false,
                "login_rate_per_minute": 30,
                "public_rate_per_minute": 60,
                "trusted_proxies": [],
                "shutdown_timeout_s": 20,
            })
        );
    }

    #[test]
    fn the_later_layer_wins() {
        let file = "pool_size = 2\nqueue_length = 20\nclock_gap_days = 30\n";
        let env = [("PINGMA_QUEUE_LENGTH", "21"), ("PINGMA_CLOCK_GAP_DAYS", "31")];
        let overrides = Overrides { clock_gap_days: Some("32".to_owned()), ..Overrides::default() };
        let settings = load(Some(file), &env, overrides).unwrap();
        let numbers = [settings.pool_size.get(), settings.queue_length.get(), settings.clock_gap_days.get()];
        assert_eq!(numbers, [2, 21, 32]);
        assert_eq!(settings.shutdown_timeout_s.get(), 20);
    }

    #[test]
    fn a_named_file_takes_the_place_of_the_default_and_must_exist() {
        let dir = TempDir::new().unwrap();
        for (name, size) in [(DEFAULT_FILE, 1), ("env.toml", 2), ("arg", 3)] {
            std::fs::write(dir.path().join(name), format!("pool_size = {size}")).unwrap();
        }
        let size = |env: &[(&str, &str)], config: Option<&str>| {
            let overrides = Overrides { config: config.map(PathBuf::from), ..Overrides::default() };
            load_in(dir.path(), env, overrides).map(|settings| settings.pool_size.get())
        };
        assert_eq!(size(&[], None).unwrap(), 1);
        assert_eq!(size(&[(ENV_FILE, "env.toml")], None).unwrap(), 2);
        assert_eq!(size(&[(ENV_FILE, "env.toml")], Some("arg")).unwrap(), 3);
        let absolute = dir.path().join("env.toml");
        assert_eq!(size(&[], absolute.to_str()).unwrap(), 2);
        for missing in [size(&[(ENV_FILE, "none.toml")], None), size(&[], Some("none.toml"))] {
            let error = missing.unwrap_err();
            assert!(
                matches!(&error, ConfigError::File { path, .. } if path == Path::new("none.toml")),
                "{error}"
            );
            assert!(error.source().is_some());
        }
        assert!(matches!(size(&[(ENV_FILE, "")], None), Err(ConfigError::File { .. })));
    }

    #[test]
    fn a_default_file_that_is_there_but_unreadable_is_not_passed_over() {
        let dir = TempDir::new().unwrap();
        std::fs::create_dir(dir.path().join(DEFAULT_FILE)).unwrap();
        assert!(matches!(load_in(dir.path(), &[], Overrides::default()), Err(ConfigError::File { .. })));
        let large = "#".repeat(300_000);
        assert!(message(from_file(&large)).contains("larger than 262144 bytes"));
    }

    #[test]
    fn unknown_keys_in_the_file_are_refused() {
        for (text, key) in [
            ("pool_size = 2\npool_sise = 3\n", "pool_sise"),
            ("[server]\nlisten = \"127.0.0.1:1\"\n", "server"),
            ("\"log.level\" = \"info\"\n", "log.level"),
            ("Listen = \"127.0.0.1:1\"\n", "Listen"),
            ("config = \"x\"\n", "config"),
        ] {
            let text = message(from_file(text));
            assert!(
                text.starts_with(&format!("pingma.toml: there is no setting {key:?}; allowed are ")),
                "{text}"
            );
            assert!(text.contains("allow_fsync_off") && text.contains("trusted_proxies"), "{text}");
        }
    }

    #[test]
    fn unknown_keys_in_the_environment_are_refused() {
        for name in ["PINGMA_POOL_SISE", "PINGMA_pool_size", "PINGMA_", "PINGMA_LOG.X", "PINGMA_TESTS"] {
            let text = message(from_env(name, "hidden-value"));
            assert!(
                text.starts_with(&format!("environment: there is no setting {name:?}; allowed are ")),
                "{text}"
            );
            assert!(text.contains("PINGMA_POOL_SIZE") && text.contains("PINGMA_CONFIG"), "{text}");
            assert!(!text.contains("hidden-value"), "{text}");
        }
        assert!(from_env("PINGMA_TEST_POSTGRES_TCP", "0").is_ok());
        assert!(from_env("PINGMAX", "0").is_ok());
    }

    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        overrides: Overrides,
    }

    #[test]
    fn the_command_line_has_every_key_but_the_secret_one() {
        let command = <Cli as clap::CommandFactory>::command();
        command.clone().debug_assert();
        let flags: Vec<String> =
            command.get_arguments().filter_map(|arg| arg.get_long()).map(str::to_owned).collect();
        let mut args = vec!["pingma".to_owned()];
        for key in keys() {
            let flag = key.replace('_', "-");
            assert_eq!(flags.contains(&flag), key != "metrics_token", "{flag}");
            if key != "metrics_token" {
                args.push(format!("--{flag}=1"));
            }
        }
        let values = <Cli as clap::Parser>::try_parse_from(args).unwrap().overrides.into_values();
        assert_eq!(values.len() + 1, keys().len());
        assert!(values.keys().all(|key| keys().contains(key)));
        assert!(<Cli as clap::Parser>::try_parse_from(["pingma", "--metrics-token=x"]).is_err());
    }

    #[test]
    fn a_switch_needs_no_value() {
        let parse = |arg: &str| {
            let cli = <Cli as clap::Parser>::try_parse_from(["pingma", arg]).unwrap();
            load(Some("allow_fsync_off = true"), &[], cli.overrides).unwrap().allow_fsync_off
        };
        assert!(parse("--allow-fsync-off"));
        assert!(!parse("--allow-fsync-off=false"));
    }

    #[test]
    fn every_key_can_be_set_in_the_file_and_in_the_environment() {
        let values = [
            ("database", "\"postgres://db/pingma\""),
            ("listen", "\"0.0.0.0:80\""),
            ("public_url", "\"https://q.example.cn\""),
            ("key_file", "\"/etc/pingma.keys\""),
            ("time_zone", "\"Asia/Urumqi\""),
            ("label_font", "\"/usr/share/fonts/a.ttf\""),
            ("complaint_phone", "\"021-12345\""),
            ("complaint_authority", "\"市场监督管理局\""),
            ("log", "\"warn,pingma=trace\""),
            ("log_format", "\"json\""),
            ("pool_size", "3"),
            ("queue_length", "17"),
            ("http_workers", "5"),
            ("clock_gap_days", "7"),
            ("metrics_token", "\"***\""),
            ("allow_fsync_off", "true"),
            ("login_rate_per_minute", "1"),
            ("public_rate_per_minute", "2"),
            ("trusted_proxies", "[\"10.0.0.1\",\"::1\"]"),
            ("shutdown_timeout_s", "300"),
        ];
        let mut described = Settings::default().describe();
        for (key, value) in values {
            described[key] = serde_json::from_str(value).unwrap();
        }
        assert_eq!(described.as_object().unwrap().len(), values.len());

        let file: String = values.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        let settings = from_file(&file.replace(MASK, TOKEN)).unwrap();
        assert_eq!(settings.describe(), described);
        assert_eq!(settings.metrics_token.unwrap().secret().expose_secret(), TOKEN);

        let env: Vec<(String, String)> = values
            .iter()
            .map(|(key, value)| {
                let value = value.replace(['"', '[', ']'], "").replace(MASK, TOKEN);
                (Origin::Environment.spell(key), value)
            })
            .collect();
        let settings = Settings::load(Overrides::default(), env, Path::new("/nonexistent")).unwrap();
        assert_eq!(settings.describe(), described);
    }

    #[test]
    fn numbers_have_bounds() {
        for (key, min, max) in [
            ("pool_size", 1, 64),
            ("queue_length", 16, 65_536),
            ("http_workers", 1, 64),
            ("clock_gap_days", 1, 3650),
            ("login_rate_per_minute", 1, 100_000),
            ("public_rate_per_minute", 1, 100_000),
            ("shutdown_timeout_s", 1, 300),
        ] {
            for good in [min, max] {
                let settings = from_file(&format!("{key} = {good}")).unwrap();
                assert_eq!(settings.describe()[key], good);
            }
            let allowed = format!("must be a whole number from {min} to {max}");
            for bad in
                [(min - 1).to_string(), (max + 1).to_string(), "-1".into(), "1.5".into(), "true".into()]
            {
                let text = message(from_file(&format!("{key} = {bad}")));
                assert_eq!(text, format!("pingma.toml: {key} {allowed}, not {bad:?}"));
            }
            for bad in ["[1]", "{ a = 1 }"] {
                assert_eq!(
                    message(from_file(&format!("{key} = {bad}"))),
                    format!("pingma.toml: {key} {allowed}")
                );
            }
            let name = Origin::Environment.spell(key);
            assert_eq!(message(from_env(&name, "x")), format!("environment: {name} {allowed}, not \"x\""));
        }
        let overrides = Overrides { pool_size: Some("65".to_owned()), ..Overrides::default() };
        let text = message(load(None, &[], overrides));
        assert_eq!(text, "command line: --pool-size must be a whole number from 1 to 64, not \"65\"");
    }

    #[test]
    fn a_number_out_of_bounds_can_only_be_clamped() {
        assert_eq!(Bounded::<2, 5>::new(1), None);
        assert_eq!(Bounded::<2, 5>::new(6), None);
        assert_eq!([0, 2, 3, 5, 9].map(|n| Bounded::<2, 5>::clamped(n).get()), [2, 2, 3, 5, 5]);
        let five = Bounded::<2, 5>::new(5).unwrap();
        assert_eq!((five.non_zero().get(), five.as_usize()), (5, 5));
    }

    #[test]
    fn the_defaults_are_allowed_values() {
        let settings = Settings::default();
        let described = settings.describe_toml();
        assert_eq!(from_file(&described).unwrap().describe(), settings.describe());
    }

    #[test]
    fn values_that_are_not_allowed_are_refused_with_what_is() {
        let long = "x".repeat(101);
        for (key, bad, part) in [
            ("database", "mysql://x", "must be sqlite://FILE or postgres://"),
            ("database", "sqlite://", "must be sqlite://FILE or postgres://"),
            ("listen", "localhost:80", "must be an IP address and a port"),
            ("listen", "127.0.0.1", "must be an IP address and a port"),
            ("time_zone", "Asia/Beijing", "such as Asia/Shanghai, not \"Asia/Beijing\""),
            ("complaint_phone", "call us", "must be a telephone number"),
            ("complaint_phone", "---", "must be a telephone number"),
            ("complaint_phone", "1+2345", "must be a telephone number"),
            ("complaint_authority", &long, "at most 100 characters"),
            ("log", "info,pingma=loud", "must be off, error"),
            ("log", "inof", "must be off, error"),
            ("log", "info,pingma", "must be off, error"),
            ("log_format", "JSON", "must be text or json"),
            ("allow_fsync_off", "yes", "must be true or false"),
            ("trusted_proxies", "10.0.0.0/8", "IP addresses"),
            ("trusted_proxies", "10.0.0.1,", "IP addresses"),
            ("metrics_token", "short", "must be 16 to 256"),
            ("key_file", "a\u{7}b", "control characters"),
            ("label_font", " a", "blanks around it"),
        ] {
            let name = Origin::Environment.spell(key);
            let text = message(from_env(&name, bad));
            assert!(text.starts_with(&format!("environment: {name} must ")) && text.contains(part), "{text}");
        }
        for key in keys().into_iter().filter(|key| key != "trusted_proxies") {
            let text = message(from_env(&Origin::Environment.spell(&key), ""));
            assert!(text.contains("must not be empty"), "{text}");
            let long = "1".repeat(5000);
            assert!(message(from_env(&Origin::Environment.spell(&key), &long)).contains("longer than 4096"));
        }
        let many = vec!["10.0.0.1"; 65].join(",");
        assert!(from_env("PINGMA_TRUSTED_PROXIES", &many).is_err());
        assert!(
            message(from_file("trusted_proxies = 3")).ends_with("must be a list of at most 64 IP addresses")
        );
    }

    #[test]
    fn a_bad_value_is_refused_even_where_a_later_layer_overrides_it() {
        let text = message(load(Some("pool_size = 0"), &[("PINGMA_POOL_SIZE", "3")], Overrides::default()));
        assert!(text.starts_with("pingma.toml: pool_size"), "{text}");
    }

    #[test]
    fn filters_for_the_log() {
        for good in
            ["off", "INFO", "0", "warn,pingma::ledger=trace", "pingma[request{status=500}]=debug,error"]
        {
            assert_eq!(from_env("PINGMA_LOG", good).unwrap().log.as_str(), good);
        }
    }

    #[test]
    fn the_public_url_fits_the_alphanumeric_mode_of_a_qr_code() {
        for (text, read) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("HTTPS://Q.Example.CN/", "https://q.example.cn"),
            ("https://q.example.cn:443", "https://q.example.cn"),
            ("https://瓶码.cn", "https://xn--3lyw8d.cn"),
        ] {
            let url = from_env("PINGMA_PUBLIC_URL", text).unwrap().public_url;
            assert_eq!(url.as_str(), read);
            assert!(
                url.as_str()
                    .to_ascii_uppercase()
                    .chars()
                    .all(|c| { c.is_ascii_digit() || c.is_ascii_uppercase() || " $%*+-./:".contains(c) })
            );
        }
        let long = format!("https://{}.cn", "a.".repeat(50));
        for bad in [
            "q.example.cn",
            "ftp://q.example.cn",
            "http:q.example.cn",
            "https://",
            "https://q.example.cn/path",
            "https://q.example.cn//",
            "https://q.example.cn/?",
            "https://q.example.cn/#",
            "https://user@q.example.cn",
            "https://[::1]:8080",
            "https://q_r.example.cn",
            "https://q.example.cn:99999",
            &long,
        ] {
            let text = message(from_env("PINGMA_PUBLIC_URL", bad));
            assert!(text.contains("must be http:// or https://"), "{bad}: {text}");
        }
    }

    #[test]
    fn an_error_never_repeats_a_secret() {
        for text in [
            message(from_env("PINGMA_METRICS_TOKEN", "hush hush hush hush")),
            message(from_env("PINGMA_METRICS_TOKEN", "hush\nhushhushhushhush")),
            message(from_env("PINGMA_DATABASE", "pg://u:hush@h/d")),
            message(from_file("metrics_token = \"hushhushhushhush\nlog = \"info\"")),
            message(from_file("metrics_token = hushhushhushhush")),
            message(from_file("metrics_token = \"\"\"\nhush")),
            message(from_file("metrics_token = [\"hush\"]")),
            message(from_file("metrics_token = { hush = 1 }")),
            message(from_file("database = \"a|hush\" \"|hush\"")),
            format!("{:?}", from_file("metrics_token = \"hushhushhushhush").unwrap_err()),
        ] {
            assert!(!text.contains("hush"), "{text}");
            assert!(
                text.contains("METRICS_TOKEN") || text.contains("DATABASE") || text.contains("toml"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_syntax_error_says_where_and_why() {
        let text = message(from_file("log = \"info\"\npool_size = = 3\n"));
        assert!(text.starts_with("the settings file pingma.toml is not valid TOML: "), "{text}");
        assert!(text.contains("line 2, column"), "{text}");
        assert!(!text.contains('|') && !text.contains('\n'), "{text}");
        assert!(message(from_file("pool_size = 1\npool_size = 2")).contains("duplicate key"));
        assert_eq!(from_file("\u{feff}pool_size = 1").unwrap().pool_size.get(), 1);
    }

    #[test]
    fn the_key_file_lies_beside_the_sqlite_file() {
        let key_file = |database: &str, named: Option<&str>| {
            let overrides = Overrides {
                database: Some(database.to_owned()),
                key_file: named.map(str::to_owned),
                ..Overrides::default()
            };
            load(None, &[], overrides).unwrap().key_file()
        };
        assert_eq!(key_file("sqlite://p.db", None).unwrap(), Path::new("p.db.keys"));
        assert_eq!(key_file("sqlite:///var/lib/p.db", None).unwrap(), Path::new("/var/lib/p.db.keys"));
        assert_eq!(key_file("sqlite://p.db", Some("k")).unwrap(), Path::new("k"));
        assert_eq!(key_file("postgres://h/d", Some("k")).unwrap(), Path::new("k"));
        for database in
            ["postgres://h/d", "postgresql:///d", "sqlite://:memory:", "sqlite://file:x?mode=memory"]
        {
            let error = key_file(database, None).unwrap_err();
            assert!(matches!(error, ConfigError::KeyFileUnnamed));
            assert!(error.to_string().contains("key_file"));
        }
    }

    #[test]
    fn passwords_are_masked() {
        for (url, shown) in [
            (
                "postgres://db.lan:5433/pingma?sslmode=require",
                "postgres://db.lan:5433/pingma?sslmode=require",
            ),
            ("postgres:///pingma?host=/run/pg&port=5433", "postgres:///pingma?host=/run/pg&port=5433"),
            ("postgresql://u:hush@db/p", "postgresql://***@db/p"),
            ("postgres://hush@db", "postgres://***@db"),
            ("postgres://u:h%75sh@db/p?connect_timeout=3", "postgres://***@db/p?connect_timeout=3"),
            (
                "postgres://db/p?user=hush&password=hush&sslmode=a",
                "postgres://db/p?user=***&password=***&sslmode=a",
            ),
            ("postgres://db/p?%70assword=hush", "postgres://db/p?***"),
            ("postgres://db/p?PASSWORD=hush&sslpassword=hush", "postgres://db/p?***&***"),
            ("postgres://db/p?password=a&hush", "postgres://db/p?password=***&***"),
            ("postgres://db/p?password=a&hush=b", "postgres://db/p?password=***&***"),
            ("postgres://a:1,[::1]:2,[::2],c/p", "postgres://a:1,[::1]:2,[::2],c/p"),
            ("postgres://u:hush/p", "postgres://***"),
            ("postgres://u:hush", "postgres://***"),
            ("postgres://u:hu?sh@db/p", "postgres://***@db/p"),
            ("postgres://u:hu@sh@db/p", "postgres://***"),
            ("postgres://u:hu/sh@db/p", "postgres://***"),
            ("postgres://u:hush/?x@db/p", "postgres://***"),
            ("postgres://u:a@db/p?password=a@hush", "postgres://***"),
            ("postgres://db/p?password=a@hush&user=u", "postgres://***"),
        ] {
            let settings = from_env("PINGMA_DATABASE", url).unwrap();
            assert_eq!(settings.describe()["database"], shown, "{url}");
            for text in [format!("{settings:?}"), settings.describe_toml(), settings.describe().to_string()] {
                assert!(!text.contains("hush") && !text.contains("h%75sh"), "{text}");
            }
        }
        let settings = from_env("PINGMA_METRICS_TOKEN", "hushhushhushhush").unwrap();
        assert_eq!(settings.describe()["metrics_token"], MASK);
        let token = settings.metrics_token.clone().unwrap();
        for text in [format!("{settings:?}"), settings.describe_toml(), format!("{token:?}")] {
            assert!(!text.contains("hush"), "{text}");
        }
    }

    #[test]
    fn the_description_can_be_read_back() {
        let file = "trusted_proxies = [\"10.0.0.1\", \"::ffff:10.0.0.2\"]\nlabel_font = 'C:\\a \"b\".ttf'\n\
                    complaint_authority = \"市监局\"\nallow_fsync_off = true\n";
        let settings = from_file(file).unwrap();
        let text = settings.describe_toml();
        assert!(text.contains("trusted_proxies = [\"10.0.0.1\",\"10.0.0.2\"]\n"), "{text}");
        assert!(text.contains("# metrics_token is not set\n"), "{text}");
        assert_eq!(from_file(&text).unwrap().describe(), settings.describe());
    }

    #[test]
    fn proxies_are_trusted_in_either_form_of_their_address() {
        let proxies = from_env("PINGMA_TRUSTED_PROXIES", "10.0.0.1, ::ffff:10.0.0.2,2001:db8::1")
            .unwrap()
            .trusted_proxies;
        for (peer, trusted) in [
            ("10.0.0.1", true),
            ("::ffff:10.0.0.1", true),
            ("10.0.0.2", true),
            ("2001:db8:0::1", true),
            ("10.0.0.3", false),
            ("::1", false),
        ] {
            assert_eq!(proxies.contains(peer.parse().unwrap()), trusted, "{peer}");
        }
        let none = load(
            Some("trusted_proxies = [\"10.0.0.1\"]"),
            &[("PINGMA_TRUSTED_PROXIES", "")],
            Overrides::default(),
        );
        assert_eq!(none.unwrap().trusted_proxies, TrustedProxies::default());
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_of_ours_must_be_unicode_others_need_not() {
        use std::os::unix::ffi::OsStringExt as _;
        let bad = || OsString::from_vec(vec![b'/', 0xff]);
        let good = unicode(
            [("PATH".into(), bad()), (bad(), bad()), ("PINGMA_LOG".into(), "info".into())].into_iter(),
        );
        assert_eq!(good.unwrap(), [("PINGMA_LOG".to_owned(), "info".to_owned())]);
        let error = unicode([("PINGMA_KEY_FILE".into(), bad())].into_iter()).unwrap_err();
        assert_eq!(error.to_string(), "environment: PINGMA_KEY_FILE must be Unicode (UTF-8)");
        assert!(environment().is_ok());
    }
}
