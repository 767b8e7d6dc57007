//! Types that others made, as values.

use super::Value;
use crate::db::conn::DatabaseUrl;
use chrono_tz::Tz;
use std::net::SocketAddr;
use std::path::PathBuf;

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
        "the IANA name of a time zone of Asia, such as Asia/Shanghai, or UTC".to_owned()
    }
    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}
