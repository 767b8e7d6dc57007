//! The values that settings take, each with its bounds: one kind of value a file.

mod bearer_token;
mod bounded;
mod foreign;
mod log;
mod public_url;
mod text;
mod trusted_proxies;

pub use bearer_token::BearerToken;
pub use bounded::Bounded;
pub use log::{LogFilter, LogFormat};
pub use public_url::PublicUrl;
pub use text::{Line, Phone};
pub use trusted_proxies::TrustedProxies;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// The longest value, in bytes.
const MAX_VALUE: usize = 4096;

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
