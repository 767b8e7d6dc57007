//! The values that settings take, each with its bounds.

use super::*;
use crate::db::conn::DatabaseUrl;
use chrono_tz::Tz;
use secrecy::SecretString;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// A kind of value: all layers write it as text, and a number or true/false in the file counts as its text.
pub(super) trait Value: Sized {
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
pub(super) fn read<T: Value>(text: &str) -> Result<T, String> {
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

pub(super) fn value<'de, T: Value, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)
        .map_err(|_| D::Error::custom(format!("must be {}", T::allowed())))?;
    read(&text).map_err(D::Error::custom)
}

pub(super) fn some<'de, T: Value, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    value(deserializer).map(Some)
}

/// A list is an array in the file, and a text with commas everywhere.
pub(super) fn list<'de, T: Value, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
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
pub struct PublicUrl(pub(super) String);

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
pub struct Phone(pub(super) String);

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
pub struct LogFilter(pub(super) String);

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
pub struct TrustedProxies(pub(super) Vec<IpAddr>);

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
