//! What is logged, and how.

use super::Value;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::filter::Targets;

/// A filter for the log that `tracing` understands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter(pub(in crate::config) String);

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
        if text.split(',').any(typo) {
            return None;
        }
        text.parse::<Targets>().ok().map(|_| Self(text.to_owned()))
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
